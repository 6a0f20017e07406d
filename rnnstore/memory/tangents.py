"""Tangents of several words, carried through the steps of a layer in place: the inner loop of state gradients.

Any cell is carried by its `Derivative`. The LSTM has lines of its own, because it is the one that is asked most often
and long: the matrices of one step lie side by side, in memory that is used again, so that a step is one product and
four passes over what it gave. They compute what `derivatives.LSTM` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rnnstore.networks.derivatives import LSTM, Derivative

Arrays = Mapping[str, np.ndarray]
Done = Callable[[int], None]


class Carrier:
    """Carries tangents float32[rows, units] of a layer's states through its steps.

    `weights` are those of `Derivative.by_gate`; at most `kept` steps are ready at a time: `ready` of step t replaces
    step t - kept. `rows` are the rows of one word: the dimensions of the embedding.
    """

    def __init__(self, slope: Derivative, weights: Arrays, kept: int, rows: int) -> None:
        self.slope, self.weights, self.rows = slope, weights, rows

    def ready(self, t: int, factors: Arrays) -> Any:
        """What carries tangents through step t, from its factors, float32[units] each."""
        return self.slope.merge(self.weights, factors), factors

    def room(self, rows: int) -> Any:
        """Memory that `advance` may write into, for so many rows at most; every thread has its own."""
        return None

    def advance(self, step: Any, tangents: Arrays, room: Any, x: np.ndarray | None, done: Done) -> None:
        """One step on, in place; `x` are the tangents of the input, None where it does not change.

        `done` is called with the number of each word (from 0) as soon as its tangents are there.
        """
        merged, factors = step
        for name, moved in self.slope.push(merged, factors, tangents, x).items():
            tangents[name][...] = moved
        for number in range(len(moved) // self.rows):
            done(number)

    def begin(self, step: Any, tangents: Arrays) -> None:
        """The tangents of a first layer right after the word is read, one row a dimension of its embedding."""
        for values in tangents.values():
            values[...] = 0
        self.advance(step, tangents, None, np.eye(self.rows, dtype=np.float32), lambda number: None)


class LSTMCarrier(Carrier):
    """c = c kept + (h R_c + x K_c) and h = c shown + (h R_h + x K_h), with R = [R_c, R_h] and K = [K_c, K_h]."""

    def __init__(self, slope, weights, kept, rows) -> None:
        super().__init__(slope, weights, kept, rows)
        units, inputs = slope.cell.units, slope.cell.inputs
        self.gates = {}
        for name in ("recurrent", "kernel"):
            into_c = np.stack([weights[f"{name}.{gate}"] for gate in "ifg"], axis=1)  # [rows, 3, units]
            self.gates[name] = np.ascontiguousarray(into_c), np.ascontiguousarray(weights[f"{name}.o"])
        self.merged = {
            "recurrent": np.empty((kept, units, 2 * units), np.float32),
            "kernel": np.empty((kept, inputs, 2 * units), np.float32),
        }

    def ready(self, t, factors):
        into_c, units, merged = np.stack([factors[gate] for gate in "ifg"]), self.slope.cell.units, {}
        for name, (of_c, of_h) in self.gates.items():
            merged[name] = both = self.merged[name][t % len(self.merged[name])]
            np.einsum("rgu,gu->ru", of_c, into_c, out=both[:, :units])
            np.multiply(of_h, factors["o"], out=both[:, units:])
        return merged, factors

    def room(self, rows):
        return np.empty((rows, 2 * self.slope.cell.units), np.float32)

    def advance(self, step, tangents, room, x, done) -> None:
        merged, factors = step
        c, h = tangents["c"], tangents["h"]
        moved = np.matmul(h, merged["recurrent"], out=room[: len(h)])
        if x is not None:
            moved += x @ merged["kernel"]
        for number in range(len(c) // self.rows):  # word by word, while it is near the processor
            piece = slice(number * self.rows, (number + 1) * self.rows)
            self._finish(factors, moved[piece], c[piece], h[piece])
            done(number)

    def begin(self, step, tangents) -> None:
        merged, factors = step
        tangents["c"][...] = 0
        self._finish(factors, merged["kernel"], tangents["c"], tangents["h"])

    def _finish(self, factors, moved, c, h) -> None:
        units = self.slope.cell.units
        np.multiply(c, factors["kept"], out=c)
        np.add(c, moved[:, :units], out=c)
        np.multiply(c, factors["shown"], out=h)
        np.add(h, moved[:, units:], out=h)


def carrier(slope: Derivative, weights: Arrays, kept: int, rows: int) -> Carrier:
    """What carries tangents through a layer; see `Carrier`."""
    return (LSTMCarrier if isinstance(slope, LSTM) else Carrier)(slope, weights, kept, rows)
