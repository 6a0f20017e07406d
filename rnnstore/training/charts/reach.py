"""How far back gradients reached over a training, and its losses and norms of gradients, aligned with the overview.

Both charts have the overview's width and margins and, if given, its range of steps, so that the same step stands at the
same place in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, data, series_colour, tooltips, with_margin, with_parameters, with_renderer
from rnnstore.training.charts.batch_overview import SIDES, broken_layers, span, value_axis
from rnnstore.training.history import TrainingCurves
from rnnstore.training.recorded_batches import BatchOverview

_STEP = "training step"
_EACH = 80  # pixels of one quantity of a course


def reach_picture(
    outlines: Sequence[BatchOverview],
    palette: Palette,
    *,
    chosen: int | None = None,
    along: tuple[float, float] | None = None,
    width: int = 1100,
    height: int = 150,
) -> Picture:
    """Half-life (dashed) and horizon of the batches over training, of one model or several over one another.

    Lines are means of neighbouring rows of an outline (of how many, `neighbours` says), points the rows themselves.
    `along` are the steps of the axis, `chosen` a batch at which a line stands.
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
                        "smooth": _smoothed(values, neighbours(outline)),
                    }
                )
            )
    ends = [span(outline) for outline in outlines]
    along = along or (min(low for low, _ in ends), max(high for _, high in ends))
    specification = _reach_specification(tuple(outline.model for outline in outlines), palette, width, height)
    return _with_range(specification, along, {"reach": pa.concat_tables(tables), "chosen": _at(chosen)})


def neighbours(outline: BatchOverview) -> int:
    """How many neighbouring rows of an outline are one point of its lines: fifteen, fewer of few; always odd."""
    return max(1, min(15, outline.table.num_rows // 10) | 1)


def loss_and_norm_picture(
    found: TrainingCurves,
    models: Sequence[str],
    palette: Palette,
    *,
    chosen: int | None = None,
    broken: int | None = None,
    along: tuple[float, float] | None = None,
    width: int = 1100,
) -> Picture:
    """Training loss and, below, the norm of the gradient over training steps, aligned with the pictures above."""
    table = found.table.filter(pc.is_finite(found.table["loss"]))
    if along is None:
        along = (0.0, float(pc.max(table["step"]).as_py() or 1))
    inside = pc.and_(pc.greater_equal(table["step"], along[0]), pc.less_equal(table["step"], along[1]))
    tables = {"course": table.filter(inside), "chosen": _at(chosen), "broken": _at(broken)}
    return _with_range(_course_specification(tuple(models), palette, width), along, tables)


def _at(step: int | None) -> pa.Table:
    return pa.table({"step": pa.array([] if step is None else [float(step)], pa.float64())})


def _with_range(specification: dict[str, Any], along: tuple[float, float], tables: dict[str, pa.Table]) -> Picture:
    low, high = along
    return Picture(with_parameters(specification, specification["height"], low=low, high=max(high, low + 1)), tables)


@lru_cache(maxsize=16)
def _reach_specification(models: tuple[str, ...], palette: Palette, width: int, height: int) -> dict[str, Any]:
    x = _x()
    base = data("reach").encode(x=x, color=_colour(models, palette), detail="measure:N")
    tooltip = tooltips("model:N", "measure:N", "step:Q||,d", "steps:Q||.2f", "smooth:Q|mean of neighbours|.2f")
    points = base.mark_point(filled=True, size=9, opacity=0.4).encode(
        y=alt.Y("steps:Q", title="lag (steps)", axis=value_axis()), tooltip=tooltip
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
    chart = alt.layer(points, lines, _chosen(palette, height))
    return _complete(chart, palette, width, height, {"top": 32, "bottom": 22})


@lru_cache(maxsize=16)
def _course_specification(models: tuple[str, ...], palette: Palette, width: int) -> dict[str, Any]:
    x = _x(_STEP)
    rows, top = [], 0
    for name, title in {"loss": "loss (nats)", "gradient_norm": "norm of gradient"}.items():
        log = name == "gradient_norm"
        scale = alt.Scale(range=[top + _EACH, top], zero=False, nice=False, type="log" if log else "linear")
        line = data("course").mark_line(strokeWidth=1.2, opacity=0.85).transform_filter(f"datum.{name} > 0")
        tooltip = tooltips("model:N", "step:Q||,d", f"{name}:Q||.4~g")
        axis = value_axis(title, 3)
        line = line.encode(x=x, y=alt.Y(f"{name}:Q", title=title, scale=scale, axis=axis))
        rows.append(line.encode(color=_colour(models, palette, legend=False), tooltip=tooltip))
        top += _EACH + 15
    height = top - 15
    marks = [_chosen(palette, height, _STEP), *broken_layers(palette, [height, 0], _STEP)]
    chart = alt.layer(*rows, *marks).resolve_scale(y="independent")
    return _complete(chart, palette, width, height, {"top": 8, "bottom": 36})


def _complete(
    chart: alt.LayerChart | alt.FacetChart, palette: Palette, width: int, height: int, ends: dict[str, int]
) -> dict[str, Any]:
    chart = chart.add_params(alt.param(name="low", value=0), alt.param(name="high", value=1))
    chart = with_margin(chart, {**SIDES, **ends}, width).properties(height=height + sum(ends.values()))
    return with_renderer(with_style(chart, palette).to_dict(validate=False), 10_000)


def _x(title: str | None = None) -> alt.X:
    scale = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], nice=False, clamp=True)
    return alt.X("step:Q", title=title, scale=scale, axis=alt.Axis(grid=False, tickCount=8, tickMinStep=1, format=",d"))


def _chosen(palette: Palette, height: int, title: str | None = None) -> alt.Chart:
    """A line at the chosen batch."""
    rule = data("chosen").mark_rule(color=palette.threshold, strokeWidth=1, opacity=0.8, tooltip=None)
    return rule.encode(x=alt.X("step:Q", title=title), y=alt.value(0), y2=alt.value(height))


def _smoothed(values: np.ndarray, over: int) -> np.ndarray:
    """The mean of each value and its neighbours, fewer at the ends."""
    half = over // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(values))
    return (sums[high] - sums[low]) / np.maximum(high - low, 1)


def _colour(models: Sequence[str], palette: Palette, legend: bool = True) -> alt.Color:
    shown = legend and len(models) > 1
    return series_colour(
        "model",
        models,
        palette,
        alt.Legend(orient="top", symbolType="circle", symbolOpacity=1) if shown else None,
    )
