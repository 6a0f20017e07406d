"""Pictures of itemized gradients: one training batch, with its words above and the horizon of one loss below.

The bar at a step is the gradient through that step's copy of the recurrent weights, stacked by how many steps later
the loss came: dark at the bottom its own step's, lighter the further the loss. Hovering a segment emphasises all
segments of the same loss, frames its word, and draws that loss's horizon below, in the browser alone. Where nothing is
hovered, the loss that was clicked is drawn below, or that with the largest part. Batches of more than `STACKED` steps
are a heat map instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import (
    FEW_MARKS,
    Picture,
    as_wide_as_page,
    at_x,
    click,
    data,
    hover,
    tooltips,
    with_parameters,
    with_renderer,
)
from rnnstore.training.charts import batch_tables as parts
from rnnstore.training.charts.batch_overview import ROOM
from rnnstore.training.charts.batch_tables import NORM, SHARE, WORDS
from rnnstore.training.recorded_batches import Batch

STACKED = 50
"""Steps up to which a batch is stacked bars."""

CELLS = 128
"""Steps up to which every pair is a cell of the heat map; of longer batches neighbours are put together."""

VALUES = {SHARE: "signed share of the gradient", NORM: "norm of the part"}

# Pixels: of the legend of lags, of a row of words, of the caption of one loss, and of its parts.
_LEGEND, _ROW, _ABOUT, _BELOW = 20, 19, 20, 70


def batch_picture(
    batch: Batch,
    palette: Palette,
    *,
    value: str = SHARE,
    drawn: str | None = None,
    sequence: int = 0,
    loss: int | None = None,
    most: float | None = None,
    width: int = 1100,
    height: int = 210,
) -> Picture:
    """One batch; `value` is SHARE (segments add up) or NORM, `drawn` "bars" or "heat map" (None: by its length).

    `sequence` is the text whose words are shown, `loss` the step whose loss is drawn below while none is hovered (None:
    that with the largest part); `most` ends the axis of the bars, so that two batches can be compared. A page hears a
    click on a part or a word as `clicked_loss` and `clicked_word`, with the step `t` of the loss.
    """
    bars = (drawn or ("bars" if batch.steps <= STACKED else "heat map")) == "bars"
    size = 1 if bars else -(-batch.steps // CELLS)
    words, pairs = parts.words(batch, sequence, palette), parts.pairs(batch, value, palette, size)
    loss = batch.heaviest if loss is None or loss >= batch.steps else loss
    specification = _specification(palette, value, bars, batch.steps, width, height, 10 * pairs.num_rows > FEW_MARKS)
    amounts, ends = (
        np.concatenate([[0.0], *(pairs[n].to_numpy() for n in of)]) for of in (["amount"], ["low", "high"])
    )
    numbers = {
        "pinned": -1 if loss is None else loss // size * size,
        "least": float(amounts.min()),
        "greatest": float(amounts.max()) or 1.0,
        "lowest": float(ends.min()),
        "highest": most or float(ends.max()) or 1.0,
        "reach": float(np.abs(amounts).max()) or 1.0,
    }
    tables = {"words": words, "pairs": pairs, "lags": parts.lags(batch.steps, palette)}
    return Picture(with_parameters(specification, specification["height"], **numbers), tables)


@lru_cache(maxsize=32)
def _specification(
    palette: Palette, value: str, bars: bool, steps: int, width: int, height: int, many: bool
) -> dict[str, Any]:
    words = steps <= STACKED
    top = (_LEGEND if bars else 0) + (3 * _ROW + 10 if words else 4)
    middle = top + (height if bars else 330)
    below = middle + _ABOUT + 8
    whole = below + _BELOW
    x = _along("left", steps, width)
    layers = [
        *(_bars(x, palette, value, [middle, top]) if bars else _heat(x, palette, value, steps, [middle, top])),
        *_horizon(x, palette, [whole, below], below - 9),
        *(_words_layers(x, palette, steps, width, _LEGEND if bars else 0) if words else []),
        *(_legend(palette) if bars else []),
    ]
    if not words:
        layers[0] = layers[0].add_params(alt.param(name="hovered_word", value={}))
    chart = alt.layer(*layers).resolve_scale(y="independent", color="independent")
    names = ("pinned", "least", "greatest", "lowest", "highest", "reach")
    chart = chart.add_params(*(alt.param(name=name, value=0) for name in names)).properties(width=width, height=whole)
    return with_renderer(with_style(as_wide_as_page(chart), palette).to_dict(validate=False), 10_000 if many else 0)


_HOVERING = "(hovered.t || hovered_word.t)"
_SHOWN = "datum.t === (hovered.t ? hovered.t[0] : hovered_word.t ? hovered_word.t[0] : pinned)"
"""Whether a part belongs to the loss that is drawn below: the hovered one, else the pinned one."""


def _along(field: str, steps: int, width: int = 1100) -> alt.X:
    """The steps of the batch from left to right, by a column of a table."""
    title = "step whose copy of the weights is meant"
    axis = alt.Axis(grid=False, tickMinStep=1, tickCount=min(steps, 25, width // 36), format="d", title=title)
    return alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[-0.5, steps - 0.5], nice=False), axis=axis)


def _legend(palette: Palette) -> list[alt.Chart]:
    """Dark to light: how many steps later the loss came."""
    base = data("lags")
    rects = base.mark_rect(tooltip=None).encode(x=at_x("from"), x2="to:Q", y=alt.value(1), y2=alt.value(11))
    quiet: dict[str, Any] = {"baseline": "middle", "fontSize": 11, "color": palette.muted, "tooltip": None}
    before = base.mark_text(align="right", dx=-6, **quiet).encode(x=at_x("from"), y=alt.value(6), text="before:N")
    behind = base.mark_text(align="left", dx=6, **quiet).encode(x=at_x("to"), y=alt.value(6), text="behind:N")
    return [rects.encode(color=alt.Color("fill:N", scale=None, legend=None)), before, behind]


def _words_layers(x: alt.X, palette: Palette, steps: int, width: int, top: int) -> list[alt.Chart]:
    """Three rows of words: read, label, predicted on green or orange; those of the shown loss are framed."""
    scale = alt.Scale(type="band", domain=list(WORDS), range=[top, top + 3 * _ROW], paddingInner=0.1, paddingOuter=0.05)
    axis = alt.Axis(
        orient="left", ticks=False, labelPadding=6, minExtent=ROOM, maxExtent=ROOM, labelColor=palette.muted
    )
    y, again = (alt.Y("kind:N", title=None, axis=of, scale=scale) for of in (axis, None))
    tooltip = tooltips(
        "t:Q|step",
        "input:N|read",
        "label:N",
        "predicted:N",
        "probability:Q|its probability|.3f",
        "label_probability:Q|the label's|.3f",
        "loss:Q|loss (nats)|.3f",
        "caption:N|prediction",
    )
    letters = max(7.0, min(12.5, (width - ROOM) / steps / 1.3))
    base = data("words").encode(x=x, x2="right:Q", y=again)
    shade = base.mark_rect(cornerRadius=2).encode(color=alt.Color("fill:N", scale=None, legend=None))
    text = (
        data("words")
        .mark_text(fontSize=letters, font="monospace", color=palette.text)
        .encode(x=_along("j", steps, width), y=y, text="word:N")
    )
    framed = base.mark_rect(cornerRadius=2, fillOpacity=0, stroke=palette.threshold, strokeWidth=1.8, tooltip=None)
    hit = base.mark_rect(opacity=0, cursor="pointer").encode(tooltip=tooltip)
    hit = hit.add_params(hover("hovered_word", "t"), click("clicked_word", "t"))
    return [shade, text, framed.transform_filter(_SHOWN), hit]


def _axis(title: str, ticks: int) -> alt.Axis:
    return alt.Axis(orient="left", title=title, tickCount=ticks, format=".3~g", minExtent=ROOM, maxExtent=ROOM)


def _bars(x: alt.X, palette: Palette, value: str, place: list[int]) -> list[alt.Chart]:
    """Segments stacked by lag."""
    scale = alt.Scale(range=place, domain=[alt.ExprRef("lowest"), alt.ExprRef("highest")], nice=True)
    segments = (
        data("pairs")
        .mark_rect(cursor="pointer")
        .encode(
            x=x,
            x2="right:Q",
            y=alt.Y("low:Q", axis=_axis(VALUES[value], 5), scale=scale),
            y2="high:Q",
            tooltip=_tooltip(),
            color=alt.Color("fill:N", scale=None, legend=None),
            opacity=alt.condition(f"!{_HOVERING} || {_SHOWN}", alt.value(1), alt.value(0.4)),
            stroke=alt.condition(f"{_HOVERING} && {_SHOWN}", alt.value(palette.threshold), alt.value(None)),
            strokeWidth=alt.value(1.4),
        )
    )
    return [segments.add_params(hover("hovered", "t"), click("clicked_loss", "t"))]


def _heat(x: alt.X, palette: Palette, value: str, steps: int, place: list[int]) -> list[alt.Chart]:
    """Loss step by source step; the lag is the distance from the diagonal."""
    colours = alt.Scale(type="symlog", constant=1e-3, range=list(palette.sequential))
    if value == SHARE:
        reach = [alt.ExprRef("-reach"), alt.ExprRef("reach")]
        colours = alt.Scale(type="symlog", constant=1e-3, domain=reach, range=list(palette.diverging))
    domain = alt.Scale(domain=[steps - 0.5, -0.5], range=place, nice=False, zero=False)
    cells = (
        data("pairs")
        .mark_rect(cursor="pointer")
        .encode(
            x=x,
            x2="right:Q",
            y=alt.Y("under:Q", scale=domain, axis=_axis("step of the loss", 8)),
            y2="above:Q",
            tooltip=_tooltip(),
            color=alt.Color(
                "amount:Q",
                title=VALUES[value],
                scale=colours,
                legend=alt.Legend(orient="top", direction="horizontal", gradientLength=160, gradientThickness=8),
            ),
            opacity=alt.condition(f"!{_HOVERING} || {_SHOWN}", alt.value(1), alt.value(0.4)),
        )
    )
    return [cells.add_params(hover("hovered", "t"), click("clicked_loss", "t"))]


def _horizon(x: alt.X, palette: Palette, place: list[int], caption: int) -> list[alt.Chart]:
    """The parts of one loss alone, from zero: how far back it reached. The axis is that of all losses."""
    scale = alt.Scale(range=place, domain=[alt.ExprRef("least"), alt.ExprRef("greatest")], nice=True)
    bars = (
        data("pairs")
        .mark_rect(color=palette.accent)
        .transform_filter(_SHOWN)
        .encode(
            x=x,
            x2="right:Q",
            y=alt.Y("amount:Q", axis=_axis("of one loss", 3), scale=scale, stack=None),
            y2=alt.datum(0),
            tooltip=_tooltip(),
        )
    )
    about = data("words").transform_filter(f"datum.about && {_SHOWN}")
    about = about.mark_text(align="left", fontSize=11, color=palette.text, tooltip=None)
    return [bars, about.encode(text="about:N", x=alt.value(2), y=alt.value(caption))]


def _tooltip() -> list[alt.Tooltip]:
    return tooltips("t:Q|loss at step", "label:N|for", "j:Q|through step", "lag:Q|lag", "amount:Q||.4~g")
