"""The answer of a query as a chart: two of its columns as axes, a third as colour, one of four marks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, data, with_renderer

MARKS = ("bars", "line", "points", "heat")

MOST = 5_000
"""Rows that are drawn; a chart of more is slow and says no more."""

FEW = 60
"""Values on an axis that stand side by side; numbers beyond that are a scale."""

COLOURS = 20
"""Values that get a colour each; of more, only the first twenty are drawn."""


@dataclass(frozen=True)
class Axes:
    """Columns on the axes, the column that colours (or empty), and the mark."""

    x: str
    y: str
    colour: str = ""
    mark: str = "bars"


def drawable(table: pa.Table) -> tuple[list[str], list[str]]:
    """(columns that can be an axis, those among them that are numbers)."""
    axes = [field.name for field in table.schema if _is_number(field.type) or _is_label(field.type)]
    return axes, [name for name in axes if _is_number(table.schema.field(name).type)]


def default_axes(table: pa.Table) -> Axes | None:
    """Axes to begin with, or None where nothing can be drawn: the first label or number, against the next number."""
    axes, numbers = drawable(table)
    if table.num_rows < 2 or not numbers or len(axes) < 2:
        return None
    first = next((name for name in axes if name not in numbers), axes[0])
    others = [name for name in numbers if name != first]
    if not others:
        return None
    y = next((name for name in others if name != "stop"), others[0])  # a run's end says little against its start
    labels = [name for name in axes if name not in numbers]
    rising = first in numbers and _rises(table[first])
    if len(labels) == 1 and len(numbers) > 1 and pc.count_distinct(table[labels[0]]).as_py() < table.num_rows:
        first_curve = table[numbers[0]].slice(0, _first_group(table[labels[0]]))
        if _rises(first_curve):
            return Axes(numbers[0], numbers[1], labels[0], "line")
    return Axes(first, y, "", "line" if rising and table.num_rows > 2 else "bars")


def answer_picture(table: pa.Table, axes: Axes, palette: Palette, *, width: int = 900, height: int = 340) -> Picture:
    """The chart of an answer's first `MOST` rows, in the answer's order."""
    wanted = {"x": axes.x, "y": axes.y, **({"colour": axes.colour} if axes.colour else {})}
    rows = pa.table({name: table[column] for name, column in wanted.items()}).slice(0, MOST)
    numeric = {name: _is_number(rows.schema.field(name).type) for name in wanted}
    x = alt.X(
        f"x:{_kind(rows['x'], numeric['x'], axes.mark)}", title=axes.x, sort=None, axis=_axis(rows["x"], numeric["x"])
    )
    y = alt.Y(f"y:{_kind(rows['y'], numeric['y'], 'heat' if axes.mark == 'heat' else '')}", title=axes.y, sort=None)
    tooltip = [alt.Tooltip(f"{name}:{'Q' if numeric[name] else 'N'}", title=column) for name, column in wanted.items()]
    encoded: dict[str, Any] = {"x": x, "y": y, "tooltip": tooltip}
    if axes.colour:
        encoded["color"] = _colour(rows["colour"], numeric["colour"], axes.colour, palette)
    base = data("answer")
    fill: dict[str, Any] = {} if axes.colour else {"color": palette.accent}
    if axes.mark == "line":
        encoded["order"] = alt.Order("x:Q") if numeric["x"] else alt.Order()
        layer = base.mark_line(point=rows.num_rows <= 200, **fill).encode(**encoded)
    elif axes.mark == "points":
        layer = base.mark_point(filled=True, opacity=0.7, size=40, **fill).encode(**encoded)
    elif axes.mark == "heat":
        layer = base.mark_rect(**fill).encode(**encoded)
    else:
        layer = base.mark_bar(**fill).encode(**encoded)
    chart = alt.layer(layer).properties(width=width, height=height)
    return Picture(with_renderer(with_style(chart, palette).to_dict(validate=False), rows.num_rows), {"answer": rows})


def without_colour(table: pa.Table, axes: Axes) -> int:
    """How many values of the colouring column are not drawn, since there are no more colours that can be told apart."""
    if not axes.colour or _is_number(table.schema.field(axes.colour).type):
        return 0
    return max(0, len(pc.unique(table[axes.colour].slice(0, MOST)).drop_null()) - COLOURS)


def _colour(values: pa.ChunkedArray, numeric: bool, title: str, palette: Palette) -> alt.Color:
    if numeric and pc.count_distinct(values).as_py() > COLOURS:
        scale = alt.Scale(range=list(palette.sequential[1:]))
        return alt.Color("colour:Q", title=title, scale=scale)
    labels = [each for each in pc.unique(values).to_pylist() if each is not None][:COLOURS]
    colours = [*palette.series, *palette.cells]
    return alt.Color("colour:N", title=title, scale=alt.Scale(domain=labels, range=colours[: len(labels)]))


def _axis(values: pa.ChunkedArray, numeric: bool) -> alt.Axis:
    few = not numeric and pc.count_distinct(values).as_py() <= 25
    short = few and max((len(str(each)) for each in values.to_pylist()), default=0) <= 6
    return alt.Axis(labelLimit=120, labelAngle=0) if short else alt.Axis(labelLimit=120)


def _kind(values: pa.ChunkedArray, numeric: bool, mark: str) -> str:
    if not numeric:
        return "N"
    return "O" if mark in ("bars", "heat") and pc.count_distinct(values).as_py() <= FEW else "Q"


def _rises(values: pa.ChunkedArray) -> bool:
    numbers = [each for each in values.slice(0, 1000).to_pylist() if each is not None]
    return len(numbers) > 1 and all(a < b for a, b in itertools.pairwise(numbers))


def _first_group(labels: pa.ChunkedArray) -> int:
    values = labels.slice(0, 1000).to_pylist()
    return next((place for place, value in enumerate(values) if value != values[0]), len(values))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_label(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_temporal(kind)
