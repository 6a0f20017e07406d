"""The memory chips of a glyph view: a chip a cluster of units, a cell a unit, and the words that move it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.sentences.charts.colours import numbers
from rnnstore.sentences.charts.layout import (
    LINKS,
    WORD_LINE,
    WORD_LINES,
    Chips,
    Layout,
    Places,
    chips_across,
    chips_down,
)
from rnnstore.visible import visible

NARROW = 0.068
"""Share of the width below which a chip shows its number and size alone."""


@dataclass(frozen=True)
class Clusters:
    """The unit clusters whose information the bars are: `unit_cluster` int[units], and for each the `words` that
    move it most, with how much."""

    unit_cluster: np.ndarray
    words: Sequence[Sequence[tuple[str, float]]] = field(default=())

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.unit_cluster)


def place_chips(
    clusters: Clusters, layout: Layout, places: Sequence[Places], selected: tuple[int, int] | None, width: int
) -> Chips:
    if not layout.arrangement.down:
        return chips_across(clusters.sizes, layout.glyphs_bottom + LINKS, width)
    centre = layout.top + layout.row / 2
    if selected is not None and selected[0] < len(places):
        there = places[selected[0]]
        at = np.flatnonzero(there.index == selected[1])
        centre = float(there.plot[at[0]]) if len(at) else centre
    return chips_down(clusters.sizes, centre, layout.top + WORD_LINE, layout.glyphs_bottom)


def cell_table(
    clusters: Clusters, chips: Chips, response: np.ndarray | None, reach: float, palette: Palette
) -> pa.Table:
    """A cell a unit, in its chip, from top to bottom and left to right."""
    order = np.argsort(clusters.unit_cluster, kind="stable")
    cluster = clusters.unit_cluster[order]
    place = np.arange(len(order)) - np.searchsorted(cluster, cluster)
    column, row = place // chips.rows, place % chips.rows
    x, y = chips.x[cluster] + column * chips.cell_width, chips.y[cluster] + row * chips.cell_height
    if response is None:
        colours = [palette.bands[1]] * len(order)
        values = np.full(len(order), np.nan)
    else:
        values = np.asarray(response, float)[order]
        colours = interpolate(palette.diverging, (values / (reach or 1) + 1) / 2)
    return pa.table(
        {
            "unit": pa.array(order, pa.int32()),
            "cluster": pa.array(cluster, pa.int16()),
            "x": numbers(x),
            "x2": numbers(x + chips.cell_width),
            "y": numbers(y),
            "y2": numbers(y + chips.cell_height),
            "value": numbers(values),
            "colour": pa.array(colours, pa.string()),
        }
    )


def chip_table(clusters: Clusters, chips: Chips, marked: int | None) -> pa.Table:
    sizes = clusters.sizes
    return pa.table(
        {
            "cluster": pa.array(np.arange(len(sizes)), pa.int16()),
            "units": pa.array(sizes, pa.int32()),
            "x": numbers(chips.x - 0.003),
            "x2": numbers(chips.x + chips.width + 0.003),
            "y": numbers(chips.y - 3),
            "y2": numbers(chips.y + chips.height + 3),
            "words": pa.array([_words_text(clusters, cluster) for cluster in range(len(sizes))], pa.string()),
            "marked": pa.array(np.arange(len(sizes)) == (-1 if marked is None else marked), pa.bool_()),
        }
    )


def _words_text(clusters: Clusters, cluster: int, words: int = 12) -> str:
    """The words that move a cluster most, with an arrow in the direction."""
    return ", ".join(
        f"{visible(word)}\u2009{'↑' if by > 0 else '↓'}" for word, by in _moving_words(clusters, cluster)[:words]
    )


def _moving_words(clusters: Clusters, cluster: int) -> list[tuple[str, float]]:
    return list(clusters.words[cluster]) if cluster < len(clusters.words) else []


def chip_word_table(clusters: Clusters, chips: Chips, down: bool, palette: Palette) -> pa.Table:
    """Under each chip its number and size, and the words that move it most: one per line in the colour of the
    direction, or, where passages run `down`, all in one line with arrows."""
    rows: list[tuple[int, float, float, float, str, str]] = []
    for cluster, size in enumerate(clusters.sizes.tolist()):
        x = chips.x[cluster] if down else chips.slot_x[cluster] + chips.slot_width[cluster] / 2
        y, room = chips.y[cluster] + chips.height + WORD_LINE, chips.slot_width[cluster] * 0.94
        units = f" unit{'' if size == 1 else 's'}" if chips.slot_width[cluster] > NARROW else ""
        if down:
            text = f"{cluster} · {_words_text(clusters, cluster, 8)}".rstrip(" ·")
            rows.append((cluster, x, y - 2, room, text, palette.text))
            continue
        rows.append((cluster, x, y, room, f"{cluster} · {size}{units}", palette.muted))
        for line, (word, by) in enumerate(_moving_words(clusters, cluster)[:WORD_LINES], 1):
            colour = palette.diverging[-1 if by > 0 else 0]
            rows.append((cluster, x, y + line * WORD_LINE, room, visible(word), colour))
    columns = zip(*rows, strict=True)
    types = (pa.int16(), pa.float32(), pa.float32(), pa.float32(), pa.string(), pa.string())
    names = ("cluster", "x", "y", "room", "text", "colour")
    return pa.table({name: pa.array(column, type) for name, column, type in zip(names, columns, types, strict=True)})
