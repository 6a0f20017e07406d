"""Matching: where else in the corpus the selected units behave as in the selection, ranked as LSTMVis defines it.

For a range of steps within one sequence let S2 be the units of the state that are on throughout it and, where the
pattern is limited, off before and after; S1 are the selected units. Matches are ranked by |S1 & S2| (overlap) falling,
|S1 | S2| (union) rising, length falling, and position (Strobelt et al. 2018). The ranking is exact for any corpus,
threshold and set of units.

Two steps keep it fast: overlap needs the selected units alone, and only ranges that cannot grow (`candidates`); union
needs all units, but only at candidates whose overlap can still reach the requested page (`ranges`).

Use it to see in which other contexts a group of units shows a pattern. A ranking does not say how often such matches
would come by chance, nor whether the units matter to what the network predicts: test the hypothesis for the first,
compare with connectivity for the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.matching import candidates, ranges
from rnnstore.matching.candidates import Candidates, Pattern
from rnnstore.matching.selection import checked_question
from rnnstore.store.model import Model

COUNTED = 1000
"""Matches that are found for any page, so that the histogram of lengths is meaningful and few matches are all
counted."""

CHUNK = 1 << 17
"""Candidates compared with one another in one pass."""


@dataclass(frozen=True)
class Matches:
    """A page of the ranking, and what is known of the whole.

    `table` has the columns rank (from 1), start, stop (half-open), length, overlap, union, sequence. `lengths` has the
    columns length, count: a histogram of all `counted` matches, which are all there are with an overlap of at least
    `lowest_overlap`. `complete` says that there are no others in the corpus at all.
    """

    table: pa.Table
    selected: int
    counted: int
    lowest_overlap: int
    complete: bool
    lengths: pa.Table

    @property
    def note(self) -> str:
        """A sentence on how many matches were counted, to be shown beside them and their histogram of lengths."""
        if not self.selected:
            return "No unit is selected, so there is nothing to match."
        if not self.counted:
            return "No range of the allowed lengths matches: none has a selected unit that follows the pattern."
        many = f"{self.counted:,} match{'' if self.counted == 1 else 'es'}"
        if self.complete:
            return f"{many} in the whole corpus."
        units = f"{self.lowest_overlap} or more of the {self.selected} selected units"
        if self.lowest_overlap == self.selected:
            units = "the selected unit" if self.selected == 1 else f"all {self.selected} selected units"
        return f"{many} with {units}; those with fewer were not counted."


def match(
    model: Model,
    state: str,
    units: Iterable[int],
    threshold: float,
    off_before: int = 0,
    off_after: int = 0,
    *,
    limit: int = 50,
    offset: int = 0,
    minimum_length: int = 1,
    maximum_length: int | None = None,
    overlapping: bool = False,
    progress: Callable[[float], None] = lambda share: None,
) -> Matches:
    """The matches of `units` at ranks offset+1 to offset+limit, exactly.

    `off_before` and `off_after` say for how many steps before and after units must be off (0: any); steps beyond the
    ends of a sequence require nothing. A range of fewer than `minimum_length` or more than `maximum_length` steps is no
    match (both equal: exactly this length); a longer span matches with those of its ranges that are allowed.

    Each place is listed once: a range that overlaps one ranked before it is left out, unless `overlapping`. The
    selection itself is a match like any other.

    `progress` is called now and then with the share done, 0 to 1; an exception that it raises ends the search. Raises
    `QuestionError` for arguments that make no sense; without units, or without a match, the table is empty.
    """
    chosen = checked_question(model, state, units, threshold, off_before, off_after)
    _check_page(limit, offset, minimum_length, maximum_length)
    pattern = Pattern(int(off_before), int(off_after), int(minimum_length), maximum_length)
    if not len(chosen) or not model.steps:
        return _answer(model, _Ranking(len(chosen)), offset, limit, complete=True)
    question = _Query(model, state, chosen, threshold, pattern, overlapping, max(offset + limit, COUNTED))
    found, ranking = question.answer(None, progress)
    down = 1
    while found.floor > 1 and len(ranking) < question.needed:  # a long range hid several that were counted already
        found, ranking = question.answer(max(1, found.floor - down), progress)
        down *= 2
    progress(1)
    complete = found.floor == 1 and ranking.lowest_overlap == found.overlap.min(initial=ranking.lowest_overlap)
    return _answer(model, ranking, offset, limit, complete)


@dataclass(frozen=True)
class _Query:
    """The query without its page."""

    model: Model
    state: str
    units: np.ndarray
    threshold: float
    pattern: Pattern
    overlapping: bool
    needed: int

    def answer(self, floor: int | None, progress: Callable[[float], None]) -> tuple[Candidates, _Ranking]:
        """The candidates down to a floor, and the matches among them down to the overlap at which there are enough."""
        found = candidates.find(
            self.model,
            self.state,
            self.units,
            self.threshold,
            self.pattern,
            self.needed,
            self.overlapping,
            floor,
            _partial_progress(progress, 0, 0.5),
        )
        ranking = _Ranking(len(self.units))
        levels = np.unique(found.overlap)[::-1].tolist()
        for done, level in enumerate(levels):
            if len(ranking) >= self.needed:
                break
            part = _partial_progress(progress, 0.5 + 0.5 * done / len(levels), 0.5 / len(levels))
            ranking.add(level, *self.matches_at(level, found, ranking, part))
        return found, ranking

    def matches_at(
        self, overlap: int, found: Candidates, better: _Ranking, progress: Callable[[float], None]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(start, length, how many of all units follow the pattern) of all matches with this overlap, best first."""
        start, length = found.at_overlap(overlap)
        if not self.overlapping:
            free = better.leaves_free(start, start + length)
            start, length = start[free], length[free]
        shown = []
        for chunk in _chunks(start, start + length):
            begin, steps = start[chunk], length[chunk]
            part = _partial_progress(progress, chunk.start / max(1, len(start)), len(begin) / max(1, len(start)))
            following = ranges.units_following(self.model, self.state, self.threshold, self.pattern, begin, steps, part)
            if not self.overlapping:
                order = np.lexsort((begin, -steps, following))
                once = order[_non_overlapping(begin[order], (begin + steps)[order])]
                begin, steps, following = begin[once], steps[once], following[once]
            shown.append((begin, steps, following))
        start, length, following = (np.concatenate(column) for column in zip(*shown, strict=True))
        order = np.lexsort((start, -length, following))
        return start[order], length[order], following[order]


