"""Plots of linked states below the first one in the select view: the same steps and brush, their own bands and lines.

A layered chart has one axis of values, which is the first state's. Linked plots are therefore placed in pixels that are
computed into the tables, with marks for the numbers of their axis; so all of it is one chart with one brush.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.drawing.picture import at_x, at_y, data, hover, tooltips
from rnnstore.matching.charts.value_tables import (
    DrawnSelection,
    bands_table,
    clipping_remark,
    lines_table,
    match_table,
    step_cells,
    value_range,
)
from rnnstore.matching.windows import Window

TITLE, PLOT, STRIP, MARKS = 22, 116, 10, 6
"""Heights in pixels: title, values, the strip of how many units are on, marks of matches."""

LINKED_HEIGHT = TITLE + PLOT + 4 + STRIP + MARKS + 4

LIST_ROW, LIST_COLUMNS = 12, 3


@dataclass(frozen=True)
class LinkedPlot:
    """A linked state to be drawn: its title, its window (of the same steps), its selection, and how many of the
    selected units are on at each step, int[steps]."""

    title: str
    seen: Window
    hypothesis: DrawnSelection
    on: np.ndarray


def heading(title: str, hypothesis: DrawnSelection) -> str:
    """The title of a plot: the state, its threshold, and how many units are selected and drawn."""
    units, drawn = len(hypothesis.units), len(hypothesis.drawn)
    text = f"{title}, at {hypothesis.threshold:g}"
    if hypothesis.start is not None:
        text += f": {units} unit{'' if units == 1 else 's'}"
    return text + (f", drawn the first {drawn}" if units > drawn else "")


def linked_tables(index: int, shown: LinkedPlot, top: float, palette: Palette) -> dict[str, pa.Table]:
    """The tables of linked plot number `index` (from 0), which starts `top` pixels below the top of the first plot."""
    seen, hypothesis, drawn = shown.seen, shown.hypothesis, shown.hypothesis.drawn
    least, most = value_range(seen, hypothesis, drawn)
    most = most if most > least else least + 1
    start = top + TITLE

    def pixels(values: np.ndarray) -> np.ndarray:
        return (start + PLOT * (1 - (values - least) / (most - least))).astype(np.float32)

    bands, line = bands_table(seen, least, most), lines_table(seen, drawn, least, most)
    for name in bands.column_names[1:]:
        bands = bands.set_column(bands.column_names.index(name), name, pa.array(pixels(bands[name].to_numpy())))
    height = pixels(line["value"].to_numpy()) if len(drawn) else np.full(1, start + PLOT, np.float32)
    ticks = np.array(_ticks(least, most))
    units, title = len(hypothesis.units), heading(shown.title, hypothesis)
    remark = clipping_remark(seen, drawn, least, most)
    place = np.arange(len(drawn[: LIST_COLUMNS * (PLOT // LIST_ROW)]))
    tables = {
        "bands": bands,
        "lines": line.append_column("y", pa.array(height)),
        "axis": pa.table(
            {
                "y": pa.array(pixels(ticks), pa.float32()),
                "caption": pa.array([numeral(tick).replace("-", "−") for tick in ticks.tolist()], pa.string()),
            }
        ),
        "levels": pa.table(
            {
                "y": pa.array(pixels(np.array([0.0, hypothesis.threshold])), pa.float32()),
                "level": pa.array(["zero", "threshold"], pa.string()),
            }
        ),
        "title": pa.table(
            {
                "y": pa.array([top + TITLE - 9, start + PLOT + 4 + STRIP / 2], pa.float32()),
                "caption": pa.array([f"{title} ({remark})" if remark else title, "its units on"], pa.string()),
                "kind": pa.array(["title", "row"], pa.string()),
            }
        ),
        "cells": pa.table(
            {
                **step_cells(seen.words["t"].to_numpy()),
                "shown": seen.words["shown"],
                "on": pa.array(shown.on, pa.int16()),
                "of": pa.array([units] * seen.steps, pa.int32()),
                "colour": pa.array(interpolate(palette.shade, shown.on / max(units, 1)), pa.string()),
            }
        ),
        "matches": match_table(hypothesis, seen),
        "units": pa.table(
            {
                "unit": pa.array(drawn[: len(place)], pa.int32()),
                "x": pa.array(24 + 34 * (place % LIST_COLUMNS), pa.float32()),
                "y": pa.array(start + 8 + LIST_ROW * (place // LIST_COLUMNS), pa.float32()),
            }
        ),
    }
    return {f"linked{index}_{name}": table for name, table in tables.items()}


def _ticks(low: float, high: float, about: int = 3) -> list[float]:
    """Round numbers from `low` to `high`, some `about` of them.

    >>> _ticks(-0.9, 1.1)
    [-0.5, 0.0, 0.5, 1.0]
    """
    rough = (high - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough * 0.75)
    return [round(place * step, 12) + 0.0 for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


@dataclass(frozen=True)
class _Frame:
    """What the layers of linked plot number `index` share; `x` is the axis of steps over a column of a table."""

    index: int
    x: Callable[[str], alt.X]
    palette: Palette

    def table(self, name: str) -> alt.Chart:
        return data(f"linked{self.index}_{name}")


def linked_layers(
    index: int, top: float, margin: float, x: Callable[[str], alt.X], cell: str, palette: Palette
) -> list[alt.Chart]:
    """The layers over the tables of `linked_tables`.

    `x` gives the window's axis of steps over a column, `cell` is the width of a step as a Vega expression, `margin` the
    room left of the plot in pixels.
    """
    frame = _Frame(index, x, palette)
    over = hover(f"hovered_linked{index}", "unit")
    text: dict[str, Any] = {
        "align": "right",
        "baseline": "middle",
        "fontSize": 11,
        "color": palette.muted,
        "tooltip": None,
    }
    return [
        *_value_layers(frame, over, text),
        *_strip_layers(frame, top + TITLE + PLOT + 4, alt.ExprRef(f"{cell} > 6 ? 1 : 0")),
        *_unit_layers(frame, over),
        *_title_layers(frame, text, margin),
    ]


def _value_layers(frame: _Frame, over: alt.Parameter, text: dict[str, Any]) -> list[alt.Chart]:
    """The axis, the bands of quantiles, a line per unit, zero and the threshold."""
    table, x, palette = frame.table, frame.x, frame.palette
    outer, inner, median = palette.bands

    def level(name: str) -> alt.Chart:
        return table("levels").transform_filter(f"datum.level === '{name}'")

    return [
        table("axis").mark_rule(color=palette.grid, tooltip=None).encode(at_y()),
        table("axis").mark_text(**text).encode(at_y(), x=alt.value(-8), text="caption:N"),
        table("bands").mark_area(color=outer, tooltip=None).encode(x("mid"), at_y("low"), alt.Y2("high")),
        table("bands").mark_area(color=inner, tooltip=None).encode(x("mid"), at_y("lower"), alt.Y2("upper")),
        table("bands").mark_line(color=median, strokeWidth=1.2, tooltip=None).encode(x("mid"), at_y("middle")),
        level("zero").mark_rule(color=palette.muted, opacity=0.7, tooltip=None).encode(at_y()),
        table("lines")
        .mark_line(color=palette.accent)
        .encode(
            x("mid"),
            at_y(),
            alt.Detail(["unit:N", "sequence:N"]),
            opacity=alt.condition(over, alt.value(1), alt.value(0.55)),
            strokeWidth=alt.condition(over, alt.value(3.2), alt.value(1.1)),
            tooltip=[alt.Tooltip("unit:Q", title="unit")],
        ),
        level("threshold")
        .mark_rule(color=palette.threshold, strokeDash=[6, 4], strokeWidth=1.4, tooltip=None)
        .encode(at_y()),
    ]


def _strip_layers(frame: _Frame, strip: float, edge: alt.ExprRef) -> list[alt.Chart]:
    """How many of the selected units are on at each step, and below it a mark under every match."""
    table, x, palette = frame.table, frame.x, frame.palette
    return [
        table("cells")
        .mark_rect(stroke=palette.background, strokeWidth=edge)
        .encode(
            x("t"),
            alt.X2("t2"),
            y=alt.value(strip),
            y2=alt.value(strip + STRIP),
            color=alt.Color("colour:N", scale=None),
            tooltip=tooltips("shown:N|word", "t:Q|step|,d", "on:Q|selected units of this state on", "of:Q|out of"),
        ),
        table("matches")
        .mark_rect(color=palette.threshold)
        .encode(
            x("from"),
            alt.X2("to"),
            y=alt.value(strip + STRIP + 2),
            y2=alt.value(strip + STRIP + 5),
            tooltip=tooltips("caption:N|match of this state", "from:Q|first step|,d"),
        ),
    ]


def _unit_layers(frame: _Frame, over: alt.Parameter) -> list[alt.Chart]:
    """The list of units at the right; hovering one shows its line."""
    palette = frame.palette
    listed = frame.table("units").transform_calculate(px="width + datum.x")
    there = (at_x("px"), at_y())
    return [
        listed.mark_square(size=160, filled=True, opacity=1)
        .encode(
            *there,
            color=alt.condition(over, alt.value(palette.accent), alt.value(palette.background)),
            tooltip=[alt.Tooltip("unit:Q", title="unit of this state")],
        )
        .add_params(over),
        listed.mark_text(fontSize=11, baseline="middle", tooltip=None).encode(
            *there,
            text="unit:N",
            color=alt.condition(over, alt.value(palette.background), alt.value(palette.text)),
        ),
    ]


def _title_layers(frame: _Frame, text: dict[str, Any], margin: float) -> list[alt.Chart]:
    """The title above the plot and the name of the strip beside it."""
    palette = frame.palette

    def title(kind: str) -> alt.Chart:
        return frame.table("title").transform_filter(f"datum.kind === '{kind}'")

    return [
        title("title")
        .mark_text(align="left", baseline="middle", fontSize=12, fontWeight=600, color=palette.text, tooltip=None)
        .encode(at_y(), x=alt.value(0), text="caption:N"),
        title("row").mark_text(**text, limit=margin).encode(at_y(), x=alt.value(-8), text="caption:N"),
    ]
