from .association import associate as associate
from .evidence import gather_evidence as gather_evidence
from .ranges import labelled_ranges as labelled_ranges
from .reruns import rerun as rerun
from .storage import from_selection as from_selection
from .storage import load as load
from .storage import save as save
from .testing import test as test
