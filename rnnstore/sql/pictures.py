"""The chart of an answer of SQL; the page is "SQL"."""

from __future__ import annotations

import pyarrow as pa

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError, suggest
from rnnstore.sql import charts


def answer_picture(
    table: pa.Table,
    x: str | None = None,
    y: str | None = None,
    *,
    colour: str = "",
    mark: str = "bars",
    theme: str = "light",
    width: int = 900,
) -> Picture:
    """Columns of an answer of `Store.sql` as a chart: `mark` is bars, line, points or heat, at most 5,000 rows.

    Without `x` and `y` those are taken that the page takes first. Raises `QuestionError` where a column is not there
    or cannot be an axis, where the mark is none of the four, and where there is nothing to draw.
    """
    columns, _ = charts.drawable(table)
    if mark not in charts.MARKS:
        raise QuestionError(f"There is no mark {mark!r}: {suggest(mark, charts.MARKS)}")
    default = charts.default_axes(table)
    if default is None and (x is None or y is None):
        raise QuestionError(
            "Nothing of this answer can be drawn by itself: two rows and two columns of numbers or words are needed."
        )
    for name in filter(None, (x, y, colour)):
        if name not in columns:
            raise QuestionError(f"The answer has no column {name!r} that can be drawn: {suggest(name, columns)}")
    x, y = (x or default.x, y or default.y) if default else (str(x), str(y))
    axes = charts.Axes(x, y, colour, mark)
    return charts.answer_picture(table, axes, palette(theme), width=width)
