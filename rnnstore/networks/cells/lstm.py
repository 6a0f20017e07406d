"""Long short-term memory, with or without peepholes.

Gates stand side by side as i f g o, in Keras's and PyTorch's order. State gradients are asked of this cell most often
and longest, so `InPlaceLstm` takes tangents through its steps in lines of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from pydantic import Field

from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cells.base import (
    Arrays,
    Cell,
    Edit,
    Gate,
    InPlaceJvp,
    Options,
    gates_side_by_side,
    total,
    unedited,
)


class LstmOptions(Options):
    peepholes: bool = Field(False, description="let the gates see the cell state.")


class LSTM(Cell):
    """c = f c' + i g and h = o tanh(c), with i, f, o = sigmoid and g = tanh of W x + U h' + b.

    A peephole is one weight a unit: i and f see c', o sees c (Gers and Schmidhuber 2000).
    """

    kind = "lstm"
    label = "LSTM"
    reads_input = False
    Options = LstmOptions
    options: LstmOptions

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("c", "h"), (self.units,))

    def gate_list(self) -> Iterator[Gate]:
        yield Gate("i", "input gate")
        yield Gate("f", "forget gate", keeps="c")
        yield Gate("g", "candidate", "tanh")
        yield Gate("o", "output gate")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        peepholes = {f"peephole_{gate}": (self.units,) for gate in "ifo"} if self.options.peepholes else {}
        return gates_side_by_side(self.inputs, self.units, 4) | peepholes

    def initial_bias(self, name: str, shape: tuple[int, ...], limit: float | None) -> np.ndarray:
        """The forget gate begins open, at 1 (Jozefowicz et al. 2015), unless the recipe limits the first weights."""
        bias = np.zeros(shape, np.float32)
        if limit is None:
            bias[self.units : 2 * self.units] = 1
        return bias

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        i, f, g, o = xp.split(projected + state["h"] @ weights["recurrent"], 4)
        if self.options.peepholes:
            i = i + weights["peephole_i"] * state["c"]
            f = f + weights["peephole_f"] * state["c"]
        i, f, g = edit("i", xp.sigmoid(i)), edit("f", xp.sigmoid(f)), edit("g", xp.tanh(g))
        c = edit("c", f * state["c"] + i * g)
        o = edit("o", xp.sigmoid(o + weights["peephole_o"] * c if self.options.peepholes else o))
        return {"c": c, "h": edit("h", o * xp.tanh(c))}, {"i": i, "f": f, "g": g, "o": o}

    def from_hidden(
        self, xp: Namespace, weights: Arrays, projected: Array, h: Array, scan: Callable[[Array, Array], Array]
    ) -> dict[str, Array]:
        if self.options.peepholes:
            return super().from_hidden(xp, weights, projected, h, scan)
        i, f, g, o = xp.split(projected + h @ weights["recurrent"], 4)
        i, f, g, o = xp.sigmoid(i), xp.sigmoid(f), xp.tanh(g), xp.sigmoid(o)
        c = scan(f, i * g)
        return {"c": c, "h": o * xp.tanh(c), "i": i, "f": f, "g": g, "o": o}

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(("kernel", "recurrent"), tuple("ifgo"))

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        i, f, g, o = (series[gate] for gate in "ifgo")
        squashed = xp.tanh(series["c"])
        found = {
            "h'": before["h"],
            "i": g * i * (1 - i),  # of c, by each gate's pre-activation
            "f": before["c"] * f * (1 - f),
            "g": i * (1 - g * g),
            "o": squashed * o * (1 - o),  # of h
            "kept": f,  # of c, by c'
            "shown": o * (1 - squashed * squashed),  # of h, by c
        }
        if self.options.peepholes:
            found["kept"] = f + found["i"] * weights["peephole_i"] + found["f"] * weights["peephole_f"]
            found["shown"] = found["shown"] + found["o"] * weights["peephole_o"]
        return found

    def merge(self, weights: Arrays, residuals: Arrays) -> Any:
        through = {"c": "ifg", "h": "o"}
        return {
            f"{name}.{state}": total(weights[f"{name}.{gate}"] * residuals[gate] for gate in gates)
            for name in ("kernel", "recurrent")
            for state, gates in through.items()
        }

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        c = tangents["h"] @ merged["recurrent.c"] + tangents["c"] * residuals["kept"]
        h = tangents["h"] @ merged["recurrent.h"]
        if x is not None:
            c, h = c + x @ merged["kernel.c"], h + x @ merged["kernel.h"]
        return {"c": c, "h": h + c * residuals["shown"]}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        c = cotangents["c"] + cotangents["h"] * residuals["shown"]
        inner = {gate: c * residuals[gate] for gate in "ifg"} | {"o": cotangents["h"] * residuals["o"]}
        h = total(inner[gate] @ weights[f"recurrent.{gate}.T"] for gate in "ifgo")
        return {"c": c * residuals["kept"], "h": h}, inner | {"c": c}

    def gate_tangents(
        self, wanted: Iterable[str], weights: Arrays, residuals: Arrays, before: Arrays, after: Arrays, x: Array | None
    ) -> dict[str, Array]:
        found = {}
        for name in wanted:
            found[name] = before["h"] @ weights[f"recurrent.{name}"]
            if x is not None:
                found[name] += x @ weights[f"kernel.{name}"]
            if (peephole := f"peephole_{name}") in weights:
                found[name] += (after if name == "o" else before)["c"] * weights[peephole]
            found[name] *= residuals[name]
        return found

    def in_place(self, weights: Arrays, kept: int, rows: int) -> InPlaceJvp:
        return InPlaceLstm(self, weights, kept, rows)


class InPlaceLstm(InPlaceJvp):
    """c = c kept + (h R_c + x K_c) and h = c shown + (h R_h + x K_h), with R = [R_c, R_h] and K = [K_c, K_h].

    The matrices of one step lie side by side, in memory that is used again, so that a step is one product and four
    passes over what it gave. It computes what `LSTM.jvp` does.
    """

    def __init__(self, cell: Cell, weights: Arrays, kept: int, rows: int) -> None:
        super().__init__(cell, weights, kept, rows)
        units, inputs = cell.units, cell.inputs
        self.gates = {}
        for name in ("recurrent", "kernel"):
            into_c = np.stack([weights[f"{name}.{gate}"] for gate in "ifg"], axis=1)  # [rows, 3, units]
            self.gates[name] = np.ascontiguousarray(into_c), np.ascontiguousarray(weights[f"{name}.o"])
        self.merged = {
            "recurrent": np.empty((kept, units, 2 * units), np.float32),
            "kernel": np.empty((kept, inputs, 2 * units), np.float32),
        }

    def ready(self, t: int, residuals: Arrays) -> Any:
        into_c, units, merged = np.stack([residuals[gate] for gate in "ifg"]), self.cell.units, {}
        for name, (of_c, of_h) in self.gates.items():
            merged[name] = both = self.merged[name][t % len(self.merged[name])]
            np.einsum("rgu,gu->ru", of_c, into_c, out=both[:, :units])
            np.multiply(of_h, residuals["o"], out=both[:, units:])
        return merged, residuals

    def workspace(self, rows: int) -> Any:
        return np.empty((rows, 2 * self.cell.units), np.float32)

    def advance(
        self, step: Any, tangents: Arrays, workspace: Any, x: Array | None, callback: Callable[[int], None]
    ) -> None:
        merged, residuals = step
        c, h = tangents["c"], tangents["h"]
        moved = np.matmul(h, merged["recurrent"], out=workspace[: len(h)])
        if x is not None:
            moved += x @ merged["kernel"]
        for number in range(len(c) // self.rows):  # word by word, while it is near the processor
            piece = slice(number * self.rows, (number + 1) * self.rows)
            self._finish(residuals, moved[piece], c[piece], h[piece])
            callback(number)

    def begin(self, step: Any, tangents: Arrays) -> None:
        merged, residuals = step
        tangents["c"][...] = 0
        self._finish(residuals, merged["kernel"], tangents["c"], tangents["h"])

    def _finish(self, residuals: Arrays, moved: Array, c: Array, h: Array) -> None:
        units = self.cell.units
        np.multiply(c, residuals["kept"], out=c)
        np.add(c, moved[:, :units], out=c)
        np.multiply(c, residuals["shown"], out=h)
        np.add(h, moved[:, units:], out=h)
