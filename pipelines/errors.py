"""What can be wrong with a recipe or a corpus: each error is a sentence for the person at the terminal."""

from rnnstore.errors import StoreError


class RecipeError(StoreError):
    """A recipe that cannot be used; one sentence (a line) for every mistake in it."""


class CorpusError(StoreError):
    """A corpus that cannot be prepared: what was found, what was expected, what to do."""
