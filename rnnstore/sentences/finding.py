"""The word at which things turn: what Sentences has to show of a recording at first sight.

What turns is, for a classifier, the log-odds of a label, else the mean of a group of units of a state (two groups, by
their expected responses, `rnnstore.co_clusters`). It turns at a step where its sign is another than at the step before,
by the difference of the two. The word is chosen by how much its share of all turns exceeds its share of the steps, on
the first half of the steps looked at; the score is of the second half: one less the latter share over the former, so
0 for a word that turns no more than any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.findings import MOST_STEPS, Finding, View
from rnnstore.networks.gates import gate_of
from rnnstore.store.model import Model
from rnnstore.visible import visible

GROUPS = 2

FEWEST = 5
"""Turns at the word that there must be in either half."""

LEAST = 0.5
"""Score under which no word is worth showing."""

AROUND = 9
"""Words shown on either side, at most."""

CERTAIN = 1e-6
"""Probabilities are taken as this far from 0 and 1 at least, where log-odds have no end."""


@dataclass(frozen=True)
class Turns:
    """What turns, `name`d in words: float64[steps], by how much it turns at each step, 0 where it does not; the word
    ids, and the state that shows it."""

    name: str
    state: str
    size: np.ndarray
    word_ids: np.ndarray

    def shares(self, steps: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By word id, over some steps: share of all turns by size, share of the steps, and number of turns."""
        size, ids = self.size[steps], self.word_ids[steps]
        of_turns, of_steps = np.bincount(ids, weights=size), np.bincount(ids)
        turns = np.bincount(ids, weights=size > 0)
        return of_turns / max(size.sum(), 1e-30), of_steps / len(ids), turns


def finding(model: Model) -> Finding | None:
    """The word at which most turns beyond its share of the steps, None where none has a score of `LEAST`."""
    steps = min(model.steps, MOST_STEPS)
    half = steps // 2
    best: tuple[float, Turns | None, int] = (0.0, None, 0)
    for each in _of_labels(model, steps) if model.card.task == "classifier" else _of_groups(model, steps):
        excess, word = _chosen(each, half)
        best = max(best, (excess, each, word), key=lambda found: found[0])
    _, turns, word = best
    if turns is None:
        return None
    of_turns, of_steps, number = (values[word] for values in turns.shares(slice(half, steps)))
    score = 1 - of_steps / of_turns if of_turns else 0.0
    if score < LEAST:
        return None
    name = visible(model.vocabulary[word])
    return Finding(
        analysis="sentences",
        model=model.name,
        state=turns.state,
        title=f"“{name}” turns {turns.name} around",
        score=float(score),
        measure=f"one less its share of the steps over its share of what turns, of steps {half:,} to {steps - 1:,}; "
        "the word chosen by the steps before",
        views=_views(model, turns, word, half, f"{of_turns:.0%}", f"{of_steps:.1%}", int(number)),
    )


def turns_of(signal: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """float64[steps]: by how much a signal turns at each step; the first step of a sequence turns nothing."""
    before = np.concatenate([[0.0], signal[:-1]])
    before[starts[starts < len(signal)]] = 0
    return np.where(signal * before < 0, np.abs(signal - before), 0.0)


def _of_labels(model: Model, steps: int) -> list[Turns]:
    if not model.has_predictions:
        return []
    rows = model.predictions(0, steps)
    at, labels = rows["t"].to_numpy(), np.array(rows["word"].to_pylist(), object)
    probability = np.clip(rows["probability"].to_numpy().astype(np.float64), CERTAIN, 1 - CERTAIN)
    found, ids = [], model.word_ids(0, steps)
    for label in sorted(set(labels))[:-1] if len(set(labels)) == 2 else sorted(set(labels)):
        odds = np.zeros(steps)
        of_label = labels == label
        odds[at[of_label]] = np.log(probability[of_label] / (1 - probability[of_label]))
        found.append(Turns("the prediction", _shown_state(model), turns_of(odds, model.sequence_starts), ids))
    return found


def _shown_state(model: Model) -> str:
    """The last state that is no gate: the one that a classifier's head reads."""
    return [state for state in model.states if gate_of(state, model.card.cell) is None][-1]


def _of_groups(model: Model, steps: int) -> list[Turns]:
    found, ids = [], model.word_ids(0, steps)
    for state in model.states:
        if gate_of(state, model.card.cell) is not None or f"expected_responses/{state}" not in model.card.files:
            continue
        clusters = decompose(expected_responses(model, state)).clusters(min(GROUPS, model.states[state].units))
        member = (clusters.unit_cluster[:, None] == np.arange(clusters.k)) * clusters.unit_sign[:, None]
        means = model.vectors(state, 0, steps).astype(np.float64) @ (member / np.abs(member).sum(axis=0))
        found += [
            Turns("a group of units", state, turns_of(means[:, group], model.sequence_starts), ids)
            for group in range(clusters.k)
        ]
    return found


def _chosen(turns: Turns, half: int) -> tuple[float, int]:
    """The word whose share of the turns exceeds its share of the first half's steps most, and by how much."""
    of_turns, of_steps, number = turns.shares(slice(half))
    later = turns.shares(slice(half, None))[2]
    often = np.zeros(len(number), bool)
    both = min(len(number), len(later))
    often[:both] = (number[:both] >= FEWEST) & (later[:both] >= FEWEST)
    if not often.any():
        return 0.0, 0
    word = int(np.argmax(np.where(often, of_turns - of_steps, -1.0)))
    return float(of_turns[word] - of_steps[word]), word


def _views(
    model: Model, turns: Turns, word: int, half: int, of_turns: str, of_steps: str, number: int
) -> tuple[View, ...]:
    """The occurrence at which it turns furthest, and the one in the middle of those at which it turns."""
    at = np.flatnonzero((turns.word_ids == word) & (turns.size > 0))
    at = at[at >= half]
    order = at[np.argsort(-turns.size[at], kind="stable")]
    name = visible(model.vocabulary[word])
    return (
        _view(model, int(order[0]), f"{of_turns} of all turns are at “{name}”", f", which is {of_steps} of the words"),
        _view(
            model,
            int(order[len(order) // 2]),
            "A turn of middling size",
            f": of the other {number - 1:,}, half go further and half less far",
        ),
    )


def _view(model: Model, step: int, phrase: str, rest: str) -> View:
    """The words around a step, of its sequence."""
    starts = model.sequence_starts
    number = int(np.searchsorted(starts, step, "right")) - 1
    begin = int(starts[number])
    end = int(starts[number + 1]) if number + 1 < len(starts) else model.steps
    first, stop = max(begin, step - AROUND), min(end, step + AROUND + 1)
    address = {"span": f"{first}-{stop - 1}", "k": str(GROUPS), "at": f"0:{step - first}"}
    return View(phrase, rest, address, {"first": first, "stop": stop, "at": step - first, "k": GROUPS})
