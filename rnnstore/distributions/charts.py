"""Charts of distributions: bands or a heat map of all units, one unit's histogram, saturation of gates.

Units are sorted by a measure. A page can listen to `clicked_unit`, and in the scatter to `clicked_gate`
(`layer1.f:12`). Values beyond the axis are clipped to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.distributions.saturation import gate_name
from rnnstore.distributions.single_unit import UnitValues
from rnnstore.distributions.unit_distributions import LEVELS, Distribution
from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, click, data, picture_of, series_colour, tooltips, with_renderer

COLUMNS, ROWS = 300, 60
"""Cells of a heat map beside and above one another, at most: more units share a column, more bins a row."""

PANELS = 3
"""Gates beside each other in the scatter."""

BANDS = ((0, 6), (1, 5), (2, 4))
"""Pairs of `LEVELS` between which the bands are drawn: 98 %, 82 % and 50 % of the values."""


def bands_picture(
    found: Distribution,
    order: np.ndarray,
    palette: Palette,
    *,
    limits: tuple[float, float],
    unit: int | None = None,
    sorted_by: str = "",
    width: int = 1100,
    height: int = 260,
) -> Picture:
    """A column a unit in the given `order`: the middle 98, 82 and 50 % of its values and its median.

    The two `limits` of saturation are dashed, `unit` is framed.
    """
    levels = {f"q{index}": found.quantiles[index][order] for index in range(len(LEVELS))}
    low, high = float(min(levels["q0"].min(), limits[0])), float(max(levels["q6"].max(), limits[1]))
    low, high = max(low, float(found.edges[0])), min(high, float(found.edges[-1]))
    drawn = {name: np.clip(values, low, high).astype(np.float32) for name, values in levels.items()}
    places = np.arange(len(order), dtype=np.int32)
    tables = {
        "units": pa.table(
            {
                "place": places,
                "end": places + np.int32(1),
                "unit": order.astype(np.int32),
                **drawn,
                **{f"value{index}": levels[f"q{index}"].astype(np.float32) for index in range(len(LEVELS))},
                "mean": found.mean[order].astype(np.float32),
                "left": found.share_below(limits[0])[order].astype(np.float32),
                "right": found.share_above(limits[1])[order].astype(np.float32),
            }
        ),
        "limits": pa.table({"limit": [float(limit) for limit in limits if low <= limit <= high]}),
        "framed": _framed(order, unit),
    }
    x = _across(len(order), sorted_by)
    scale = alt.Scale(domain=[low, high], nice=False)
    up = alt.Axis(tickCount=5)
    colours = (palette.bands[0], palette.bands[1], palette.bands[2])
    layers = [
        data("units")
        .mark_rect()
        .encode(
            x=x,
            x2="end:Q",
            y=alt.Y(f"q{lower}:Q", title=found.state, scale=scale, axis=up),
            y2=f"q{upper}:Q",
            color=alt.value(colour),
        )
        for (lower, upper), colour in zip(BANDS, colours, strict=True)
    ]
    layers.append(
        data("units")
        .mark_rule(strokeWidth=2, color=palette.accent)
        .encode(x=x, x2="end:Q", y=alt.Y("q3:Q", scale=scale))
    )
    tooltip = [
        alt.Tooltip("unit:Q"),
        *(
            alt.Tooltip(f"value{index}:Q", title=f"{round(100 * level)} %", format=".3~f")
            for index, level in enumerate(LEVELS)
        ),
        alt.Tooltip("mean:Q", format=".3~f"),
        alt.Tooltip("left:Q", title=f"below {limits[0]:g}", format=".1%"),
        alt.Tooltip("right:Q", title=f"above {limits[1]:g}", format=".1%"),
    ]
    layers += _on_top(x, scale, palette)
    hit = data("units").mark_rect(opacity=0, cursor="pointer").encode(x=x, x2="end:Q", tooltip=tooltip)
    layers.append(hit.add_params(click("clicked_unit", "unit")))
    return picture_of(alt.layer(*layers), palette, tables, width=width, height=height)


def heat_picture(
    found: Distribution,
    order: np.ndarray,
    palette: Palette,
    *,
    limits: tuple[float, float],
    unit: int | None = None,
    sorted_by: str = "",
    width: int = 1100,
    height: int = 260,
) -> Picture:
    """A column a unit in the given `order`, a row a range of values: how often the unit lies there.

    Of more than 300 units, neighbours share a column, which shows their mean (`heat_note` says how many).
    """
    shares, edges, ends = _heat(found, order)
    columns, rows = np.nonzero(shares)
    first = np.concatenate([[0], ends[:-1]])
    tables = {
        "cells": pa.table(
            {
                "place": first[columns].astype(np.int16),
                "end": ends[columns].astype(np.int16),
                "low": edges[rows].astype(np.float32),
                "high": edges[rows + 1].astype(np.float32),
                "share": shares[columns, rows].astype(np.float32),
                "unit": order[first[columns]].astype(np.int16),
            }
        ),
        "limits": pa.table({"limit": [float(limit) for limit in limits if edges[0] < limit < edges[-1]]}),
        "framed": _framed(order, unit),
    }
    x = _across(len(order), sorted_by)
    scale = alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False)
    most = float(np.quantile(shares[shares > 0], 0.99)) if shares.any() else 1.0
    shades = alt.Scale(type="sqrt", domain=[0, most], range=list(palette.sequential), clamp=True)
    cells = (
        data("cells")
        .mark_rect(cursor="pointer")
        .encode(
            x=x,
            x2="end:Q",
            y=alt.Y("low:Q", title=found.state, scale=scale, axis=alt.Axis(tickCount=5)),
            y2="high:Q",
            color=alt.Color(
                "share:Q",
                title="share of steps",
                scale=shades,
                legend=alt.Legend(
                    orient="top",
                    direction="horizontal",
                    format=".0%",
                    gradientLength=160,
                    gradientThickness=8,
                ),
            ),
            tooltip=[
                alt.Tooltip("unit:Q", title="unit" if len(ends) == len(order) else "first unit"),
                alt.Tooltip("low:Q", title="from", format=".3~f"),
                alt.Tooltip("high:Q", title="to", format=".3~f"),
                alt.Tooltip("share:Q", title="share of steps", format=".2%"),
            ],
        )
        .add_params(click("clicked_unit", "unit"))
    )
    chart = alt.layer(cells, *_on_top(x, scale, palette)).properties(width=width, height=height)
    return Picture(with_renderer(with_style(chart, palette).to_dict(validate=False), tables["cells"].num_rows), tables)


def heat_note(found: Distribution) -> str:
    """How many units share a column of the heat map; empty where each has its own."""
    beside = -(-found.units // COLUMNS)
    return f"Each column shows the mean of {beside} units that are neighbours in this order." if beside > 1 else ""


def unit_picture(
    found: UnitValues,
    palette: Palette,
    *,
    state: str,
    limits: tuple[float, float],
    width: int = 460,
    height: int = 210,
) -> Picture:
    """The histogram of one unit; what lies beyond the `limits` of saturation is orange."""
    low, high = (found.bins[name].to_numpy() for name in ("low", "high"))
    side = np.where(high <= limits[0] + 1e-9, "beyond", np.where(low >= limits[1] - 1e-9, "beyond", "between"))
    bins = found.bins.append_column("side", pa.array(side.tolist(), pa.string()))
    title = f"{state}, unit {found.unit}"
    axis = alt.Axis(grid=False, tickCount=8, labelFlush=False, labelOverlap=True, labelSeparation=4)
    bars = (
        data("bins")
        .mark_bar(binSpacing=0)
        .encode(
            x=alt.X("low:Q", title=title, scale=alt.Scale(zero=False, nice=False), axis=axis),
            x2="high:Q",
            y=alt.Y("share:Q", title="share of steps", axis=alt.Axis(format="%", tickCount=4)),
            y2=alt.datum(0),
            color=alt.Color(
                "side:N",
                title=None,
                legend=None,
                scale=alt.Scale(domain=["between", "beyond"], range=[palette.diverging[1], palette.diverging[-2]]),
            ),
            tooltip=tooltips("low:Q|from|.4~g", "high:Q|to|.4~g", "count:Q|steps|,d", "share:Q||.2%"),
        )
    )
    inside = [float(limit) for limit in limits if low[0] < limit < high[-1]]
    rules = data("limits").mark_rule(strokeDash=[4, 3], color=palette.threshold).encode(x="limit:Q")
    chart = alt.layer(bars, rules).properties(width=width, height=height)
    tables = {"bins": bins, "limits": pa.table({"limit": pa.array(inside, pa.float64())})}
    return picture_of(chart, palette, tables)


def saturation_picture(
    found: Sequence[Distribution],
    palette: Palette,
    *,
    limits: Sequence[tuple[float, float]],
    chosen: tuple[str, int] | None = None,
    size: int = 150,
    single: int = 220,
) -> Picture:
    """A point a unit: the share of steps at which it is right saturated across, left saturated upwards.

    A panel for each kind of gate (or state) in `found`, a colour for each layer; `limits` are those of each state. No
    unit can lie above the line from corner to corner, those on it are always saturated. `chosen` (state, unit) is
    encircled. A panel is `size` pixels wide, or `single` where it is the only one.
    """
    parts = [_saturated(each, *limit) for each, limit in zip(found, limits, strict=True)]
    points = pa.concat_tables(parts)
    layers = list(dict.fromkeys(points["layer"].to_pylist()))
    kinds = list(dict.fromkeys(points["gate"].to_pylist()))
    most = max(float(np.max(points[side].to_numpy())) for side in ("left", "right"))
    most = min(1.0, float(np.floor(most * 10) + 1) / 10)  # the next tenth, so that all points are seen apart
    share: dict[str, Any] = {
        "scale": alt.Scale(domain=[0, most]),
        "axis": alt.Axis(format=".0%", values=[0, most / 2, most]),
    }
    x, y = alt.X("right:Q", title="right saturated", **share), alt.Y("left:Q", title="left saturated", **share)
    dots = alt.Chart().mark_point(filled=True, size=26, opacity=0.65, cursor="pointer")
    dots = dots.encode(
        x=x,
        y=y,
        color=series_colour(
            "layer", layers, palette, alt.Legend(orient="top", symbolOpacity=1) if len(layers) > 1 else None
        ),
        tooltip=tooltips("state:N", "unit:Q", "left:Q|left saturated|.1%", "right:Q|right saturated|.1%"),
    )
    ringed = "" if chosen is None else f"{chosen[0]}:{chosen[1]}"
    ring = alt.Chart().transform_filter(f"datum.id == '{ringed}'")
    ring = ring.mark_point(filled=False, size=120, strokeWidth=2, color=palette.text).encode(x=x, y=y)
    corner = alt.Chart().mark_rule(strokeDash=[3, 3], color=palette.muted, strokeWidth=0.8, clip=True)
    corner = corner.encode(x=alt.datum(0), x2=alt.datum(1), y=alt.datum(1), y2=alt.datum(0))
    wide = single if len(kinds) == 1 else size
    panel = alt.layer(corner, ring, dots.add_params(click("clicked_gate", "id")))
    chart = panel.properties(width=wide, height=wide, data=alt.NamedData("points")).facet(
        facet=alt.Facet("gate:N", title=None, sort=kinds, header=alt.Header(labelFontSize=12)),
        columns=min(PANELS, len(kinds)),
        spacing=14,
    )
    return picture_of(chart, palette, {"points": points})


def _saturated(found: Distribution, left: float, right: float) -> pa.Table:
    layer, _, _ = found.state.rpartition(".")
    units = np.arange(found.units, dtype=np.int32)
    return pa.table(
        {
            "state": pa.array([found.state] * found.units, pa.string()),
            "layer": pa.array([layer or found.state] * found.units, pa.string()),
            "gate": pa.array([gate_name(found.state, found.cell)] * found.units, pa.string()),
            "unit": units,
            "id": pa.array([f"{found.state}:{unit}" for unit in units], pa.string()),
            "left": found.share_below(left).astype(np.float32),
            "right": found.share_above(right).astype(np.float32),
        }
    )


def _across(units: int, sorted_by: str) -> alt.X:
    title = f"units, from the least to the greatest {sorted_by}" if sorted_by else "units"
    return alt.X(
        "place:Q",
        title=title,
        scale=alt.Scale(domain=[0, units], nice=False),
        axis=alt.Axis(grid=False, ticks=False, labels=False),
    )


def _on_top(x: alt.X, scale: alt.Scale, palette: Palette) -> list[alt.Chart]:
    """The limits, and a frame around the unit that was chosen."""
    rules = (
        data("limits")
        .mark_rule(strokeDash=[4, 3], color=palette.threshold, strokeWidth=1.2)
        .encode(y=alt.Y("limit:Q", scale=scale))
    )
    frame = data("framed").mark_rect(filled=False, stroke=palette.text, strokeWidth=1.5).encode(x=x, x2="end:Q")
    return [rules, frame]


def _framed(order: np.ndarray, unit: int | None) -> pa.Table:
    places = np.flatnonzero(order == unit) if unit is not None else np.zeros(0, int)
    return pa.table(
        {
            "place": pa.array(places, pa.float32()),
            "end": pa.array(places + 1, pa.float32()),
            "unit": pa.array(order[places], pa.int32()),
        }
    )


def _heat(found: Distribution, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(share float[columns, rows], edges of the rows, place at which each column ends)."""
    beside, above = -(-found.units // COLUMNS), -(-(len(found.edges) - 1) // ROWS)
    rows = np.arange(0, len(found.edges) - 1, above)
    shares = np.add.reduceat(found.histogram[order] / found.steps, rows, axis=1)
    firsts = np.arange(0, len(order), beside)
    ends = np.append(firsts[1:], len(order))
    return (
        np.add.reduceat(shares, firsts, axis=0) / (ends - firsts)[:, None],
        np.append(found.edges[rows], found.edges[-1]),
        ends,
    )
