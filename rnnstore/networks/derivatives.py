"""Derivatives of one step of a cell, in both directions, at activations that are known.

A step takes an input x and the states before it to the states after it. At given activations it is a linear map, and
everything that is asked of gradients through time is a chain of such maps: `push` carries tangents (how the states
change when something earlier changes) one step forward, `pull` carries cotangents (how something later changes with
the states) one step back. The factors that both need are products of gates, found for all steps at once by `factors`.

Only operators are used, so the same lines serve NumPy arrays in the application and tensors in a compiled pipeline.
Rows are whatever is carried: float32[rows, units] for every state. Gates go by the letters of `networks.cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import add
from typing import Any, ClassVar

import numpy as np

from rnnstore.networks import cells

Array = Any  # numpy.ndarray, or a tensor of any library whose operators are NumPy's
Arrays = Mapping[str, Array]


class Derivative:
    """The derivative of one cell's step; `gates` names the blocks of its weights."""

    states: tuple[str, ...]
    blocks: dict[str, tuple[str, ...]]  # weights by gate: name of the weight -> its gates from left to right

    def __init__(self, cell: cells.Cell) -> None:
        self.cell, self.states = cell, cell.states

    def by_gate(self, weights: Arrays, transpose: Callable = np.transpose) -> dict[str, Array]:
        """The weights cut into blocks `recurrent.i`, `kernel.i`, ..., and transposed `recurrent.i.T`, ..."""
        units, cut = self.cell.units, {name: value for name, value in weights.items() if name not in self.blocks}
        for name, gates in self.blocks.items():
            if name in weights:
                for number, gate in enumerate(gates):
                    block = weights[name][..., number * units : (number + 1) * units]
                    cut |= {f"{name}.{gate}": block, f"{name}.{gate}.T": transpose(block)}
        return cut

    def factors(self, weights: Arrays, before: Arrays, series: Arrays, tanh: Callable = np.tanh) -> dict[str, Array]:
        """What `push` and `pull` multiply by, float32[steps, units] each.

        `weights` as `by_gate` gives them, here and below; `before` the states before each step, `series` states and
        gates after it, float32[steps, units] each.
        """
        raise NotImplementedError

    def merge(self, weights: Arrays, factors: Arrays) -> dict[str, Array]:
        """The matrices of one step that `push` multiplies tangents by, from its `factors`, float32[units] each.

        Gates that end in the same state are one matrix, so that many tangents cost few products.
        """
        return {name: weights[name] * factors[name.split(".")[1]] for name in weights if name.count(".") == 1}

    def push(self, merged: Arrays, factors: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        """Tangents of the states after a step from those before it, and of its input float32[rows, inputs] if given.

        `merged` and `factors` of this one step.
        """
        raise NotImplementedError

    def pull(self, weights: Arrays, factors: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        """Cotangents of the states before a step, and of every gate's pre-activation, from those after it.

        The pre-activations' are named by gate; `input` makes the input's of them.
        """
        raise NotImplementedError

    def input(self, weights: Arrays, inner: Arrays) -> Array:
        """The cotangent of the input, float32[rows, inputs], from those of the pre-activations."""
        return total(inner[gate] @ weights[f"kernel.{gate}.T"] for gate in self.blocks["kernel"])

    def outer(self, factors: Arrays, inner: Arrays) -> list[tuple[Array, list[Array]]]:
        """The gradient of the recurrent weights through one step, as outer products that share no entry.

        A list of (left float32[units], rights): the gradient of the blocks of one left vector is left (outer) right,
        float32[rows, units] each.
        """
        return [(factors["h'"], [inner[gate] for gate in self.blocks["recurrent"]])]


class Vanilla(Derivative):
    """h = tanh(a)."""

    blocks = dict.fromkeys(("kernel", "recurrent"), ("a",))

    def factors(self, weights, before, series, tanh=np.tanh):
        return {"h'": before["h"], "a": 1 - series["h"] * series["h"]}

    def push(self, merged, factors, tangents, x=None):
        moved = tangents["h"] @ merged["recurrent.a"]
        return {"h": moved if x is None else moved + x @ merged["kernel.a"]}

    def pull(self, weights, factors, cotangents):
        inner = {"a": cotangents["h"] * factors["a"]}
        return {"h": inner["a"] @ weights["recurrent.a.T"]}, inner


class LSTM(Derivative):
    """c = f c' + i g and h = o tanh(c); the gates see x and h', with peepholes c' (i, f) and c (o)."""

    blocks = dict.fromkeys(("kernel", "recurrent"), tuple("ifgo"))

    def factors(self, weights, before, series, tanh=np.tanh):
        i, f, g, o = (series[gate] for gate in "ifgo")
        squashed = tanh(series["c"])
        found = {
            "h'": before["h"],
            "i": g * i * (1 - i),  # of c, by each gate's pre-activation
            "f": before["c"] * f * (1 - f),
            "g": i * (1 - g * g),
            "o": squashed * o * (1 - o),  # of h
            "kept": f,  # of c, by c'
            "shown": o * (1 - squashed * squashed),  # of h, by c
        }
        if "peephole_i" in weights:
            found["kept"] = f + found["i"] * weights["peephole_i"] + found["f"] * weights["peephole_f"]
            found["shown"] = found["shown"] + found["o"] * weights["peephole_o"]
        return found

    def merge(self, weights, factors):
        through = {"c": "ifg", "h": "o"}
        return {
            f"{name}.{state}": total(weights[f"{name}.{gate}"] * factors[gate] for gate in gates)
            for name in ("kernel", "recurrent")
            for state, gates in through.items()
        }

    def push(self, merged, factors, tangents, x=None):
        c = tangents["h"] @ merged["recurrent.c"] + tangents["c"] * factors["kept"]
        h = tangents["h"] @ merged["recurrent.h"]
        if x is not None:
            c, h = c + x @ merged["kernel.c"], h + x @ merged["kernel.h"]
        return {"c": c, "h": h + c * factors["shown"]}

    def pull(self, weights, factors, cotangents):
        c = cotangents["c"] + cotangents["h"] * factors["shown"]
        inner = {gate: c * factors[gate] for gate in "ifg"} | {"o": cotangents["h"] * factors["o"]}
        h = total(inner[gate] @ weights[f"recurrent.{gate}.T"] for gate in "ifgo")
        return {"c": c * factors["kept"], "h": h}, inner


class GRU(Derivative):
    """h = z h' + (1 - z) g; the reset gate acts before or after the product with the recurrent weights."""

    blocks = dict.fromkeys(("kernel", "recurrent", "bias_recurrent"), tuple("zrg"))

    def factors(self, weights, before, series, tanh=np.tanh):
        h, (z, r, g) = before["h"], (series[gate] for gate in "zrg")
        found = {"h'": h, "z": (h - g) * z * (1 - z), "g": (1 - z) * (1 - g * g), "kept": z, "reset": r}
        if self.cell.reset == "after":
            found["r"] = (h @ weights["recurrent.g"] + weights["bias_recurrent.g"]) * r * (1 - r)
        else:
            found["r"] = h * r * (1 - r)
            found["reset h'"] = r * h
        return found

    def merge(self, weights, factors):
        z, r, g = factors["z"], factors["r"], factors["g"]
        if self.cell.reset == "after":
            by = {"kernel": {"z": z, "r": r * g, "g": g}, "recurrent": {"z": z, "r": r * g, "g": factors["reset"] * g}}
            return {name: total(weights[f"{name}.{gate}"] * by[name][gate] for gate in "zrg") for name in by}
        return {
            "kernel": weights["kernel.z"] * z + weights["kernel.g"] * g,
            "recurrent": weights["recurrent.z"] * z,
            "kernel.r": weights["kernel.r"] * r,
            "recurrent.r": weights["recurrent.r"] * r,
            "reset": weights["recurrent.g"] * g,
        }

    def push(self, merged, factors, tangents, x=None):
        h = tangents["h"]
        after = h @ merged["recurrent"] + h * factors["kept"]
        if x is not None:
            after = after + x @ merged["kernel"]
        if self.cell.reset == "after":
            return {"h": after}
        reset = h @ merged["recurrent.r"] + h * factors["reset"]
        if x is not None:
            reset = reset + x @ merged["kernel.r"]
        return {"h": after + reset @ merged["reset"]}

    def pull(self, weights, factors, cotangents):
        h = cotangents["h"]
        inner = {"z": h * factors["z"], "g": h * factors["g"]}
        if self.cell.reset == "after":
            inner["r"] = inner["g"] * factors["r"]
            through_g = (inner["g"] * factors["reset"]) @ weights["recurrent.g.T"]
        else:
            reset = inner["g"] @ weights["recurrent.g.T"]  # of r h'
            inner["r"] = reset * factors["r"]
            through_g = reset * factors["reset"]
        through = total(inner[gate] @ weights[f"recurrent.{gate}.T"] for gate in "zr")
        return {"h": h * factors["kept"] + through_g + through}, inner

    def outer(self, factors, inner):
        if self.cell.reset == "after":
            return [(factors["h'"], [inner["z"], inner["r"], inner["g"] * factors["reset"]])]
        return [(factors["h'"], [inner["z"], inner["r"]]), (factors["reset h'"], [inner["g"]])]


class NestedLSTM(Derivative):
    """i z and f c' are input and hidden state of the LSTM one level further in, whose output is the new memory."""

    def __init__(self, cell) -> None:
        super().__init__(cell)
        self.levels = range(1, cell.depth + 1)
        self.blocks = {
            f"{name}{'' if level == 1 else level}": tuple(f"{gate}{level}" for gate in "ifzo")
            for level in self.levels
            for name in ("kernel", "recurrent")
        }

    def factors(self, weights, before, series, tanh=np.tanh):
        found = {"h1": before["h"]}
        for level in self.levels:
            i, f, z, o = (series[f"{gate}{level}"] for gate in "ifzo")
            squashed, memory = tanh(series[f"c{level}"]), before[f"c{level}"]
            found |= {
                f"i{level}": z * i * (1 - i),  # of i z, by each gate's pre-activation
                f"z{level}": i * (1 - z * z) if level == self.cell.depth else i,
                f"f{level}": memory * f * (1 - f),  # of f c'
                f"o{level}": squashed * o * (1 - o),  # of the level's output
                f"kept{level}": f,
                f"shown{level}": o * (1 - squashed * squashed),
                f"h{level + 1}": f * memory,
            }
        return found

    def push(self, merged, factors, tangents, x=None):
        hidden, outputs = tangents["h"], {}
        for level in self.levels:
            end = "" if level == 1 else str(level)

            def of(gate, level=level, end=end, x=x, hidden=hidden):
                name = f"{gate}{level}"
                moved = hidden @ merged[f"recurrent{end}.{name}"]
                return moved if x is None else moved + x @ merged[f"kernel{end}.{name}"]

            outputs[level] = of("o")
            x, hidden = of("i") + of("z"), of("f") + tangents[f"c{level}"] * factors[f"kept{level}"]
        memory, after = x + hidden, {}
        for level in reversed(self.levels):
            after[f"c{level}"] = memory
            memory = outputs[level] + memory * factors[f"shown{level}"]
        return {name: after.get(name, memory) for name in self.states}

    def pull(self, weights, factors, cotangents):
        inner, before, out = {}, {}, cotangents["h"]
        for level in self.levels:  # inwards: each level's memory is the output of the next
            inner[f"o{level}"] = out * factors[f"o{level}"]
            out = cotangents[f"c{level}"] + out * factors[f"shown{level}"]
        added = kept = out
        for level in reversed(self.levels):
            gates = [f"{gate}{level}" for gate in "ifzo"]
            inner |= {gates[0]: added * factors[gates[0]], gates[2]: added * factors[gates[2]]}
            inner[gates[1]] = kept * factors[gates[1]]
            before[f"c{level}"] = kept * factors[f"kept{level}"]
            end = "" if level == 1 else str(level)
            kept = total(inner[gate] @ weights[f"recurrent{end}.{gate}.T"] for gate in gates)
            if level > 1:
                added = total(inner[gate] @ weights[f"kernel{end}.{gate}.T"] for gate in gates)
        return {name: before.get(name, kept) for name in self.states}, inner

    def outer(self, factors, inner):
        return [(factors[f"h{level}"], [inner[f"{gate}{level}"] for gate in "ifzo"]) for level in self.levels]


class Linearised(Derivative):
    """Of a cell that brings the Jacobians of its steps: products with them. One text at a time; no weights."""

    blocks: ClassVar[dict[str, tuple[str, ...]]] = {}

    def factors(self, weights, before, series, tanh=np.tanh):
        return {name: np.asarray(series[name]) for name in self.cell.gates}

    def push(self, merged, factors, tangents, x=None):
        given = dict(tangents) if x is None else {**tangents, "x": x}
        return {
            after: total(given[source] @ _matrix(factors[f"{after}<{source}"]).T for source in given)
            for after in self.states
        }

    def pull(self, weights, factors, cotangents):
        before = {
            source: total(cotangents[after] @ _matrix(factors[f"{after}<{source}"]) for after in self.states)
            for source in (*self.states, "x")
        }
        inner = {name: values + 0 for name, values in cotangents.items()}  # the place of what was given is used again
        return {name: before[name] for name in self.states}, {**inner, "x": before["x"]}

    def input(self, weights, inner):
        return inner["x"]


def _matrix(values: Array) -> Array:
    """A step's Jacobian without the axis of a batch of one."""
    return values.reshape(values.shape[-2:])


KINDS: dict[type[cells.Cell], type[Derivative]] = {
    cells.Vanilla: Vanilla, cells.LSTM: LSTM, cells.GRU: GRU, cells.NestedLSTM: NestedLSTM,
    cells.Linearised: Linearised,
}  # fmt: skip


def derivative(cell: cells.Cell) -> Derivative:
    """The derivative of a cell's step."""
    return next(KINDS[kind] for kind in type(cell).__mro__ if kind in KINDS)(cell)


def total(arrays: Iterable[Array]) -> Array:
    """Their sum."""
    return reduce(add, arrays)
