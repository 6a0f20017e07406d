"""How many of *all* units follow the pattern in given ranges, from which the union of a match is computed.

The ranges lie anywhere in the corpus and are visited in blocks of steps; a block of which many steps are needed is read
whole, others step by step. Values become one bit per unit, so that a step of 300 units is five 64-bit words, and the
units on throughout a range of any length are the bitwise "and" of two windows whose length is a power of two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnstore.matching.candidates import Pattern
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

ROWS = 8192
"""Steps whose values are held in memory at once, about."""

WHOLE_WHEN = 6
"""Read a span of steps whole when more than one in so many is needed."""


def units_following(
    model: Model,
    state: str,
    threshold: float,
    pattern: Pattern,
    start: np.ndarray,
    length: np.ndarray,
    progress: Callable[[float], None],
) -> np.ndarray:
    """int32[n]: how many units are on throughout each range start..start+length-1 and off around it as `pattern` asks.

    `start` must ascend. Steps beyond the ends of a sequence require nothing.
    """
    counts = np.zeros(len(start), np.int32)
    if not len(start):
        return counts
    bounds = np.append(model.sequence_starts, model.steps)
    start, length = start.astype(np.int64), length.astype(np.int64)
    sequence = np.searchsorted(bounds, start, "right") - 1
    last = start + length - 1
    low = np.maximum(start - pattern.before, bounds[sequence])
    high = np.minimum(last + pattern.after, bounds[sequence + 1] - 1)
    words = -(-model.states[state].units // 64)
    active = np.zeros(0, np.int64)  # ranges that came in an earlier block and go on
    kept = np.zeros((0, words), np.uint64)  # the units that have followed the pattern so far, a bit each
    blocks = _Blocks(low, high)
    while blocks.taken < len(start) or len(active):
        block, new, end = blocks.next(bool(len(active)))
        active = np.concatenate([active, new])
        kept = np.concatenate([kept, np.full((len(new), words), ~np.uint64(0))])
        steps = _Steps(model, state, threshold, np.maximum(low[active], block), np.minimum(high[active], end - 1))
        steps.require_on(kept, np.maximum(start[active], block), np.minimum(last[active], end - 1))
        for back in range(1, pattern.before + 1):
            steps.require_off(kept, start[active] - back, low[active], last[active])
        for ahead in range(1, pattern.after + 1):
            steps.require_off(kept, last[active] + ahead, start[active], high[active])
        over = high[active] < end
        counts[active[over]] = np.bitwise_count(kept[over]).sum(axis=1, dtype=np.int32)
        active, kept = active[~over], kept[~over]
        progress(blocks.taken / len(start))
    return counts


class _Blocks:
    """Cuts the corpus into blocks in which about `ROWS` steps are asked for by the ranges low..high (inclusive)."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        sizes = high - low + 1
        self._low, self._end = low, int(high.max()) + 1
        self._asked = np.concatenate([[0], np.cumsum(np.minimum(sizes, ROWS))])
        self._long = np.flatnonzero(sizes > ROWS)
        self.taken = 0
        self._at = 0

    def next(self, going_on: bool) -> tuple[int, np.ndarray, int]:
        """First step of the next block, the ranges that start in it, and the step after it.

        With ranges of the block before `going_on`, it follows at once and has `ROWS` steps.
        """
        low, taken = self._low, self.taken
        first = self._at if going_on else int(low[taken])
        until = max(taken + 1, int(np.searchsorted(self._asked, self._asked[taken] + ROWS, "right")) - 1)
        end = int(low[until]) if until < len(low) else self._end
        long = self._long[np.searchsorted(self._long, taken) :]
        if going_on:
            end = min(end, first + ROWS)
        elif len(long):
            end = min(end, int(low[long[0]]) + ROWS)
        end = max(end, first + 1)
        self.taken = taken + int(np.searchsorted(low[taken:], end))
        self._at = end
        return first, np.arange(taken, self.taken), end


class _Steps:
    """The on/off bits uint64[steps, words] of those steps that some range low..high (inclusive, by low) asks for."""

    def __init__(self, model: Model, state: str, threshold: float, low: np.ndarray, high: np.ndarray) -> None:
        reach = np.maximum.accumulate(high)
        opens = np.flatnonzero(np.concatenate([[True], low[1:] > reach[:-1] + 1]))
        first, stop = low[opens], np.append(reach[opens[1:] - 1], reach[-1]) + 1  # spans without gaps
        sizes = stop - first
        span, asked = int(stop[-1] - first[0]), int(sizes.sum())
        self._first = first
        if asked * WHOLE_WHEN > span:
            values = model.vectors(state, int(first[0]), int(stop[-1]))
            self._row = first - first[0]
        else:
            self._row = np.cumsum(sizes) - sizes
            values = model.vectors_at(state, np.repeat(first - self._row, sizes) + np.arange(asked))
        self._within = int(first[0]), int(stop[-1])
        on = np.zeros((len(values), -(-values.shape[1] // 64) * 64), bool)
        on[:, : values.shape[1]] = is_on(values, threshold)
        self._bits = np.packbits(on, axis=1).view(np.uint64)

    def _rows(self, step: np.ndarray) -> np.ndarray:
        span = np.searchsorted(self._first, step, "right") - 1
        return self._row[span] + step - self._first[span]

    def require_on(self, kept: np.ndarray, start: np.ndarray, last: np.ndarray) -> None:
        """Clear in `kept` (in place) the units that are off somewhere in start..last, for ranges that are not empty."""
        here = np.flatnonzero(start <= last)
        begin = self._rows(start[here])
        end = begin + last[here] - start[here]
        power = np.frexp(end - begin + 1)[1] - 1  # of two: the longest window that fits into the range
        window, size = self._bits, 1
        for exponent in range(power.max(initial=-1) + 1):
            if exponent:
                window = window[:-size] & window[size:]
                size *= 2
            now = power == exponent
            kept[here[now]] &= window[begin[now]] & window[end[now] - size + 1]

    def require_off(self, kept: np.ndarray, step: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> None:
        """Clear in `kept` the units that are on at `step`, where it is in lowest..highest and among these steps."""
        low, stop = np.maximum(lowest, self._within[0]), np.minimum(highest, self._within[1] - 1)
        here = np.flatnonzero((step >= low) & (step <= stop))
        kept[here] &= ~self._bits[self._rows(step[here])]
