"""Predictions of two models for one sentence: at which words does one of them predict better, and by how much?

Losses can be subtracted step by step where both models read the same words and have them in their vocabularies: then
both are cross entropies of the same event. Elsewhere there is no difference, and a note says why.

Use it to find the words on which two models differ before looking at their states. It is one sentence: for a difference
between models compare their losses on a whole test split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.networks.reading import Reading


@dataclass(frozen=True)
class Disagreement:
    """Two readings of the same words.

    `table` has a row a step: t, word, target (null after the last word of a sequence, and for labels), loss_left,
    loss_right (nats; null where the target is unknown to a model or not predicted), difference (left - right: above 0
    where the right model predicts better), first_left, first_right (the most probable), probability_left,
    probability_right (of it), same. `steps` are those with a difference, `loss_left` and `loss_right` their means, NaN
    without any; `same` is the number of the `predicted` steps at which both expect the same first.
    """

    table: pa.Table
    steps: int
    loss_left: float
    loss_right: float
    predicted: int
    same: int
    label: str | None
    notes: tuple[str, ...]


def disagreement(left: Reading, right: Reading) -> Disagreement:
    """What two models predict at each step of the words that both have read.

    Raises `QuestionError` where they read different words (one by word, one by character, say), where one has no
    predictions, and where one is a classifier and the other predicts words.
    """
    for side, reading in (("left", left), ("right", right)):
        if reading.predictions is None:
            raise QuestionError(f"The {side} model's predictions were not recorded, so nothing can be compared here.")
    if left.classifier != right.classifier:
        raise QuestionError(
            "One of the models tells labels apart and the other predicts what comes next: two different questions. "
            "Choose two models of one kind."
        )
    if left.typed != right.typed and left.words != right.words:
        raise QuestionError(
            f"The two models read different words: {_input_kind(left)} and {_input_kind(right)}. Their losses are over "
            "different things and cannot be subtracted; choose two models that take text apart alike."
        )
    columns, firsts = {}, []
    for side, reading in (("left", left), ("right", right)):
        first = _first(reading)
        firsts.append(first)
        columns[f"loss_{side}"] = first["loss"]
        columns[f"first_{side}"] = first["word"]
        columns[f"probability_{side}"] = first["probability"]
    losses = [np.array(first["loss"], float) for first in firsts]  # None becomes NaN
    unknown = _unknown_next(left, firsts[0]["target"]) | _unknown_next(right, firsts[1]["target"])
    for loss in losses:
        loss[unknown] = np.nan
    difference = losses[0] - losses[1]
    known = np.isfinite(difference)
    same = [one is not None and one == other for one, other in zip(firsts[0]["word"], firsts[1]["word"], strict=True)]
    table = pa.table(
        {
            "t": np.arange(len(left)),
            "word": pa.array(left.typed, pa.string()),
            "target": pa.array(firsts[0]["target"], pa.string()),
            "loss_left": pa.array(losses[0], from_pandas=True),
            "loss_right": pa.array(losses[1], from_pandas=True),
            "difference": pa.array(difference, from_pandas=True),
            "first_left": pa.array(columns["first_left"], pa.string()),
            "first_right": pa.array(columns["first_right"], pa.string()),
            "probability_left": pa.array(columns["probability_left"], pa.float64()),
            "probability_right": pa.array(columns["probability_right"], pa.float64()),
            "same": pa.array(same, pa.bool_()),
        }
    )
    label = firsts[0]["word"][-1] if left.classifier and len(left) else None
    for side, reading in (("left", left), ("right", right)):
        table = table.append_column(f"label_{side}", _of_label(reading, label))
    notes = []
    if label is not None and label not in _labels(right):
        raise QuestionError(
            f"The left model tells {', '.join(sorted(_labels(left)))} apart and the right one "
            f"{', '.join(sorted(_labels(right))[:5])}; choose two models with the same labels."
        )
    if unknown.any() and label is None:
        notes.append(
            f"{int(unknown.sum())} words are unknown to one of the models or to both, and left out of the losses."
        )
    predicted = sum(
        one is not None and other is not None for one, other in zip(*(f["word"] for f in firsts), strict=True)
    )
    return Disagreement(
        table,
        int(known.sum()),
        float(losses[0][known].mean()) if known.any() else float("nan"),
        float(losses[1][known].mean()) if known.any() else float("nan"),
        predicted,
        sum(same),
        label,
        tuple(notes),
    )


def _first(reading: Reading) -> dict[str, list]:
    """The most probable prediction after each step, with the target and its loss; None where there is none."""
    columns: dict[str, list] = {name: [None] * len(reading) for name in ("word", "probability", "target", "loss")}
    assert reading.predictions is not None
    for row in reading.predictions.select(["t", "rank", *columns]).to_pylist():
        if row["rank"] == 1 and 0 <= row["t"] < len(reading):
            for name in columns:
                columns[name][row["t"]] = row[name]
    return columns


def _unknown_next(reading: Reading, targets: list[str | None]) -> np.ndarray:
    """bool[n]: the target is the word that comes next, and the vocabulary does not have that word.

    A network that completes words has other targets: whole words, not the next character.
    """
    following = zip(reading.words[1:], reading.typed[1:], strict=True)
    comes_next = [target in pair for target, pair in zip(targets, following, strict=False)]
    return np.append(reading.unknown[1:] & np.array(comes_next, bool), False)


def _of_label(reading: Reading, label: str | None) -> pa.Array:
    """float64[n]: the probability of a label after each step, null where it is not among those kept."""
    found: list[float | None] = [None] * len(reading)
    assert reading.predictions is not None
    if label is not None:
        for row in reading.predictions.select(["t", "word", "probability"]).to_pylist():
            if row["word"] == label and 0 <= row["t"] < len(reading):
                found[row["t"]] = row["probability"]
    return pa.array(found, pa.float64())


def _labels(reading: Reading) -> set[str]:
    assert reading.predictions is not None
    return {word for word in reading.predictions["word"].to_pylist() if word is not None}


def _input_kind(reading: Reading) -> str:
    some = " ".join(reading.typed[:4])
    return f"{len(reading):,} ({some}{' ...' if len(reading) > 4 else ''})"
