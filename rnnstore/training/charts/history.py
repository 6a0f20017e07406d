"""Pictures of trainings: losses, rates and norms of several models over one another, gradients weight by weight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette
from rnnstore.drawing.picture import Picture, click, data, picture_of, series_colour, tooltips
from rnnstore.store.tables import DECADES
from rnnstore.training.history import TrainingCurves, WeightGradients

AXES = {"step": "training step", "epoch": "epoch", "time": "minutes of training steps"}
COLUMN = {"step": "step", "epoch": "epoch", "time": "minutes"}

QUANTITIES = {
    "learning_rate": "learning rate",
    "gradient_norm": "norm of the gradient",
}

DASHES = ([1, 0], [5, 3], [1.5, 2.5], [8, 2, 2, 2], [3, 6])
"""Kinds of weights of a layer, which share its colour."""


KERNEL = "kernel"
"""The kind of a weight whose name says none: the embedding multiplies its input, too."""


def loss_picture(
    found: TrainingCurves,
    palette: Palette,
    *,
    axis: str = "step",
    log: bool = False,
    width: int = 1100,
    height: int = 280,
) -> Picture:
    """Loss of every model along `axis` ("step", "epoch" or "time"): training thin, validation as joined points."""
    table = _with_minutes(found.table)
    rows = table.filter(table[COLUMN[axis]].is_valid())
    validated = rows.filter(rows["validation_loss"].is_valid())
    tables = {
        "training": _perplexity(rows, "loss"),
        "validation": _perplexity(validated.drop_columns("loss"), "validation_loss"),
    }
    x = _along(axis)
    y = alt.Y("loss:Q", title="loss (nats)", scale=_scale(log), axis=alt.Axis(tickCount=5))
    colour = _colour(found, palette)
    tooltip = tooltips("model:N", "step:Q||,d", "epoch:Q||.2f", "loss:Q||.4f", "perplexity:Q||,.2f")
    training = data("training").mark_line(strokeWidth=1, opacity=0.55).encode(x=x, y=y, color=colour)
    line = data("validation").mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    points = (
        data("validation").mark_point(filled=True, size=46, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip)
    )
    near = _nearest(data("training").encode(x=x, y=y, tooltip=tooltip))
    return picture_of(alt.layer(training, line, near, points), palette, tables, width=width, height=height)


def quantity_picture(
    found: TrainingCurves,
    quantity: str,
    palette: Palette,
    *,
    axis: str = "step",
    log: bool = True,
    width: int = 540,
    height: int = 190,
) -> Picture:
    """One of `QUANTITIES` of every model along `axis`."""
    table = _with_minutes(found.table)
    rows = table.filter(pc.and_(table[COLUMN[axis]].is_valid(), table[quantity].is_valid()))
    if log:
        rows = rows.filter(pc.greater(rows[quantity], 0))
    x = _along(axis)
    y = alt.Y(
        f"{quantity}:Q",
        title=QUANTITIES[quantity],
        scale=_scale(log),
        axis=_marked(rows[quantity], log),
    )
    tooltip = tooltips("model:N", "step:Q||,d", "epoch:Q||.2f", f"{quantity}:Q||.4~g")
    base = data("rows").encode(x=x, y=y)
    line = base.mark_line(strokeWidth=1.2, opacity=0.8, interpolate="step-after" if "rate" in quantity else "linear")
    layers = [line.encode(color=_colour(found, palette, legend=False)), _nearest(base.encode(tooltip=tooltip))]
    return picture_of(alt.layer(*layers), palette, {"rows": rows}, width=width, height=height)


def norms_picture(
    found: WeightGradients,
    palette: Palette,
    *,
    relative: bool = False,
    weight: str | None = None,
    width: int = 540,
    height: int = 260,
) -> Picture:
    """The norm of every weight's gradient over training (`relative`: as a share of the weight's own norm).

    A layer is a colour, its kinds of weights are dashed differently; `weight` is drawn thicker. A click on a line is
    heard as `clicked_weight`.
    """
    column = "relative_norm" if relative else "norm"
    table = found.table.drop_columns("shares")
    table = table.filter(pc.and_(pc.is_finite(table[column]), pc.greater(table[column], 0)))
    layers, kinds = (_parts_of(found.weights, place) for place in (0, 1))
    split = [name.partition(".") for name in table["weight"].to_pylist()]
    rows = table.append_column("layer", pa.array([part[0] for part in split], pa.string()))
    rows = rows.append_column("kind", pa.array([part[2] or KERNEL for part in split], pa.string()))
    base = data("norms").encode(
        x=_along("step"),
        y=alt.Y(
            f"{column}:Q",
            title="norm of gradient / norm of weight" if relative else "norm of gradient",
            scale=_scale(True),
            axis=_marked(rows[column], True),
        ),
        detail="weight:N",
    )
    line = base.mark_line().encode(
        color=series_colour(
            "layer", layers, palette, alt.Legend(orient="top", symbolStrokeWidth=2, symbolType="stroke")
        ),
        strokeDash=alt.StrokeDash(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=[DASHES[i % len(DASHES)] for i in range(len(kinds))]),
            legend=alt.Legend(
                orient="bottom", symbolStrokeWidth=1.5, symbolType="stroke", symbolStrokeColor=palette.text
            ),
        ),
        strokeWidth=alt.condition(f"datum.weight === '{weight or ''}'", alt.value(3), alt.value(1.2)),
    )
    tooltip = tooltips(
        "weight:N",
        "step:Q||,d",
        "norm:Q||.3~g",
        "largest:Q|largest entry|.3~g",
        "weight_norm:Q|norm of weight|.3~g",
        "relative_norm:Q|relative|.3~g",
    )
    hit = base.mark_point(filled=True, opacity=0, size=60, cursor="pointer").encode(tooltip=tooltip)
    return picture_of(
        alt.layer(line, hit.add_params(click("clicked_weight", "weight"))),
        palette,
        {"norms": rows},
        width=width,
        height=height,
    )


def decades_picture(
    found: WeightGradients, weight: str, palette: Palette, *, width: int = 540, height: int = 260
) -> Picture:
    """How the entries of a weight's gradient are spread over decades of |g|, over training: darker holds more."""
    rows = found.table.filter(pc.equal(found.table["weight"], weight))
    shares, steps = found.shares(weight), rows["step"].to_numpy()
    before = np.concatenate([[0], steps[:-1]])
    times, decades = np.nonzero(shares > 0)
    first, last = (int(end) for end in (decades.min(initial=len(DECADES)), decades.max(initial=0)))
    names = decade_names()
    tables = {
        "cells": pa.table(
            {
                "from": before[times],
                "to": steps[times],
                "decade": pa.array([names[decade] for decade in decades], pa.string()),
                "share": shares[times, decades].astype(np.float32),
            }
        )
    }
    cells = data("cells").mark_rect()
    cells = cells.encode(
        x=alt.X(
            "from:Q",
            title=AXES["step"],
            scale=alt.Scale(nice=False),
            axis=alt.Axis(grid=False, tickCount=6, format=",d"),
        ),
        x2="to:Q",
        y=alt.Y(
            "decade:O",
            title=f"|g| of {weight}",
            scale=alt.Scale(domain=names[first : last + 1][::-1], paddingInner=0, paddingOuter=0),
        ),
        color=alt.Color(
            "share:Q",
            title="share of entries",
            scale=alt.Scale(type="sqrt", domain=[0, 1], range=list(palette.sequential)),
            legend=alt.Legend(
                orient="top", direction="horizontal", format=".0%", gradientLength=160, gradientThickness=8
            ),
        ),
        tooltip=[
            *tooltips("from:Q|after step|,d", "to:Q|to step|,d"),
            alt.Tooltip("decade:N", title="|g|"),
            *tooltips("share:Q||.2%"),
        ],
    )
    return picture_of(alt.layer(cells), palette, tables, width=width, height=height)


