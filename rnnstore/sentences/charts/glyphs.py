"""The glyph view: how each word of a sentence moved each cluster of units (RNNVis, section 6.1.4, figure 6c).

There is a glyph per token, and in it a bar per unit cluster: the box is the cluster's information now, positive above
and negative below the zero line, as a mean over its units; the coloured hat is what this word changed. What was gained
is a part of the box, what was lost stands outside it; orange is an increase, blue a decrease. Above, a cursor on a
track shows how much of the information before this word was preserved. Links lead to the memory chips of the clusters.

This module makes the tables, `layers` the specification, `layout` the positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette
from rnnstore.drawing.picture import Picture, with_parameters
from rnnstore.drawing.tracks import legend_table, readable_ink, wrap_legends
from rnnstore.sentences.charts.axis import Axis, axis_of
from rnnstore.sentences.charts.chips import Clusters, cell_table, chip_table, chip_word_table, place_chips
from rnnstore.sentences.charts.colours import DOWN, UP, hat_colours, numbers, text_colours
from rnnstore.sentences.charts.layers import MARGIN, glyph_specification
from rnnstore.sentences.charts.layout import (
    LEGEND,
    PLOT,
    TRACKS,
    WORD,
    WORD_LINE,
    WORD_LINES,
    Arrangement,
    Chips,
    Layout,
    Places,
)
from rnnstore.sentences.charts.predictions import came_table, prediction_table
from rnnstore.sentences.charts.titles import legends, title_table
from rnnstore.sentences.measures import SequenceMeasures
from rnnstore.sentences.passages import Passage
from rnnstore.visible import visible

FAINTEST = 0.03
"""Links thinner than this share of the thickest are not drawn."""

WIDEST_LINK = 11

UNDER = 8
"""Pixels between the last line of glyphs and where links spread."""


def glyph_picture(
    passages: Sequence[Passage],
    clusters: Clusters,
    palette: Palette,
    *,
    arrangement: Arrangement | None = None,
    predicted: int = 0,
    selected: tuple[int, int] | None = None,
    response: np.ndarray | None = None,
    marked: int | None = None,
    aligned: str = "",
    own_scale: bool = False,
    width: int = 1100,
) -> Picture:
    """The glyphs of one or several passages over the memory chips of `clusters`.

    Of each token the `predicted` most probable next words are shown, and the probability of the word that came; the
    links of the token `selected` (passage, index) are drawn, and its `response` float[units] on the chips; the cluster
    `marked` is emphasised everywhere, as are the words that equal `aligned`. With `own_scale` each cluster's bars have
    a scale of their own. Parameters that a page can listen to: `clicked_token` ("passage:index"), `clicked_bar`
    ("passage:index:cluster") and `clicked_chip` (cluster).
    """
    arrangement = arrangement or Arrangement()
    predicted = predicted if any(each.predictions is not None for each in passages) else 0
    reach = float(np.quantile(np.abs(response), 0.98)) if response is not None and len(response) else 0.0
    legend_lines = wrap_legends(legends(response is not None, reach, palette), width - MARGIN["left"] - MARGIN["right"])
    layout = Layout(tuple(len(each.words) for each in passages), arrangement, predicted, len(legend_lines))
    places = [layout.places(index) for index in range(len(passages))]
    placed = list(zip(range(len(passages)), passages, places, strict=True))
    axis = axis_of(passages, own_scale)
    chips = place_chips(clusters, layout, places, selected, width)
    strongest = max((float(np.abs(_net(each.measures)).max(initial=0)) for each in passages), default=0.0) or 1.0
    valued = [np.asarray(each.values, float) for each in passages if each.values is not None]
    scale = np.concatenate(valued) if valued else None
    stem = float("nan") if arrangement.down else layout.glyphs_bottom - UNDER
    tables = {
        "tokens": _concatenated(_token_table(*each, selected, aligned, scale, stem, palette) for each in placed),
        "bars": _concatenated(_bar_table(*each, axis, palette) for each in placed),
        "links": _concatenated(_link_table(*each, layout, chips, selected, strongest, palette) for each in placed),
        "predictions": _concatenated(prediction_table(each, at, predicted, palette) for _, each, at in placed),
        "came": _concatenated(came_table(each, at, predicted) for _, each, at in placed),
        "cells": cell_table(clusters, chips, response, reach, palette),
        "chips": chip_table(clusters, chips, marked),
        "chip_words": chip_word_table(clusters, chips, arrangement.down, palette),
        "titles": title_table(passages, places, layout, axis, own_scale),
        "legends": legend_table(legend_lines, palette, 0, LEGEND),
    }
    below = chips.y.max() + chips.height + WORD_LINE * (2 if arrangement.down else WORD_LINES + 1) + 8
    height = max(layout.glyphs_bottom, below) + MARGIN["top"] + MARGIN["bottom"]
    parameters: dict[str, Any] = {"down": arrangement.down, "marked": -1 if marked is None else marked}
    return Picture(with_parameters(glyph_specification(palette, width), float(height), **parameters), tables)


def _net(measures: SequenceMeasures) -> np.ndarray:
    """The updated information of each cluster, positive and negative together: the width of its link."""
    return measures.positive_change + measures.negative_change


# The tables


def _concatenated(tables: Iterable[pa.Table]) -> pa.Table:
    return pa.concat_tables(list(tables)).combine_chunks()


def _token_table(
    number: int,
    passage: Passage,
    places: Places,
    selected: tuple[int, int] | None,
    aligned: str,
    scale: np.ndarray | None,
    stem: float,
    palette: Palette,
) -> pa.Table:
    """A glyph's frame and its word."""
    index = places.index.tolist()
    words = [visible(passage.words[i]) for i in index]
    typed = _typed_words(passage, places.index)
    unknown = np.asarray(passage.unknown, bool)[places.index].tolist()
    colours = text_colours(passage.values, places.index, palette, scale)
    same = [bool(aligned) and aligned in (passage.words[i], typed[at]) for at, i in enumerate(index)]
    first = 0 if passage.first is None else passage.first
    values = np.full(len(index), np.nan) if passage.values is None else np.asarray(passage.values, float)[places.index]
    inks = [palette.threshold if new else ink for new, ink in zip(unknown, readable_ink(colours, palette), strict=True)]
    descriptions = [
        f"{word}, not known to the model" if new else word if passage.typed[i] else f"{word}, added as in training"
        for i, word, new in zip(index, words, unknown, strict=True)
    ]
    return pa.table(
        {
            "place": pa.array([f"{number}:{i}" for i in index], pa.string()),
            "step": pa.array(places.index + first, pa.int32()),
            "x": numbers(places.x),
            "x2": numbers(places.x + places.width),
            "y": numbers(places.top),
            "y2": numbers(places.bottom),
            "wx": numbers(places.word_x),
            "wx2": numbers(places.word_x + places.word_width),
            "wy": numbers(places.word_top),
            "wy2": numbers(places.word_top + WORD - 2),
            "wmid": numbers(places.word_top + WORD / 2 - 1),
            "typed": pa.array(typed, pa.string()),
            "read": pa.array(descriptions, pa.string()),
            "unknown": pa.array(unknown, pa.bool_()),
            "colour": pa.array(colours, pa.string()),
            "ink": pa.array(inks, pa.string()),
            "value": numbers(values),
            "middle": numbers(places.x + places.width / 2),
            "stem": numbers(np.full(len(index), stem)),
            "selected": pa.array([selected == (number, i) for i in index], pa.bool_()),
            "aligned": pa.array(same, pa.bool_()),
            "starts": pa.array([bool(passage.starts[i]) and i > 0 for i in index], pa.bool_()),
        }
    )


