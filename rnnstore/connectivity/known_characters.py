"""Accuracy by known characters: how soon an autocomplete network knows the word that is being typed.

Madsen's article (2019) suggests it as a number beside the picture: with no character known, only what came before the
word can speak; with many, the word itself does. Words that are no output of the network are left out, and counted.
Beside it stands, where a network was kept, the share of connectivity that lies outside of the word.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from rnnstore.connectivity.connected import connected
from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

TOP = 3
TRACK = "known"
MOST_KNOWN = 20
"""Characters known that get a row of their own; hardly a word is longer."""

_HALF_WIDTH = 1.959963984540054  # of a normal distribution's middle 95 %


def known_characters(model: Model, *, stretches: int = 0, seed: int = 0) -> pa.Table:
    """A row for each number of known characters, from 0 (the space before the word): known, steps, left_out (steps
    whose word the network has no output for), and for the first k of its suggestions, k from 1 to 3, accuracy_k with
    the ends of its 95 % interval (Wilson), low_k and high_k.

    With `stretches`, besides, over so many sequences drawn from the recording: share_outside, the mean share of a row's
    connectivity at steps before the word's space, share_steps, how many rows that are, and share_error, its standard
    error. `QuestionError` for a model whose recording has no track `known` or fewer than 3 predictions a step.
    """
    if TRACK not in model.tracks or model.card.task != "autocomplete":
        raise QuestionError(
            f"{model.name} does not complete words: accuracy by known characters needs a model trained on a corpus of "
            "kind autocomplete, and its recording."
        )
    if model.predictions_per_step < TOP:
        raise QuestionError(f"{model.name} has {model.predictions_per_step} predictions a step; {TOP} are needed.")
    rank, known = np.full(model.steps, TOP + 1, np.int64), np.zeros(model.steps, np.int64)
    asked = np.zeros(model.steps, bool)
    for first in range(0, model.steps, 50_000):
        stop = min(first + 50_000, model.steps)
        known[first:stop] = model.annotations([TRACK], first, stop)["number"].to_numpy()
        found = model.predictions(first, stop)
        at = found["t"].to_numpy()
        asked[at] |= ~np.isnan(found["loss"].to_numpy(zero_copy_only=False).astype(float))
        words, targets = found["word"].to_pylist(), found["target"].to_pylist()
        right = np.array([word == target for word, target in zip(words, targets, strict=True)], bool)
        rank[at[right]] = np.minimum(rank[at[right]], found["rank"].to_numpy()[right])
    shares = _shares(model, known, stretches, seed) if stretches else {}
    rows = []
    for count in range(min(int(known.max()), MOST_KNOWN) + 1):
        here = (known == count) & asked
        row = {"known": count, "steps": int(here.sum()), "left_out": int(((known == count) & ~asked).sum())}
        for k in range(1, TOP + 1):
            right = int((rank[here] <= k).sum())
            low, high = wilson(right, row["steps"])
            row |= {
                f"accuracy_{k}": right / row["steps"] if row["steps"] else math.nan,
                f"low_{k}": low,
                f"high_{k}": high,
            }
        if stretches:
            found = np.array(shares.get(count, []))
            row |= {
                "share_outside": float(found.mean()) if len(found) else math.nan,
                "share_steps": len(found),
                "share_error": float(found.std(ddof=1) / math.sqrt(len(found))) if len(found) > 1 else math.nan,
            }
        rows.append(row)
    return pa.Table.from_pylist(rows)


def wilson(right: int, steps: int) -> tuple[float, float]:
    """The 95 % interval of Wilson for a share of which `right` of `steps` were seen; 0 to 1 where nothing was seen."""
    if not steps:
        return 0.0, 1.0
    share, square = right / steps, _HALF_WIDTH**2
    middle = (share + square / (2 * steps)) / (1 + square / steps)
    half = _HALF_WIDTH / (1 + square / steps) * math.sqrt(share * (1 - share) / steps + square / (4 * steps**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _shares(model: Model, known: np.ndarray, stretches: int, seed: int) -> dict[int, list[float]]:
    """By known characters, the shares of connectivity before the word's space, in sequences drawn at random."""
    starts = model.sequence_starts
    ends = np.append(starts[1:], model.steps)
    drawn = np.random.default_rng(seed).permutation(len(starts))[:stretches]
    found: dict[int, list[float]] = {}
    for number in np.sort(drawn).tolist():
        first, stop = int(starts[number]), int(ends[number])
        text = connected(model, (first, stop))
        sizes, steps = np.abs(text.values), np.arange(stop - first)
        space = steps - known[first:stop]
        for step in np.flatnonzero(~text.instead & (space > 0)).tolist():
            total = float(sizes[step].sum())
            if total > 0:
                share = float(sizes[step, : space[step]].sum()) / total
                found.setdefault(int(known[first + step]), []).append(share)
    return found
