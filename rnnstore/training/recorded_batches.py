"""Training batches whose itemized gradients were recorded (RNNbow): an overview of all of them, and one in full.

A training may have recorded a hundred thousand batches, and a screen has a thousand columns: `batch_overview` groups
neighbouring batches in SQL, keeps the largest gradient of each group so that no peak is lost, and says how many batches
a row stands for. `batch` returns one batch: its words with the predictions, and for one layer the gradient by pairs of
steps. Only the batches that the recipe's `itemize` selected were recorded; nothing is known of those between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

BARS = 400
"""Rows of an overview, at most."""

QUANTITIES = ("maximum", "mean", "half_life", "horizon", "loss")
"""The quantities of an overview; see the table `gradient_horizons`."""

RECORDING = "itemize: {every: 100}"
"""The line under `training` of a recipe by which batches are recorded."""


@dataclass(frozen=True)
class BatchOverview:
    """The recorded batches of one layer in the order of training, at most `BARS` rows.

    table    first, last (steps done before the first and last batch of the row), batches (how many), largest (the
             step of the batch with the largest gradient), maximum (of all), mean, half_life, horizon, loss (means)
    batches  recorded batches; `each` of them are one row
    window   steps of a batch: what a half-life or horizon counts as that is not reached within it
    """

    model: str
    layer: int
    table: pa.Table
    batches: int
    each: int
    window: int

    @property
    def note(self) -> str:
        """A sentence if a row stands for several batches, else empty."""
        if self.each == 1:
            return ""
        return (
            f"Each bar is {self.each:,} recorded batches: the largest of their maxima, the mean of the other "
            "quantities. Choose a span of the training to see every one."
        )


@dataclass(frozen=True)
class FirstNonFinite:
    """The first loss or gradient of a batch that is not finite: `what` ("loss" or "gradient"), its position, its text,
    its word."""

    what: str
    position: int
    sequence: int
    word: str


@dataclass(frozen=True)
class Batch:
    """One recorded batch.

    words      a row a word: sequence, position, input, label, predicted, probability, label_probability, loss
    magnitude  float32[steps, steps] of one layer: by step of the loss (row) and step of the weights' copy (column);
               NaN where there is no such pair
    share      the same, signed; the columns sum to the norms of the gradient through each step
    facts      loss, maximum, mean, half_life, horizon of this layer
    no_number  the first step whose loss has a gradient that is not finite, if any
    """

    model: str
    step: int
    layer: int
    words: pa.Table
    magnitude: np.ndarray
    share: np.ndarray
    facts: dict[str, float | None]
    no_number: int | None = None

    @property
    def steps(self) -> int:
        return len(self.magnitude)

    @property
    def sequences(self) -> int:
        """How many texts the batch read side by side."""
        return max(self.words["sequence"].to_pylist(), default=-1) + 1

    @property
    def heaviest(self) -> int | None:
        """The step of the loss with the largest part; None where no part is finite."""
        known = np.where(np.isfinite(self.magnitude), self.magnitude, -1)
        return int(known.max(axis=1).argmax()) if known.max(initial=-1) >= 0 else None

    def broke(self) -> FirstNonFinite | None:
        """The first loss of the batch, or gradient of one, that is not finite; None where all are."""
        rows = self.words.filter(self.words["label"].is_valid()).to_pylist()
        for row in sorted(rows, key=lambda row: row["position"]):
            if row["loss"] is None or not np.isfinite(row["loss"]):
                return FirstNonFinite("loss", row["position"], row["sequence"], row["input"])
        if self.no_number is None:
            return None
        sequence, word = next(
            ((row["sequence"], row["input"]) for row in rows if row["position"] == self.no_number), (0, "")
        )
        return FirstNonFinite("gradient", self.no_number, sequence, word)

    def pairs(self) -> pa.Table:
        """t, j, magnitude and share of every pair of steps that was followed."""
        t, j = np.nonzero(~np.isnan(self.magnitude))
        return pa.table({"t": t, "j": j, "magnitude": self.magnitude[t, j], "share": self.share[t, j]})

    def of_sequence(self, sequence: int) -> pa.Table:
        """The words of one text of the batch, by position."""
        return self.words.filter(pc.equal(self.words["sequence"], sequence))


@dataclass(frozen=True)
class Divergence:
    """Where a training came to a loss or gradient that is not finite: optimiser steps done before, and the epoch."""

    step: int
    epoch: float
    learning_rate: float


def is_recorded(model: Model) -> bool:
    """Whether batches of the model's training were recorded."""
    return "gradient_horizons" in model.card.files


def layers(model: Model) -> list[int]:
    """The layers whose gradients were recorded, from 1."""
    _check(model)
    return model.ask("gradient_horizons", "select distinct layer from {gradient_horizons} order by 1")[
        "layer"
    ].to_pylist()


