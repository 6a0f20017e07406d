"""A recurrent layer of any framework, restated: its cell and weights as ours, and its states and gates at all steps.

Where the framework says h at every step, all gates of all steps follow from two matrix products, and so does h again:
what the framework has must be what the cell gives, from the framework's own h of the step before. Memory that h does
not show (c) is an elementwise recurrence. Nothing runs step by step through a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.frameworks.layout import Layout
from rnnstore.networks.arrays import NUMPY
from rnnstore.networks.cells import Cell

TOLERANCE = {"float32": 1e-4, "float64": 1e-4, "float16": 1e-2, "bfloat16": 6e-2}
"""How far a state may be from the framework's, in parts of the state's largest value, by the framework's precision."""


@dataclass(frozen=True)
class RecurrentLayer:
    """One direction of one layer.

    name        with which its series begin: `encoder.layer1`, `encoder.layer1.backward`
    cell        what it computes
    weights     by the cell's names, as the cell has them: float32
    backward    it reads a sequence from its end
    projection  float32[units, width of h]: what makes h of the cell's own h; None where they are the same
    """

    name: str
    cell: Cell
    weights: Mapping[str, np.ndarray] = field(repr=False)
    backward: bool = False
    projection: np.ndarray | None = field(default=None, repr=False)

    @property
    def widths(self) -> dict[str, int]:
        """Width of every state and gate by its full name, in recording order."""
        own = dict(self.cell.widths)
        if self.projection is not None:
            own["h"] = self.projection.shape[1]
        return {f"{self.name}.{series}": width for series, width in own.items()}

    @property
    def states(self) -> list[str]:
        """The states' names, without the layer's."""
        return list(self.cell.states)


def series_of(
    layer: RecurrentLayer, x: np.ndarray, h: np.ndarray, before: Mapping[str, np.ndarray], layout: Layout
) -> dict[str, np.ndarray]:
    """Every state and gate of a layer, float32[rows, width] by its name without the layer's.

    `x` float32[rows, inputs] is what it read and `h` float32[rows, width] what the framework says it gave; `before`
    float32[sequences, width] are its states before the first step. h in the answer is the cell's own, for `compare`.
    """
    earlier = layout.before(h, before["h"], layer.backward)

    def scan(kept: np.ndarray, added: np.ndarray) -> np.ndarray:
        return layout.scan(kept, added, before["c"], layer.backward)

    projected = layer.cell.project(layer.weights, x)
    return _finished(layer, layer.cell.from_hidden(NUMPY, layer.weights, projected, earlier, scan))


def series_of_steps(layer: RecurrentLayer, x: np.ndarray, before: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Likewise where all states before each step are known, float32[rows, width] by name."""
    projected = layer.cell.project(layer.weights, x)
    return _finished(
        layer,
        layer.cell.from_hidden(
            NUMPY, layer.weights, projected, before["h"], lambda kept, added: kept * before["c"] + added
        ),
    )


def _finished(layer: RecurrentLayer, series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if layer.projection is not None:
        series["h"] = series["h"] @ layer.projection
    return series


@dataclass(frozen=True)
class Difference:
    """The largest difference between two values of a state: in parts of its largest value, and where."""

    size: float
    row: int
    unit: int


def difference(found: np.ndarray, expected: np.ndarray) -> Difference:
    """Where two float32[rows, width] differ most; what is no number differs infinitely."""
    apart = np.abs(found - expected)
    apart[~np.isfinite(apart)] = np.inf
    row, unit = np.unravel_index(int(apart.argmax()), apart.shape)
    largest = float(np.abs(expected).max(initial=0.0, where=np.isfinite(expected)))
    return Difference(float(apart[row, unit]) / max(largest, 1e-3), int(row), int(unit))


def compare(name: str, found: np.ndarray, expected: np.ndarray, precision: str, where: Mapping[int, str] | str) -> None:
    """`StoreError` where the framework's `expected` values of a state are not what the cell `found`.

    `where` says which step a row is, or which all are.
    """
    worst = difference(found, expected)
    if worst.size <= TOLERANCE.get(precision, 1e-4):
        return
    place = where if isinstance(where, str) else where[worst.row]
    raise StoreError(
        f"{name} is not what its cell computes: unit {worst.unit} at {place} is {expected[worst.row, worst.unit]:.6g} "
        f"in the module and {found[worst.row, worst.unit]:.6g} by the cell's equations, {worst.size:.2g} of the "
        "largest value apart. The layer computes something else, or something changes it while it runs; nothing was "
        "recorded."
    )
