from .completion_accuracy import known_characters as known_characters
from .completion_accuracy import overall_accuracy as overall_accuracy
from .completion_accuracy import repeated_words as repeated_words
from .texts import pairs_table as pairs_table
from .texts import suggestions_table as suggestions_table
from .texts import text_connectivity as text_connectivity