def recorded_steps(model: Model) -> np.ndarray:
    """int64[batches]: optimiser steps done before each recorded batch, ascending."""
    _check(model)
    rows = model.ask("gradient_horizons", "select distinct step from {gradient_horizons} order by step")
    return rows["step"].to_numpy()


def window(model: Model) -> int:
    """Steps of the longest recorded batch."""
    _check(model)
    rows = model.ask("training_batches", "select max(position) + 1 as steps from {training_batches}")
    return rows["steps"][0].as_py() or 1


def batch_overview(
    model: Model, layer: int = 1, first: int = 0, last: int | None = None, bars: int = BARS
) -> BatchOverview:
    """The recorded batches of a layer from optimiser step `first` to `last`, in at most `bars` rows."""
    steps = window(model)
    between = "layer = $layer and step >= $first and ($last is null or step <= $last)"
    asked = {"layer": layer, "first": first, "last": last}
    counted = model.ask(
        "gradient_horizons", f"select count(*) as n from {{gradient_horizons}} where {between}", **asked
    )
    batches = counted["n"][0].as_py()
    each = max(1, -(-batches // bars))
    rows = model.ask(
        "gradient_horizons",
        f"""
        with numbered as (
          select *, (row_number() over (order by step) - 1) // $each as bar
          from {{gradient_horizons}}
          where {between}
        )
        select
          min(step) as first,
          max(step) as last,
          count(*) as batches,
          arg_max(step, case when isfinite(maximum) then maximum else -1 end) as largest,
          max(maximum) filter (isfinite(maximum)) as maximum,
          avg(mean) filter (isfinite(mean)) as mean,
          avg(coalesce(half_life, $steps)) as half_life,
          avg(coalesce(horizon, $steps)) as horizon,
          avg(loss) filter (isfinite(loss)) as loss
        from numbered
        group by bar
        order by bar
        """,
        each=each,
        steps=steps,
        **asked,
    )
    return BatchOverview(model.name, layer, rows, batches, each, steps)


def batch(model: Model, step: int, layer: int = 1) -> Batch:
    """The recorded batch that came after `step` optimiser steps; `QuestionError` names the nearest recorded ones."""
    _check(model)
    words = model.ask(
        "training_batches",
        """
        select sequence, position, input, label, predicted, probability, label_probability, loss
        from {training_batches}
        where step = $step
        order by sequence, position
        """,
        step=step,
    )
    if not words.num_rows:
        known = recorded_steps(model)
        near = sorted(known.tolist(), key=lambda other: abs(other - step))[:3]
        raise QuestionError(
            f"The batch after step {step:,} of {model.name!r} was not recorded; the nearest recorded ones come after "
            f"{', '.join(f'{other:,}' for other in sorted(near))}."
        )
    pairs = model.ask(
        "itemized_gradients",
        "select t, j, magnitude, share from {itemized_gradients} where step = $step and layer = $layer",
        step=step,
        layer=layer,
    )
    if not pairs.num_rows:
        raise QuestionError(f"{model.name!r} has recorded layers {', '.join(map(str, layers(model)))}, none {layer}.")
    facts = model.ask(
        "gradient_horizons",
        """
        select loss, maximum, mean, half_life, horizon
        from {gradient_horizons}
        where step = $step and layer = $layer
        """,
        step=step,
        layer=layer,
    )
    steps = max(words["position"].to_pylist()) + 1
    magnitude, share = np.full((2, steps, steps), np.nan, np.float32)
    t, j = pairs["t"].to_numpy(), pairs["j"].to_numpy()
    magnitude[t, j], share[t, j] = pairs["magnitude"].to_numpy(), pairs["share"].to_numpy()
    broken = t[~np.isfinite(pairs["magnitude"].to_numpy())]
    no_number = int(broken.min()) if len(broken) else None
    return Batch(model.name, step, layer, words, magnitude, share, facts.to_pylist()[0], no_number)


def divergence(model: Model) -> Divergence | None:
    """Where the training came to a loss or gradient that is not finite; None where it did not."""
    rows = model.table("training")
    if not rows.num_rows:
        return None
    values = np.array([rows[name].to_numpy() for name in ("loss", "gradient_norm")], float)
    broken = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if not len(broken):
        return None
    row = rows.slice(int(broken[0]), 1).to_pylist()[0]
    return Divergence(row["step"] - 1, row["epoch"], row["learning_rate"])


def combined_table(outlines: Sequence[BatchOverview]) -> pa.Table:
    """The rows of several overviews in one table, with the column `model` first."""
    parts = [
        found.table.add_column(0, "model", pa.array([found.model] * found.table.num_rows, pa.string()))
        for found in outlines
    ]
    return pa.concat_tables(parts)


def _check(model: Model) -> None:
    if not is_recorded(model):
        raise QuestionError(
            f"{model.name!r} has no recorded training batches. Its recipe records them with `{RECORDING}` under "
            "`training`."
        )
