"""An overview of passages: the change of every cluster at every word, as a heat map with room for a thousand words.

It has a row per cluster and a column per token; a brush selects the tokens whose glyphs are drawn. Where there are more
columns than a screen can show, neighbours share one, which shows the largest change among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette, interpolate, with_style
from rnnstore.drawing.picture import Picture, at_y, click, data, tooltips, with_margin, with_parameters
from rnnstore.sentences.passages import Passage
from rnnstore.visible import visible

MARGIN = {"left": 88, "right": 10, "top": 20, "bottom": 4}
FINEST = 400
"""Columns at most."""

SAID = "what each word changed, a row a cluster; drag over it to choose the words that are drawn as glyphs"

LEAST, MOST, BETWEEN = 2.5, 5.0, 8.0
"""Pixels of a cluster's row, and between two passages."""

ROOM = 48.0
"""Pixels that the rows of a passage take together, as far as the height of a row allows."""


def overview_picture(
    passages: Sequence[Passage],
    offsets: Sequence[int],
    palette: Palette,
    *,
    brush: tuple[int, int] | None = None,
    width: int = 1100,
) -> Picture:
    """The updated information of each cluster at each token, columns as in `offsets`.

    `brush` is the half-open range of columns that the mouse can take hold of at first. Parameters that a page can
    listen to: `brush` (interval over `mid`) and `clicked_column` (column).
    """
    columns = max((offset + len(each) for each, offset in zip(passages, offsets, strict=True)), default=0)
    together = max(1, -(-columns // FINEST))
    clusters = max((each.measures.positive.shape[1] for each in passages), default=1)
    row = float(np.clip(ROOM / clusters, LEAST, MOST))
    block = row * clusters + BETWEEN
    changes = [each.measures.positive_change + each.measures.negative_change for each in passages]
    reach = max((float(np.quantile(np.abs(each), 0.99)) for each in changes if each.size), default=0.0) or 1.0
    cells, words, titles = [], [], []
    for number, (each, change, offset) in enumerate(zip(passages, changes, offsets, strict=True)):
        top = number * block
        starts, largest = _binned(change, together)
        left = starts + offset
        right = np.minimum(starts + together, len(each)) + offset
        bins, own = largest.shape
        y = top + np.tile(np.arange(own), bins) * row
        cells.append(
            pa.table(
                {
                    "x": pa.array(np.repeat(left, own), pa.float32()),
                    "x2": pa.array(np.repeat(right, own), pa.float32()),
                    "y": pa.array(y, pa.float32()),
                    "y2": pa.array(y + row, pa.float32()),
                    "colour": pa.array(interpolate(palette.diverging, (largest.ravel() / reach + 1) / 2), pa.string()),
                }
            )
        )
        joint = "" if all(len(word) < 2 for word in each.words) else " "
        texts = [joint.join(visible(word) for word in each.words[a : a + together]) for a in starts.tolist()]
        words.append(
            pa.table(
                {
                    "column": pa.array(left, pa.int32()),
                    "mid": pa.array((left + right) / 2, pa.float64()),
                    "x": pa.array(left, pa.float32()),
                    "x2": pa.array(right, pa.float32()),
                    "y": pa.array(np.full(bins, top), pa.float32()),
                    "y2": pa.array(np.full(bins, top + block - BETWEEN), pa.float32()),
                    "word": pa.array(texts, pa.string()),
                }
            )
        )
        titles.append((top + (block - BETWEEN) / 2, each.title))
    heights, headings = zip((-9.0, SAID), *titles, strict=True)
    tables = {
        "cells": pa.concat_tables(cells).combine_chunks(),
        "words": pa.concat_tables(words).combine_chunks(),
        "titles": pa.table(
            {
                "y": pa.array(heights, pa.float32()),
                "text": pa.array(headings, pa.string()),
                "heading": pa.array([text == SAID for text in headings], pa.bool_()),
            }
        ),
    }
    height = block * len(passages) - BETWEEN + MARGIN["top"] + MARGIN["bottom"]
    numbers: dict[str, Any] = {"columns": max(columns, 1)}
    if brush is not None:
        numbers["brush"] = {"x": [float(brush[0]), float(brush[1])]}
    return Picture(with_parameters(_specification(palette, width), height, **numbers), tables)


def _binned(change: np.ndarray, together: int) -> tuple[np.ndarray, np.ndarray]:
    """(starts, largest [bins, clusters]): of every `together` steps the change that is largest, with its sign."""
    starts = np.arange(0, len(change), together)
    if together == 1 or not len(change):
        return starts, change
    high, low = np.maximum.reduceat(change, starts), np.minimum.reduceat(change, starts)
    return starts, np.where(high >= -low, high, low)


@lru_cache(maxsize=8)
def _specification(palette: Palette, width: int) -> dict[str, Any]:
    scale = alt.Scale(domain=[0, alt.ExprRef("columns")], nice=False, zero=False)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=None)

    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        mark=alt.BrushConfig(
            fill=palette.accent, fillOpacity=0.08, stroke=palette.accent, strokeWidth=1.6, cursor="ew-resize"
        ),
        zoom=False,
        clear=False,
    )
    grip = data("words").mark_rect(fillOpacity=0, tooltip=None).encode(x("mid"), at_y(), alt.Y2("y2")).add_params(brush)
    cells = data("cells").mark_rect(tooltip=None)
    pointed = data("words").mark_rect(fillOpacity=0, cursor="crosshair")
    titles = data("titles").mark_text(
        align=alt.ExprRef("datum.heading ? 'left' : 'right'"),
        dx=alt.ExprRef("datum.heading ? 8 : 0"),
        baseline="middle",
        fontSize=alt.ExprRef("datum.heading ? 11 : 12"),
        color=palette.muted,
        limit=alt.ExprRef(f"datum.heading ? width : {MARGIN['left'] - 10}"),
    )
    layers = [
        cells.encode(x("x"), alt.X2("x2"), at_y(), alt.Y2("y2"), color=alt.Color("colour:N", scale=None)),
        grip,
        pointed.encode(
            x("x"),
            alt.X2("x2"),
            at_y(),
            alt.Y2("y2"),
            tooltip=tooltips("word:N", "column:Q|place|,d"),
        ).add_params(click("clicked_column", "column")),
        titles.encode(at_y(), x=alt.value(-8), text="text:N", tooltip="text:N"),
    ]
    chart = alt.layer(*layers).add_params(alt.param(name="columns", value=1))
    return with_style(with_margin(chart, MARGIN, width), palette).to_dict(validate=False)
