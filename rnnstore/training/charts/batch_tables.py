"""The tables of a chart of one training batch: its words, the parts of its gradient, the colours of lags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.training.recorded_batches import Batch
from rnnstore.visible import visible

LIGHTEST = 10
"""Lag from which segments are as light as can be."""

NORM, SHARE = "norm", "share"

WORDS = ("read", "label", "predicted")
_LETTERS = 9


def tallest(batch: Batch, value: str) -> float:
    """The height of the highest bar of a batch."""
    amounts = np.nan_to_num(batch.share if value == SHARE else batch.magnitude)
    return float(np.maximum(amounts, 0).sum(axis=0).max())


def lags(steps: int, palette: Palette) -> pa.Table:
    """The colours of lags by pixels from the left, and what they are called before and behind."""
    last = max(1, min(LIGHTEST, steps - 1))
    place = np.arange(last + 1)
    return pa.table(
        {
            "from": 142.0 + 13 * place,
            "to": 155.0 + 13 * place,
            "fill": interpolate(_dark_to_light(palette), np.sqrt(place / last)),
            "before": ["dark: the same step's loss", *[""] * last],
            "behind": [*[""] * last, f"light: one {last} steps later" + (" or more" if steps - 1 > last else "")],
        }
    )


def words(batch: Batch, sequence: int, palette: Palette) -> pa.Table:
    """Input, label and prediction of every step, a row each, with the loss."""
    rows = batch.of_sequence(sequence).to_pylist()
    found = []
    for row in rows:
        right = row["label"] is not None and row["label"] == row["predicted"]
        known = row["loss"] is None or np.isfinite(row["loss"])
        texts = {"read": row["input"], "label": row["label"], "predicted": row["predicted"] if known else None}
        for kind in WORDS:
            text = texts[kind]
            fill = "transparent"
            if kind == "predicted" and row["label"] is not None and known:
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
                    "caption": "" if row["label"] is None else ("right" if right else "wrong"),
                    "input": visible(row["input"]),
                    "label": "none asked for" if row["label"] is None else visible(row["label"]),
                    "predicted": visible(row["predicted"]),
                    "probability": row["probability"],
                    "label_probability": row["label_probability"],
                    "loss": row["loss"],
                    "about": _loss_caption(row, batch.sequences) if kind == "label" else "",
                }
            )
    types = {"t": pa.int32(), "j": pa.int32(), "probability": pa.float32(), "loss": pa.float32()}
    types |= {"left": pa.float64(), "right": pa.float64()}
    types["label_probability"] = pa.float32()
    names = list(found[0])
    return pa.table({n: pa.array([row[n] for row in found], types.get(n, pa.string())) for n in names})


def _loss_caption(row: dict[str, Any], texts: int) -> str:
    """The caption of one loss above its horizon; a batch of several texts has one loss per step."""
    subject = f"the loss at step {row['position']}"
    if texts > 1:
        subject = f"the losses of all {texts} texts at step {row['position']}; of text {row['sequence']}"
    if row["label"] is None or row["loss"] is None:
        return f"{subject}: no label was asked for"
    if not np.isfinite(row["loss"]):
        return f"{subject}: no number"
    guessed = "predicted so" if row["predicted"] == row["label"] else f"predicted “{visible(row['predicted'])}”"
    return f"{subject}: for “{visible(row['label'])}”, {guessed} with {row['probability']:.2f}, {row['loss']:.2f} nats"


def pairs(batch: Batch, value: str, palette: Palette, size: int) -> pa.Table:
    """A row a pair of steps: t, j, lag, amount, and where its segment lies (low, high) and its colour."""
    amounts = batch.share if value == SHARE else batch.magnitude
    if size > 1:
        amounts = _block_means(amounts, size)
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
    labels = {row["position"]: visible(row["label"] or "") for row in batch.of_sequence(0).to_pylist()}
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
            "label": pa.array([labels.get(step, "·") for step in (t * size).tolist()], pa.string()),
        }
    )


def _dark_to_light(palette: Palette) -> list[str]:
    """Colours of lags; what is nearest to the background's own lightness is left out."""
    ordered = palette.sequential if palette.sequential[0] < palette.sequential[-1] else palette.sequential[::-1]
    return list(ordered[1:] if ordered is palette.sequential else ordered[:-1])


def _block_means(values: np.ndarray, size: int) -> np.ndarray:
    """The mean over blocks of size x size pairs; NaN where a block has none."""
    steps = len(values)
    blocks = -(-steps // size)
    padded = np.full((blocks * size, blocks * size), np.nan)
    padded[:steps, :steps] = values
    cut = padded.reshape(blocks, size, blocks, size)
    counts = np.isfinite(cut).sum(axis=(1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, np.nansum(cut, axis=(1, 3)) / counts, np.nan)
