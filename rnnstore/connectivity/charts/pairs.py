"""Connectivity as pictures: a text shaded by one of its rows, and all pairs of steps at once.

The page shades its text in the browser; these are the same shades for notebooks and documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.connectivity.texts import TextConnectivity
from rnnstore.drawing.palette import Palette
from rnnstore.drawing.picture import Picture, data, picture_of, tooltips
from rnnstore.errors import QuestionError
from rnnstore.sentences.charts.coloured_text import coloured_text_picture
from rnnstore.visible import visible

MOST_PAIRS = 80_000
"""Squares that are drawn at most, 400 steps."""


@dataclass(frozen=True)
class _Shaded:
    title: str
    words: Sequence[str]
    typed: Sequence[str]
    values: np.ndarray
    first: int | None


def shaded_text_picture(
    texts: Sequence[TextConnectivity], palette: Palette, at: int, *, later: bool = False, width: int = 1100
) -> Picture:
    """Texts shaded by what step `at` of each is connected with; with `later`, by what is connected with it later.

    Every text goes up to its own strongest connection, which the legend calls 1. `QuestionError` for a step that a text
    does not have.
    """
    shaded, alike = [], _alike([each.model for each in texts])
    for each in texts:
        if not 0 <= at < len(each):
            raise QuestionError(
                f"The text of {each.model} has steps 0 to {len(each) - 1:,}, so {at:,} is none of them."
            )
        row = np.nan_to_num(each.values[:, at] if later else each.values[at])
        most = float(np.abs(row).max())
        shaded.append(
            _Shaded(each.model[alike:], each.reading.words, each.reading.typed, row / most if most else row, each.first)
        )
    picture = coloured_text_picture(shaded, "connectivity", palette, width=width)
    words = picture.tables["words"]
    places = [f"{number}:{at}" for number in range(len(texts))]
    selected = pa.array([place in places for place in words["place"].to_pylist()], pa.bool_())
    column = words.schema.get_field_index("selected")
    return Picture(picture.specification, {**picture.tables, "words": words.set_column(column, "selected", selected)})


def _alike(names: Sequence[str]) -> int:
    """Letters that all names begin with, up to a dash: there is little room for names, and these tell nothing apart."""
    same = takewhile(lambda signs: len(set(signs)) == 1, zip(*names, strict=False))
    return "".join(signs[0] for signs in same).rfind("-") + 1 if len(set(names)) > 1 else 0


def pairs_picture(text: TextConnectivity, palette: Palette, *, side: int = 520) -> Picture:
    """All pairs of a text: outputs from top to bottom, inputs from left to right, each row relative to its largest.

    A diagonal says that the step itself decides, a vertical line that one input matters for many later outputs.
    `QuestionError` for a text with more than `MOST_PAIRS` pairs.
    """
    rows, columns = np.tril_indices(len(text))
    if len(rows) > MOST_PAIRS:
        raise QuestionError(
            f"{len(text):,} steps have {len(rows):,} pairs; {MOST_PAIRS:,} at most can be told apart. Take a part."
        )
    most = np.abs(text.values).max(axis=1)
    shares = (text.values / np.where(most > 0, most, 1)[:, None])[rows, columns]
    known = np.isfinite(shares)
    words = pa.array([visible(word) for word in text.reading.words], pa.string())
    targets = pa.array([None if word is None else visible(word) for word in text.targets], pa.string())
    rows, columns = rows[known], columns[known]
    table = pa.table(
        {
            "output": pa.array(rows, pa.int32()),
            "input": pa.array(columns, pa.int32()),
            "share": pa.array(shares[known], pa.float32()),
            "value": pa.array(text.values[rows, columns], pa.float32()),
            "after": words.take(pa.array(rows)),
            "target": targets.take(pa.array(rows)),
            "word": words.take(pa.array(columns)),
        }
    )
    middle, signed = len(palette.diverging) // 2, text.scale == "times-input"
    colours = palette.diverging if signed else palette.diverging[middle:]
    scale = alt.Scale(domain=[-1 if signed else 0, 1], range=list(colours))
    axis = alt.Axis(grid=False, tickMinStep=1)
    steps = [-0.5, len(text) - 0.5]
    squares = data("pairs").mark_rect().transform_calculate(
        x1="datum.input - 0.5", x2="datum.input + 0.5", y1="datum.output - 0.5", y2="datum.output + 0.5"
    )  # fmt: skip
    chart = alt.layer(
        squares.encode(
            alt.X("x1:Q", scale=alt.Scale(domain=steps, nice=False), axis=axis, title="input step"),
            alt.X2("x2"),
            alt.Y("y1:Q", scale=alt.Scale(domain=steps, nice=False, reverse=True), axis=axis, title="output step"),
            alt.Y2("y2"),
            color=alt.Color("share:Q", scale=scale, title="relative to the row's largest"),
            tooltip=tooltips("word:N", "input:Q", "after:N", "target:N", "output:Q", "value:Q||.4g"),
        )
    ).properties(width=side, height=side, title=text.model)
    return picture_of(chart, palette, {"pairs": table})