def decade_names() -> list[str]:
    """What the places of `shares` are called, from the smallest entries to the largest."""
    between = [f"1e{low} to 1e{high}" for low, high in pairwise(DECADES)]
    return [f"below 1e{DECADES[0]}", *between[:-1], "0.1 to 1", "1 and above"]


def _parts_of(weights: Sequence[str], place: int) -> list[str]:
    parts = [name.partition(".")[0 if place == 0 else 2] or KERNEL for name in weights]
    return list(dict.fromkeys(parts))


def _along(axis: str) -> alt.X:
    return alt.X(
        f"{COLUMN[axis]}:Q",
        title=AXES[axis],
        scale=alt.Scale(nice=False),
        axis=alt.Axis(grid=False, tickCount=6, format=",d" if axis == "step" else "~g"),
    )


def _scale(log: bool) -> alt.Scale:
    return alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)


def _marked(values: pa.ChunkedArray, log: bool) -> alt.Axis:
    """A quiet axis: on a log scale at 1, 2 and 5 times powers of ten, or at these powers alone where they are many."""
    if not log or not len(values):
        return alt.Axis(tickCount=5, format="~g")
    low, high = (float(np.log10(end.as_py())) for end in pc.min_max(values).values())
    tens = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    factors = (1, 2, 3, 4, 5, 6, 8) if high - low < 0.8 else (1, 2, 5) if high - low < 1.5 else (1,)
    return alt.Axis(values=[factor * 10.0**power for power in tens for factor in factors], format="~g")


def _colour(found: TrainingCurves, palette: Palette, legend: bool = True) -> alt.Color:
    shown = alt.Legend(orient="top", symbolType="circle") if legend else None
    return series_colour("model", found.models, palette, shown)


def _nearest(base: alt.Chart) -> alt.Chart:
    """Points that are seen only under the pointer, so that lines have tooltips."""
    return base.mark_point(filled=True, opacity=0, size=60)


def _with_minutes(table: pa.Table) -> pa.Table:
    return table.append_column("minutes", pc.divide(table["seconds"], 60.0))


def _perplexity(rows: pa.Table, column: str) -> pa.Table:
    loss = pc.cast(rows[column], pa.float64())
    kept = rows.select(["model", "step", "epoch", "minutes"])
    return kept.append_column("loss", loss).append_column("perplexity", pc.exp(loss))
