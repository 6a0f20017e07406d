"""Elman's recurrent network: h = tanh(W x + U h' + b), as keras.layers.SimpleRNN; or relu instead of tanh."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cells.base import Arrays, Cell, Edit, Options, gates_side_by_side, unedited


class VanillaOptions(Options):
    activation: Literal["tanh", "relu"] = Field(
        "tanh", description="what is made of the sum: its tanh, or relu, max(0, sum)."
    )


class Vanilla(Cell):
    """h = tanh(W x + U h' + b), or relu of it."""

    kind = "vanilla"
    label = "vanilla"
    reads_input = False
    Options = VanillaOptions
    options: VanillaOptions

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"h": (self.units,)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return gates_side_by_side(self.inputs, self.units, 1)

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        summed = projected + state["h"] @ weights["recurrent"]
        h = xp.maximum(summed, 0 * summed) if self.options.activation == "relu" else xp.tanh(summed)
        return {"h": edit("h", h)}, {}

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(("kernel", "recurrent"), ("a",))

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        h = series["h"]
        slope = xp.where(h > 0, 0 * h + 1, 0 * h) if self.options.activation == "relu" else 1 - h * h
        return {"h'": before["h"], "a": slope}

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        moved = tangents["h"] @ merged["recurrent.a"]
        return {"h": moved if x is None else moved + x @ merged["kernel.a"]}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        inner = {"a": cotangents["h"] * residuals["a"]}
        return {"h": inner["a"] @ weights["recurrent.a.T"]}, inner
