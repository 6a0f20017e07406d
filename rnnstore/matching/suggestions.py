"""Suggestions for a selection that selects no unit, and for a first one.

Both read a few thousand steps at most and return something for which `select` finds units.
"""

from __future__ import annotations

import math

import numpy as np

from rnnstore.matching.selection import Selection, sequence_around
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

LENGTHS = ((2, 3, 4), (1,))
FEW, MANY = 3, 12
"""An example should select between so many units: a handful of lines can be distinguished."""

CANDIDATES, NEARBY = 24, 8_192
"""Candidates for an example of each length, and the steps in which their recurrence is counted."""


def nearest_threshold(model: Model, selection: Selection) -> float | None:
    """The threshold nearest to the selection's at which its pattern selects a unit; None when none does at any.

    A unit follows the pattern at thresholds above all its values beside the selection and up to its least value in it.
    The answer lies in such an interval and has three decimals where one of those does. Raises `QuestionError` when the
    selection is not within one sequence.
    """
    first, stop = sequence_around(model, selection.start, selection.stop)
    low = max(first, selection.start - selection.off_before)
    high = min(stop, selection.stop + selection.off_after)
    values = model.vectors(selection.state, low, high).astype(np.float64)
    inside = slice(selection.start - low, selection.stop - low)
    least = values[inside].min(axis=0)
    outside = np.concatenate([values[: inside.start], values[inside.stop :]])
    most = outside.max(axis=0) if len(outside) else np.full(len(least), -np.inf)
    possible = (most < least) & np.isfinite(least)
    most, least = most[possible], least[possible]
    if not len(least):
        return None
    asked = selection.threshold
    distance = np.where(asked > least, asked - least, np.where(asked <= most, most - asked, 0.0))
    best = int(np.lexsort((-least, distance))[0])
    return _round_within(float(most[best]), float(least[best]), asked)


def _round_within(most: float, least: float, asked: float) -> float:
    """A number above `most` and up to `least`, near `asked`; of three decimals where there is one."""
    if asked > least:
        rounded = math.floor(least * 1000) / 1000
    elif asked <= most:
        rounded = (math.floor(most * 1000) + 1) / 1000
    else:
        return asked
    return rounded if most < rounded <= least else least


def example_selection(model: Model, state: str, threshold: float, start: int, stop: int) -> Selection | None:
    """A selection of up to four steps within start..stop-1 at which a handful of units switch on.

    Prefers several units that are off one step before and on over several steps, and among those a pattern that recurs
    nearby. If there is none, it accepts fewer or more units, then a lower threshold, then units that were on before.
    None when no unit is on at all.
    """
    values = model.vectors(state, start, stop)
    if not len(values):
        return None
    levels = [threshold, *np.quantile(values.astype(np.float32), (0.9, 0.75, 0.5)).round(3).tolist()]
    followed = np.isin(np.arange(start, stop), model.sequence_starts)  # the step before is of another sequence
    for few, many, off_before in ((FEW, MANY, 1), (1, model.state(state).units, 1), (1, model.state(state).units, 0)):
        for level in levels:
            on = is_on(values, level)
            for lengths in LENGTHS:
                found = []  # (units, first step of the window, steps)
                for length in lengths:
                    counts = _units_switching(on, length, off_before, followed)
                    counts[(counts < few) | (counts > many)] = 0
                    best = np.argsort(-counts, kind="stable")[:CANDIDATES]
                    found += [(int(counts[at]), int(at), length) for at in best if counts[at]]
                if found:
                    at, length = _most_recurring(model, state, found, on, off_before, level, start)
                    return Selection(state, start + at, start + at + length, float(level), off_before=off_before)
    return None


def _most_recurring(
    model: Model,
    state: str,
    found: list[tuple[int, int, int]],
    on: np.ndarray,
    off_before: int,
    level: float,
    start: int,
) -> tuple[int, int]:
    """(start, length) of the candidate that recurs most nearby, weighed by its number of units and its length."""
    first = max(0, min(start, model.steps - NEARBY))
    near = is_on(model.vectors(state, first, min(model.steps, first + NEARBY)), level)
    worth = []
    for count, at, length in found:
        units = on[at : at + length].all(axis=0)
        if off_before:
            units &= ~on[at - 1]
        there = near[:, units]
        places = len(near) - off_before - length + 1
        same = np.ones(max(places, 0), bool)
        for step in range(length):
            same &= there[off_before + step : off_before + step + places].all(axis=1)
        if off_before:
            same &= ~there[:places].any(axis=1)
        worth.append((count * np.log2(1 + same.sum()) * np.sqrt(length), length, -at))
    _, length, at = max(worth)
    return -at, length


def _units_switching(on: np.ndarray, length: int, off_before: int, new_sequence: np.ndarray) -> np.ndarray:
    """int64[steps]: how many units are on from each step for `length` steps, and off before; 0 across sequences."""
    counts = np.zeros(len(on), np.int64)
    for at in range(off_before, len(on) - length + 1):
        if not new_sequence[at + 1 - off_before : at + length].any():
            follows = on[at : at + length].all(axis=0)
            counts[at] = (follows & ~on[at - 1]).sum() if off_before else follows.sum()
    return counts
