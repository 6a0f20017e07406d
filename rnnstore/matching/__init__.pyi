from .matches import Matches as Matches
from .matches import match as match
from .selection import Selection as Selection
from .selection import select as select
from .selection import units_on as units_on
from .text_search import search as search
