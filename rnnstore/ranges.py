"""How many of *all* units follow the pattern in given ranges: the second of a match's two numbers.

The ranges lie anywhere in the corpus. They are visited in blocks of steps; a block in which many steps are asked for is
read whole, another step by step. Values become one bit a unit, so a step of 300 units is five machine words, and the
units on throughout a range of any length come from the bitwise "and" of two windows whose length is a power of two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnstore.candidates import Pattern
from rnnstore.model import Model
from rnnstore.runs import is_on

BLOCK = 4096
"""Steps visited at once."""

WHOLE_WHEN = 6
"""Read a stretch of steps whole when more than one in so many is asked for."""


def units_following(
    model: Model,
    state: str,
    threshold: float,
    pattern: Pattern,
    start: np.ndarray,
    length: np.ndarray,
    progress: Callable[[float], None],
) -> np.ndarray:
    """int64[n]: how many units are on throughout each range start..start+length-1 and off around it as `pattern` asks.

    `start` must ascend. Steps before a sequence's first and after its last do not exist and ask nothing.
    """
    counts = np.zeros(len(start), np.int64)
    if not len(start):
        return counts
    bounds = np.append(model.sequence_starts, model.steps)
    sequence = np.searchsorted(bounds, start, "right") - 1
    last = start + length - 1
    low = np.maximum(start - pattern.before, bounds[sequence])
    high = np.minimum(last + pattern.after, bounds[sequence + 1] - 1)
    words = -(-model.states[state].units // 64)
    active = np.zeros(0, np.int64)  # ranges that came in an earlier block and go on
    kept = np.zeros((0, words), np.uint64)  # the units that have followed the pattern so far, a bit each
    block = taken = 0
    while taken < len(start) or len(active):
        block = max(block, (low[taken] if not len(active) else 0) // BLOCK)
        end = (block + 1) * BLOCK
        until = taken + int(np.searchsorted(low[taken:], end))
        new = np.arange(taken, until)
        active = np.concatenate([active, new])
        kept = np.concatenate([kept, np.full((len(new), words), ~np.uint64(0))])
        taken = until
        steps = _Steps(
            model, state, threshold, np.maximum(low[active], block * BLOCK), np.minimum(high[active], end - 1)
        )
        steps.require_on(kept, np.maximum(start[active], block * BLOCK), np.minimum(last[active], end - 1))
        for back in range(1, pattern.before + 1):
            steps.require_off(kept, start[active] - back, low[active], last[active])
        for ahead in range(1, pattern.after + 1):
            steps.require_off(kept, last[active] + ahead, start[active], high[active])
        over = high[active] < end
        counts[active[over]] = np.bitwise_count(kept[over]).sum(axis=1, dtype=np.int64)
        active, kept = active[~over], kept[~over]
        block += 1
        progress(taken / len(start))
    return counts


class _Steps:
    """The on/off bits uint64[steps, words] of those steps of a block that some range low..high (inclusive) asks for."""

    def __init__(self, model: Model, state: str, threshold: float, low: np.ndarray, high: np.ndarray):
        first, stop = int(low.min()), int(high.max()) + 1
        size = stop - first + 1
        asked = np.cumsum(np.bincount(low - first, minlength=size) - np.bincount(high + 1 - first, minlength=size)) > 0
        steps = np.flatnonzero(asked) + first
        if len(steps) * WHOLE_WHEN > stop - first:
            values = model.vectors(state, first, stop)
            self._row = np.arange(size)
        else:
            values = model.vectors_at(state, steps)
            self._row = np.cumsum(asked) - 1
        self._first, self._stop = first, stop
        on = np.zeros((len(values), -(-values.shape[1] // 64) * 64), bool)
        on[:, : values.shape[1]] = is_on(values, threshold)
        self.bits = np.packbits(on, axis=1).view(np.uint64)

    def require_on(self, kept: np.ndarray, start: np.ndarray, last: np.ndarray) -> None:
        """Clear in `kept` (in place) the units that are off somewhere in start..last, where that is in the block."""
        here = np.flatnonzero(start <= last)
        begin, end = self._row[start[here] - self._first], self._row[last[here] - self._first]
        power = np.frexp(end - begin + 1)[1] - 1  # of two: the longest window that fits into the range
        window, size = self.bits, 1
        for exponent in range(power.max(initial=-1) + 1):
            if exponent:
                window = window[:-size] & window[size:]
                size *= 2
            now = power == exponent
            kept[here[now]] &= window[begin[now]] & window[end[now] - size + 1]

    def require_off(self, kept: np.ndarray, step: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> None:
        """Clear in `kept` the units that are on at `step`, where it is in lowest..highest and in this block."""
        here = np.flatnonzero((step >= lowest) & (step <= highest) & (step >= self._first) & (step < self._stop))
        kept[here] &= ~self.bits[self._row[step[here] - self._first]]
