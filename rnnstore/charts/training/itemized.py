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
import pyarrow.compute as pc

from rnnstore.charts.palette import Palette, interpolate, styled
from rnnstore.charts.picture import Picture, as_wide, hovered, named, rendered
from rnnstore.training.batches import Batch
from rnnstore.visible import visible

STACKED = 50
"""Steps up to which a batch is stacked bars."""

CELLS = 128
"""Steps up to which every pair is a cell of the heat map; of longer batches neighbours are put together."""

LIGHTEST = 10
"""Lag from which segments are as light as can be."""

ROOM = 56
"""Pixels of the vertical axis."""

NORM, SHARE = "norm", "share"
VALUES = {SHARE: "signed share of the gradient", NORM: "norm of the part"}

_WORDS = ("read", "label", "predicted")
_ROW, _BELOW = 19, 70  # pixels of a row of words, and of the horizon of one loss
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
    words = _words(batch, sequence, palette)
    pairs = _pairs(batch, value, palette, 1 if bars else -(-batch.steps // CELLS))
    top = 3 * _ROW + 10 if batch.steps <= STACKED else 4
    middle = top + (height if bars else 330)
    whole = middle + 18 + _BELOW
    x = _along("left", batch.steps, width)
    layers = [
        *(
            _bars(x, palette, value, most, [middle, top])
            if bars
            else _heat(x, palette, value, batch.steps, [middle, top], pairs)
        ),
        *_horizon(x, palette, [whole, middle + 18], pairs),
        *(_words_layers(x, palette, batch.steps, width) if batch.steps <= STACKED else []),
    ]
    chart = alt.layer(*layers).resolve_scale(y="independent", color="independent")
    chart = chart.properties(width=width, height=whole)
    specification = styled(as_wide(chart), palette).to_dict(validate=False)
    return Picture(rendered(specification, 10 * pairs.num_rows), {"words": words, "pairs": pairs})


def _along(field: str, steps: int, width: int = 1100) -> alt.X:
    """The steps of the batch from left to right, by a column of a table."""
    title = "step whose copy of the weights is meant"
    axis = alt.Axis(grid=False, tickMinStep=1, tickCount=min(steps, 25, width // 36), format="d", title=title)
    return alt.X(f"{field}:Q", title=title, scale=alt.Scale(domain=[-0.5, steps - 0.5], nice=False), axis=axis)


def tallest(batch: Batch, value: str) -> float:
    """How high the highest bar of a batch is."""
    amounts = np.nan_to_num(batch.share if value == SHARE else batch.magnitude)
    return float(np.maximum(amounts, 0).sum(axis=0).max())


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
                    "left": row["position"] - 0.46,
                    "right": row["position"] + 0.46,
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
    types |= {"left": pa.float64(), "right": pa.float64()}
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


def _words_layers(x: alt.X, palette: Palette, steps: int, width: int) -> list[alt.Chart]:
    """Three rows of words: read, label, predicted on green or orange; the hovered loss's are framed."""
    scale = alt.Scale(type="band", domain=list(_WORDS), range=[0, 3 * _ROW], paddingInner=0.1, paddingOuter=0.05)
    axis = alt.Axis(
        orient="left", ticks=False, labelPadding=6, minExtent=ROOM, maxExtent=ROOM, labelColor=palette.muted
    )
    y, again = (alt.Y("kind:N", title=None, axis=of, scale=scale) for of in (axis, None))
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
    letters = max(7.0, min(12.5, (width - ROOM) / steps / 1.3))
    base = named("words").encode(x=x, x2="right:Q", y=again)
    shade = base.mark_rect(cornerRadius=2).encode(color=alt.Color("fill:N", scale=None, legend=None), tooltip=tooltip)
    text = (
        named("words")
        .mark_text(fontSize=letters, font="monospace", color=palette.text)
        .encode(x=_along("j", steps, width), y=y, text="word:N", tooltip=tooltip)
    )
    framed = base.mark_rect(cornerRadius=2, fillOpacity=0, stroke=palette.threshold, strokeWidth=1.8).transform_filter(
        {"param": "hovered", "empty": False}
    )
    return [shade, text, framed]


def _axis(title: str, ticks: int) -> alt.Axis:
    return alt.Axis(orient="left", title=title, tickCount=ticks, format=".3~r", minExtent=ROOM, maxExtent=ROOM)


def _bars(x: alt.X, palette: Palette, value: str, most: float | None, place: list[int]) -> list[alt.Chart]:
    """Segments stacked by lag."""
    scale = alt.Scale(range=place, domainMax=most) if most else alt.Scale(range=place)
    y = alt.Y("low:Q", axis=_axis(VALUES[value], 5), scale=scale)
    segments = (
        named("pairs")
        .mark_rect()
        .encode(
            x=x,
            x2="right:Q",
            y=y,
            y2="high:Q",
            tooltip=_tooltip(),
            color=alt.Color("fill:N", scale=None, legend=None),
            opacity=alt.condition({"param": "hovered", "empty": True}, alt.value(1), alt.value(0.4)),
            stroke=alt.condition({"param": "hovered", "empty": False}, alt.value(palette.threshold), alt.value(None)),
            strokeWidth=alt.value(1.4),
        )
    )
    return [segments.add_params(hovered("hovered", "t"))]


def _heat(x: alt.X, palette: Palette, value: str, steps: int, place: list[int], pairs: pa.Table) -> list[alt.Chart]:
    """Loss step by source step; the lag is the distance from the diagonal."""
    colours = alt.Scale(type="symlog", constant=1e-3, range=list(palette.sequential))
    if value == SHARE:
        reach = max(float(np.abs(pairs["amount"].to_numpy()).max(initial=0)), 1e-9)
        colours = alt.Scale(type="symlog", constant=1e-3, domain=[-reach, reach], range=list(palette.diverging))
    domain = alt.Scale(domain=[steps - 0.5, -0.5], range=place, nice=False, zero=False)
    cells = (
        named("pairs")
        .mark_rect()
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
            opacity=alt.condition({"param": "hovered", "empty": True}, alt.value(1), alt.value(0.4)),
        )
    )
    return [cells.add_params(hovered("hovered", "t"))]


def _horizon(x: alt.X, palette: Palette, place: list[int], pairs: pa.Table) -> list[alt.Chart]:
    """The parts of the hovered loss alone, from zero: how far back it reached. The axis is that of all losses."""
    ends = pc.min_max(pairs["amount"]).as_py() if pairs.num_rows else {"min": 0, "max": 1}
    scale = alt.Scale(range=place, domain=[min(0, ends["min"]), max(ends["max"], 1e-9)], nice=True)
    bars = (
        named("pairs")
        .mark_rect(color=palette.accent)
        .transform_filter({"param": "hovered", "empty": False})
        .encode(
            x=x,
            x2="right:Q",
            y=alt.Y("amount:Q", axis=_axis("of one loss", 3), scale=scale, stack=None),
            y2=alt.datum(0),
            tooltip=_tooltip(),
        )
    )
    return [bars]


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("t:Q", title="loss at step"),
        alt.Tooltip("label:N", title="for"),
        alt.Tooltip("j:Q", title="through step"),
        alt.Tooltip("lag:Q", title="lag"),
        alt.Tooltip("amount:Q", format=".4~g"),
    ]
