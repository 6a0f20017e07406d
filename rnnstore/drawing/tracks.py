"""Colours and legends of annotation tracks, the same under the words, in heat maps and behind words.

Colours are computed here and sent with the data instead of as Vega-Lite scales: a chart whose data change is updated in
place, one whose scales change is rebuilt.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import LABELS, Palette, interpolate
from rnnstore.drawing.picture import at_x, at_y, data
from rnnstore.store.card import Track
from rnnstore.visible import visible

LEGEND_STEPS = 5

SWATCH, CHARACTER = 26, 6.4
"""Estimated pixels of a legend entry without its label, and of a character of the label."""

LEGEND_WIDTH, LONGEST_LABEL, SHORTEST_LABEL = 700, 24, 5
"""Pixels of a legend at most, and the numbers of characters between which its labels are cut to fit."""


@dataclass(frozen=True)
class Key:
    """A legend entry: a colour and its label; without a colour, a remark."""

    colour: str
    label: str


def track_colours(
    track: Track, values: Sequence[str | None], numbers: Sequence[float | None], palette: Palette
) -> list[str]:
    """A colour for each value of a track (labels for discrete tracks, numbers for scalar ones)."""
    if track.kind == "discrete":
        labels, range_ = palette.label_colours(track.labels)
        known = dict(zip(labels, range_, strict=True))
        return [known.get(value, palette.other) if value else "transparent" for value in values]
    scale, low, high = number_scale(track, palette)
    given = np.array([math.nan if number is None else number for number in numbers], float)
    return interpolate(scale, (given - low) / ((high - low) or 1))


def number_scale(track: Track, palette: Palette) -> tuple[tuple[str, ...], float, float]:
    """(colours, low, high) of a scalar track: one hue from least to most, or blue to orange around 0."""
    low, high = track.minimum or 0.0, track.maximum or 0.0
    if low < 0 < high:
        reach = max(-low, high)
        return palette.diverging, -reach, reach
    return palette.sequential, low, high


def legend(track: Track, palette: Palette) -> list[Key]:
    """The entries of a track's legend: its labels with a colour of their own, or five numbers of its range."""
    if track.kind == "scalar":
        scale, low, high = number_scale(track, palette)
        numbers = np.linspace(low, high, LEGEND_STEPS)
        if float(low).is_integer() and float(high).is_integer():
            numbers = np.arange(low, high + 1) if high - low < LABELS + 1 else np.rint(numbers)
        colours = interpolate(scale, (numbers - low) / ((high - low) or 1))
        span = 0.0 if float(low).is_integer() and float(high).is_integer() else high - low
        return [Key(colour, numeral(number, span)) for colour, number in zip(colours, numbers.tolist(), strict=True)]
    others = max(track.distinct, len(track.labels)) - LABELS
    rest = [Key(palette.other, f"{others:,} other{'s' if others > 1 else ''}")] if others > 0 else []
    short = _shorten_labels(
        [visible(label).replace("␣", " ") for label in track.labels[:LABELS]], LEGEND_WIDTH - len(rest) * 100
    )
    return [Key(colour, label) for label, colour in zip(short, palette.labels, strict=False)] + rest


def _shorten_labels(labels: Sequence[str], width: float) -> list[str]:
    """Labels, the long ones cut so that all of them together take no more than `width` pixels."""
    for longest in range(LONGEST_LABEL, SHORTEST_LABEL - 1, -1):
        cut = [label if len(label) <= longest else f"{label[: longest - 1]}…" for label in labels]
        if sum(SWATCH + CHARACTER * len(label) for label in cut) <= width:
            break
    return cut


def wrap_legends(legends: Sequence[tuple[str, Sequence[Key]]], width: float) -> list[tuple[str, list[Key]]]:
    """Legends in lines of at most `width` estimated pixels: what does not fit continues on the next line.

    Nothing is left out, so that a narrow picture has more lines; remarks are broken at spaces."""
    lines: list[tuple[str, list[Key]]] = []
    for title, keys in legends:
        line: list[Key] = []
        lines.append((title, line))
        x = 0.0
        for key in keys:
            parts = (
                [key] if key.colour else [Key("", part) for part in _wrap_remark(key.label, width, width - x - SWATCH)]
            )
            for part in parts:
                takes = SWATCH + CHARACTER * len(part.label)
                if line and x + takes - SWATCH / 2 > width:
                    line, x = [], 0.0
                    lines.append(("", line))
                line.append(part)
                x += takes
    return lines


def _wrap_remark(text: str, width: float, first: float) -> list[str]:
    """A remark broken at spaces into lines; the first goes into what is `first` left of a line, if half of it fits."""
    if CHARACTER * len(text) <= first:
        return [text]
    room = first if first > width / 2 else width
    return textwrap.wrap(text, max(10, int(room / CHARACTER)), break_long_words=False)


def legend_table(legends: Sequence[tuple[str, Sequence[Key]]], palette: Palette, top: float, height: float) -> pa.Table:
    """Legends as marks at fixed places, one line each: kind (title, swatch or label), x, y, text, colour.

    Widths of texts are estimates, since fonts are known in the browser only.
    """
    columns: dict[str, list] = {"kind": [], "x": [], "y": [], "text": [], "colour": []}

    def put(*row: str | float) -> None:
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)

    for line, (title, keys) in enumerate(legends):
        y = top + (line + 0.5) * height
        put("title", -8.0, y, title, palette.muted)
        x = 0.0
        for key in keys:
            if key.colour:
                put("swatch", x + 5, y, "", key.colour)
            put("label", x + 14 * bool(key.colour), y, key.label, palette.text if key.colour else palette.muted)
            x += SWATCH + CHARACTER * len(key.label)
    types = {"x": pa.float32(), "y": pa.float32()}
    return pa.table({name: pa.array(column, types.get(name, pa.string())) for name, column in columns.items()})


def legend_layers(table: str, palette: Palette, title_width: float) -> list[alt.Chart]:
    """The layers that draw the `legend_table` of that name, titles left of the plot."""

    def kind(name: str) -> alt.Chart:
        return data(table).transform_filter(f"datum.kind === '{name}'").encode(at_x("x"), at_y())

    colour, text = alt.Color("colour:N", scale=None), alt.Text("text:N")
    swatch = kind("swatch").mark_point(
        shape="square", size=110, filled=True, opacity=1, stroke=palette.grid, strokeWidth=1, tooltip=None
    )
    label = kind("label").mark_text(align="left", baseline="middle", fontSize=11, tooltip=None)
    title = kind("title").mark_text(align="right", baseline="middle", fontSize=11, limit=title_width, tooltip=None)
    return [
        swatch.encode(fill=alt.Fill("colour:N", scale=None)),
        label.encode(color=colour, text=text),
        title.encode(color=colour, text=text),
    ]


def readable_ink(colours: Sequence[str], palette: Palette) -> list[str]:
    """For each background colour the palette's text or background colour, whichever has more contrast on it."""
    inks = (palette.text, palette.background)
    chosen = {}
    for colour in set(colours):
        seen = colour if colour.startswith("#") else palette.background
        chosen[colour] = inks[0] if _contrast(inks[0], seen) >= _contrast(inks[1], seen) else inks[1]
    return [chosen[colour] for colour in colours]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
