"""Pictures of a whole training by its recorded batches: how large their gradients were and how far back they reached.

Every picture of a page has the same width and the same room for its vertical axis, so that what lies below one another
is the same training step.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.charts.palette import Palette, styled
from rnnstore.charts.picture import Picture, as_wide, clicked, named, rendered
from rnnstore.training.batches import Outline
from rnnstore.training.curves import Curves

QUANTITIES = {
    "maximum": "largest part",
    "mean": "mean of all parts",
    "half_life": "half-life (steps)",
    "horizon": "horizon (steps)",
    "loss": "loss (nats)",
}

ROOM = 56
"""Pixels of the vertical axis."""


def outline_picture(
    outline: Outline,
    palette: Palette,
    *,
    quantity: str = "maximum",
    chosen: Sequence[int] = (),
    width: int = 1100,
    height: int = 120,
) -> Picture:
    """A bar for every recorded batch, or group of neighbours; `chosen` batches (by step) are marked.

    A click on a bar is heard as `clicked_batch`, with the step of the largest batch in it.
    """
    table = outline.table
    first, last = table["first"].to_numpy(), table["last"].to_numpy()
    gap = float(np.median(np.diff(first))) if len(first) > 1 else 1.0
    ends = np.append(first[1:], last[-1] + gap) if len(first) else first
    held = np.zeros(len(first), bool)
    for step in chosen:
        held |= (first <= step) & (step <= last)
    rows = table.append_column("left", pa.array(first.astype(float)))
    rows = rows.append_column("right", pa.array(first + (ends - first) * (0.9 if len(first) < 300 else 1.0)))
    rows = rows.append_column("held", pa.array(held))
    tooltip = [
        alt.Tooltip("first:Q", title="after step", format=",d"),
        alt.Tooltip("batches:Q", title="batches in this bar", format=",d"),
        alt.Tooltip("largest:Q", title="largest after step", format=",d"),
        alt.Tooltip("maximum:Q", format=".4~g"),
        alt.Tooltip("mean:Q", format=".4~g"),
        alt.Tooltip("half_life:Q", title="half-life", format=".2~f"),
        alt.Tooltip("horizon:Q", format=".2~f"),
        alt.Tooltip("loss:Q", format=".3f"),
    ]
    base = named("bars").encode(
        x=alt.X("left:Q", title=None, scale=_along(rows), axis=alt.Axis(grid=False, tickCount=8, format=",d")),
        x2="right:Q",
    )
    bars = base.mark_rect().encode(
        y=alt.Y(f"{quantity}:Q", title=QUANTITIES[quantity], axis=_axis()),
        y2=alt.datum(0),
        color=alt.condition("datum.held", alt.value(palette.threshold), alt.value(palette.accent)),
    )
    hit = base.mark_rect(opacity=0, cursor="pointer").encode(y=alt.value(0), y2=alt.value(height), tooltip=tooltip)
    chart = alt.layer(bars, hit.add_params(clicked("clicked_batch", "largest")))
    chart = chart.properties(width=width, height=height)
    return Picture(rendered(styled(as_wide(chart), palette).to_dict(validate=False), 10_000), {"bars": rows})


def reach_picture(
    outlines: Sequence[Outline], palette: Palette, *, width: int = 1100, height: int = 150, smooth: int = 15
) -> Picture:
    """Half-life (dashed) and horizon of the batches over training, of one model or several over one another.

    Lines are the mean of `smooth` neighbouring rows of an outline, points the rows themselves.
    """
    tables = []
    for outline in outlines:
        for name in ("half_life", "horizon"):
            values = outline.table[name].to_numpy().astype(float)
            tables.append(
                pa.table(
                    {
                        "model": pa.array([outline.model] * len(values), pa.string()),
                        "measure": pa.array([name.replace("_", "-")] * len(values), pa.string()),
                        "step": outline.table["first"],
                        "steps": values,
                        "smooth": _smoothed(values, smooth),
                    }
                )
            )
    rows = pa.concat_tables(tables)
    models = [outline.model for outline in outlines]
    x = alt.X("step:Q", title=None, scale=_along(rows, "step"), axis=alt.Axis(grid=False, tickCount=8, format=",d"))
    base = named("reach").encode(x=x, color=_colour(models, palette), detail="measure:N")
    tooltip = [
        alt.Tooltip("model:N"),
        alt.Tooltip("measure:N"),
        alt.Tooltip("step:Q", format=",d"),
        alt.Tooltip("steps:Q", format=".2f"),
        alt.Tooltip("smooth:Q", title="mean of neighbours", format=".2f"),
    ]
    y_axis = _axis()
    points = base.mark_point(filled=True, size=7, opacity=0.35).encode(
        y=alt.Y("steps:Q", title="lag (steps)", axis=y_axis), tooltip=tooltip
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("smooth:Q"),
        strokeDash=alt.StrokeDash(
            "measure:N",
            title=None,
            scale=alt.Scale(domain=["horizon", "half-life"], range=[[1, 0], [4, 3]]),
            legend=alt.Legend(orient="top", symbolType="stroke", symbolStrokeWidth=2, symbolStrokeColor=palette.text),
        ),
    )
    chart = alt.layer(points, lines).properties(width=width, height=height)
    return Picture(rendered(styled(as_wide(chart), palette).to_dict(validate=False), 10_000), {"reach": rows})


def course_picture(
    found: Curves, models: Sequence[str], palette: Palette, *, last: int | None = None, width: int = 1100
) -> Picture:
    """Training loss and, below, the norm of the gradient over training steps, aligned with the pictures above."""
    table = found.table.filter(pc.is_finite(found.table["loss"]))
    axis = alt.Axis(grid=False, tickCount=8, format=",d", title="training step")
    x = alt.X("step:Q", title="training step", scale=_along(table, "step", last), axis=axis)
    rows, top = [], 0
    for name, title in {"loss": "loss (nats)", "gradient_norm": "norm of gradient"}.items():
        place = [top + 80, top]
        scale = alt.Scale(range=place, zero=False, nice=False, type="log" if name == "gradient_norm" else "linear")
        line = (
            named("course")
            .mark_line(strokeWidth=1.2, opacity=0.85)
            .transform_filter(f"datum.{name} > 0")
            .encode(
                x=x,
                y=alt.Y(f"{name}:Q", title=title, scale=scale, axis=_axis(title)),
                color=_colour(models, palette, legend=False),
                tooltip=[
                    alt.Tooltip("model:N"),
                    alt.Tooltip("step:Q", format=",d"),
                    alt.Tooltip(f"{name}:Q", format=".4~g"),
                ],
            )
        )
        rows.append(line)
        top += 95
    chart = alt.layer(*rows).resolve_scale(y="independent").properties(width=width, height=top - 15)
    return Picture(rendered(styled(as_wide(chart), palette).to_dict(validate=False), 10_000), {"course": table})


def _smoothed(values: np.ndarray, over: int) -> np.ndarray:
    """The mean of each value and its neighbours, fewer at the ends."""
    half = over // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    return (sums[high] - sums[low]) / np.maximum(high - low, 1)


def _along(rows: pa.Table, last: str = "right", end: int | None = None) -> alt.Scale:
    """From the first step of the rows to the last."""
    if not rows.num_rows:
        return alt.Scale(nice=False)
    low = pc.min(rows["left" if last == "right" else last]).as_py()
    high = pc.max(rows[last]).as_py() if end is None else end
    return alt.Scale(domain=[float(min(low, high)), float(max(high, low + 1))], nice=False, clamp=True)


def _axis(title: str | None = None) -> alt.Axis:
    named = {} if title is None else {"title": title}
    return alt.Axis(orient="left", tickCount=4, format=".3~r", minExtent=ROOM, maxExtent=ROOM, **named)


def _colour(models: Sequence[str], palette: Palette, legend: bool = True) -> alt.Color:
    colours = [palette.accent, palette.threshold, *palette.series]
    return alt.Color(
        "model:N",
        title=None,
        scale=alt.Scale(domain=list(models), range=[colours[i % len(colours)] for i in range(len(models))]),
        legend=alt.Legend(orient="top", symbolType="circle") if legend and len(models) > 1 else None,
    )
