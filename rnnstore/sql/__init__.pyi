from .limits import Limits as Limits
from .pool import Pool as Pool
