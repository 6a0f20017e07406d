"""Matching as the published LSTMVis does it, written anew from the description, to compare with.

The method guesses where matches are and scores the guesses exactly. Guesses are the stretches in which at least k of
the selected units are on (which ones may change within the stretch), for k from all of them down, until there are
enough. Only stretches of two steps or more count. The *fast* mode looks at the first 500,000 steps and stops at 1,000
guesses, the *precise* one at all steps and at 10,000. With a limited side, guesses whose neighbour has fewer selected
units on come first. What is neither the whole of such a stretch nor among the first guesses is never seen.

States lie in HDF5 as float32[steps, units], as the published program keeps them.
"""

from __future__ import annotations

import numpy as np


def match(states, units, threshold, before, after, *, precise, limit=50):
    """(start, stop, overlap, union) of the best guesses; `states` is anything sliced like float32[steps, units]."""
    steps, at_once, enough = (states.shape[0], None, 10_000) if precise else (min(500_000, states.shape[0]), 5, 1000)
    at_once = at_once or max(1, 5_000_000 // steps)  # units read at once, so that memory stays in bounds
    counts = np.zeros(steps, np.float32)
    for first in range(0, len(units), at_once):
        counts += (states[:steps, list(units[first : first + at_once])] >= threshold).sum(axis=1)
    guesses = {}
    for least in range(len(units), 0, -1):
        if len(guesses) >= enough:
            break
        for start, stop in _stretches(counts >= least):
            if stop - start >= 2:
                beside = (counts[start - 1] if before and start else 0) + (
                    counts[stop] if after and stop < steps else 0
                )
                guesses.setdefault((start, stop), least - beside)
    ordered = sorted(guesses, key=guesses.get, reverse=True) if before or after else list(guesses)
    scored = [
        (start, stop, *_score(states, units, threshold, before, after, start, stop)) for start, stop in ordered[:enough]
    ]
    scored.sort(key=lambda row: (-row[2], row[3], row[0] - row[1]))
    return scored[:limit]


def _stretches(on):
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _score(states, units, threshold, before, after, start, stop):
    """(overlap, union) of one stretch, with all units."""
    low, high = max(0, start - 1), min(states.shape[0], stop + 1)
    on = states[low:high] >= threshold
    follows = on[start - low : stop - low].all(axis=0)
    if before and start:
        follows &= ~on[0]
    if after and stop < states.shape[0]:
        follows &= ~on[-1]
    overlap = int(follows[units].sum())
    return overlap, len(units) + int(follows.sum()) - overlap