def _typed_words(passage: Passage, index: np.ndarray) -> list[str]:
    """The words as they were typed, and the word itself where one was added."""
    return [visible(passage.typed[i] or passage.words[i]) for i in index.tolist()]


def _bar_table(number: int, passage: Passage, places: Places, axis: Axis, palette: Palette) -> pa.Table:
    """A bar a token and cluster: box, hats, cursor, and the numbers that they show."""
    measures, index = passage.measures, places.index
    clusters = measures.positive.shape[1]
    positive, negative = measures.positive[index], measures.negative[index]
    more, less = measures.positive_change[index], measures.negative_change[index]
    share = measures.preserved_share[index]
    bottom = places.bottom[:, None]

    def y(values: np.ndarray) -> np.ndarray:
        return bottom - axis.height(values)

    bar = places.width * 0.94 / clusters
    left = places.x[:, None] + places.width * 0.03 + np.arange(clusters) * bar
    beyond_up = axis.beyond(np.maximum(positive, positive - more))
    beyond_down = axis.beyond(np.minimum(negative, negative - less))
    words = _typed_words(passage, index)
    first = 0 if passage.first is None else passage.first
    columns = {
        "x": left + bar * 0.09,
        "x2": left + bar * 0.91,
        "mid": left + bar / 2,
        "hx": left,
        "hx2": left + bar,
        "top": np.broadcast_to(places.top[:, None], left.shape),
        "bottom": np.broadcast_to(bottom, left.shape),
        "zero": y(np.zeros_like(left)),
        "high": y(positive),
        "low": y(negative),
        "before_high": y(positive - more),
        "before_low": y(negative - less),
        "track": np.broadcast_to(places.top[:, None] + 5, left.shape),
        "track2": np.broadcast_to(places.top[:, None] + TRACKS - 3, left.shape),
        "cursor": places.top[:, None] + TRACKS - 3 - (TRACKS - 8) * share,
        "beyond_up": np.where(beyond_up, places.top[:, None] + TRACKS + 3, np.nan),
        "beyond_down": np.where(beyond_down, bottom - 3, np.nan),
        "positive": positive,
        "negative": negative,
        "more": more,
        "less": less,
        "share": share,
    }
    names = [f"{number}:{i}" for i in index.tolist()]
    up, down = (hat_colours(change, gained, palette) for change, gained in ((more, more > 0), (less, less < 0)))
    return pa.table(
        {
            "place": pa.array(np.repeat(names, clusters).tolist(), pa.string()),
            "bar": pa.array([f"{name}:{cluster}" for name in names for cluster in range(clusters)], pa.string()),
            "cluster": pa.array(np.tile(np.arange(clusters), len(index)), pa.int16()),
            "step": pa.array(np.repeat(index + first, clusters), pa.int32()),
            "word": pa.array(np.repeat(words, clusters).tolist(), pa.string()),
            "units": pa.array(np.tile(np.asarray(measures.units), len(index)), pa.int32()),
            **{name: numbers(values) for name, values in columns.items()},
            "up_colour": pa.array(up, pa.string()),
            "down_colour": pa.array(down, pa.string()),
        }
    )


