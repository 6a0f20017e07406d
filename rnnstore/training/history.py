"""The history of trainings: curves of several models in one table, and gradients of one model's weights.

Both were recorded while training. A model that was trained elsewhere has neither, and one trained before gradients were
recorded has curves alone; `notes` mention each.

Use curves to compare how fast trainings learn, and norms of gradients to find layers that learn nothing or explode.
Losses of two models are comparable only for the same corpus, split and vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.store.model import Model
from rnnstore.store.tables import DECADES


@dataclass(frozen=True)
class TrainingCurves:
    """`table`: model, step, epoch, seconds (null where speed was not recorded), loss, validation_loss, learning_rate,
    gradient_norm, a row for each that was written; `notes` are sentences about what is missing."""

    table: pa.Table
    notes: tuple[str, ...]

    @property
    def models(self) -> list[str]:
        """The models that have a curve, in the order asked for."""
        return list(dict.fromkeys(self.table["model"].to_pylist()))


COLUMNS = ("step", "epoch", "seconds", "loss", "validation_loss", "learning_rate", "gradient_norm")


def training_curves(models: Sequence[Model]) -> TrainingCurves:
    """The training curves of `models`, concatenated."""
    parts, notes = [_empty_rows()], []
    for model in models:
        rows = model.table("training")
        if not rows.num_rows:
            notes.append(f"{model.name} was trained elsewhere, or not yet: it has no training curve.")
            continue
        rows = rows.append_column("seconds", pa.array(_seconds(model, rows), from_pandas=True))
        if rows["seconds"].null_count:
            notes.append(f"Of {model.name} it is not known how long its training took, so it is not drawn over time.")
        rows = rows.select(COLUMNS).add_column(0, "model", pa.array([model.name] * rows.num_rows, pa.string()))
        parts.append(rows.cast(_empty_rows().schema))
    return TrainingCurves(pa.concat_tables(parts), tuple(notes))


def _empty_rows() -> pa.Table:
    fields = [("model", pa.string()), ("step", pa.int64()), *((name, pa.float64()) for name in COLUMNS[1:])]
    return pa.schema(fields).empty_table()


def _seconds(model: Model, rows: pa.Table) -> np.ndarray:
    """float64[rows]: time spent in training steps so far, validation not counted; NaN where it is not known."""
    training = model.card.settings.get("training")
    settings = training if isinstance(training, dict) else {}
    tokens, speed = settings.get("batch", 0) * settings.get("unroll", 0), rows["tokens_per_second"]
    if model.card.task in ("classifier", "autocomplete"):  # whole texts are read, each as long as it is
        tokens = 0
    if not tokens or speed.null_count:
        return np.full(rows.num_rows, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.cumsum(np.diff(rows["step"].to_numpy(), prepend=0) * tokens / speed.to_numpy())


@dataclass(frozen=True)
class WeightGradients:
    """The gradients of one model's weights over its training.

    `table`: the rows of `training_gradients` with relative_norm (norm / weight_norm; null for a weight that is zero),
    averaged over `rows_averaged` neighbouring rows so that at most `points` remain of each weight (the largest entry
    is the largest of them).
    `weights` in the order of the network. `note` says what was averaged, or why there are none.
    """

    model: str
    table: pa.Table
    weights: list[str]
    rows_averaged: int
    note: str

    def shares(self, weight: str) -> np.ndarray:
        """float64[rows, len(DECADES) + 1]: how the entries of a weight's gradient are spread over decades."""
        lists = self.table.filter(pc.equal(self.table["weight"], weight))["shares"]
        return np.array(lists.to_pylist(), float).reshape(-1, len(DECADES) + 1)


def weight_gradients(model: Model, points: int = 200) -> WeightGradients:
    """The gradients of a model's weights, of each weight at most `points` rows."""
    rows = model.table("training_gradients").sort_by([("step", "ascending"), ("weight", "ascending")])
    if not rows.num_rows:
        note = (
            f"{model.name} was trained before gradients were written down; a training with --again writes them."
            if model.table("training").num_rows
            else f"{model.name} was not trained here, so nothing is known of its weights' gradients."
        )
        return WeightGradients(model.name, rows.append_column("relative_norm", rows["norm"]), [], 1, note)
    weights = list(dict.fromkeys(rows["weight"].to_pylist()))
    each = -(-pc.count_distinct(rows["step"]).as_py() // points)
    parts = [_thinned(rows.filter(pc.equal(rows["weight"], weight)), weight, each) for weight in weights]
    note = f"Each point is the mean of {each} neighbouring rows, and the largest of their entries." if each > 1 else ""
    return WeightGradients(model.name, pa.concat_tables(parts), weights, each, note)


def _thinned(rows: pa.Table, weight: str, each: int) -> pa.Table:
    """Rows of one weight, every `each` of them made one."""
    firsts = np.arange(0, rows.num_rows, each)
    sizes = np.diff(np.append(firsts, rows.num_rows))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, firsts, axis=0) / (sizes if values.ndim == 1 else sizes[:, None])

    norm, weight_norm = (rows[name].to_numpy() for name in ("norm", "weight_norm"))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(weight_norm > 0, norm / weight_norm, np.nan)
    shares = mean(np.array(rows["shares"].to_pylist(), float))
    return pa.table(
        {
            "step": rows["step"].to_numpy()[np.append(firsts[1:], rows.num_rows) - 1],
            "weight": pa.array([weight] * len(firsts), pa.string()),
            "norm": mean(norm),
            "largest": np.maximum.reduceat(rows["largest"].to_numpy(), firsts),
            "weight_norm": mean(weight_norm),
            "relative_norm": pa.array(mean(relative), from_pandas=True),
            "shares": pa.array(shares.tolist(), pa.list_(pa.float64())),
        }
    )
