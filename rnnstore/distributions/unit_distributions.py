"""How the values of a state are distributed: for each unit over all steps, counted and not sampled.

One pass over the recorded values, block by block, counts how often each unit takes each value. Half precision has so
few values that every one gets its own counter, so quantiles, shares and moments are exact; single precision is counted
at 65,536 evenly spaced values, and the note says so. Memory does not grow with the corpus.

A gate is left saturated where its value is below a limit (0.1) and right saturated where it is above another (0.9); the
share of steps at which it is either tells a gate that is nearly always shut or open from one that decides (Karpathy et
al., 2016, section 4.1). The same count at other limits serves every state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.networks.gates import gate_of
from rnnstore.store.card import State
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on, single, unit_runs

LEVELS = (0.01, 0.09, 0.25, 0.5, 0.75, 0.91, 0.99)
"""The quantiles that are kept of every unit: those of the RNNVis paper's bands, and the ends of 98 % of the values."""

BINS = 200
"""Bins of a histogram, at most; their edges are round numbers, and limits are asked for at edges."""

BLOCK = 1 << 14
"""Steps that are counted at once."""

COUNTERS = 1 << 24
"""Counters that are held at once: of more units than fit, some are counted in each pass."""

LOOK, LOOKS = 64, 32
"""Steps in each of the stretches that are looked at to choose the bins, and how many stretches."""

LONG = 20
"""Steps of the stretch at which a unit is looked at, at most."""

SMALL = 40
"""Bars of the histogram of a whole state, at most."""

SPACED = 1 << 16
"""Values at which single precision is counted."""


@dataclass(frozen=True)
class Distribution:
    """The values of a state, of each of D units over all steps.

    `edges` float64[B + 1] are the bins of every histogram here; `below` and `upto` int64[D, B + 1] count the steps at
    which a unit is < and <= each edge. `quantiles` float64[7, D] are those of `LEVELS`, interpolated as
    `numpy.quantile` does, `pooled` float64[7] those of all units together; `minimum`, `maximum`, `mean`, `deviation`
    (standard, of the population) and `change` float64[D], which is the mean of |h(t) - h(t-1)| inside sequences (NaN
    where every sequence is one step long). `note` says what was counted, `cell` is the card's.
    """

    model: str
    state: str
    steps: int
    edges: np.ndarray
    below: np.ndarray
    upto: np.ndarray
    quantiles: np.ndarray
    pooled: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    change: np.ndarray
    note: str
    cell: str = ""

    @property
    def units(self) -> int:
        return len(self.minimum)

    @property
    def step(self) -> float:
        """Width of a bin."""
        return float(self.edges[1] - self.edges[0])

    @property
    def histogram(self) -> np.ndarray:
        """int64[D, B]: steps whose value lies in each bin, its lower edge included; what lies beyond the first or last
        edge is counted in the bin there."""
        counts = np.diff(self.below, axis=1)
        counts[:, 0] += self.below[:, 0]
        counts[:, -1] += self.steps - self.below[:, -1]
        return counts

    def edge(self, limit: float) -> float:
        """The edge nearest to `limit`."""
        return float(self.edges[self._nearest(limit)])

    def share_below(self, limit: float) -> np.ndarray:
        """float64[D]: the share of steps at which each unit is < the edge nearest to `limit`."""
        return self.below[:, self._nearest(limit)] / self.steps

    def share_above(self, limit: float) -> np.ndarray:
        """float64[D]: the share of steps at which each unit is > the edge nearest to `limit`."""
        return (self.steps - self.upto[:, self._nearest(limit)]) / self.steps

    def measure(self, name: str, left: float, right: float) -> np.ndarray:
        """float64[D]: one of `MEASURES` of each unit; `left` and `right` are the limits of saturation."""
        quantile = dict(zip(LEVELS, self.quantiles, strict=True))
        measures: Mapping[str, Callable[[], np.ndarray]] = {
            "unit": lambda: np.arange(self.units, dtype=float),
            "median": lambda: quantile[0.5],
            "mean": lambda: self.mean,
            "deviation": lambda: self.deviation,
            "width": lambda: quantile[0.99] - quantile[0.01],
            "range": lambda: self.maximum - self.minimum,
            "change": lambda: self.change,
            "left": lambda: self.share_below(left),
            "right": lambda: self.share_above(right),
            "saturated": lambda: self.share_below(left) + self.share_above(right),
        }
        if name not in measures:
            raise QuestionError(f"Units cannot be sorted by {name!r}; one of {', '.join(measures)} was expected.")
        return measures[name]()

    def order(self, name: str, left: float, right: float) -> np.ndarray:
        """int64[D]: the units by a measure, the smallest first, ties by number."""
        return np.argsort(self.measure(name, left, right), kind="stable")

    def still(self, name: str, limit: float) -> np.ndarray:
        """int64[n]: the units whose movement (one of `MOVEMENTS`) is at most `limit`."""
        if name not in MOVEMENTS:
            raise QuestionError(f"Movement is not measured by {name!r}; one of {', '.join(MOVEMENTS)} was expected.")
        return np.flatnonzero(self.measure(name, self.edges[0], self.edges[-1]) <= limit)

    def table(self, left: float, right: float) -> pa.Table:
        """All numbers, a row a unit: minimum, maximum, mean, deviation, change, quantiles and saturated shares."""
        columns: dict[str, np.ndarray] = {
            "unit": np.arange(self.units, dtype=np.int32),
            "minimum": self.minimum,
            "maximum": self.maximum,
            "mean": self.mean,
            "deviation": self.deviation,
            "mean_change": self.change,
        }
        columns |= {
            f"quantile_{round(100 * level):02d}": row for level, row in zip(LEVELS, self.quantiles, strict=True)
        }
        columns |= {"share_left": self.share_below(left), "share_right": self.share_above(right)}
        return pa.table(columns)

    def histograms(self) -> pa.Table:
        """The histograms, a row a unit and a bin: unit, low, high, count; the outermost bins hold what is beyond."""
        counts = self.histogram
        units, bins = np.divmod(np.arange(counts.size), counts.shape[1])
        return pa.table(
            {
                "unit": units.astype(np.int32),
                "low": self.edges[bins],
                "high": self.edges[bins + 1],
                "count": counts.ravel(),
            }
        )

    def _nearest(self, limit: float) -> int:
        return int(np.abs(self.edges - limit).argmin())


