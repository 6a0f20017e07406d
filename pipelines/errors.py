"""What can go wrong with a recipe, a corpus or a training: each error is a sentence for the person at the terminal."""

from rnnstore.errors import StoreError


class RecipeError(StoreError):
    """A recipe that cannot be used; one sentence (a line) for every mistake in it."""


class CorpusError(StoreError):
    """A corpus that cannot be prepared: what was found, what was expected, what to do."""


class TrainingError(StoreError):
    """A training that cannot start or go on: at which step, why, what to do."""


NOT_TRAINED = "{name} is not trained yet. Run `python -m pipelines train` with its recipe first."


class Interrupted(StoreError):
    """A training that the person stopped: what was saved, how to go on."""
