"""The prediction that reaches back furthest: what Connectivity has to show of a recording at first sight.

Of a few spans of the recording, evenly taken, every prediction's connectivity with each earlier step is worked out. The
score of a prediction is the share of its connectivity with all steps up to its own that lies `FAR` steps back or more.
"""

from __future__ import annotations

import numpy as np

from rnnstore.connectivity.texts import TextConnectivity, text_connectivity
from rnnstore.errors import QuestionError
from rnnstore.findings import Finding, View
from rnnstore.store.model import Model
from rnnstore.visible import visible

SPANS, LENGTH = 4, 100
"""Spans that are looked at, and their steps, at most."""

FAR = 20
"""Steps back from which on a connection counts."""


def finding(model: Model) -> Finding | None:
    """The prediction with the largest share of far connectivity, None without a network that gives gradients."""
    best: tuple[float, int, int, TextConnectivity | None] = (0.0, 0, 0, None)
    looked_at = _spans(model)
    for span in looked_at:
        try:
            found = text_connectivity(model, span)
        except QuestionError:  # a network that gives no scores or no gradients, or none at all
            return None
        shares = far_shares(found.values)
        at = int(np.argmax(shares))
        best = max(best, (float(shares[at]), span[0], at, found), key=lambda each: each[0])
    share, first, at, text = best
    if text is None:
        return None
    back = at - int(np.argmax(text.values[at, : at - FAR + 1]))
    stop = first + len(text)
    target = visible(text.targets[at] or "")
    word, level = visible(text.reading.words[at - back]), model.card.level
    address = {"span": f"{first}-{stop - 1}"}
    views = (
        View(
            f"{share:.0%} of what the prediction of “{target}” hangs on",
            f" lies {FAR} {level}s back or more, by the norm of the gradients; it follows step {first + at:,}",
            {**address, "at": str(at)},
            {"first": first, "stop": stop, "at": at},
        ),
        View(
            f"“{word}”, {back} {level}s before",
            ", is the strongest of those; this is what later hangs on it",
            {**address, "at": str(at - back), "later": "forward"},
            {"first": first, "stop": stop, "at": at - back, "later": True},
        ),
    )
    return Finding(
        analysis="connectivity",
        model=model.name,
        state=None,
        title=f"A prediction that hangs on a {level} {back} back",
        score=share,
        measure=f"share of a prediction's connectivity that lies {FAR} steps back or more, the largest in "
        f"{len(looked_at)} spans of {LENGTH} steps at most",
        views=views,
    )


def far_shares(values: np.ndarray) -> np.ndarray:
    """float64[steps]: of each row of connectivity float[steps, steps], the share `FAR` or more steps back."""
    sizes = np.nan_to_num(np.abs(values).astype(np.float64))
    steps = np.arange(len(sizes))
    far = steps[:, None] - steps[None] >= FAR
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num((sizes * far).sum(axis=1) / sizes.sum(axis=1))


def _spans(model: Model) -> list[tuple[int, int]]:
    """Spans within one sequence each, long ones first, then evenly through the recording."""
    starts = np.append(model.sequence_starts, model.steps)
    lengths = np.diff(starts)
    long = np.flatnonzero(lengths > FAR)
    if not len(long):
        return []
    if len(long) >= SPANS:
        chosen = long[np.argsort(-lengths[long], kind="stable")[:SPANS]]
        return [(int(starts[i]), int(min(starts[i + 1], starts[i] + LENGTH))) for i in np.sort(chosen)]
    longest = int(long[np.argmax(lengths[long])])
    low, high = int(starts[longest]), int(starts[longest + 1])
    firsts = np.unique(np.linspace(low, max(low, high - LENGTH), SPANS).astype(int))
    return [(int(first), int(min(first + LENGTH, high))) for first in firsts]
