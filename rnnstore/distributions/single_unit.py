"""The values of one unit: its histogram, and a span of the corpus where it is on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.distributions.unit_distributions import LEVELS, round_edges
from rnnstore.errors import QuestionError
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on, single, unit_runs

LONGEST_EXAMPLE = 20
"""Steps of the example at which a unit is on, at most."""


@dataclass(frozen=True)
class UnitValues:
    """One unit's values: `bins` (low, high, count, share) over its own range, and an example of where it is on.

    At `threshold`, its 91 % quantile, the unit is on at about a tenth of all steps. `start` to `stop` (half-open) is
    the longest span of at most 20 steps over which it is on.
    """

    unit: int
    bins: pa.Table
    threshold: float
    start: int
    stop: int


def unit_values(model: Model, state: str, unit: int, bins: int = 80) -> UnitValues:
    """The histogram of one unit over all steps, in at most `bins` bins of its own, each with its lower edge (the last
    with both). Raises `UnknownName` for an unknown state or unit."""
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
    longest = int(np.where(lengths <= LONGEST_EXAMPLE, lengths, 0).argmax())  # the first where several are
    start = int(starts[longest])
    return UnitValues(unit, pa.table(columns), threshold, start, int(min(stops[longest], start + LONGEST_EXAMPLE)))


def _rounded_down(value: float) -> float:
    """`value` to four digits, or a little less."""
    if value == 0:
        return 0.0
    digits = 3 - int(np.floor(np.log10(abs(value))))
    return round(float(np.floor(value * 10.0**digits) / 10.0**digits), digits)
