"""Elman's recurrent network: h = tanh(W x + U h' + b), as keras.layers.SimpleRNN."""

from __future__ import annotations

from typing import Any

from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cells.base import Arrays, Cell, Edit, gates_side_by_side, unedited


class Vanilla(Cell):
    """h = tanh(W x + U h' + b)."""

    kind = "vanilla"
    label = "vanilla"
    reads_input = False

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"h": (self.units,)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return gates_side_by_side(self.inputs, self.units, 1)

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        return {"h": edit("h", xp.tanh(projected + state["h"] @ weights["recurrent"]))}, {}

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(("kernel", "recurrent"), ("a",))

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        return {"h'": before["h"], "a": 1 - series["h"] * series["h"]}

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        moved = tangents["h"] @ merged["recurrent.a"]
        return {"h": moved if x is None else moved + x @ merged["kernel.a"]}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        inner = {"a": cotangents["h"] * residuals["a"]}
        return {"h": inner["a"] @ weights["recurrent.a.T"]}, inner
