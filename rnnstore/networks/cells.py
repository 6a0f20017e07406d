"""Recurrent cells read with NumPy: what one step of each kind computes, gate by gate.

A saved network says which cells it is made of; here stands what each of them needs (the shape of every weight) and
does with it, so that a sentence is read without TensorFlow. Weights lie as in the file: the gates side by side,
`i f g o` for the LSTM, `z r g` for the GRU and `i f z o` at every depth of the Nested LSTM.

A cell reads one sequence of steps: what a person types. All of it is float32, as it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Weights = Mapping[str, np.ndarray]
State = dict[str, np.ndarray]


class Cell:
    """A layer's cell: sizes, the names of its states and gates in recording order, and a step."""

    states: tuple[str, ...]
    gates: tuple[str, ...]

    def __init__(self, inputs: int, units: int) -> None:
        self.inputs, self.units = inputs, units

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, by name."""
        raise NotImplementedError

    def advance(self, weights: Weights, projected: np.ndarray, state: State) -> tuple[State, State]:
        """New state and gates, float32[..., units] each, from the input's share of the pre-activations and a state."""
        raise NotImplementedError

    def run(self, weights: Weights, x: np.ndarray, starts: np.ndarray, before: State | None = None) -> State:
        """Every state and gate, float32[steps, units], over inputs x float32[steps, inputs].

        The state before the first step is `before`, float32[units] each, zero when it is not given; before every step
        at which `starts` is true it is zero.
        """
        projected = x @ weights["kernel"] + weights["bias"]
        series = {name: np.empty((len(x), self.units), np.float32) for name in (*self.states, *self.gates)}
        zeros = dict.fromkeys(self.states, np.zeros(self.units, np.float32))
        state = before or zeros
        for t in range(len(x)):
            state, gates = self.advance(weights, projected[t], zeros if starts[t] else state)
            for name, value in (*state.items(), *gates.items()):
                series[name][t] = value
        return series


class Vanilla(Cell):
    """h = tanh(W x + U h' + b)."""

    states = ("h",)
    gates = ()

    def shapes(self):
        return {"kernel": (self.inputs, self.units), "recurrent": (self.units, self.units), "bias": (self.units,)}

    def advance(self, weights, projected, state):
        return {"h": np.tanh(projected + state["h"] @ weights["recurrent"])}, {}


class LSTM(Cell):
    """c = f c' + i g, h = o tanh(c); with peepholes, i and f see c' and o sees c."""

    states = ("c", "h")
    gates = ("i", "f", "g", "o")

    def __init__(self, inputs: int, units: int, *, peepholes: bool = False) -> None:
        super().__init__(inputs, units)
        self.peepholes = peepholes

    def shapes(self):
        seen = {f"peephole_{gate}": (self.units,) for gate in "ifo"} if self.peepholes else {}
        return _four_gates(self.inputs, self.units) | seen

    def advance(self, weights, projected, state):
        i, f, g, o = np.split(projected + state["h"] @ weights["recurrent"], 4, axis=-1)
        if self.peepholes:
            i = i + weights["peephole_i"] * state["c"]
            f = f + weights["peephole_f"] * state["c"]
        i, f, g = sigmoid(i), sigmoid(f), np.tanh(g)
        c = f * state["c"] + i * g
        o = sigmoid(o + weights["peephole_o"] * c) if self.peepholes else sigmoid(o)
        return {"c": c, "h": o * np.tanh(c)}, {"i": i, "f": f, "g": g, "o": o}


class GRU(Cell):
    """h = z h' + (1 - z) g; the reset gate acts before or after the product with the recurrent weights."""

    states = ("h",)
    gates = ("z", "r", "g")

    def __init__(self, inputs: int, units: int, *, reset: str = "after") -> None:
        super().__init__(inputs, units)
        self.reset = reset

    def shapes(self):
        wide = 3 * self.units
        second = {"bias_recurrent": (wide,)} if self.reset == "after" else {}
        return {"kernel": (self.inputs, wide), "recurrent": (self.units, wide), "bias": (wide,)} | second

    def advance(self, weights, projected, state):
        h, recurrent, two = state["h"], weights["recurrent"], 2 * self.units
        if self.reset == "after":
            of_state = h @ recurrent + weights["bias_recurrent"]
            z, r = np.split(sigmoid(projected[..., :two] + of_state[..., :two]), 2, axis=-1)
            g = np.tanh(projected[..., two:] + r * of_state[..., two:])
        else:
            z, r = np.split(sigmoid(projected[..., :two] + h @ recurrent[:, :two]), 2, axis=-1)
            g = np.tanh(projected[..., two:] + (r * h) @ recurrent[:, two:])
        return {"h": z * h + (1 - z) * g}, {"z": z, "r": r, "g": g}


class NestedLSTM(Cell):
    """LSTMs in the memory of an LSTM, to any depth (Moniz & Krueger, 2017).

    What an LSTM would add up, i z and f c', is the input and the hidden state of the LSTM one level further in, whose
    output is the new memory. The innermost level adds i tanh(z) and f c'.
    """

    def __init__(self, inputs: int, units: int, *, depth: int = 2) -> None:
        super().__init__(inputs, units)
        self.depth = depth
        self.states = (*(f"c{level}" for level in range(1, depth + 1)), "h")
        self.gates = tuple(f"{gate}{level}" for level in range(1, depth + 1) for gate in "ifzo")

    def shapes(self):
        shapes = _four_gates(self.inputs, self.units)
        for level in range(2, self.depth + 1):
            shapes |= {f"{name}{level}": shape for name, shape in _four_gates(self.units, self.units).items()}
        return shapes

    def advance(self, weights, projected, state):
        added, hidden, outputs, gates = None, state["h"], [], {}
        for level in range(1, self.depth + 1):  # inwards: what each level adds is the next one's input
            end = "" if level == 1 else str(level)
            if added is not None:
                projected = added @ weights[f"kernel{end}"] + weights[f"bias{end}"]
            i, f, z, o = np.split(projected + hidden @ weights[f"recurrent{end}"], 4, axis=-1)
            i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
            z = np.tanh(z) if level == self.depth else z
            gates |= {f"i{level}": i, f"f{level}": f, f"z{level}": z, f"o{level}": o}
            added, hidden = i * z, f * state[f"c{level}"]
            outputs.append(o)
        memory, memories = added + hidden, {}
        for level in range(self.depth, 0, -1):  # and out again: each output is the memory of the level around it
            memories[f"c{level}"] = memory
            memory = outputs[level - 1] * np.tanh(memory)
        return {name: memories.get(name, memory) for name in self.states}, gates


class Linearised(Cell):
    """A cell of which no more is known than the Jacobians of its steps; who makes one says in `run` what they are.

    `gates` names them: "c<h" is d c / d h', "h<x" is d h / d x, float32[steps, units, units or inputs] in the series
    that `run` gives. All `states` have `units` numbers, and `h`, one of them, is what the next layer reads.
    """

    def __init__(self, inputs: int, units: int, states: tuple[str, ...]) -> None:
        super().__init__(inputs, units)
        self.states = tuple(states)
        self.gates = tuple(f"{after}<{source}" for after in states for source in (*states, "x"))


def _four_gates(inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (inputs, 4 * units), "recurrent": (units, 4 * units), "bias": (4 * units,)}


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow at either end."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


KINDS: dict[str, type[Cell]] = {"vanilla": Vanilla, "lstm": LSTM, "gru": GRU, "nested-lstm": NestedLSTM}
"""The cells by their name in a saved network."""
