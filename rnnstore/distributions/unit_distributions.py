"""The distribution of the values of every unit of a state over all recorded steps, counted and not sampled.

Values are counted in one pass (`counters`): in half precision quantiles, shares and moments are exact; in single
precision values are rounded to 65,536 evenly spaced ones, and the note says so.

A gate is left saturated where its value is below a limit (0.1) and right saturated where it is above another (0.9). The
shares of steps at which it is either distinguish a gate that is nearly always shut or open from one that varies
(Karpathy et al. 2016, section 4.1). The same shares at other limits serve every state.

Use it to find units that hardly move, states that leave the range in which their activation responds, and gates that
act as switches. A distribution knows no order of steps: use matching to see when a unit does what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.distributions.counters import Counter, count_values, counter_for
from rnnstore.distributions.saturation import default_limits, is_gate
from rnnstore.errors import QuestionError
from rnnstore.store.card import State
from rnnstore.store.model import Model
from rnnstore.store.runs import single

LEVELS = (0.01, 0.09, 0.25, 0.5, 0.75, 0.91, 0.99)
"""The quantiles of every unit: those of the bands in the RNNVis paper, and the ends of the middle 98 %."""

BINS = 200
"""Bins of a histogram, at most; their edges are round numbers, and limits are rounded to edges."""


COUNTERS = 1 << 24
"""Counters in memory at once; if there are more units than fit, there are several passes."""

SAMPLE_STEPS, SAMPLES = 64, 32
"""The bins are chosen by a sample: steps of each span, and the number of spans."""


SUMMARY_BINS = 40
"""Bars of the histogram of a whole state, at most."""


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
        """int64[n]: the units whose measure of variation (one of `MOVEMENTS`) is at most `limit`."""
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
"""The measures of how much a unit varies."""


def distribution(model: Model, state: str, progress: Callable[[float], None] = lambda share: None) -> Distribution:
    """The distribution of every unit of a state over all recorded steps; `progress` is called with the share done, 0 to
    1.

    Raises `UnknownName` for a state that was not recorded, `QuestionError` where no step was.
    """
    facts = model.state(state)
    if not model.steps:
        raise QuestionError(f"No steps of {model.name!r} were recorded, so its values have no distribution.")
    counter = counter_for(facts)
    edges = round_edges(*_histogram_range(model, facts))
    at_once = max(1, COUNTERS // counter.slots)
    passes = -(-facts.units // at_once)
    parts, pooled = [], np.zeros(counter.slots, np.int64)
    for number in range(passes):
        units = slice(number * at_once, min(facts.units, (number + 1) * at_once))

        def done(share: float, number: int = number) -> None:
            progress((number + share) / passes)

        gathered = count_values(model, state, units, counter, done)
        parts.append(_summarise(*gathered, counter, edges, model.steps))
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
        coarse = np.add.reduceat(counts, np.arange(0, len(counts), -(-len(counts) // SUMMARY_BINS)))
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


def round_edges(minimum: float, maximum: float, bins: int = BINS) -> np.ndarray:
    """float64[at most bins + 3]: multiples of 1, 2 or 5 times a power of ten, from `minimum` or below to `maximum` or
    above; -0.9, 0.1 and 0.9 are among those of values between -1 and 1."""
    span = max(maximum - minimum, 1e-6 * max(abs(minimum), abs(maximum)), 1e-9)
    power = 10.0 ** np.floor(np.log10(span / bins))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if span / (factor * power) <= bins + 1e-6)
    first, last = int(np.floor(minimum / step)), int(np.ceil(maximum / step))
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return np.round(np.arange(first, max(last, first + 1) + 1) * step, digits)


def _histogram_range(model: Model, facts: State) -> tuple[float, float]:
    """The range of the bins: all values, unless a sample shows that a few lie far beyond the rest, as a few cells of an
    LSTM can; values beyond are counted in the outermost bins."""
    firsts = np.linspace(0, max(0, model.steps - SAMPLE_STEPS), SAMPLES).astype(np.int64)
    steps = np.unique((firsts[:, None] + np.arange(min(SAMPLE_STEPS, model.steps))).ravel())
    seen = single(model.vectors_at(facts.name, steps))
    low, high = (float(end) for end in np.quantile(seen, [0.001, 0.999]))
    if facts.maximum - facts.minimum <= 3 * (high - low):
        low, high = facts.minimum, facts.maximum
    left, right = (0.0, 1.0) if is_gate(facts, model.card.cell) else default_limits(facts)
    return min(low, left), max(high, right)


def _summarise(
    counts: np.ndarray, change: np.ndarray, counter: Counter, edges: np.ndarray, steps: int
) -> dict[str, np.ndarray]:
    """The columns of a `Distribution` for the units counted, and the counts of all of them together."""
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
