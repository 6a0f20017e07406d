"""Matches as evidence for a hypothesis: all of them with enough of its units, best first.

The place on which a hypothesis was formed is no evidence for it, and can be excluded (`excluding`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from rnnstore.errors import QuestionError
from rnnstore.matching.matches import COUNTED, match
from rnnstore.store.model import Model

MOST = 100_000
"""Matches that are looked at; where there are more, the best of them, and `Evidence.note` says so."""

RANKS = (10, 50)
"""Numbers of best matches for which precision is given, besides all of them."""


@dataclass(frozen=True)
class Evidence:
    """Matches as evidence, best first: steps `start` to `stop` (half-open) and `overlap`, int64[n] each.

    All there are with an overlap of at least `minimum_overlap` out of `selected` units, unless `cut`. `excluded`
    counts the matches that were left out because they touch the steps that were to be excluded.
    """

    start: np.ndarray
    stop: np.ndarray
    overlap: np.ndarray
    selected: int
    minimum_overlap: int
    excluded: int = 0
    cut: bool = False

    def __len__(self) -> int:
        return len(self.start)

    def within(self, start: int, stop: int) -> Evidence:
        """Those that lie wholly in the steps start..stop-1."""
        inside = (self.start >= start) & (self.stop <= stop)
        return replace(self, start=self.start[inside], stop=self.stop[inside], overlap=self.overlap[inside])

    @property
    def steps(self) -> np.ndarray:
        """int64[m]: the steps of all places, ascending and each once."""
        if not len(self):
            return np.zeros(0, np.int64)
        length = self.stop - self.start
        first = np.cumsum(length) - length
        return np.unique(np.repeat(self.start - first, length) + np.arange(length.sum()))

    @property
    def note(self) -> str:
        """A sentence that says what was counted."""
        if not self.selected:
            return "No unit is selected, so there is nothing to match."
        many = f"{len(self):,} match{'' if len(self) == 1 else 'es'}"
        units = f"{self.minimum_overlap} or more of {self.selected} selected units"
        if self.minimum_overlap == self.selected:
            units = "the selected unit" if self.selected == 1 else f"all {self.selected} selected units"
        note = f"{many} with {units}"
        note += f"; there are more, these are the best {MOST:,}" if self.cut else ""
        return note + (f"; {self.excluded} at the selection itself not counted." if self.excluded else ".")


def gather_evidence(
    model: Model,
    state: str,
    units: Iterable[int],
    threshold: float,
    off_before: int = 0,
    off_after: int = 0,
    *,
    minimum_overlap: int | None = None,
    minimum_length: int = 1,
    maximum_length: int | None = None,
    excluding: tuple[int, int] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Evidence:
    """All matches with at least `minimum_overlap` of the selected units, best first; see `match` for the rest.

    Without a `minimum_overlap` it is that of the fiftieth match, so that "all" are those as good as the best fifty.
    `excluding` are steps start, stop (half-open): a match that shares one of them is not counted.
    """
    units = sorted({int(unit) for unit in units})
    if minimum_overlap is not None and not 1 <= minimum_overlap <= max(len(units), 1):
        raise QuestionError(
            f"Matches with at least {minimum_overlap} of the selected units were asked for; 1 to {len(units)} are "
            "possible."
        )

    ask = partial(
        match, model, state, units, threshold, off_before, off_after,
        minimum_length=minimum_length, maximum_length=maximum_length, progress=progress,
    )  # fmt: skip

    limit = COUNTED
    found = ask(limit=limit)
    overlaps = found.table["overlap"].to_numpy()
    least = minimum_overlap or (int(overlaps[: RANKS[-1]][-1]) if len(overlaps) else 1)
    while limit < MOST and not found.complete and found.lowest_overlap > least:
        limit = min(4 * limit, MOST)
        found = ask(limit=limit)
    if found.counted > limit and limit < MOST:
        limit = min(found.counted, MOST)
        found = ask(limit=limit)
    start, stop, overlap = (found.table[name].to_numpy() for name in ("start", "stop", "overlap"))
    enough = overlap >= least
    reached = found.complete or found.lowest_overlap <= least
    cut = bool(enough.all()) and (not reached or found.counted > len(start))
    excluded = np.zeros(len(start), bool)
    if excluding is not None:
        excluded = (start < excluding[1]) & (stop > excluding[0])
    counted = enough & ~excluded
    left_out = int((enough & excluded).sum())
    return Evidence(start[counted], stop[counted], overlap[counted], len(units), least, left_out, cut)
