"""Pictures of itemized gradients: one training batch, with its words above and the horizon of one loss below.

The bar at a step is the gradient through that step's copy of the recurrent weights, stacked by how many steps later
the loss came: dark at the bottom its own step's, lighter the further the loss. Hovering a segment shows all segments
of the same loss, frames its word, and draws them below as that loss's horizon; it stays in the browser. Batches of
more than `STACKED` steps are a heat map instead.
"""

from __future__ import annotations

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.batches import Batch
from rnnstore.charts.palette import Palette, interpolate, styled
from rnnstore.charts.picture import Picture, hovered, named, rendered
from rnnstore.windows import visible

STACKED = 50
"""Steps up to which a batch is stacked bars."""

CELLS = 128
"""Steps up to which every pair is a cell of the heat map; of longer batches neighbours are put together."""

LIGHTEST = 10
"""Lag from which segments are as light as can be."""

NORM, SHARE = "norm", "share"
VALUES = {SHARE: "signed share of the gradient", NORM: "norm of the part"}

_WORDS = ("read", "label", "predicted")
_ROW = 19
_LETTERS = 9


def batch_picture(
    batch: Batch,
    palette: Palette,
    *,
    value: str = SHARE,
    drawn: str | None = None,
    sequence: int = 0,
    most: float | None = None,
    width: int = 1100,
    height: int = 210,
) -> Picture:
    """One batch; `value` is SHARE (segments add up) or NORM, `drawn` "bars" or "heat map" (None: by its length).

    `sequence` is the text whose words are shown; `most` ends the axis of the bars, so that two batches can be compared.
    """
    bars = (drawn or ("bars" if batch.steps <= STACKED else "heat map")) == "bars"
    size = 1 if bars else -(-batch.steps // CELLS)
    words = _words(batch, sequence, palette)
    pairs = _pairs(batch, value, palette, size)
    x = alt.X(
        "j:Q",
        title=None,
        scale=alt.Scale(domain=[-0.5, batch.steps - 0.5], nice=False, zero=False),
        axis=None,
    )
    rows = [_words_view(words, x, palette, batch.steps, width)] if batch.steps <= STACKED else []
    body = _bars(x, palette, value, most) if bars else _heat(x, palette, value, batch.steps)
    rows += [
        body.properties(width=width, height=height if bars else max(height, 320)),
        _horizon(x, palette, value, batch.steps).properties(width=width, height=90),
    ]
    chart = alt.vconcat(*rows, spacing=6).resolve_scale(x="independent", y="independent", color="independent")
    specification = styled(chart, palette).to_dict(validate=False)
    return Picture(rendered(specification, pairs.num_rows * 2), {"words": words, "pairs": pairs})


def _words(batch: Batch, sequence: int, palette: Palette) -> pa.Table:
    """What was read, ought to come and was predicted at every step, a row each, with the loss."""
    rows = batch.of_sequence(sequence).to_pylist()
    found = []
    for row in rows:
        right = row["label"] is not None and row["label"] == row["predicted"]
        texts = {"read": row["input"], "label": row["label"], "predicted": row["predicted"]}
        for kind in _WORDS:
            text = texts[kind]
            fill = "transparent"
            if kind == "predicted" and row["label"] is not None:
                fill = palette.right if right else palette.wrong
            found.append(
                {
                    "t": row["position"],
                    "j": row["position"],
                    "kind": kind,
                    "word": "" if text is None else visible(text)[:_LETTERS],
                    "fill": fill,
                    "said": "" if row["label"] is None else ("right" if right else "wrong"),
                    "input": visible(row["input"]),
                    "label": "none asked for" if row["label"] is None else visible(row["label"]),
                    "predicted": visible(row["predicted"]),
                    "probability": row["probability"],
                    "label_probability": row["label_probability"],
                    "loss": row["loss"],
                }
            )
    types = {"t": pa.int32(), "j": pa.int32(), "probability": pa.float32(), "loss": pa.float32()}
    types["label_probability"] = pa.float32()
    names = list(found[0])
    return pa.table({n: pa.array([row[n] for row in found], types.get(n, pa.string())) for n in names})


def _pairs(batch: Batch, value: str, palette: Palette, size: int) -> pa.Table:
    """A row a pair of steps: t, j, lag, amount, and where its segment lies (low, high) and its colour."""
    amounts = batch.share if value == SHARE else batch.magnitude
    if size > 1:
        amounts = _put_together(amounts, size)
    t, j = np.nonzero(np.isfinite(amounts))
    order = np.lexsort((t, j))
    t, j = t[order], j[order]
    amount = amounts[t, j].astype(float)
    low, high = np.zeros(len(t)), np.zeros(len(t))
    for column in np.unique(j):
        here = np.flatnonzero(j == column)
        for sign in (1, -1):
            part = here[amount[here] * sign > 0]
            ends = np.cumsum(amount[part])
            high[part], low[part] = ends, ends - amount[part]
    lags = (t - j) * size
    share = np.sqrt(np.minimum(lags / max(1, min(int(lags.max(initial=1)), LIGHTEST)), 1))
    labels = {row["position"]: row["label"] for row in batch.of_sequence(0).to_pylist()}
    half = 0.46 if size == 1 else 0.5
    return pa.table(
        {
            "t": pa.array(t * size, pa.int32()),
            "j": pa.array(j * size, pa.int32()),
            "left": (j + 0.5 - half) * size - 0.5,
            "right": (j + 0.5 + half) * size - 0.5,
            "under": t * size - 0.5,
            "above": (t + 1) * size - 0.5,
            "lag": pa.array(lags, pa.int32()),
            "amount": amount.astype(np.float32),
            "size": np.abs(amount).astype(np.float32),
            "low": low.astype(np.float32),
            "high": high.astype(np.float32),
            "fill": interpolate(_dark_to_light(palette), share),
            "label": pa.array([visible(labels.get(i) or "·") for i in (t * size).tolist()], pa.string()),
        }
    )


def _dark_to_light(palette: Palette) -> list[str]:
    """Colours of lags; what is nearest to the background's own lightness is left out."""
    ordered = palette.sequential if palette.sequential[0] < palette.sequential[-1] else palette.sequential[::-1]
    return list(ordered[1:] if ordered is palette.sequential else ordered[:-1])


def _put_together(values: np.ndarray, size: int) -> np.ndarray:
    """The mean over blocks of size x size pairs; NaN where a block has none."""
    steps = len(values)
    blocks = -(-steps // size)
    padded = np.full((blocks * size, blocks * size), np.nan)
    padded[:steps, :steps] = values
    cut = padded.reshape(blocks, size, blocks, size)
    counts = np.isfinite(cut).sum(axis=(1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, np.nansum(cut, axis=(1, 3)) / counts, np.nan)


def _words_view(words: pa.Table, x: alt.X, palette: Palette, steps: int, width: int) -> alt.LayerChart:
    """Three rows of words: read, label, predicted on green or red; the hovered loss's are framed."""
    y = alt.Y(
        "kind:N",
        title=None,
        sort=list(_WORDS),
        axis=alt.Axis(ticks=False, labelPadding=6, minExtent=56, maxExtent=56, labelColor=palette.muted),
        scale=alt.Scale(domain=list(_WORDS), padding=0.04),
    )
    base = named("words").encode(x=x, y=y)
    tooltip = [
        alt.Tooltip("t:Q", title="step"),
        alt.Tooltip("input:N", title="read"),
        alt.Tooltip("label:N"),
        alt.Tooltip("predicted:N"),
        alt.Tooltip("probability:Q", title="its probability", format=".3f"),
        alt.Tooltip("label_probability:Q", title="the label's", format=".3f"),
        alt.Tooltip("loss:Q", title="loss (nats)", format=".3f"),
        alt.Tooltip("said:N", title="prediction"),
    ]
    cell = max(6.0, width / steps - 2)
    shade = base.mark_rect(width=cell, height=_ROW - 2, cornerRadius=2).encode(
        color=alt.Color("fill:N", scale=None, legend=None), tooltip=tooltip
    )
    letters = max(7.0, min(12.5, cell / 1.3))
    text = base.mark_text(fontSize=letters, font="monospace", color=palette.text).encode(text="word:N")
    framed = (
        base.mark_rect(width=cell, height=_ROW - 1, cornerRadius=2, filled=False, stroke=palette.threshold)
        .encode(strokeWidth=alt.value(1.6))
        .transform_filter({"param": "hovered", "empty": False})
    )
    return alt.layer(shade, text, framed).properties(width=width, height=_ROW * len(_WORDS))


def _bars(x: alt.X, palette: Palette, value: str, most: float | None) -> alt.LayerChart:
    """Segments stacked by lag."""
    y = alt.Y(
        "low:Q",
        title=VALUES[value],
        axis=alt.Axis(tickCount=5, format="~g", minExtent=56, maxExtent=56),
        scale=alt.Scale(domainMax=most) if most else alt.Scale(),
    )
    base = named("pairs").encode(x=x.copy(), x2="right:Q", y=y, y2="high:Q", tooltip=_tooltip())
    base.encoding.x.shorthand = "left:Q"
    segments = base.mark_rect().encode(
        color=alt.Color("fill:N", scale=None, legend=None),
        opacity=alt.condition({"param": "hovered", "empty": True}, alt.value(1), alt.value(0.45)),
        stroke=alt.condition({"param": "hovered", "empty": False}, alt.value(palette.threshold), alt.value(None)),
        strokeWidth=alt.value(1.2),
    )
    zero = alt.Chart(alt.InlineData([{}])).mark_rule(color=palette.muted).encode(y=alt.datum(0))
    return alt.layer(segments.add_params(hovered("hovered", "t")), zero)


def _heat(x: alt.X, palette: Palette, value: str, steps: int) -> alt.LayerChart:
    """Loss step by source step; the lag is the distance from the diagonal."""
    scale = alt.Scale(type="symlog", constant=1e-3, range=list(palette.sequential))
    if value == SHARE:
        scale = alt.Scale(type="symlog", constant=1e-3, domainMid=0, range=list(palette.diverging))
    domain = alt.Scale(domain=[-0.5, steps - 0.5], nice=False, zero=False, reverse=True)
    base = named("pairs").encode(
        x=x.copy(),
        x2="right:Q",
        y=alt.Y(
            "under:Q",
            title="step of the loss",
            scale=domain,
            axis=alt.Axis(grid=False, tickCount=8, minExtent=56, maxExtent=56),
        ),
        y2="above:Q",
        tooltip=_tooltip(),
    )
    base.encoding.x.shorthand = "left:Q"
    cells = base.mark_rect().encode(
        color=alt.Color(
            "amount:Q",
            title=VALUES[value],
            scale=scale,
            legend=alt.Legend(orient="top", direction="horizontal", gradientLength=160, gradientThickness=8),
        ),
        opacity=alt.condition({"param": "hovered", "empty": True}, alt.value(1), alt.value(0.45)),
    )
    return alt.layer(cells.add_params(hovered("hovered", "t")))


def _horizon(x: alt.X, palette: Palette, value: str, steps: int) -> alt.LayerChart:
    """The parts of the hovered loss alone, from zero: how far back it reached."""
    below = x.copy()
    below.axis = alt.Axis(
        grid=False, tickMinStep=1, tickCount=min(steps, 25), format="d", title="step whose copy of the weights is meant"
    )
    below.title = "step whose copy of the weights is meant"
    y = alt.Y(
        "amount:Q", title="of one loss", axis=alt.Axis(tickCount=3, format="~g", minExtent=56, maxExtent=56), stack=None
    )
    base = named("pairs").encode(x=below, x2="right:Q", y=y, y2=alt.datum(0), tooltip=_tooltip())
    base.encoding.x.shorthand = "left:Q"
    bars = base.mark_rect(color=palette.accent).transform_filter({"param": "hovered", "empty": False})
    # what spans the axis while nothing is hovered, so that nothing jumps
    all_of_them = base.mark_rect(opacity=0).encode(tooltip=alt.value(None))
    return alt.layer(all_of_them, bars)


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("t:Q", title="loss at step"),
        alt.Tooltip("label:N", title="for"),
        alt.Tooltip("j:Q", title="through step"),
        alt.Tooltip("lag:Q", title="lag"),
        alt.Tooltip("amount:Q", format=".4~g"),
    ]
