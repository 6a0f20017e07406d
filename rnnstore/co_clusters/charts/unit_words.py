"""The words of units as box plots, several units side by side on one scale (RNNVis, Figure 1E and Figure 8C)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.charts.clouds import shorten
from rnnstore.co_clusters.charts.responses import signed, with_error
from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, click, data, tooltips, with_margin, with_parameters
from rnnstore.visible import visible

ROW, HEAD, FOOT = 17, 26, 24
"""Heights of a box plot, of a unit's title, and of the axis below its words."""

GUTTER, SIDE = 104, 18
"""Pixels for the words left of the box plots, and empty ones right of them."""


def unit_words_picture(
    units: Mapping[int, pa.Table],
    palette: Palette,
    *,
    columns: int | None = None,
    clusters: np.ndarray | None = None,
    width: int = 900,
) -> Picture:
    """Box plots of the words of each unit, as `words_of_unit` gives them, in so many `columns` (None: all side by side,
    three at most).

    Whiskers reach from 9 to 91 %, boxes from 25 to 75 %, with the median as a line and the mean as a point. All units
    have the same scale. A page can listen to `clicked_word` (word_id).
    """
    columns = columns or min(len(units), 3)
    everything = np.concatenate(
        [table[name].to_numpy() for table in units.values() for name in ("quantile_09", "quantile_91", "response")]
        or [np.zeros(1)]
    )
    low, high = min(float(everything.min(initial=0)), 0.0), max(float(everything.max(initial=0)), 0.0)
    if high <= low:
        low, high = -1.0, 1.0
    most = max((table.num_rows for table in units.values()), default=0)
    lines = -(-len(units) // columns)
    tall = HEAD + ROW * most + FOOT

    def share(values: Any) -> np.ndarray:
        return ((np.asarray(values, float) - low) / (high - low)).astype(np.float32)

    rows, titles, grid = [], [], []
    for number, (unit, table) in enumerate(units.items()):
        across, top = number % columns, number // columns * tall
        rows.append(_rows(table, across, top, share, palette))
        chip = "" if clusters is None else f", cluster {clusters[unit]}"
        titles.append((across, top + HEAD / 2, f"unit {unit}{chip}"))
        for tick in _ticks(low, high):
            grid.append(
                (
                    across,
                    float(share(tick)),
                    top + HEAD - 4,
                    top + HEAD + ROW * table.num_rows,
                    numeral(tick, high - low).replace("-", "−"),
                    not tick,
                )
            )
    tables = {
        "boxes": pa.concat_tables(rows),
        "titles": _columns(titles, across=pa.int8(), y=pa.float32(), text=pa.string()),
        "grid": _columns(
            grid, across=pa.int8(), at=pa.float32(), y=pa.float32(), y2=pa.float32(), text=pa.string(), zero=pa.bool_()
        ),
    }
    return Picture(with_parameters(_specification(palette, width), lines * tall + 4, columns=columns), tables)


def _rows(table: pa.Table, across: int, top: float, share: Any, palette: Palette) -> pa.Table:
    number = np.arange(table.num_rows)
    response = table["response"].to_numpy()
    errors = table["standard_error"].to_numpy(zero_copy_only=False).astype(float)
    names = {
        "low": "quantile_09",
        "lower": "quantile_25",
        "middle": "quantile_50",
        "upper": "quantile_75",
        "high": "quantile_91",
    }
    captions = [
        f"{signed(row['quantile_50'])}; {signed(row['quantile_25'])} to {signed(row['quantile_75'])}; "
        f"{signed(row['quantile_09'])} to {signed(row['quantile_91'])}"
        for row in table.select(list(names.values())).to_pylist()
    ]
    return pa.table(
        {
            "word_id": table["word_id"].cast(pa.int32()),
            "across": pa.array(np.full(len(number), across), pa.int8()),
            "y": pa.array(top + HEAD + ROW * (number + 0.5), pa.float32()),
            **{name: pa.array(share(table[column].to_numpy()), pa.float32()) for name, column in names.items()},
            "mean": pa.array(share(response), pa.float32()),
            "colour": pa.array([palette.diverging[-2 if value > 0 else 1] for value in response], pa.string()),
            "word": pa.array([visible(word) for word in table["word"].to_pylist()], pa.string()),
            "text": pa.array(
                [shorten(visible(word), 12, GUTTER - 14) for word in table["word"].to_pylist()], pa.string()
            ),
            "read": pa.array([f"{count:,}" for count in table["count"].to_pylist()], pa.string()),
            "response": pa.array(
                [with_error(*both) for both in zip(response.tolist(), errors.tolist(), strict=True)], pa.string()
            ),
            "caption": pa.array(captions, pa.string()),
        }
    )


def _columns(rows: list[tuple], **types: pa.DataType) -> pa.Table:
    each = zip(*rows, strict=True) if rows else [[] for _ in types]
    return pa.table(
        {name: pa.array(list(values), kind) for values, (name, kind) in zip(each, types.items(), strict=True)}
    )


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers from `low` to `high`, 0 among them."""
    step = 10.0 ** np.floor(np.log10((high - low) / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    return [float(step * number) for number in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


@lru_cache(maxsize=8)
def _specification(palette: Palette, width: int) -> dict[str, Any]:
    panel = "(width / columns)"
    room = f"({panel} - {GUTTER + SIDE})"

    def x(field: str) -> alt.ExprRef:
        return alt.ExprRef(f"datum.across * {panel} + {GUTTER} + datum.{field} * {room}")

    def down(text: str = "datum.y") -> alt.ExprRef:
        return alt.ExprRef(text)

    boxes, grid = data("boxes"), data("grid")
    colour = alt.Fill("colour:N", scale=None)
    tooltip = tooltips(
        "word:N|word",
        "read:N|occurrences",
        "response:N|mean response ± standard error",
        "caption:N|median; 25 to 75 %; 9 to 91 %",
    )
    row = boxes.mark_rect(
        x=alt.ExprRef(f"datum.across * {panel}"), x2=alt.ExprRef(f"(datum.across + 1) * {panel} - {SIDE / 2}"),
        y=down(f"datum.y - {ROW / 2}"), y2=down(f"datum.y + {ROW / 2}"), fill=palette.surface, cursor="pointer",
    )  # fmt: skip
    line = grid.mark_rect(
        x=x("at"), x2=alt.ExprRef(f"datum.across * {panel} + {GUTTER} + datum.at * {room} + 1"), y=down(),
        y2=down("datum.y2"), fill=alt.ExprRef(f"datum.zero ? '{palette.muted}' : '{palette.grid}'"),
    )  # fmt: skip
    tick = grid.mark_text(x=x("at"), y=down("datum.y2 + 9"), fontSize=11, color=palette.muted)
    title = data("titles").mark_text(
        x=alt.ExprRef(f"datum.across * {panel} + {GUTTER}"), y=down(), align="left", fontSize=12, fontWeight=600,
        color=palette.text,
    )  # fmt: skip
    whisker = boxes.mark_rect(
        x=x("low"), x2=x("high"), y=down("datum.y - 0.75"), y2=down("datum.y + 0.75"), fill=palette.muted
    )
    box = boxes.mark_rect(
        x=x("lower"), x2=x("upper"), y=down("datum.y - 4.5"), y2=down("datum.y + 4.5"), cornerRadius=1.5
    )
    median = boxes.mark_rect(
        x=x("middle"), x2=alt.ExprRef(f"datum.across * {panel} + {GUTTER} + datum.middle * {room} + 1.5"),
        y=down("datum.y - 5"), y2=down("datum.y + 5"), fill=palette.text,
    )  # fmt: skip
    mean = boxes.mark_point(
        x=x("mean"), y=down(), shape="diamond", size=34, filled=True, fill=palette.background, stroke=palette.text,
        strokeWidth=1, opacity=1,
    )  # fmt: skip
    word = boxes.mark_text(
        x=alt.ExprRef(f"datum.across * {panel} + {GUTTER - 8}"), y=down(), align="right", fontSize=12,
        color=palette.text, cursor="pointer",
    )  # fmt: skip
    layers = [
        row.encode(tooltip=tooltip).add_params(click("clicked_word", "word_id")),
        line,
        tick.encode(text="text:N"),
        title.encode(text="text:N"),
        whisker,
        box.encode(colour),
        median,
        mean,
        word.encode(text="text:N", tooltip=tooltip),
    ]
    chart = alt.layer(*layers).add_params(alt.param(name="columns", value=1))
    margin = {"left": 4, "right": 4, "top": 4, "bottom": 0}
    return with_style(with_margin(chart, margin, width), palette).to_dict(validate=False)
