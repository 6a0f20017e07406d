"""Words that follow one another, carried through the steps of a network side by side.

A step of several words is one product for each layer. What is added up is told word by word, right after it is there,
while it is near the processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnnstore.networks.cells.base import InPlaceJvp


@dataclass(frozen=True)
class Layer:
    """One step of one layer: what takes tangents through it, and the gates that are asked for with their residuals."""

    jvp: InPlaceJvp
    ready: Any
    gates: Sequence[str]
    residuals: dict[str, np.ndarray]


class Followed:
    """Tangents of `many` words, float32[many, embedding, units] by the name of a state or gate in `tangents`.

    `step` is any one step, a `Layer` each; `wanted` are the names that are told.
    """

    def __init__(self, step: Sequence[Layer], many: int, wanted: Sequence[str]):
        self.inputs = step[0].jvp.cell.inputs
        self.states: list[dict[str, np.ndarray]] = []  # per layer, rows of all words
        self.rooms, self.told, self.tangents = [], [], {}
        for number, layer in enumerate(step, 1):
            cell = layer.jvp.cell
            own = {
                name: np.empty((many, self.inputs, cell.widths[name]), np.float32)
                for name in (*cell.states, *layer.gates)
            }
            self.states.append({name: own[name].reshape(many * self.inputs, -1) for name in cell.states})
            self.rooms.append(layer.jvp.workspace(many * self.inputs))
            self.tangents |= {f"layer{number}.{name}": values for name, values in own.items()}
            self.told.append([name for name in (f"layer{number}.{state}" for state in cell.states) if name in wanted])

    def carry(self, step: Sequence[Layer], low: int, high: int, begins: bool, tell: Callable[[str, int], None]) -> None:
        """One step on for the words low..high-1, and the first for that at `high` if it `begins`.

        `tell` is called with the name of a state or gate and a word as soon as its tangents are there.
        """
        rows, x = slice(low * self.inputs, (high + begins) * self.inputs), None
        for number, (layer, states) in enumerate(zip(step, self.states, strict=True)):
            if begins:
                for values in states.values():
                    values[high * self.inputs : rows.stop] = 0
            here = {name: values[rows] for name, values in states.items()}
            before = {name: values.copy() for name, values in here.items()} if layer.gates else {}
            done = partial(self._done, self.told[number], low, tell)
            if number:
                layer.jvp.advance(layer.ready, here, self.rooms[number], x, done)
            else:
                self._read(layer, low, high, begins, done)
            if layer.gates:
                self._gates(number, layer, before, here, x if number else self._word(begins, high + 1 - low), low, tell)
            x = here["h"]

    def _read(self, layer, low, high, begins, done) -> None:
        """A step of the first layer: no word but the one that is read now changes what it reads."""
        if high > low:
            rows = slice(low * self.inputs, high * self.inputs)
            here = {name: values[rows] for name, values in self.states[0].items()}
            layer.jvp.advance(layer.ready, here, self.rooms[0], None, done)
        if begins:
            rows = slice(high * self.inputs, (high + 1) * self.inputs)
            layer.jvp.begin(layer.ready, {name: values[rows] for name, values in self.states[0].items()})
            done(high - low)

    def _word(self, begins, words):
        """float32[rows, inputs]: the tangents of what the first layer reads, None where no word begins."""
        if not begins:
            return None
        x = np.zeros((words, self.inputs, self.inputs), np.float32)
        x[-1] = np.eye(self.inputs)
        return x.reshape(-1, self.inputs)

    def _gates(self, number, layer, before, after, x, low, tell):
        cell, weights = layer.jvp.cell, layer.jvp.weights
        found = cell.gate_tangents(layer.gates, weights, layer.residuals, before, after, x)
        for gate, values in found.items():
            name, words = f"layer{number + 1}.{gate}", len(values) // self.inputs
            self.tangents[name][low : low + words] = values.reshape(words, self.inputs, -1)
            for word in range(low, low + words):
                tell(name, word)

    @staticmethod
    def _done(names, low, tell, word) -> None:
        for name in names:
            tell(name, low + word)
