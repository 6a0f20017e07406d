from .clusterings import save_clustering as save_clustering
from .decomposition import decompose as decompose
from .expected import expected_responses as expected_responses
from .expected import find_words as find_words
from .expected import word_response as word_response
from .membership import members as members
from .membership import with_words as with_words
