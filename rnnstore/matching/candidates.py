"""Candidates: the ranges of the corpus that can match the selected units, found exactly and in bounded memory.

A range counts only when it is *maximal*: growing it on a free side, within the allowed length, would lose one of the
selected units that are on throughout. A range that can grow without a loss is never ranked above the grown one.

The corpus is read once, from its end to its beginning, in blocks of on/off values of the selected units alone. In this
order the end of a unit's run is known when its start is reached, so one number per unit is all that is carried from
block to block. As candidates are found, the lowest overlap that can still reach the page (the *floor*) rises, and
everything below it is skipped. A pattern limited on the right alone is the mirror image of one limited on the left, and
is read from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rnnstore.store.model import Model
from rnnstore.store.runs import is_on
from rnnstore.store.tables import ROWS_PER_GROUP

CELLS = 1 << 22
"""On/off values (units x steps, a byte each) held in memory at once."""

PIECE = 1024
"""Steps of the first piece; the following ones grow. While few matches are known, everything is a candidate."""

WINDOW = 1 << 20
"""Bytes of the row-major copy read at once, so that they stay in the cache while units are picked from them."""

ROWS_WHEN = 12
"""Read whole rows instead of columns when more than one unit in so many is selected. Decoding a compressed column costs
about twenty times as much as skipping its values in an uncompressed file; but when the file is not in memory yet,
reading less from the disk matters more."""


@dataclass(frozen=True)
class Pattern:
    """The conditions for a match: on throughout; off before and after where limited; a length from..to.

    `before` and `after` are numbers of steps, 0 for a free side; `longest` is None for no limit.
    """

    before: int = 0
    after: int = 0
    shortest: int = 1
    longest: int | None = None


@dataclass(frozen=True)
class Candidates:
    """Maximal ranges start..start+length-1 with their overlap: all with at least `floor` selected units."""

    start: np.ndarray  # int32[n], int64 for a corpus of more than 2^31 steps
    length: np.ndarray  # the same
    overlap: np.ndarray  # the same
    floor: int

    def at_overlap(self, overlap: int) -> tuple[np.ndarray, np.ndarray]:
        """(start, length) of the candidates with exactly this overlap, by start and then length."""
        here = self.overlap == overlap
        start, length = self.start[here], self.length[here]
        order = np.lexsort((length, start))
        return start[order], length[order]


def find(
    model: Model,
    state: str,
    units: np.ndarray,
    threshold: float,
    pattern: Pattern,
    needed: int,
    overlapping: bool,
    floor: int | None,
    progress: Callable[[float], None],
) -> Candidates:
    """All candidates down to a floor at or above which `needed` matches are expected, or down to the given `floor`.

    A floor of 1 means that there are no others. One match is expected in each separate span that candidates cover; when
    a later candidate hides several of them there may be fewer, and the caller searches again with a lower floor.
    """
    mirrored = pattern.after > 0 and not pattern.before
    steps = model.steps
    if mirrored:
        pattern = Pattern(pattern.after, 0, pattern.shortest, pattern.longest)
        firsts = np.concatenate([[0], steps - model.sequence_starts[:0:-1]]).astype(np.int64)
    else:
        firsts = model.sequence_starts
    scan = _Scan(len(units), steps, firsts, pattern, needed, overlapping)
    if floor is not None:
        scan.fix_floor(floor)
    for first, on in _on_blocks(model, state, units, threshold, forwards=mirrored):
        progress(first / steps if mirrored else 1 - first / steps)
        if mirrored:
            scan.read(steps - first - on.shape[1], np.ascontiguousarray(on[:, ::-1]))
        else:
            scan.read(first, on)
    start, length, overlap = scan.kept()
    if mirrored:
        start = steps - start - length
    return Candidates(start, length, overlap, scan.floor)


def _on_blocks(
    model: Model, state: str, units: np.ndarray, threshold: float, forwards: bool
) -> Iterator[tuple[int, np.ndarray]]:
    """(first step, bool[units, steps]) of consecutive blocks that cover the corpus, from its end unless `forwards`."""
    facts = model.states[state]
    size = max(1, CELLS // len(units) // ROWS_PER_GROUP) * ROWS_PER_GROUP
    by_rows = len(units) * ROWS_WHEN > facts.units
    if by_rows and size > CELLS // len(units):
        size = max(PIECE, CELLS // len(units))
    blocks = range(0, model.steps, size)
    window = max(1, WINDOW // (facts.units * np.dtype(facts.dtype).itemsize))
    for first in blocks if forwards else reversed(blocks):
        stop = min(model.steps, first + size)
        if not by_rows:
            yield first, is_on(model.unit_values(state, units, first, stop), threshold)
            continue
        on = np.empty((len(units), stop - first), bool)
        for at in range(first, stop, window):
            rows = model.vectors(state, at, min(stop, at + window))
            on[:, at - first : at - first + len(rows)] = is_on(np.ascontiguousarray(rows[:, units].T), threshold)
        yield first, on


class _Scan:
    """Reads blocks of on/off values from the last step to the first; keeps the candidates that can reach the page."""

    def __init__(
        self, units: int, steps: int, firsts: np.ndarray, pattern: Pattern, needed: int, overlapping: bool
    ) -> None:
        self._units, self._steps, self._firsts = units, steps, np.append(firsts, steps)
        self._pattern, self._needed, self._overlapping = pattern, needed, overlapping
        self._left = max(1, pattern.before)
        self._right = pattern.after
        self._waiting = np.zeros((units, self._right), bool)  # what lies right of the block that comes next
        self._done = steps
        self._size = PIECE
        self._end = np.full(units, steps - 1)  # last step of the run that goes on at step `done`, else done - 1
        self._end_is_off = np.ones(units, bool)  # whether that run's end is followed by enough steps off
        self._found: list[tuple[np.ndarray, ...]] = []
        self._type = np.int32 if steps < 1 << 31 else np.int64
        self._above = self._above_at_last_count = 0
        self.floor, self._floor_is_fixed = 1, False

    def fix_floor(self, floor: int) -> None:
        """Keep all candidates at or above `floor`, however many come in."""
        self.floor, self._floor_is_fixed = floor, True

    def read(self, first: int, on: np.ndarray) -> None:
        """Take the block `on` bool[units, n] of steps first.., which ends where the one before began."""
        on = np.concatenate([on, self._waiting], axis=1)
        low = first + self._left
        if first == 0:
            on = np.concatenate([np.zeros((self._units, self._left), bool), on], axis=1)
            low = 0
        origin = low - self._left  # step of the first column of `on`
        while self._done > low:
            start = max(low, self._done - self._size)
            self._size = min(2 * self._size, max(PIECE, CELLS // 4 // self._units))
            self._piece(start, on, origin)
            self._done = start
        self._waiting = on[:, : self._done + self._right - origin].copy()

    def kept(self) -> tuple[np.ndarray, ...]:
        """(start, length, overlap) of the candidates at or above the floor."""
        if not self._found:
            return tuple(np.zeros(0, self._type) for _ in range(3))
        for number, found in enumerate(self._found):
            keep = found[2] >= self.floor
            if not keep.all():
                self._found[number] = tuple(values[keep] for values in found)
        self._found = [tuple(np.concatenate(column) for column in zip(*self._found, strict=True))]
        return self._found[0]

    def _piece(self, start: int, on: np.ndarray, origin: int) -> None:
        """Find the candidates that start in steps start..done-1, and carry on to `start`."""
        stop, pattern = self._done, self._pattern
        here = on[:, start - origin : stop - origin]
        before = on[:, start - 1 - origin : stop - 1 - origin]
        inner = self._firsts[slice(*np.searchsorted(self._firsts, [start, stop]))] - start
        runs = _Runs(here)
        begins = here > before
        begins[:, inner] = here[:, inner]
        if pattern.before:
            can_start = _count(begins) >= self.floor
        else:
            can_start = _lowest_ahead(_count(here), pattern.shortest) >= self.floor
            if pattern.longest is None:  # else a range as long as allowed may start anywhere
                can_start &= np.logical_or.reduce(begins, axis=0)
        at = np.flatnonzero(can_start)
        begins = begins[:, at]
        self._require_off_before(begins, at + start, on, origin)
        if len(at):
            ends, ends_off = self._ends(runs, at, start, on, origin)
            lengths = ends - (at + start) + 1
            lengths[~(begins if pattern.before else here[:, at])] = 0
            self._collect(at + start, lengths, ends_off, begins)
        if self._firsts[np.searchsorted(self._firsts, start)] != start:  # a run may come in from the left
            ends, ends_off = self._ends(runs, np.zeros(1, np.int64), start, on, origin)
            goes_on = here[:, 0]
            self._end = np.where(goes_on, ends[:, 0], start - 1)
            if ends_off is not None:
                self._end_is_off = np.where(goes_on, ends_off[:, 0], True)
        else:
            self._end = np.full(self._units, start - 1)

    def _require_off_before(self, begins: np.ndarray, at: np.ndarray, on: np.ndarray, origin: int) -> None:
        """Take from `begins` (in place) what was on within the pattern's steps before `at`, as far as they exist."""
        if not len(at) or self._pattern.before < 2:
            return
        exist = at - self._firsts[np.searchsorted(self._firsts, at, "right") - 1]
        for back in range(2, self._pattern.before + 1):
            asked = np.flatnonzero(exist >= back)
            if not len(asked):
                return
            begins[:, asked] &= ~on[:, at[asked] - back - origin]

    def _ends(
        self, runs: _Runs, at: np.ndarray, start: int, on: np.ndarray, origin: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Last step int64[units, n] of each run at columns `at`, and whether enough steps after it are off.

        Where a unit is off the number means nothing. The second is None when one step off is enough, which the end
        of a run says by itself.
        """
        stop = self._done
        last_of_sequence = self._firsts[np.searchsorted(self._firsts, at + start, "right")] - 1
        ends = runs.ends(at) + start
        ends = np.where(ends == stop - 1, self._end[:, None], ends)
        ends = np.minimum(ends, last_of_sequence)
        if self._pattern.after < 2:
            return ends, None
        off = np.ones(ends.shape, bool)
        unit = np.arange(self._units)[:, None]
        for ahead in range(1, self._pattern.after + 1):
            step = ends + ahead
            asked = (step <= last_of_sequence) & (ends < stop)
            off &= ~(asked & on[unit, np.where(asked, step - origin, 0)])
        return ends, np.where(ends >= stop, self._end_is_off[:, None], off)

    def _collect(self, at: np.ndarray, lengths: np.ndarray, ends_off: np.ndarray | None, begins: np.ndarray) -> None:
        """Add the maximal ranges that start at `at`, from the run lengths int64[units, n] of the units that count."""
        pattern = self._pattern
        lengths[lengths < pattern.shortest] = 0
        if pattern.after:  # limited on both sides: the very runs
            if pattern.longest is not None:
                lengths[lengths > pattern.longest] = 0
            if ends_off is not None:
                lengths[~ends_off] = 0
        elif pattern.longest is not None:
            np.minimum(lengths, pattern.longest, out=lengths)
        ranked = np.sort(lengths.T, axis=1)[:, ::-1]  # [n, units], longest first
        following = np.concatenate([ranked[:, 1:], np.zeros((len(ranked), 1), ranked.dtype)], axis=1)
        ends_here = ranked > following  # the last of equal lengths
        if pattern.after:
            column, place = np.nonzero(ends_here)
            count = np.diff(place, prepend=-1)
            count[np.diff(column, prepend=-1) != 0] = place[np.diff(column, prepend=-1) != 0] + 1
        else:
            ends_here[:, : self.floor - 1] = False
            column, place = np.nonzero(ends_here)
            count = place + 1  # units on from `at` at least as long as this
        length = ranked[column, place]
        keep = count >= self.floor
        if not pattern.before:
            reach = np.where(begins, lengths, 0).max(axis=0, initial=0)  # a unit that begins here must be in it
            keep &= (reach[column] >= length) | (length == (pattern.longest or 0))
        found = at[column[keep]], length[keep], count[keep]
        self._found.append(tuple(values.astype(self._type) for values in found))
        self._above += int((count > self.floor).sum())
        grown = self._above >= self._needed and self._above * 4 >= self._above_at_last_count * 5
        if grown and not self._floor_is_fixed:
            self._raise_floor()

    def _raise_floor(self) -> None:
        """Raise the floor as far as `needed` matches are expected at or above it, and drop what lies under."""
        start, length, overlap = self.kept()
        levels = np.unique(overlap)[::-1]
        order = np.argsort(start, kind="stable")
        for level in levels:
            chosen = order[overlap[order] >= level]
            enough = len(chosen) if self._overlapping else _places(start[chosen], start[chosen] + length[chosen])
            if enough >= self._needed:
                self.floor = int(level)
                break
        _, _, overlap = self.kept()
        self._above = self._above_at_last_count = int((overlap > self.floor).sum())


class _Runs:
    """Where the runs in a block of on/off values end, for any unit at any step of the block, in two look-ups."""

    def __init__(self, on: np.ndarray) -> None:
        units, steps = on.shape
        self._steps = steps
        words = steps // 64 + 1
        bits = np.zeros((units, 8 * words), np.uint8)
        packed = np.packbits(on, axis=1, bitorder="little")
        bits[:, : packed.shape[1]] = packed
        self._off = ~bits.view("<u8")  # one bit a step, set where the unit is off; always set after the last step
        self._any: np.ndarray | None = None

    def ends(self, at: np.ndarray) -> np.ndarray:
        """int64[units, n]: the last step on before the next step off, for columns `at`, at most the block's last."""
        if self._any is None:
            word = np.where(self._off != 0, np.arange(self._off.shape[1], dtype=np.int32), np.int32(1 << 30))
            self._any = np.minimum.accumulate(word[:, ::-1], axis=1)[:, ::-1]
        word, bit = at >> 6, (at & 63).astype(np.uint64)
        found = self._off[:, word] >> bit
        ends = np.where(found != 0, _lowest_bit(found) + at, 0)
        unit, column = np.nonzero(found == 0)
        if len(unit):
            later = self._any[unit, word[column] + 1]
            ends[unit, column] = 64 * later + _lowest_bit(self._off[unit, later])
        return np.minimum(ends, self._steps) - 1


def _lowest_bit(words: np.ndarray) -> np.ndarray:
    """int64: the place of the lowest bit set in each uint64 (64 where none is)."""
    return np.bitwise_count((words & -words) - np.uint64(1)).astype(np.int64)


def _count(on: np.ndarray) -> np.ndarray:
    """How many units are on at each step: uint8 or uint16 [steps]."""
    return np.add.reduce(on.view(np.uint8), axis=0, dtype=np.uint8 if len(on) < 256 else np.uint16)


def _lowest_ahead(counts: np.ndarray, steps: int) -> np.ndarray:
    """The lowest of each count and the following ones, `steps` in all, as far as they are in `counts`."""
    done = 1
    lowest = counts
    while done < steps:
        shift = min(done, steps - done)
        if shift >= len(lowest):
            return np.minimum.accumulate(lowest[::-1])[::-1]
        lowest = np.concatenate([np.minimum(lowest[:-shift], lowest[shift:]), lowest[-shift:]])
        done += shift
    return lowest


def _places(start: np.ndarray, stop: np.ndarray) -> int:
    """How many separate spans the ranges (by start) cover: of each, at least one range is listed."""
    if not len(start):
        return 0
    reach = np.maximum.accumulate(stop)
    return 1 + int((start[1:] >= reach[:-1]).sum())
