"""Accuracy by known characters: how many characters of a word an autocomplete network needs to complete it.

Madsen's article (2019) suggests it as a number beside the picture: with no character known, only the words before can
help; with many, the word itself does. Words that are no output of the network are left out, and counted.
The baseline is counting without any context: always the most frequent words that begin like this. Where a network was
saved, the share of connectivity outside of the word is added.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.connectivity.norms import Progress, no_progress
from rnnstore.connectivity.texts import text_connectivity
from rnnstore.errors import MissingNetwork, QuestionError
from rnnstore.networks.opening import open_network
from rnnstore.statistics import wilson
from rnnstore.store.model import Model

TOP = 3
TRACK = "known"
MOST_KNOWN = 20
"""Known characters up to which there is a row; few words are longer."""

_AT_ONCE = 50_000  # steps


def known_characters(model: Model, *, sequences: int = 0, seed: int = 0, progress: Progress = no_progress) -> pa.Table:
    """A row for each number of known characters, from 0 (the space before the word): known, steps, left_out (steps
    whose word the network has no output for), and for the first k of its suggestions, k from 1 to 3, accuracy_k with
    the ends of its 95 % interval (Wilson), low_k and high_k; and counted_k, how often the word is among the k outputs
    most frequent in training that begin with the known characters, null where no network was kept.

    With `sequences`, besides, over so many sequences drawn from the recording (all, where there are no more):
    share_outside, the mean share of a row's connectivity at steps before the word's space, share_steps, how many rows
    that are, and share_error, its standard error, for which each sequence counts as one. `QuestionError` for a model
    whose recording has no track `known` or fewer than 3 predictions a step.
    """
    steps = _steps(model)
    shares = _shares(model, steps.known, sequences, seed, progress) if sequences else {}
    rows = []
    for count in range(min(int(steps.known.max()), MOST_KNOWN) + 1):
        here = (steps.known == count) & steps.asked
        asked = int(here.sum())
        row: dict[str, float | None] = {
            "known": count,
            "steps": asked,
            "left_out": int(((steps.known == count) & ~steps.asked).sum()),
        }
        for k in range(1, TOP + 1):
            right = int((steps.rank[here] <= k).sum())
            low, high = wilson(right, asked)
            row |= {
                f"accuracy_{k}": right / asked if asked else math.nan,
                f"low_{k}": low,
                f"high_{k}": high,
                f"counted_{k}": float((steps.counted[here] <= k).mean()) if steps.has_network and here.any() else None,
            }
        if sequences:
            row |= _mean_share(shares.get(count, []))
        rows.append(row)
    return pa.Table.from_pylist(rows)


def overall_accuracy(model: Model) -> dict[str, float]:
    """The accuracy over all steps, whatever is known of the word: steps, left_out, accuracy_k and counted_k, which
    `known_characters` explains."""
    steps = _steps(model)
    found: dict[str, float] = {"steps": int(steps.asked.sum()), "left_out": int((~steps.asked).sum())}
    for k in range(1, TOP + 1):
        found[f"accuracy_{k}"] = float((steps.rank[steps.asked] <= k).mean())
        found[f"counted_{k}"] = float((steps.counted[steps.asked] <= k).mean()) if steps.has_network else math.nan
    return found


def repeated_words(model: Model, *, common: int = 200) -> pa.Table:
    """Whether a network knows a word sooner where the text has had it before: rows by known characters, 0 to 5, for
    words that come for the first time in their sequence (again false) and for those that come again (again true).

    known, again, steps, accuracy_1 with low_1 and high_1, and counted_1 as in `known_characters`. The `common` outputs
    most frequent in training are left out: they come again everywhere. Needs the network, else `MissingNetwork`.
    """
    outputs = open_network(model).outputs
    place_of = {word: place for place, word in enumerate(outputs)}
    steps, starts = _steps(model), np.zeros(model.steps, bool)
    starts[model.sequence_starts] = True
    again, rare = np.zeros(model.steps, bool), np.zeros(model.steps, bool)
    seen: set[str] = set()
    targets = _targets(model)
    for step in np.flatnonzero(steps.known == 0).tolist():  # a word's space
        if starts[step]:
            seen = set()
        word = targets[step]
        if word is not None:
            here = slice(step, step + len(word) + 1)
            again[here], rare[here] = word in seen, place_of.get(word, -1) >= common
            seen.add(word)
    rows = []
    for count in range(6):
        for repeated in (False, True):
            here = (steps.known == count) & steps.asked & rare & (again == repeated)
            right, total = int((steps.rank[here] == 1).sum()), int(here.sum())
            low, high = wilson(right, total)
            accuracy = {"accuracy_1": right / total if total else math.nan, "low_1": low, "high_1": high}
            counted = float((steps.counted[here] == 1).mean()) if total else math.nan
            rows.append({"known": count, "again": repeated, "steps": total, **accuracy, "counted_1": counted})
    return pa.Table.from_pylist(rows)


def _targets(model: Model) -> list[str | None]:
    """The word of every recorded step."""
    found: list[str | None] = [None] * model.steps
    for first in range(0, model.steps, _AT_ONCE):
        table = model.predictions(first, min(first + _AT_ONCE, model.steps))
        for step, word in zip(table["t"].to_pylist(), table["target"].to_pylist(), strict=True):
            found[step] = word
    return found


@dataclass(frozen=True)
class _Steps:
    """Of every recorded step: known characters, whether its word is an output, that word's rank among the suggestions
    and among the outputs that begin like it."""

    known: np.ndarray
    asked: np.ndarray
    rank: np.ndarray
    counted: np.ndarray
    has_network: bool


def _steps(model: Model) -> _Steps:
    if TRACK not in model.tracks or model.card.task != "autocomplete":
        raise QuestionError(
            f"{model.name} does not complete words: accuracy by known characters needs a model trained on a corpus of "
            "kind autocomplete, and its recording."
        )
    if model.predictions_per_step < TOP:
        raise QuestionError(f"{model.name} has {model.predictions_per_step} predictions a step; {TOP} are needed.")
    try:
        places = _places(open_network(model).outputs)
    except MissingNetwork:
        places = {}
    known, asked = np.zeros(model.steps, np.int64), np.zeros(model.steps, bool)
    rank, counted = np.full(model.steps, TOP + 1, np.int64), np.full(model.steps, TOP + 1, np.int64)
    for first in range(0, model.steps, _AT_ONCE):
        stop = min(first + _AT_ONCE, model.steps)
        known[first:stop] = model.annotations([TRACK], first, stop)["number"].to_numpy()
        found = model.predictions(first, stop)
        at = found["t"].to_numpy()
        asked[at] |= ~np.isnan(found["loss"].to_numpy(zero_copy_only=False).astype(float))
        words, targets = found["word"].to_pylist(), found["target"].to_pylist()
        right = np.array([word == target for word, target in zip(words, targets, strict=True)], bool)
        rank[at[right]] = np.minimum(rank[at[right]], found["rank"].to_numpy()[right])
        counted[at] = [
            places.get((target, count), TOP + 1) for target, count in zip(targets, known[at].tolist(), strict=True)
        ]
    return _Steps(known, asked, rank, counted, bool(places))


def _places(outputs: Sequence[str]) -> dict[tuple[str, int], int]:
    """Of each output and number of its characters, how many outputs up to it begin with them. A corpus lists its
    outputs by their counts in training, so this is the word's rank among the candidates."""
    seen: Counter[str] = Counter()
    found = {}
    for word in outputs:
        for count in range(len(word) + 1):
            seen[word[:count]] += 1
            found[word, count] = seen[word[:count]]
    return found


