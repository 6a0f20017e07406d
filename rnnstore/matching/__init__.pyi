from .linked_states import LinkedState as LinkedState
from .linked_states import count_overlapping as count_overlapping
from .linked_states import select_linked as select_linked
from .matches import match as match
from .selection import select as select
from .suggestions import example_selection as example_selection
from .text_search import search as search
