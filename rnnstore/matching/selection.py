"""Selection: the units that are on over a span of steps and, where the pattern is limited, off before and after it.

A unit is on at a step when its stored value is >= the threshold. This is the "select" of LSTMVis (Strobelt et al. 2018,
section 5.2): words are brushed, a threshold is chosen, and the pattern may be limited on the left, the right, or both.

Use it to form a hypothesis: these units switch on for this phrase. A selection alone is no evidence: of many units some
switch on anywhere by chance, and another threshold selects others. Match it over the corpus, then test it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rnnstore.errors import QuestionError
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

MOST_OFF = 1000
"""Steps on either side over which a pattern can require units to be off, at most."""


@dataclass(frozen=True)
class Selection:
    """Steps start..stop-1 of a state, a threshold, and for how many steps before and after units must be off (0:
    any)."""

    state: str
    start: int
    stop: int
    threshold: float
    off_before: int = 0
    off_after: int = 0


@dataclass(frozen=True)
class SelectedUnits:
    """The units of a selection, int64, ascending.

    `units` are those to match with: `following` (they follow the pattern) without `left_out`, plus `pinned` (added by
    hand, whether they follow it or not).
    """

    units: np.ndarray  # int64[n]
    following: np.ndarray  # int64[n], whether left out or not
    left_out: np.ndarray  # int64[n], those of `following` that were left out by hand
    pinned: np.ndarray  # int64[n]


def select(
    model: Model, selection: Selection, left_out: Iterable[int] = (), pinned: Iterable[int] = ()
) -> SelectedUnits:
    """The units on at every step of the selection and off at each of the steps around it that the pattern covers.

    Steps before the sequence's first and after its last do not exist and require nothing. Units in `left_out` are taken
    out; units in `pinned` are included in any case. Raises `QuestionError` when the steps are not within one sequence,
    or when there is no such state or unit, or no threshold or limit like this.
    """
    units = model.state(selection.state).units
    _check_threshold(selection.threshold)
    _check_limits(selection.off_before, selection.off_after)
    first, stop = sequence_around(model, selection.start, selection.stop)
    left_out = _checked_units(left_out, units, "leave out", selection.state)
    pinned = _checked_units(pinned, units, "pin", selection.state)
    low = max(first, selection.start - selection.off_before)
    high = min(stop, selection.stop + selection.off_after)
    on = is_on(model.vectors(selection.state, low, high), selection.threshold)
    inside = slice(selection.start - low, selection.stop - low)
    follows = on[inside].all(axis=0) & ~on[: inside.start].any(axis=0) & ~on[inside.stop :].any(axis=0)
    following = np.flatnonzero(follows)
    chosen = np.union1d(np.setdiff1d(following, left_out), pinned)
    return SelectedUnits(
        units=chosen.astype(np.int64),
        following=following,
        left_out=np.setdiff1d(following, chosen),
        pinned=np.setdiff1d(pinned, following),
    )


def units_on(model: Model, state: str, units: Iterable[int], threshold: float, start: int, stop: int) -> np.ndarray:
    """int64[stop - start]: how many of `units` are on at each of the steps start..stop-1, for shading the words."""
    chosen = _checked_units(units, model.state(state).units, "count", state)
    _check_threshold(threshold)
    return is_on(model.vectors(state, start, stop)[:, chosen], threshold).sum(axis=1, dtype=np.int64)


def sequence_around(model: Model, start: int, stop: int) -> tuple[int, int]:
    """First step and step after the last of the sequence that holds the steps start..stop-1.

    Raises `QuestionError` when the range is empty, outside of the corpus, or spans several sequences.
    """
    if not model.steps:
        raise QuestionError(f"Model {model.name!r} has no recorded steps to select from. Record it first.")
    if stop <= start:
        raise QuestionError(f"Steps {start:,} to {stop:,} hold no step; select at least one.")
    if start < 0 or stop > model.steps:
        raise QuestionError(
            f"Steps {start:,} to {stop - 1:,} are not all in the corpus, which has steps 0 to {model.steps - 1:,}."
        )
    starts = model.sequence_starts
    following = int(np.searchsorted(starts, start, "right"))
    end = int(starts[following]) if following < len(starts) else model.steps
    if stop > end:
        raise QuestionError(
            f"Steps {start:,} to {stop - 1:,} reach into another sequence, which starts at step {end:,}; select steps "
            "of one sequence."
        )
    return int(starts[following - 1]), end


def checked_question(
    model: Model, state: str, units: Iterable[int], threshold: float, before: int, after: int
) -> np.ndarray:
    """`units` as int64[n], ascending and distinct; `QuestionError` for a unit, threshold or limit that is not valid."""
    _check_threshold(threshold)
    _check_limits(before, after)
    return _checked_units(units, model.state(state).units, "match", state)


def _check_threshold(threshold: float) -> None:
    if not isinstance(threshold, int | float | np.floating | np.integer) or math.isnan(threshold):
        raise QuestionError(f"The threshold is {threshold}; a number was expected.")


def _check_limits(before: int, after: int) -> None:
    for name, steps in (("before", before), ("after", after)):
        if not 0 <= steps <= MOST_OFF:
            raise QuestionError(
                f"The pattern is to be off {steps:,} steps {name}; 0 (a free side) to {MOST_OFF:,} were expected."
            )


def _checked_units(units: Iterable[int], count: int, verb: str, state: str) -> np.ndarray:
    chosen = np.unique(np.asarray(list(units), np.int64))
    for unit in chosen:
        if not 0 <= unit < count:
            raise QuestionError(f"There is no unit {unit} to {verb}: state {state!r} has units 0 to {count - 1}.")
    return chosen
