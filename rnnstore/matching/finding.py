"""The unit that tells a label best: what Select and match has to show of a recording at first sight.

For every state, unit and label of a track (or number, where a track has few), the Matthews correlation of "the unit is
on" with "the step has the label" (Matthews 1975), over thresholds that stand for the state's values. The unit is chosen
on the first half of the steps looked at; what is said of it is of the second half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.findings import MOST_STEPS, Finding, View
from rnnstore.matching.selection import sequence_around
from rnnstore.networks.gates import gate_of
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

LEAST = 0.5
"""Correlation under which a unit tells no label."""

ALIKE = 0.2
"""Correlations that differ by less are taken as alike."""

MOST_LABELS = 40
"""Labels of a track that are looked at, the most frequent ones."""

THRESHOLDS = 7
"""Thresholds tried of a state: evenly taken among its values' quantiles."""

FEWEST = 20
"""Steps with and without a label that there must be in either half."""


@dataclass(frozen=True)
class _Told:
    """A unit that tells a label: its correlation on the first half, or -1."""

    correlation: float = -1.0
    state: str = ""
    unit: int = 0
    threshold: float = 0.0
    track: str = ""
    label: str = ""
    steps: int = 0

    def rank(self) -> tuple[float, int]:
        """Larger is better: the correlation in steps of `ALIKE`; of those alike, the rarer label tells more."""
        return self.correlation // ALIKE, -self.steps


def finding(model: Model) -> Finding | None:
    """The unit whose being on tells a label best, None where no unit tells any with a correlation of `LEAST`."""
    steps = min(model.steps, MOST_STEPS)
    half = steps // 2
    tracks = _labels(model, steps)
    best = _Told()
    for state in model.states:
        if gate_of(state, model.card.cell) is None and tracks:
            values = model.vectors(state, 0, half)
            for track, labels in tracks.items():
                best = max(best, _best_of(state, values, track, labels[:half]), key=_Told.rank)
    if best.correlation < LEAST:
        return None
    on = is_on(model.unit_values(best.state, [best.unit], half, steps)[0], best.threshold)
    has = tracks[best.track][half:] == best.label
    correlation = float(correlations(on[:, None], has[:, None])[0, 0])
    if not correlation >= LEAST:
        return None
    return Finding(
        analysis="matching",
        model=model.name,
        state=best.state,
        title=f"Unit {best.unit} is on where {best.track} is {best.label}",
        score=correlation,
        measure=f"correlation of the two over steps {half:,} to {steps - 1:,}, the unit chosen among all of them by "
        "the steps before",
        views=_views(best, on, has, half, model),
    )


def _labels(model: Model, steps: int) -> dict[str, np.ndarray]:
    """object[steps] for every track that has labels, or at most `MOST_LABELS` different numbers."""
    found = {}
    for name, track in model.tracks.items():
        rows = model.annotations([name], 0, steps)
        if track.kind == "discrete":
            found[name] = np.array(rows["value"].to_pylist(), object)
        elif track.kind == "scalar":
            numbers = rows["number"].to_numpy()
            if len(np.unique(numbers)) <= MOST_LABELS:
                found[name] = np.array([f"{number:g}" for number in numbers.tolist()], object)
    return found


def correlations(on: np.ndarray, has: np.ndarray) -> np.ndarray:
    """float64[units, labels]: the Matthews correlations of bool[steps, units] and bool[steps, labels].

    -1 to 1; NaN where one of the two never changes.
    """
    steps = len(on)
    on, has = on.astype(np.float32), has.astype(np.float32)
    both = (on.T @ has).astype(np.float64)
    units, labels = on.sum(axis=0, dtype=np.float64)[:, None], has.sum(axis=0, dtype=np.float64)[None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (steps * both - units * labels) / np.sqrt(units * (steps - units) * labels * (steps - labels))


def _best_of(state: str, values: np.ndarray, track: str, labels: np.ndarray) -> _Told:
    names, counts = np.unique(labels.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_LABELS]
    order = order[(counts[order] >= FEWEST) & (counts[order] <= len(labels) - FEWEST)]
    common, counted = [str(name) for name in names[order]], counts[order]
    if not common:
        return _Told()
    has = labels[:, None] == np.array(common, object)[None]
    best = _Told()
    sample = np.asarray(values[:: max(1, len(values) // 1000)], np.float32)
    levels = np.quantile(sample, np.linspace(0.1, 0.9, THRESHOLDS))
    for level in np.unique(np.round(levels.astype(np.float64), 2)):
        found = np.nan_to_num(correlations(is_on(values, level), has), nan=-1.0)
        units = np.argmax(found, axis=0)
        for label, unit in enumerate(units.tolist()):
            told = _Told(
                float(found[unit, label]), state, unit, float(level), track, common[label], int(counted[label])
            )
            best = max(best, told, key=_Told.rank)
    return best


def _views(told: _Told, on: np.ndarray, has: np.ndarray, half: int, model: Model) -> tuple[View, ...]:
    """A run of the label that the unit follows, and a place where it does not."""
    share, elsewhere = on[has].mean(), on[~has].mean()
    follows, fails = _longest_run(has & on), _longest_run(has != on)
    views = [
        View(
            f"Unit {told.unit} of {told.state} is on at {share:.0%} of the {int(has.sum()):,} steps",
            f" where {told.track} is {told.label}; this is the longest run of them",
            *_shown(told, half + follows[0], half + follows[1], model),
        )
    ]
    if fails[1] > fails[0]:
        views.append(
            View(
                f"It is on at {elsewhere:.1%} of all other steps",
                "; this is the longest run at which the two disagree",
                *_shown(told, half + fails[0], half + fails[1], model),
            )
        )
    return tuple(views)


def _shown(told: _Told, start: int, stop: int, model: Model) -> tuple[dict[str, str], dict[str, object]]:
    stop = min(stop, start + 40, sequence_around(model, start, start + 1)[1])
    address = {
        "from": str(start),
        "to": str(stop - 1),
        "at": str(max(0, start - 20)),
        "threshold": f"{told.threshold:g}",
        "pin": str(told.unit),
        "tracks": told.track,
    }
    picture = {"start": start, "stop": stop, "unit": told.unit, "threshold": told.threshold, "track": told.track}
    return address, picture


def _longest_run(at: np.ndarray) -> tuple[int, int]:
    """The first longest run of True, half-open; (0, 0) where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], at, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return 0, 0
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest])
