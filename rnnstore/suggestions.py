"""Suggestions: what to try where a selection shows nothing, or nothing is selected yet.

Both look at a few hundred steps only, and answer with something that `select` will find units for.
"""

from __future__ import annotations

import numpy as np

from rnnstore.model import Model
from rnnstore.runs import is_on
from rnnstore.selection import Selection, sequence_around

LENGTHS = (3, 2, 4, 1)
FEW, MANY = 3, 12
"""An example selects some units but not too many: a handful of lines can be told apart."""


def highest_threshold(model: Model, selection: Selection) -> float | None:
    """The highest threshold at which the selection's pattern selects a unit; None when none does at any threshold.

    Raises `QuestionError` when the selection is not a stretch of one sequence.
    """
    first, stop = sequence_around(model, selection.start, selection.stop)
    low = max(first, selection.start - selection.off_before)
    high = min(stop, selection.stop + selection.off_after)
    values = model.vectors(selection.state, low, high).astype(np.float32)
    inside = slice(selection.start - low, selection.stop - low)
    least = values[inside].min(axis=0)
    outside = np.concatenate([values[: inside.start], values[inside.stop :]])
    possible = np.ones(len(least), bool) if not len(outside) else least > outside.max(axis=0)
    return float(least[possible].max()) if possible.any() else None


def example(model: Model, state: str, threshold: float, start: int, stop: int) -> Selection | None:
    """A stretch of up to four steps within start..stop-1 at which a handful of units switch on, with its threshold.

    Looks for units that are off one step before; lowers the threshold towards the middle of the window's values when
    too few are on anywhere. None when nothing ever switches on there.
    """
    values = model.vectors(state, start, stop)
    starts = model.sequence_starts
    tried = [threshold, *np.quantile(values.astype(np.float32), (0.9, 0.75, 0.5)).tolist()] if len(values) else []
    for level in tried:
        on = is_on(values, level)
        best: tuple[int, Selection] | None = None
        for length in LENGTHS:
            for at in range(1, len(on) - length + 1):
                inner = starts[np.searchsorted(starts, start + at - 1, "right") :]
                if len(inner) and inner[0] < start + at + length:
                    continue
                units = int((on[at : at + length].all(axis=0) & ~on[at - 1]).sum())
                if FEW <= units <= MANY and (best is None or units > best[0]):
                    chosen = Selection(state, start + at, start + at + length, round(float(level), 3), off_before=1)
                    best = (units, chosen)
            if best is not None:
                return best[1]
    return None
