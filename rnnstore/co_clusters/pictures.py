"""The clusters, the responses of words, and the words of units (page "Co-clusters"), each by one call."""

from __future__ import annotations

from collections.abc import Sequence

from rnnstore.co_clusters.charts.picture import Drawing, Highlights, co_cluster_picture
from rnnstore.co_clusters.charts.responses import response_picture
from rnnstore.co_clusters.charts.unit_words import unit_words_picture
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses, word_response, word_tags, words_of_unit
from rnnstore.co_clusters.membership import with_words
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

DEFAULT_CLUSTERS = 10


def clusters_picture(
    model: Model,
    state: str,
    *,
    k: int | None = None,
    words: int | None = 500,
    method: str = "signed",
    chosen: Sequence[str] = (),
    units: Sequence[int] = (),
    pinned: Sequence[str] = (),
    tags: str | None = None,
    drawing: Drawing | None = None,
    theme: str = "light",
) -> Picture:
    """The units and words of a state in `k` clusters each (None: ten, or as many as there can be): chips, clouds, and
    links between them (RNNVis, figure 1).

    The `words` most frequent words (None: all) and those `chosen`, whose responses colour the units; `units` colour the
    words, `pinned` words are drawn in any case, `tags` is a track by whose most frequent label words are coloured.

    >>> clusters_picture(model, "layer1.c", k=6, chosen=["("])  # doctest: +SKIP
    """
    expected = expected_responses(model, state)
    decomposed = decompose(expected, words)
    found = decomposed.clusters(min(DEFAULT_CLUSTERS, decomposed.most_clusters) if k is None else k, method)
    found = with_words(found, expected, (*chosen, *pinned))
    selected = Highlights(chosen, units, pinned, word_tags(model, tags) if tags else None)
    return co_cluster_picture(found, expected, palette(theme), selected, drawing)


def responses_picture(model: Model, state: str, *words: str, theme: str = "light", width: int = 900) -> Picture:
    """How `words` move every unit of a state: mean and bands, units in the order of the first word's mean."""
    if not words:
        raise QuestionError("There is no word to show; give at least one.")
    return response_picture([word_response(model, state, word) for word in words], palette(theme), width=width)


def words_picture(
    model: Model,
    state: str,
    *units: int,
    m: int = 10,
    minimum_count: int = 5,
    theme: str = "light",
    width: int = 900,
) -> Picture:
    """The `m` words that move each of `units` most, as box plots, of those read at least `minimum_count` times."""
    if not units:
        raise QuestionError("There is no unit to show; give at least one.")
    tables = {unit: words_of_unit(model, state, unit, m, minimum_count) for unit in units}
    if not any(table.num_rows for table in tables.values()):
        raise QuestionError(f"No word has {minimum_count:,} occurrences; ask for fewer.")
    return unit_words_picture(tables, palette(theme), width=width)
