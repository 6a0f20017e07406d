"""Gated recurrent unit, with the reset gate before or after the product with the recurrent weights.

`reset="before"` is the published order, g = tanh(W x + U (r h') + b): the state is reset, then multiplied.
`reset="after"` is Keras's and cuDNN's, g = tanh(W x + b + r (U h' + b')): one product for all three, and a second bias.
Gates stand side by side as z r g, in Keras's order (PyTorch has r z n).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from pydantic import Field

from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cells.base import Arrays, Cell, Edit, Gate, Options, gates_side_by_side, total, unedited


class GruOptions(Options):
    reset: Literal["before", "after"] = Field(
        "after", description="apply the reset gate before or after the product with the recurrent weights."
    )


class GRU(Cell):
    """h = z h' + (1 - z) g, with update gate z, reset gate r and candidate g."""

    kind = "gru"
    label = "GRU"
    reads_input = False
    Options = GruOptions
    options: GruOptions

    @property
    def after(self) -> bool:
        """Whether the reset gate acts after the product."""
        return self.options.reset == "after"

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"h": (self.units,)}

    def gate_list(self) -> Iterator[Gate]:
        yield Gate("z", "update gate", keeps="h")
        yield Gate("r", "reset gate")
        yield Gate("g", "candidate", "tanh")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        second = {"bias_recurrent": (3 * self.units,)} if self.after else {}
        return gates_side_by_side(self.inputs, self.units, 3) | second

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        h, recurrent, two = state["h"], weights["recurrent"], 2 * self.units
        of_state = h @ recurrent + weights["bias_recurrent"] if self.after else h @ recurrent[:, :two]
        z, r = xp.split(xp.sigmoid(projected[..., :two] + of_state[..., :two]), 2)
        z, r = edit("z", z), edit("r", r)
        seen = r * of_state[..., two:] if self.after else (r * h) @ recurrent[:, two:]
        g = edit("g", xp.tanh(projected[..., two:] + seen))
        return {"h": edit("h", z * h + (1 - z) * g)}, {"z": z, "r": r, "g": g}

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(("kernel", "recurrent", "bias_recurrent"), tuple("zrg"))

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        h, (z, r, g) = before["h"], (series[gate] for gate in "zrg")
        found = {"h'": h, "z": (h - g) * z * (1 - z), "g": (1 - z) * (1 - g * g), "kept": z, "reset": r}
        if self.after:
            found["r"] = (h @ weights["recurrent.g"] + weights["bias_recurrent.g"]) * r * (1 - r)
        else:
            found["r"] = h * r * (1 - r)
            found["reset h'"] = r * h
        return found

    def merge(self, weights: Arrays, residuals: Arrays) -> Any:
        z, r, g = residuals["z"], residuals["r"], residuals["g"]
        if self.after:
            by = {
                "kernel": {"z": z, "r": r * g, "g": g},
                "recurrent": {"z": z, "r": r * g, "g": residuals["reset"] * g},
            }
            return {name: total(weights[f"{name}.{gate}"] * by[name][gate] for gate in "zrg") for name in by}
        return {
            "kernel": weights["kernel.z"] * z + weights["kernel.g"] * g,
            "recurrent": weights["recurrent.z"] * z,
            "kernel.r": weights["kernel.r"] * r,
            "recurrent.r": weights["recurrent.r"] * r,
            "reset": weights["recurrent.g"] * g,
        }

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        h = tangents["h"]
        after = h @ merged["recurrent"] + h * residuals["kept"]
        if x is not None:
            after = after + x @ merged["kernel"]
        if self.after:
            return {"h": after}
        reset = h @ merged["recurrent.r"] + h * residuals["reset"]
        if x is not None:
            reset = reset + x @ merged["kernel.r"]
        return {"h": after + reset @ merged["reset"]}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        h = cotangents["h"]
        inner = {"z": h * residuals["z"], "g": h * residuals["g"]}
        if self.after:
            inner["r"] = inner["g"] * residuals["r"]
            through_g = (inner["g"] * residuals["reset"]) @ weights["recurrent.g.T"]
        else:
            reset = inner["g"] @ weights["recurrent.g.T"]  # of r h'
            inner["r"] = reset * residuals["r"]
            through_g = reset * residuals["reset"]
        through = total(inner[gate] @ weights[f"recurrent.{gate}.T"] for gate in "zr")
        return {"h": h * residuals["kept"] + through_g + through}, inner

    def outer_products(self, residuals: Arrays, inner: Arrays) -> list[tuple[Array, list[Array]]]:
        if self.after:
            return [(residuals["h'"], [inner["z"], inner["r"], inner["g"] * residuals["reset"]])]
        return [(residuals["h'"], [inner["z"], inner["r"]]), (residuals["reset h'"], [inner["g"]])]

    def gate_residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None
    ) -> dict[str, Array]:
        seen = before["h"]
        if self.after:
            seen = seen @ weights["recurrent.g"] + weights["bias_recurrent.g"]
        return super().gate_residuals(weights, before, series) | {"r=": series["r"], "reset": seen}

    def gate_tangents(
        self, wanted: Iterable[str], weights: Arrays, residuals: Arrays, before: Arrays, after: Arrays, x: Array | None
    ) -> dict[str, Array]:
        h, found = before["h"], {}
        for name in "zr":
            moved = h @ weights[f"recurrent.{name}"]
            found[name] = (moved if x is None else moved + x @ weights[f"kernel.{name}"]) * residuals[name]
        recurrent, reset = weights["recurrent.g"], found["r"] * residuals["reset"]
        through = (h @ recurrent) * residuals["r="] + reset if self.after else (h * residuals["r="] + reset) @ recurrent
        found["g"] = (through if x is None else through + x @ weights["kernel.g"]) * residuals["g"]
        return {name: found[name] for name in wanted}
