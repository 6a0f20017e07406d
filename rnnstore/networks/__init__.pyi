from .interface import Network as Network
from .interface import Trace as Trace
from .opening import has_network as has_network
from .opening import missing_network as missing_network
from .opening import open_network as open_network
from .opening import register as register
from .reading import Reading as Reading
from .recorded import recorded_reading as recorded_reading
