"""Labels beside the glyphs: names of rows, the ends of the axis, and the legends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.drawing.prediction_rows import row_titles
from rnnstore.drawing.tracks import Key
from rnnstore.sentences.charts.axis import Axis
from rnnstore.sentences.charts.colours import DOWN, UP, UP_LOST
from rnnstore.sentences.charts.layout import CAME, HEADING, PLOT, PREDICTED, TRACKS, WORD, Layout, Places
from rnnstore.sentences.passages import Passage


def title_table(
    passages: Sequence[Passage], places: Sequence[Places], layout: Layout, axis: Axis, own_scale: bool
) -> pa.Table:
    """Labels left of each line: the names of its rows, and the ends of the bars' axis."""
    rows: list[tuple[float, float, float, str, str]] = []
    down = layout.arrangement.down
    span = axis.up + axis.down
    high, low = ("own max", "") if own_scale else (f"+{numeral(axis.up, span)}", f"−{numeral(axis.down, span)}")
    for passage, there in zip(passages, places, strict=True):
        if not len(there.index):
            continue
        if down and len(passages) > 1:
            rows.append((float(there.word_x[0]), 4.0, layout.top - HEADING / 2 - 4, passage.title, "heading"))
        tops = [0] if down else np.unique(there.top, return_index=True)[1].tolist()
        for at in tops:
            x, plot = (float(there.x[at]) if down else 0.0), float(there.plot[at])
            if not down:
                rows.append((x, -8.0, float(there.word_top[at]) + WORD / 2 - 1, passage.title, "title"))
                rows.append((x, -8.0, float(there.top[at]) + TRACKS / 2 + 1, "preserved", "row"))
                rows.append((x, -8.0, plot + PLOT - float(axis.height(np.zeros(1))[0]), "0", "row"))
                if layout.predicted and passage.predictions is not None:
                    under, (title, came) = float(there.predicted_top[at]), row_titles(passage.predictions)
                    rows.append((x, -8.0, under + PREDICTED / 2, title, "row"))
                    if came:
                        rows.append((x, -8.0, under + layout.predicted * PREDICTED + CAME / 2, came, "row"))
            rows.append((x, -8.0, plot + 8, high, "row"))
            rows.append((x, -8.0, plot + PLOT - 8, low, "row"))
    types = {"x": pa.float32(), "dx": pa.float32(), "y": pa.float32(), "text": pa.string(), "kind": pa.string()}
    return pa.Table.from_pylist([dict(zip(types, row, strict=True)) for row in rows], schema=pa.schema(types))


def legends(coloured: bool, reach: float, palette: Palette) -> list[tuple[str, list[Key]]]:
    up, down = palette.diverging[UP], palette.diverging[DOWN]
    glyph = [
        Key(palette.bands[1], "box: current value"),
        Key(up, "hat: up by this word"),
        Key(down, "down"),
        Key(palette.diverging[UP_LOST], "faint, outside the box: lost"),
        Key("", "tick above: share of previous state preserved"),
    ]
    chips = [Key("", "point at a glyph for its links, click it for its response")]
    if coloured:
        values = np.linspace(-reach, reach, 5)
        colours = interpolate(palette.diverging, np.linspace(0, 1, 5))
        chips = [
            Key(colour, numeral(number, 2 * reach)) for colour, number in zip(colours, values.tolist(), strict=True)
        ]
        remark = "cells: change of each unit at the chosen word; below: the words that move the cluster most"
        chips.append(Key("", remark))
    return [("glyph", glyph), ("chips", chips)]
