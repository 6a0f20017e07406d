"""The pictures of the page "Connectivity" by one call: a shaded text, and all pairs of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnstore.connectivity.charts import completion_accuracy as known
from rnnstore.connectivity.charts import pairs as charts
from rnnstore.connectivity.completion_accuracy import known_characters
from rnnstore.connectivity.norms import Scale
from rnnstore.connectivity.texts import text_connectivity
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.store.model import Model


def connectivity_picture(
    models: Model | Sequence[Model],
    text: str | tuple[int, int],
    at: int,
    target: str = "true",
    scale: Scale = "embedding",
    *,
    word: str = "",
    later: bool = False,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """A text, or the steps (first, stop) of a recording, shaded by what the prediction after step `at` depends on.

    Several models stand below one another; `at` counts the steps of each. With `later`, the steps are shaded
    whose predictions depend on the input at `at`. The other arguments, and the errors that are raised, are those of
    `rnnstore.connectivity.text_connectivity`.

    >>> connectivity_picture([gru, lstm], "def main(argv", at=12)  # doctest: +SKIP
    """
    several = [models] if isinstance(models, Model) else list(models)
    texts = [text_connectivity(model, text, target, scale, word=word) for model in several]
    return charts.shaded_text_picture(texts, palette(theme), at, later=later, width=width)


def connectivity_pairs_picture(
    model: Model, text: str | tuple[int, int], *, theme: str = "light", **choices: Any
) -> Picture:
    """All pairs of steps of a text: which outputs depend on which inputs. `choices` as in `text_connectivity`."""
    return charts.pairs_picture(text_connectivity(model, text, **choices), palette(theme))


def known_characters_picture(*models: Model, sequences: int = 0, theme: str = "light") -> Picture:
    """How often networks that complete words are right, by the characters of the word that they know.

    With `sequences`, besides, the share of connectivity outside the word, over so many sequences of each recording; see
    `rnnstore.connectivity.known_characters` for the numbers and for what is raised.
    """
    tables = {model.name: known_characters(model, sequences=sequences) for model in models}
    return known.known_characters_picture(tables, palette(theme))


def finding_picture(
    model: Model,
    state: str | None,
    *,
    first: int,
    stop: int,
    at: int,
    later: bool = False,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The picture of a view of `rnnstore.connectivity.finding`: a recorded span shaded by connectivity."""
    return connectivity_picture(model, (first, stop), at, later=later, theme=theme, width=width)
