"""Counters: how often each unit takes each value, in one pass over the recorded values.

Half precision has so few values that each gets a counter of its own, and everything derived from the counts is exact.
Single precision is rounded to 65,536 evenly spaced values. Memory does not grow with the corpus.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnstore.store.card import State
from rnnstore.store.model import Model
from rnnstore.store.runs import single

BLOCK = 1 << 14
"""Steps that are counted at once."""

SPACED_VALUES = 1 << 16
"""Values at which single precision is counted."""


class HalfCounter:
    """Counts half-precision values: a counter for each bit pattern that the state's range allows."""

    note = ""

    def __init__(self, facts: State) -> None:
        reach = np.float16(max(abs(facts.minimum), abs(facts.maximum)))
        self._patterns = int(reach.view(np.uint16)) + 1  # of one sign
        self.slots = 2 * self._patterns
        positive = np.arange(self._patterns, dtype=np.uint16).view(np.float16).astype(np.float64)
        self.values = np.concatenate([-positive[::-1], positive])

    def codes(self, values: np.ndarray) -> np.ndarray:
        return values.view(np.uint16)

    def count(self, codes: np.ndarray) -> np.ndarray:
        found = np.bincount(codes, minlength=SPACED_VALUES).reshape(2, -1)[:, : self._patterns]
        return np.concatenate([found[1, ::-1], found[0]])  # from the least value to the greatest


class SingleCounter:
    """Counts single-precision values, rounded to one of 65,536 evenly spaced ones."""

    slots = SPACED_VALUES

    def __init__(self, facts: State) -> None:
        self._low, span = facts.minimum, facts.maximum - facts.minimum
        self._scale = (SPACED_VALUES - 1) / span if span > 0 else 0.0
        self.values = self._low + span * np.arange(SPACED_VALUES) / (SPACED_VALUES - 1)
        low, high = f"{facts.minimum:.4g}", f"{facts.maximum:.4g}"
        self.note = f", single precision at {SPACED_VALUES:,} evenly spaced values from {low} to {high}"

    def codes(self, values: np.ndarray) -> np.ndarray:
        return (
            np.rint((values.astype(np.float64) - self._low) * self._scale).clip(0, SPACED_VALUES - 1).astype(np.uint16)
        )

    def count(self, codes: np.ndarray) -> np.ndarray:
        return np.bincount(codes, minlength=SPACED_VALUES)


Counter = HalfCounter | SingleCounter


def counter_for(facts: State) -> Counter:
    """The counter for the values of a state, by its precision."""
    return HalfCounter(facts) if facts.dtype == "float16" else SingleCounter(facts)


def count_values(
    model: Model, state: str, units: slice, counter: Counter, progress: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """(int32[units, slots] how often each value occurs, float64[units] mean |change| inside sequences)."""
    counts = np.zeros((units.stop - units.start, counter.slots), np.int32)
    moved, steps = np.zeros(len(counts)), 0
    before = np.zeros((0, len(counts)), np.float32)
    starts = model.sequence_starts
    for first in range(0, model.steps, BLOCK):
        stop = min(model.steps, first + BLOCK)
        values = np.ascontiguousarray(model.vectors(state, first, stop)[:, units])
        for row, codes in zip(counts, np.ascontiguousarray(counter.codes(values).T), strict=True):
            row += counter.count(codes)
        floats = np.concatenate([before, single(values)])
        changes = np.diff(floats, axis=0)
        here = starts[(starts >= first) & (starts < stop)] - first - (first == 0)
        changes[here[here >= 0]] = 0
        moved += np.abs(changes, out=changes).sum(axis=0, dtype=np.float64)
        steps += len(changes) - int((here >= 0).sum())
        before = floats[-1:]
        progress(stop / model.steps)
    with np.errstate(invalid="ignore"):
        return counts, moved / steps if steps else np.full(len(counts), np.nan)