def _shares(
    model: Model, known: np.ndarray, sequences: int, seed: int, progress: Progress
) -> dict[int, list[np.ndarray]]:
    """By known characters, the shares of connectivity before the word's space, an array for each sequence drawn."""
    starts = model.sequence_starts
    ends = np.append(starts[1:], model.steps)
    drawn = np.random.default_rng(seed).permutation(len(starts))[:sequences]
    found: dict[int, list[np.ndarray]] = {}
    for done, number in enumerate(np.sort(drawn).tolist()):
        progress(done / len(drawn))
        first, stop = int(starts[number]), int(ends[number])
        text, here = text_connectivity(model, (first, stop)), known[first:stop]
        sizes, space = np.abs(text.values), np.arange(stop - first) - here
        with np.errstate(invalid="ignore"):
            share = (sizes * (np.arange(stop - first) < space[:, None])).sum(1) / sizes.sum(1)
        told = ~text.instead & (space > 0) & np.isfinite(share)
        for count in np.unique(here[told]).tolist():
            found.setdefault(count, []).append(share[told & (here == count)])
    return found


def _mean_share(of_sequences: Sequence[np.ndarray]) -> dict[str, float | int]:
    """The mean over all steps, and its standard error where steps of one sequence are not independent."""
    steps, sequences = sum(map(len, of_sequences)), len(of_sequences)
    mean = sum(float(each.sum()) for each in of_sequences) / steps if steps else math.nan
    squares = sum(float((each - mean).sum()) ** 2 for each in of_sequences)
    error = math.sqrt(sequences / (sequences - 1) * squares) / steps if sequences > 1 else math.nan
    return {"share_outside": mean, "share_steps": steps, "share_error": error}
