"""Glyphs of sentences side by side, and text coloured by a unit or a cluster (page "Sentences"), each by one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.co_clusters.pictures import DEFAULT_CLUSTERS
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.sentences.charts.chips import Clusters
from rnnstore.sentences.charts.coloured_text import coloured_text_picture
from rnnstore.sentences.charts.glyphs import glyph_picture
from rnnstore.sentences.charts.layout import Arrangement
from rnnstore.sentences.passages import (
    Colouring,
    Grouping,
    Passage,
    TitledReading,
    grouping,
    offsets,
    passage,
    readings,
    response_at,
    strongest,
)
from rnnstore.store.model import Model


def sentences_picture(
    model: Model,
    state: str,
    *sentences: str | tuple[int, int],
    k: int | None = None,
    words: int | None = 500,
    method: str = "signed",
    align: str = "",
    at: tuple[int, int] | None = None,
    cluster: int | None = None,
    colouring: Colouring | None = None,
    by_gate: bool = False,
    own_scale: bool = False,
    predicted: int = 3,
    down: bool = False,
    per_line: int = 20,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The glyphs of sentences side by side: what each word did to each of `k` clusters of units of a state.

    A text is read by the model's network, (first step, stop) is a span of its recording. The clusters are those of
    the `words` most frequent words' expected responses, ten unless `k` is given, or as many as there can be; `align`
    is a word that stands in one column, `at` the token (sentence, index) whose links are drawn (None: the one that
    moved the clusters most), `cluster` one to emphasise.
    With `by_gate`, what is preserved is measured by the gate; with `own_scale`, each cluster has a scale of its own.
    Raises `QuestionError` and `MissingNetwork` as `passages.readings` does.

    >>> sentences_picture(model, "layer1.c", "he said so", (120, 140), align="said")  # doctest: +SKIP
    """
    shown, found, passages = _passages(model, state, sentences, k, words, method, by_gate=by_gate, colouring=colouring)
    at = strongest(passages) if at is None else at
    return glyph_picture(
        passages,
        Clusters(found.unit_cluster, found.words),
        palette(theme),
        arrangement=Arrangement(down, per_line, offsets=offsets(passages, align)),
        predicted=predicted,
        selected=at,
        response=None if at is None else response_at(shown[at[0]].reading, state, at[1]),
        marked=cluster,
        aligned=align,
        own_scale=own_scale,
        width=width,
    )


def coloured_text(
    model: Model,
    state: str,
    *sentences: str | tuple[int, int],
    unit: int | None = None,
    cluster: int | None = None,
    k: int | None = None,
    words: int | None = 500,
    method: str = "signed",
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The words of sentences, as in `sentences_picture`, on the colours of one unit's values or one cluster's mean."""
    if (unit is None) == (cluster is None):
        raise QuestionError("Name either a unit or a cluster that shall colour the text.")
    colouring = Colouring(unit, cluster)
    passages = _passages(model, state, sentences, k, words, method, colouring=colouring)[2]
    return coloured_text_picture(passages, str(colouring), palette(theme), width=width)


def _passages(
    model: Model,
    state: str,
    sentences: Sequence[str | tuple[int, int]],
    k: int | None,
    words: int | None,
    method: str,
    **options: Any,
) -> tuple[list[TitledReading], Grouping, list[Passage]]:
    """(readings, groups of units, passages) of the sentences."""
    if not sentences:
        raise QuestionError("There is no sentence to show: give a text, or (first step, stop) of the recording.")
    shown = readings(model, sentences)
    expected = expected_responses(model, state)
    decomposed = decompose(expected, words)
    clusters = decomposed.clusters(min(DEFAULT_CLUSTERS, decomposed.most_clusters) if k is None else k, method)
    found = grouping(clusters, expected)
    measured = [
        passage(
            each.reading,
            state,
            found.unit_cluster,
            unit_sign=found.unit_sign,
            title=each.title,
            first=each.first,
            **options,
        )
        for each in shown
    ]
    return shown, found, measured


def finding_picture(
    model: Model, state: str, *, first: int, stop: int, at: int, k: int, theme: str = "light", width: int = 1100
) -> Picture:
    """The picture of a view of `rnnstore.sentences.finding`: the glyphs of a recorded span, one of them chosen."""
    return sentences_picture(model, state, (first, stop), k=k, at=(0, at), theme=theme, width=width)