def _chunks(start: np.ndarray, stop: np.ndarray) -> list[slice]:
    """Cuts ranges, by start, into chunks of `CHUNK` or a few more, so that ranges of two chunks never overlap."""
    apart = np.flatnonzero(start[1:] >= np.maximum.accumulate(stop)[:-1]) + 1
    cuts = [0]
    while len(start) - cuts[-1] > CHUNK:
        place = int(np.searchsorted(apart, cuts[-1] + CHUNK))
        if place == len(apart):
            break
        cuts.append(int(apart[place]))
    return [slice(begin, end) for begin, end in itertools.pairwise([*cuts, len(start)])]


def _partial_progress(progress: Callable[[float], None], start: float, size: float) -> Callable[[float], None]:
    """A callback that maps the progress of a part, 0 to 1, into that of the whole."""
    return lambda share: progress(start + size * share)


class _Ranking:
    """The matches found so far, best first, complete down to an overlap."""

    def __init__(self, selected: int) -> None:
        self.selected = selected
        self.lowest_overlap = 0
        self.start = self.length = self.overlap = self.union = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.start)

    def add(self, overlap: int, start: np.ndarray, length: np.ndarray, following: np.ndarray) -> None:
        """Append all matches of the next lower overlap, best first; `following` counts the units that follow each."""
        self.lowest_overlap = overlap
        self.start = np.concatenate([self.start, start])
        self.length = np.concatenate([self.length, length])
        self.overlap = np.concatenate([self.overlap, np.full(len(start), overlap)])
        self.union = np.concatenate([self.union, self.selected + following - overlap])

    def leaves_free(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """bool[n]: which ranges overlap no match so far (no two matches overlap each other)."""
        order = np.argsort(self.start)
        starts, stops = self.start[order], (self.start + self.length)[order]
        return np.searchsorted(stops, start, "right") == np.searchsorted(starts, stop, "left")


def _non_overlapping(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Indices of the ranges that remain when, in the given order, each one that overlaps a remaining one is dropped.

    Ranges that overlap no other remain at once; the others are visited in groups that overlap no other group.
    """
    if not len(start):
        return np.zeros(0, np.int64)
    by_start = np.argsort(start, kind="stable")
    reach = np.maximum.accumulate(stop[by_start])
    group = np.empty(len(start), np.int64)
    group[by_start] = np.cumsum(np.r_[False, start[by_start][1:] >= reach[:-1]])
    stay = np.bincount(group)[group] == 1
    crowded = np.flatnonzero(~stay)
    crowded = crowded[np.argsort(group[crowded], kind="stable")]
    bounds = np.flatnonzero(np.diff(group[crowded], prepend=-1, append=-1))
    for begin, end in itertools.pairwise(bounds.tolist()):
        members = crowded[begin:end]
        origin = int(start[members].min())
        taken = bytearray(int(stop[members].max()) - origin)
        lows, highs = (start[members] - origin).tolist(), (stop[members] - origin).tolist()
        for member, low, high in zip(members.tolist(), lows, highs, strict=True):
            if taken.find(1, low, high) < 0:
                taken[low:high] = b"\1" * (high - low)
                stay[member] = True
    return np.flatnonzero(stay)


def _answer(model: Model, ranking: _Ranking, offset: int, limit: int, complete: bool) -> Matches:
    page = slice(offset, offset + limit)
    start, length = ranking.start[page], ranking.length[page]
    lengths, counts = np.unique(ranking.length, return_counts=True)
    table = pa.table(
        {
            "rank": np.arange(offset + 1, offset + 1 + len(start)),
            "start": start,
            "stop": start + length,
            "length": length,
            "overlap": ranking.overlap[page],
            "union": ranking.union[page],
            "sequence": np.searchsorted(model.sequence_starts, start, "right") - 1,
        }
    )
    return Matches(
        table=table,
        selected=ranking.selected,
        counted=len(ranking),
        lowest_overlap=ranking.lowest_overlap,
        complete=complete,
        lengths=pa.table({"length": lengths, "count": counts}),
    )


def _check_page(limit: int, offset: int, minimum: int, maximum: int | None) -> None:
    if limit < 1 or offset < 0:
        raise QuestionError(
            f"Matches {offset + 1:,} to {offset + limit:,} were asked for; a limit of at least 1 and an offset of at "
            "least 0 were expected."
        )
    if minimum < 1:
        raise QuestionError(f"The minimum length is {minimum}; at least 1 step was expected.")
    if maximum is not None and maximum < minimum:
        raise QuestionError(
            f"The maximum length is {maximum}, under the minimum of {minimum}; no range has such a length."
        )