def _link_table(
    number: int,
    passage: Passage,
    places: Places,
    layout: Layout,
    chips: Chips,
    selected: tuple[int, int] | None,
    strongest: float,
    palette: Palette,
) -> pa.Table:
    """The links of each token to the chips: where they start and end, how wide they are and in which colour."""
    net = _net(passage.measures)[places.index]
    token, cluster = np.nonzero(np.abs(net) >= FAINTEST * strongest)
    down = layout.arrangement.down
    x = (places.predicted_x + places.predicted_width) if down else places.x + places.width / 2
    y = places.plot + PLOT / 2 if down else places.bottom
    stem = np.zeros(len(x)) if down else layout.glyphs_bottom - UNDER - y
    weights = net[token, cluster]
    return pa.table(
        {
            "place": pa.array([f"{number}:{i}" for i in places.index[token].tolist()], pa.string()),
            "cluster": pa.array(cluster, pa.int16()),
            "x": numbers(x[token]),
            "y": numbers(y[token]),
            "dx": numbers(chips.link_x[cluster] - x[token]),
            "dy": numbers(chips.link_y[cluster] - y[token]),
            "stem": numbers(stem[token]),
            "thick": numbers(0.4 + WIDEST_LINK * np.abs(weights) / strongest),
            "net": numbers(weights),
            "colour": pa.array(
                [palette.diverging[UP if weight > 0 else DOWN] for weight in weights.tolist()], pa.string()
            ),
            "chosen": pa.array([selected == (number, i) for i in places.index[token].tolist()], pa.bool_()),
        }
    )