MEASURES = {
    "median": "median",
    "mean": "mean",
    "deviation": "standard deviation",
    "width": "width of 98 % of its values",
    "range": "range (largest - smallest)",
    "change": "mean change a step",
    "left": "share below the lower limit",
    "right": "share above the upper limit",
    "saturated": "share beyond either limit",
    "unit": "number",
}
"""What units can be sorted by."""

MOVEMENTS = ("width", "range", "deviation", "change")
"""The measures that say how much a unit moves."""


def distribution(model: Model, state: str, progress: Callable[[float], None] = lambda share: None) -> Distribution:
    """The distribution of every unit of a state over all recorded steps; `progress` hears the share done, 0 to 1.

    Raises `UnknownName` for a state that was not recorded, `QuestionError` where no step was.
    """
    facts = model.state(state)
    if not model.steps:
        raise QuestionError(f"No steps of {model.name!r} were recorded, so its values have no distribution.")
    counter = _Half(facts) if facts.dtype == "float16" else _Single(facts)
    edges = round_edges(*_shown(model, facts))
    at_once = max(1, COUNTERS // counter.slots)
    passes = -(-facts.units // at_once)
    parts, pooled = [], np.zeros(counter.slots, np.int64)
    for number in range(passes):
        units = slice(number * at_once, min(facts.units, (number + 1) * at_once))
        gathered = _count(
            model, state, units, counter, lambda share, number=number: progress((number + share) / passes)
        )
        parts.append(_measured(*gathered, counter, edges, model.steps))
        pooled += parts[-1].pop("all")
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    together["quantiles"] = together["quantiles"].T
    return Distribution(
        model=model.name,
        state=state,
        steps=model.steps,
        edges=edges,
        pooled=_quantiles(np.cumsum(pooled), counter.values),
        note=f"All {model.steps:,} steps of {facts.units:,} unit{'s' if facts.units > 1 else ''} were counted"
        + (f"{counter.note}." if counter.note else ", none was sampled."),
        **together,
        cell=model.card.cell,
    )


def summary(found: Sequence[Distribution], limits: Sequence[tuple[float, float]], moves: str, still: float) -> pa.Table:
    """A row a state: quantiles and histogram of all its units together, saturated shares at the limits given for each
    state, and how many units are still (see `Distribution.still`)."""
    rows = []
    for each, (low, high) in zip(found, limits, strict=True):
        quantiles = dict(zip(LEVELS, each.pooled.tolist(), strict=True))
        counts = each.histogram.sum(axis=0)
        coarse = np.add.reduceat(counts, np.arange(0, len(counts), -(-len(counts) // SMALL)))
        rows.append(
            {
                "state": each.state,
                "units": each.units,
                "histogram": (coarse / counts.sum()).tolist(),
                "quantile_01": quantiles[0.01],
                "quantile_25": quantiles[0.25],
                "median": quantiles[0.5],
                "quantile_75": quantiles[0.75],
                "quantile_99": quantiles[0.99],
                "lower_limit": each.edge(low),
                "share_left": float(each.share_below(low).mean()),
                "upper_limit": each.edge(high),
                "share_right": float(each.share_above(high).mean()),
                "still": len(each.still(moves, still)),
            }
        )
    return pa.Table.from_pylist(rows)


@dataclass(frozen=True)
class UnitValues:
    """One unit's values: `bins` (low, high, count, share) over its own range, and where to look at it in the corpus.

    At `threshold`, its 91 % quantile, it is on at about a tenth of all steps; from `start` to `stop` (half-open) it is
    on for long, at most 20 steps.
    """

    unit: int
    bins: pa.Table
    threshold: float
    start: int
    stop: int


def unit_values(model: Model, state: str, unit: int, bins: int = 80) -> UnitValues:
    """The histogram of one unit over all steps, in at most `bins` bins of its own, each with its lower edge (the last
    with both). Raises `UnknownName` for a state or unit that is none."""
    values = model.unit_values(state, [unit])[0]
    if not len(values):
        raise QuestionError(f"No steps of {model.name!r} were recorded, so its values have no distribution.")
    floats = single(values).astype(np.float64)
    edges = round_edges(floats.min(), floats.max(), bins)
    places = np.clip(np.searchsorted(edges, floats, "right") - 1, 0, len(edges) - 2)
    count = np.bincount(places, minlength=len(edges) - 1)
    columns = {"low": edges[:-1], "high": edges[1:], "count": count, "share": count / len(floats)}
    threshold = _rounded_down(float(np.quantile(floats, LEVELS[5])))
    starts, stops = unit_runs(is_on(values, threshold), model.sequence_starts)
    lengths = stops - starts
    longest = int(np.where(lengths <= LONG, lengths, 0).argmax())  # the first where several are
    start = int(starts[longest])
    return UnitValues(unit, pa.table(columns), threshold, start, int(min(stops[longest], start + LONG)))


def _rounded_down(value: float) -> float:
    """`value` to four digits, or a little less."""
    if value == 0:
        return 0.0
    digits = 3 - int(np.floor(np.log10(abs(value))))
    return round(float(np.floor(value * 10.0**digits) / 10.0**digits), digits)


def round_edges(minimum: float, maximum: float, bins: int = BINS) -> np.ndarray:
    """float64[at most bins + 3]: multiples of 1, 2 or 5 times a power of ten, from `minimum` or below to `maximum` or
    above; -0.9, 0.1 and 0.9 are among those of values between -1 and 1."""
    span = max(maximum - minimum, 1e-6 * max(abs(minimum), abs(maximum)), 1e-9)
    power = 10.0 ** np.floor(np.log10(span / bins))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if span / (factor * power) <= bins + 1e-6)
    first, last = int(np.floor(minimum / step)), int(np.ceil(maximum / step))
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return np.round(np.arange(first, max(last, first + 1) + 1) * step, digits)


def _shown(model: Model, facts: State) -> tuple[float, float]:
    """The range that bins divide: all values, unless a few lie far beyond the rest. Of an LSTM, a few cells can grow to
    forty times what the others do; a look at some steps tells, and what is beyond is counted at the ends."""
    firsts = np.linspace(0, max(0, model.steps - LOOK), LOOKS).astype(np.int64)
    steps = np.unique((firsts[:, None] + np.arange(min(LOOK, model.steps))).ravel())
    seen = single(model.vectors_at(facts.name, steps))
    low, high = (float(end) for end in np.quantile(seen, [0.001, 0.999]))
    if facts.maximum - facts.minimum <= 3 * (high - low):
        low, high = facts.minimum, facts.maximum
    left, right = (0.0, 1.0) if is_gate(facts, model.card.cell) else usual_limits(facts)
    return min(low, left), max(high, right)


def is_gate(state: State, cell: str = "") -> bool:
    """Whether a state is a gate of a recording's cell, one with values between 0 and 1."""
    gate = gate_of(state.name, cell)
    return gate is not None and gate.bounds == (0, 1) and state.minimum >= 0 and state.maximum <= 1


def gate_name(state: str, cell: str = "") -> str:
    """`layer1.f` -> `forget gate`; of nested cells with its number."""
    gate = gate_of(state, cell)
    return gate.label if gate and gate.bounds == (0, 1) else state


def usual_limits(state: State) -> tuple[float, float]:
    """The limits of saturation that suit a state: 0.1 and 0.9 of a gate, -0.9 and 0.9 of what lies between -1 and 1, -2
    and 2 of a cell that goes further (beyond, tanh is nearly flat), else a tenth of the range from its ends."""
    low, high = state.minimum, state.maximum
    reach = max(-low, high)
    if low >= 0 and high <= 1 and (is_gate(state) or high > 0.5):
        return 0.1, 0.9
    if 0.5 < reach <= 1:
        return -0.9, 0.9
    if low < 0 < high and 1 < reach <= 100:
        return -2.0, 2.0
    return low + (high - low) / 10, high - (high - low) / 10


class _Half:
    """Counts half-precision values: a counter for each bit pattern that the state's range allows."""

    note = ""

    def __init__(self, facts: State) -> None:
        reach = np.float16(max(abs(facts.minimum), abs(facts.maximum)))
        self._patterns = int(reach.view(np.uint16)) + 1  # of one sign
        self.slots = 2 * self._patterns
        positive = np.arange(self._patterns, dtype=np.uint16).view(np.float16).astype(np.float64)
        self.values = np.concatenate([-positive[::-1], positive])

    def codes(self, values: np.ndarray) -> np.ndarray:
        return values.view(np.uint16)

    def count(self, codes: np.ndarray) -> np.ndarray:
        found = np.bincount(codes, minlength=SPACED).reshape(2, -1)[:, : self._patterns]
        return np.concatenate([found[1, ::-1], found[0]])  # from the least value to the greatest


class _Single:
    """Counts single-precision values, rounded to one of 65,536 evenly spaced ones."""

    slots = SPACED

    def __init__(self, facts: State) -> None:
        self._low, span = facts.minimum, facts.maximum - facts.minimum
        self._scale = (SPACED - 1) / span if span > 0 else 0.0
        self.values = self._low + span * np.arange(SPACED) / (SPACED - 1)
        self.note = (
            f", single precision at {SPACED:,} evenly spaced values from {facts.minimum:.4g} to {facts.maximum:.4g}"
        )

    def codes(self, values: np.ndarray) -> np.ndarray:
        return np.rint((values.astype(np.float64) - self._low) * self._scale).clip(0, SPACED - 1).astype(np.uint16)

    def count(self, codes: np.ndarray) -> np.ndarray:
        return np.bincount(codes, minlength=SPACED)


def _count(
    model: Model, state: str, units: slice, counter: _Half | _Single, progress: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """(int32[units, slots] how often each value occurs, float64[units] mean |change| inside sequences)."""
    counts = np.zeros((units.stop - units.start, counter.slots), np.int32)
    moved, steps = np.zeros(len(counts)), 0
    before = np.zeros((0, len(counts)), np.float32)
    starts = model.sequence_starts
    for first in range(0, model.steps, BLOCK):
        stop = min(model.steps, first + BLOCK)
        values = np.ascontiguousarray(model.vectors(state, first, stop)[:, units])
        for row, codes in zip(counts, np.ascontiguousarray(counter.codes(values).T), strict=True):
            row += counter.count(codes)
        floats = np.concatenate([before, single(values)])
        changes = np.diff(floats, axis=0)
        here = starts[(starts >= first) & (starts < stop)] - first - (first == 0)
        changes[here[here >= 0]] = 0
        moved += np.abs(changes, out=changes).sum(axis=0, dtype=np.float64)
        steps += len(changes) - int((here >= 0).sum())
        before = floats[-1:]
        progress(stop / model.steps)
    with np.errstate(invalid="ignore"):
        return counts, moved / steps if steps else np.full(len(counts), np.nan)


def _measured(
    counts: np.ndarray, change: np.ndarray, counter: _Half | _Single, edges: np.ndarray, steps: int
) -> dict[str, np.ndarray]:
    """What a `Distribution` says about the units counted, and the counts of all of them together."""
    values = counter.values
    left, right = np.searchsorted(values, edges, "left"), np.searchsorted(values, edges, "right")
    columns: dict[str, list] = {
        name: [] for name in ("below", "upto", "quantiles", "minimum", "maximum", "mean", "deviation")
    }
    for row in counts:
        seen = np.flatnonzero(row)
        taken, often = values[seen], row[seen]
        total = np.concatenate([[0], np.cumsum(row, dtype=np.int64)])
        mean = float(taken @ often) / steps
        columns["below"].append(total[left])
        columns["upto"].append(total[right])
        columns["quantiles"].append(_quantiles(total[1:], values))
        columns["minimum"].append(taken[0])
        columns["maximum"].append(taken[-1])
        columns["mean"].append(mean)
        columns["deviation"].append(np.sqrt((taken - mean) ** 2 @ often / steps))
    return {**{name: np.array(rows) for name, rows in columns.items()}, "change": change, "all": counts.sum(0)}


def _quantiles(total: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float64[7]: the quantiles of values that occur `total` times up to each, linearly interpolated."""
    places = np.array(LEVELS) * (total[-1] - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, total[-1] - 1)
    lower, upper = (values[np.searchsorted(total, place, "right")] for place in (low, high))
    return lower + (upper - lower) * (places - low)
