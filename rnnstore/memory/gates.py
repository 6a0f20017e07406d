"""How the gates of a cell change with an earlier word: tangents of gates from those of the states around a step.

A gate goes no further than its own step, so nothing is carried on: the tangents of the states before the step (and, of
an LSTM with peepholes, of the memory after it) go once through the gate's weights and its slope. What `derivatives`
merges to be quick is left apart here, because each gate is asked about by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnstore.networks import cells
from rnnstore.networks.derivatives import Derivative

Arrays = Mapping[str, np.ndarray]


class Gates:
    """The gates `wanted` of a layer's cell; `weights` are those of `Derivative.by_gate`."""

    def __init__(self, slope: Derivative, weights: Arrays, wanted: Sequence[str]) -> None:
        self.cell, self.weights, self.wanted = slope.cell, weights, tuple(wanted)

    def factors(self, before: Arrays, series: Arrays) -> dict[str, np.ndarray]:
        """What tangents are multiplied by, float32[steps, units] each, from the states before each step and the states
        and gates after it."""
        candidate = _candidate(self.cell)
        slopes = {
            name: 1 - series[name] ** 2 if name == candidate else series[name] * (1 - series[name])
            for name in self.cell.gates
        }
        return (
            {f"{name}'": values for name, values in before.items()} | slopes | self._values(before, series, candidate)
        )

    def _values(self, before, series, candidate):
        if isinstance(self.cell, cells.NestedLSTM):
            outer = [name for name in self.cell.gates if name[0] == "z" and name != candidate]
            return {f"{name}=": series[name] for name in self.cell.gates} | {
                name: np.ones_like(series[name]) for name in outer
            }
        if isinstance(self.cell, cells.GRU) and self.cell.reset == "after":
            seen = before["h"] @ self.weights["recurrent.g"] + self.weights["bias_recurrent.g"]
            return {"r=": series["r"], "reset": seen}
        return {"r=": series["r"], "reset": before["h"]} if isinstance(self.cell, cells.GRU) else {}

    def tangents(self, factors: Arrays, before: Arrays, after: Arrays, x: np.ndarray | None) -> dict[str, np.ndarray]:
        """float32[rows, units] of every gate wanted, from those of the states before and after one step and of its
        input; `factors` of this step, float32[units] each. `x` None where the input does not change."""
        found = _KINDS[type(self.cell)](self, factors, before, after, x)
        return {name: found[name] for name in self.wanted}

    def into(self, gate: str, h: np.ndarray, x: np.ndarray | None, end: str = "") -> np.ndarray:
        """Tangents of a gate's pre-activation."""
        moved = h @ self.weights[f"recurrent{end}.{gate}"]
        return moved if x is None else moved + x @ self.weights[f"kernel{end}.{gate}"]


def _candidate(cell: cells.Cell) -> str:
    """The one gate that is no sigmoid."""
    return f"z{cell.depth}" if isinstance(cell, cells.NestedLSTM) else "g"


def _lstm(gates: Gates, factors: Arrays, before: Arrays, after: Arrays, x: np.ndarray | None) -> dict[str, np.ndarray]:
    found = {}
    for name in gates.wanted:
        found[name] = gates.into(name, before["h"], x)
        if (seen := f"peephole_{name}") in gates.weights:
            found[name] += (after if name == "o" else before)["c"] * gates.weights[seen]
        found[name] *= factors[name]
    return found


def _gru(gates: Gates, factors: Arrays, before: Arrays, after: Arrays, x: np.ndarray | None) -> dict[str, np.ndarray]:
    h = before["h"]
    found = {name: gates.into(name, h, x) * factors[name] for name in "zr"}
    recurrent, reset = gates.weights["recurrent.g"], found["r"] * factors["reset"]
    if gates.cell.reset == "after":
        through = (h @ recurrent) * factors["r="] + reset
    else:
        through = (h * factors["r="] + reset) @ recurrent
    found["g"] = (through if x is None else through + x @ gates.weights["kernel.g"]) * factors["g"]
    return found


def _nested(gates: Gates, factors: Arrays, before: Arrays, after: Arrays, x: np.ndarray | None) -> dict[str, Any]:
    found, hidden = {}, before["h"]
    for level in range(1, gates.cell.depth + 1):
        i, f, z, o = (f"{gate}{level}" for gate in "ifzo")
        for name in (i, f, z, o):
            found[name] = gates.into(name, hidden, x, "" if level == 1 else str(level)) * factors[name]
        memory = f"c{level}"
        x = found[i] * factors[f"{z}="] + factors[f"{i}="] * found[z]
        hidden = found[f] * factors[f"{memory}'"] + factors[f"{f}="] * before[memory]
    return found


_KINDS: dict[type[cells.Cell], Callable[..., dict[str, np.ndarray]]] = {
    cells.LSTM: _lstm, cells.GRU: _gru, cells.NestedLSTM: _nested,
}  # fmt: skip
