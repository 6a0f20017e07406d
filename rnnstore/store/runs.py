"""Runs: the maximal spans of steps in which a unit is on, found in arrays and in streams of row groups.

On means: stored value >= threshold. A run never crosses the start of a sequence. Values are compared as they are
stored, so that recorded runs, any other threshold and matching agree to the last step; half-precision values are
compared as integers, which is some twenty times quicker than converting them.
"""

from __future__ import annotations

import numpy as np

SIGN = {2: 0x8000, 4: 0x80000000}


def is_on(values: np.ndarray, threshold: float) -> np.ndarray:
    """bool array like `values`: whether each float16 or float32 value, as stored, is >= `threshold`.

    The threshold is compared exactly, not rounded to the values' precision; NaN is never on.

    >>> is_on(np.array([-1, -0.0, 0.5, np.nan], np.float16), 0)
    array([False,  True,  True, False])
    """
    bits = values.dtype.itemsize
    if values.dtype.kind != "f" or bits not in SIGN:
        return values >= threshold
    integer = {2: np.int16, 4: np.int32}[bits]
    unsigned = {2: np.uint16, 4: np.uint32}[bits]
    bound = smallest_at_least(threshold, values.dtype)
    infinity = int(np.array(np.inf, values.dtype).view(unsigned))
    if np.isnan(bound):
        return np.zeros(values.shape, bool)
    if bound > 0:
        # Positive floats order like their bits, negative ones have the sign bit and so are negative integers.
        as_integer = values.view(integer)
        return (as_integer >= bound.view(integer)) & (as_integer <= infinity)
    if bound == 0:
        as_unsigned = values.view(unsigned)
        return (as_unsigned <= infinity) | (as_unsigned == SIGN[bits])
    as_unsigned = values.view(unsigned)
    return (as_unsigned <= infinity) | ((as_unsigned >= SIGN[bits]) & (as_unsigned <= int(bound.view(unsigned))))


def smallest_at_least(threshold: float, dtype: np.dtype) -> np.floating:
    """The smallest value of `dtype` that is >= `threshold`; comparing with it equals comparing with `threshold`."""
    with np.errstate(over="ignore"):
        bound = np.dtype(dtype).type(threshold)
    if np.isnan(bound):
        return bound
    return np.nextafter(bound, np.dtype(dtype).type(np.inf)) if float(bound) < threshold else bound


_HALF = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
_SIGN_AND_MOVED = np.int32(-0x70002000)  # 0x8fffe000
_TOO_SMALL_BY = np.float32(2.0**112)
_CACHED = 1 << 16  # values that stay in the processor's cache from one pass over them to the next


def single(values: np.ndarray) -> np.ndarray:
    """float32 of stored values, exactly; some eight times quicker than NumPy's conversion from half precision.

    A half is a sign, 5 bits of exponent and 10 of fraction. With those 15 bits moved to where a float32 has the lower
    exponent and the upper fraction, it is too small by the factor 2^(127 - 15), for subnormal ones, too.
    """
    if values.dtype != np.float16:
        return values.astype(np.float32)
    if not values.ndim or not all_finite(values):
        return np.take(_HALF, values.view(np.uint16), mode="clip")
    result = np.empty(values.shape, np.float32)
    rows = max(1, _CACHED * len(values) // max(1, values.size))
    for first in range(0, len(values), rows):
        piece = result[first : first + rows]
        moved = piece.view(np.int32)
        np.left_shift(values[first : first + rows].view(np.int16), 13, out=moved, dtype=np.int32)
        moved &= _SIGN_AND_MOVED
        piece *= _TOO_SMALL_BY
    return result


def all_finite(values: np.ndarray) -> bool:
    """Whether an array of floats holds neither NaN nor an infinity."""
    if values.dtype == np.float16:
        return not values.size or int((values.view(np.uint16) & 0x7FFF).max()) < 0x7C00
    return bool(np.isfinite(values).all())


def unit_runs(on: np.ndarray, starts_of_sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(start, stop) int64 arrays of the runs in `on` (bool[steps], one unit), half-open and ascending.

    `starts_of_sequences` are steps inside `on` (int64, ascending) at which a run must not go on.
    """
    edges = np.flatnonzero(on[1:] != on[:-1]) + 1
    first = [0] if len(on) and on[0] else []
    last = [len(on)] if len(on) and on[-1] else []
    edges = np.concatenate([np.array(first, np.int64), edges, np.array(last, np.int64)])
    starts, stops = edges[::2], edges[1::2]
    inner = starts_of_sequences[starts_of_sequences > 0]
    cuts = inner[on[inner] & on[inner - 1]] if len(inner) else inner
    if len(cuts):
        starts = np.sort(np.concatenate([starts, cuts]))
        stops = np.sort(np.concatenate([stops, cuts]))
    return starts, stops


class RunEncoder:
    """Encodes the runs of one state at one threshold from consecutive row groups, in memory that does not grow.

    Runs that are still going at the end of a row group are held back and come out with the row group in which they end.
    """

    def __init__(self, units: int, threshold: float) -> None:
        self.threshold = threshold
        self._open = np.full(units, -1, np.int64)

    def encode(self, values: np.ndarray, first: int, sequence_starts: np.ndarray) -> tuple[np.ndarray, ...]:
        """(unit int32, start int64, stop int64) of the runs that end in this row group, sorted by unit and start.

        `values` is [units, steps] as stored, `first` the step of its first column, `sequence_starts` the steps of the
        row group (counted from the corpus's first) at which a sequence starts.
        """
        starts_inside = sequence_starts - first
        breaks_before = len(starts_inside) > 0 and starts_inside[0] == 0
        steps = values.shape[1]
        units, starts, stops = [], [], []
        for unit in range(values.shape[0]):
            start, stop = unit_runs(is_on(values[unit], self.threshold), starts_inside)
            start, stop = start + first, stop + first
            going = self._open[unit]
            if going >= 0:
                if len(start) and start[0] == first and not breaks_before:
                    start[0] = going
                else:
                    start, stop = np.append(going, start), np.append(first, stop)
                self._open[unit] = -1
            if len(stop) and stop[-1] == first + steps:
                self._open[unit] = start[-1]
                start, stop = start[:-1], stop[:-1]
            units.append(len(start))
            starts.append(start)
            stops.append(stop)
        return (
            np.repeat(np.arange(len(units), dtype=np.int32), units),
            np.concatenate(starts),
            np.concatenate(stops),
        )

    def finish(self, end: int) -> tuple[np.ndarray, ...]:
        """The runs that were still going when the corpus ended before step `end`."""
        unit = np.flatnonzero(self._open >= 0)
        start = self._open[unit]
        self._open[:] = -1
        return unit.astype(np.int32), start, np.full(len(unit), end, np.int64)
