"""How long words are remembered: curves over the delay, the spectrum at one delay, properties beside chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, click, data, picture_of, series_colour, tooltips
from rnnstore.memory.singular_values import MEASURES, UNITS
from rnnstore.memory.spectra import Directions

MOST = 8
"""Curves that are drawn over one another: more colours cannot be told apart."""

OF_MEAN, OF_SINGLE = "of the mean gradient", "mean of single words'"
"""The two kinds of lines of `curves_picture`."""

PROPERTY_MEASURES = {"cosine": "cosine with the best-kept directions", "relative_memory": "relative memory"}


def curves_picture(
    table: pa.Table,
    palette: Palette,
    *,
    measure: str = "sigma_1",
    log: bool = False,
    single: bool = True,
    delay: int | None = None,
    width: int = 1100,
    height: int = 320,
) -> Picture:
    """One of `MEASURES` against the delay, a colour for each value of `series`, a column added to `memory.curves`.

    Of `sigma_1`, bands are 95 % intervals, and with `single` the mean of single words' values is a dashed line. A click
    on a point is heard as `clicked_delay`; `delay` is marked.
    """
    names = list(dict.fromkeys(table["series"].to_pylist()))
    rows = [row for row in table.to_pylist() if row[measure] is not None and (row[measure] > 0 or not log)]
    points = [_point(row, row[measure], row["sigma_1_error"], OF_MEAN, measure, log) for row in rows]
    if measure == "sigma_1" and single:
        points += [
            _point(row, row["mean_sigma_1"], row["mean_sigma_1_error"], OF_SINGLE, measure, log)
            for row in rows
            if row["mean_sigma_1"] is not None and (row["mean_sigma_1"] > 0 or not log)
        ]
    kinds = list(dict.fromkeys(point["kind"] for point in points)) or [OF_MEAN]
    x = _delays()
    y = alt.Y(
        "value:Q",
        title=[MEASURES[measure], f"({UNITS[measure]})"],
        scale=_scale(log),
        axis=alt.Axis(tickCount=5, format="~g"),
    )
    base = data("points").encode(x=x, y=y, detail=["series:N", "kind:N"])
    colour = _colour("series", names, palette)
    dash = alt.StrokeDash(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=kinds, range=[[1, 0], [5, 4]][: len(kinds)]),
        legend=alt.Legend(orient="top", symbolType="stroke", symbolStrokeWidth=2, symbolStrokeColor=palette.text)
        if len(kinds) > 1
        else None,
    )
    band = data("points").mark_area(opacity=0.16).encode(x=x, y="low:Q", y2="high:Q", color=colour, detail=["kind:N"])
    tooltip = [
        alt.Tooltip("series:N", title="of"),
        alt.Tooltip("delay:Q"),
        alt.Tooltip("value:Q", title=MEASURES[measure], format=".4~g"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("kind:N", title="value"),
        alt.Tooltip("count:Q", title="pairs", format=",d"),
    ]
    line = base.mark_line(strokeWidth=2).encode(color=colour, strokeDash=dash)
    dots = base.mark_point(filled=True, size=70, opacity=0, cursor="pointer").encode(tooltip=tooltip)
    rule = data("chosen").mark_rule(color=palette.muted, strokeDash=[2, 3]).encode(x="delay:Q")
    chart = alt.layer(band, rule, line, dots.add_params(click("clicked_delay", "delay")))
    chosen = pa.table({"delay": pa.array([] if delay is None else [delay], pa.int64())})
    picture = with_style(chart.properties(width=width, height=height), palette).to_dict(validate=False)
    return Picture(picture, {"points": pa.Table.from_pylist(points, _POINTS), "chosen": chosen})


_POINTS = pa.schema(
    [
        *((name, pa.string()) for name in ("series", "kind", "interval")), ("delay", pa.int64()), ("count", pa.int64()),
        *((name, pa.float64()) for name in ("value", "low", "high")),
    ]
)  # fmt: skip


def _point(
    row: Mapping[str, Any], value: float, error: float | None, kind: str, measure: str, log: bool
) -> dict[str, Any]:
    low = high = None
    if measure == "sigma_1" and error is not None:
        low, high = max(value - 1.96 * error, value / 100 if log else 0.0), value + 1.96 * error
    return {
        "series": row["series"],
        "kind": kind,
        "interval": "not known" if low is None else f"{low:.4g} to {high:.4g}",
        "delay": row["delay"],
        "count": row["count"] if kind == OF_MEAN else row["sampled"],
        "value": value,
        "low": low,
        "high": high,
    }


def spectrum_picture(
    found: Directions, palette: Palette, *, chosen: int = 0, width: int = 480, height: int = 220
) -> Picture:
    """The singular values at one delay; that of number `chosen` (from 0) stands out. A click is `clicked_direction`."""
    sigma = np.asarray(found.singular_values, float)
    table = pa.table(
        {
            "direction": np.arange(1, len(sigma) + 1),
            "value": sigma,
            "share": sigma / (sigma.sum() or 1),
            "chosen": np.arange(len(sigma)) == chosen,
        }
    )
    bars = (
        data("values")
        .mark_bar(cursor="pointer")
        .encode(
            x=alt.X(
                "direction:O",
                title="direction, best kept first",
                axis=alt.Axis(labelOverlap="greedy", labelSeparation=6, grid=False, labelAngle=0),
            ),
            y=alt.Y("value:Q", title="singular value (state per embedding)", axis=alt.Axis(tickCount=5, format="~g")),
            color=alt.condition("datum.chosen", alt.value(palette.accent), alt.value(palette.bands[2])),
            tooltip=tooltips("direction:O", "value:Q||.4~g", "share:Q|share of the sum|.1%"),
        )
    )
    return picture_of(
        alt.layer(bars.add_params(click("clicked_direction", "direction"))),
        palette,
        {"values": table},
        width=width,
        height=height,
    )


def properties_picture(
    table: pa.Table, palette: Palette, *, measure: str = "cosine", width: int = 1100, height: int = 260
) -> Picture:
    """A measure of `memory_of_properties` against the delay, a line a property; grey is what random directions give."""
    short = "cosine" if measure == "cosine" else "memory"
    names = list(dict.fromkeys(table["property"].to_pylist()))
    first = table.filter(pc.equal(table["property"], names[0])) if names else table
    chance = pa.table(
        {
            "delay": first["delay"],
            "value": first[f"random_{short}"],
            "low": first[f"random_{short}_low"],
            "high": first[f"random_{short}_high"],
        }
    )
    x = _delays()
    y = alt.Y(
        "value:Q",
        title=PROPERTY_MEASURES[measure],
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(tickCount=5, format="~g"),
    )
    band = data("chance").mark_area(color=palette.bands[1], opacity=0.7).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    mean = data("chance").mark_line(color=palette.muted, strokeDash=[5, 4], strokeWidth=1.2).encode(x=x, y=y)
    rows = table.select(["property", "delay", "words_first", "words_second"]).append_column("value", table[measure])
    base = data("rows").encode(x=x, y=y)
    line = base.mark_line(strokeWidth=2).encode(color=_colour("property", names, palette))
    tooltip = [
        alt.Tooltip("property:N"),
        alt.Tooltip("delay:Q"),
        alt.Tooltip("value:Q", title=PROPERTY_MEASURES[measure], format=".3f"),
        alt.Tooltip("words_first:Q", title="words, first class", format=",d"),
        alt.Tooltip("words_second:Q", title="words, second class", format=",d"),
    ]
    dots = base.mark_point(filled=True, size=70, opacity=0).encode(tooltip=tooltip)
    return picture_of(
        alt.layer(band, mean, line, dots), palette, {"rows": rows, "chance": chance}, width=width, height=height
    )


def _colour(field: str, names: Sequence[str], palette: Palette) -> alt.Color:
    legend = alt.Legend(
        orient="top", symbolType="stroke", symbolStrokeWidth=2, symbolOpacity=1, columns=4, labelLimit=260
    )
    return series_colour(field, names, palette, legend)


def _delays() -> alt.X:
    title, axis = "delay (steps since the word was read)", alt.Axis(grid=False, tickMinStep=1)
    return alt.X("delay:Q", title=title, axis=axis, scale=alt.Scale(nice=False))


def _scale(log: bool) -> alt.Scale:
    return alt.Scale(type="log", nice=False) if log else alt.Scale(zero=True)
