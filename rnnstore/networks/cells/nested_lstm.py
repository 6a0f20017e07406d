"""Nested LSTM (Moniz and Krueger 2017): LSTMs in the memory of an LSTM, to any depth; depth 1 is the LSTM itself.

At every depth, gates i, f, o are sigmoid and z is the identity, from the input and h'. What an LSTM would add up to its
memory, i z + f c', becomes the input (i z) and the hidden state (f c') of the LSTM one level further in, whose output
is the new memory. The innermost level is an ordinary LSTM with z = tanh. Then h = o tanh(c), at every depth. Memories
are `c1` (outer) to `c<depth>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cells.base import Arrays, Cell, Edit, Gate, Options, gates_side_by_side, total, unedited


class NestedLstmOptions(Options):
    depth: Annotated[int, Field(ge=1, le=16)] = Field(
        2, description="number of memories inside one another; 1 is an LSTM."
    )


class NestedLSTM(Cell):
    """i z and f c' are input and hidden state of the LSTM one level further in, whose output is the new memory."""

    kind = "nested-lstm"
    label = "nested-lstm"
    reads_input = False
    Options = NestedLstmOptions
    options: NestedLstmOptions

    @property
    def levels(self) -> range:
        return range(1, self.options.depth + 1)

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: (self.units,) for name in (*(f"c{level}" for level in self.levels), "h")}

    def gate_list(self) -> Iterator[Gate]:
        for level in self.levels:
            yield Gate(f"i{level}", "input gate")
            yield Gate(f"f{level}", "forget gate", keeps=f"c{level}")
            yield Gate(f"z{level}", "candidate", "tanh" if level == self.options.depth else "identity")
            yield Gate(f"o{level}", "output gate")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        for level in self.levels:
            of_level = gates_side_by_side(self.inputs if level == 1 else self.units, self.units, 4)
            shapes |= {f"{name}{_end(level)}": shape for name, shape in of_level.items()}
        return shapes

    def initial_bias(self, name: str, shape: tuple[int, ...], limit: float | None) -> np.ndarray:
        """The forget gates begin open, at 1, at every depth, as published."""
        bias = np.zeros(shape, np.float32)
        bias[self.units : 2 * self.units] = 1
        return bias

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        hidden, outputs = state["h"], []
        gates: dict[str, Array] = {}
        for level in self.levels:  # inwards: what each level adds is the next one's input
            i, f, z, o = (f"{gate}{level}" for gate in "ifzo")
            parts = xp.split(projected + hidden @ weights[f"recurrent{_end(level)}"], 4)
            innermost = level == self.options.depth
            gates[i], gates[f] = edit(i, xp.sigmoid(parts[0])), edit(f, xp.sigmoid(parts[1]))
            gates[z] = edit(z, xp.tanh(parts[2]) if innermost else parts[2])
            gates[o] = edit(o, xp.sigmoid(parts[3]))
            added, hidden = gates[i] * gates[z], gates[f] * state[f"c{level}"]
            outputs.append(gates[o])
            if not innermost:
                projected = added @ weights[f"kernel{_end(level + 1)}"] + weights[f"bias{_end(level + 1)}"]
        memory, memories = added + hidden, {}
        for level in reversed(self.levels):  # and out again: each output is the memory of the level around it
            memories[f"c{level}"] = memory = edit(f"c{level}", memory)
            memory = outputs[level - 1] * xp.tanh(memory)
        memories["h"] = edit("h", memory)
        return {name: memories[name] for name in self.states}, gates

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        return {
            f"{name}{_end(level)}": tuple(f"{gate}{level}" for gate in "ifzo")
            for level in self.levels
            for name in ("kernel", "recurrent")
        }

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        found = {"h1": before["h"]}
        for level in self.levels:
            i, f, z, o = (series[f"{gate}{level}"] for gate in "ifzo")
            squashed, memory = xp.tanh(series[f"c{level}"]), before[f"c{level}"]
            found |= {
                f"i{level}": z * i * (1 - i),  # of i z, by each gate's pre-activation
                f"z{level}": i * (1 - z * z) if level == self.options.depth else i,
                f"f{level}": memory * f * (1 - f),  # of f c'
                f"o{level}": squashed * o * (1 - o),  # of the level's output
                f"kept{level}": f,
                f"shown{level}": o * (1 - squashed * squashed),
                f"h{level + 1}": f * memory,
            }
        return found

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        hidden, outputs = tangents["h"], {}
        for level in self.levels:
            of = {name: _moved(merged, name, level, hidden, x) for name in (f"{gate}{level}" for gate in "ifzo")}
            outputs[level] = of[f"o{level}"]
            x = of[f"i{level}"] + of[f"z{level}"]
            hidden = of[f"f{level}"] + tangents[f"c{level}"] * residuals[f"kept{level}"]
        memory, after = x + hidden, {}
        for level in reversed(self.levels):
            after[f"c{level}"] = memory
            memory = outputs[level] + memory * residuals[f"shown{level}"]
        return {name: after.get(name, memory) for name in self.states}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        inner, before, out = {}, {}, cotangents["h"]
        for level in self.levels:  # inwards: each level's memory is the output of the next
            inner[f"o{level}"] = out * residuals[f"o{level}"]
            inner[f"c{level}"] = out = cotangents[f"c{level}"] + out * residuals[f"shown{level}"]
        added = kept = out
        for level in reversed(self.levels):
            gates = [f"{gate}{level}" for gate in "ifzo"]
            inner |= {gates[0]: added * residuals[gates[0]], gates[2]: added * residuals[gates[2]]}
            inner[gates[1]] = kept * residuals[gates[1]]
            before[f"c{level}"] = kept * residuals[f"kept{level}"]
            kept = total(inner[gate] @ weights[f"recurrent{_end(level)}.{gate}.T"] for gate in gates)
            if level > 1:
                added = total(inner[gate] @ weights[f"kernel{_end(level)}.{gate}.T"] for gate in gates)
        return {name: before.get(name, kept) for name in self.states}, inner

    def outer_products(self, residuals: Arrays, inner: Arrays) -> list[tuple[Array, list[Array]]]:
        return [(residuals[f"h{level}"], [inner[f"{gate}{level}"] for gate in "ifzo"]) for level in self.levels]

    def gate_residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None
    ) -> dict[str, Array]:
        values = {f"{name}=": series[name] for name in self.gates}
        return super().gate_residuals(weights, before, series) | values

    def gate_tangents(
        self, wanted: Iterable[str], weights: Arrays, residuals: Arrays, before: Arrays, after: Arrays, x: Array | None
    ) -> dict[str, Array]:
        found, hidden = {}, before["h"]
        for level in self.levels:
            i, f, z, o = (f"{gate}{level}" for gate in "ifzo")
            for name in (i, f, z, o):
                found[name] = _moved(weights, name, level, hidden, x) * residuals[name]
            memory = f"c{level}"
            x = found[i] * residuals[f"{z}="] + residuals[f"{i}="] * found[z]
            hidden = found[f] * residuals[f"{memory}'"] + residuals[f"{f}="] * before[memory]
        return {name: found[name] for name in wanted}


def _moved(weights: Arrays, gate: str, level: int, hidden: Array, x: Array | None) -> Array:
    """Tangents of a gate's pre-activation."""
    moved = hidden @ weights[f"recurrent{_end(level)}.{gate}"]
    return moved if x is None else moved + x @ weights[f"kernel{_end(level)}.{gate}"]


def _end(level: int) -> str:
    """What a level's weights have behind their name."""
    return "" if level == 1 else str(level)
