"""Recurrent cells: one step of each kind, written out so that every gate and every memory has a name.

A cell holds its weights as a plain dictionary of tensors or variables and knows nothing of time, batches of windows or
training. It declares its `states` (what it carries to the next step) and its `gates` (what it computes on the way) by
name and in order; those names, prefixed with the layer, are the names of the recorded time series. `step` is a pure
function of input, state and weights, so a Jacobian of one step can be taken with time as the batch axis.

Each step falls into two halves. `project` is the part that depends on the input alone; a whole window of it is one
matrix product outside the time loop. `advance` is the part that has to wait for the state before.

Weights are laid out as in Keras: gates side by side, `i f g o` for the LSTM and `z r g` for the GRU, so weights can be
exchanged with `keras.layers` as they are.
"""

import numpy as np
import tensorflow as tf


class Cell:
    """What all cells share: sizes, names, initial weights, and a step made of its two halves."""

    kind: str
    options: tuple[str, ...] = ()  # keyword arguments beside the sizes, as a recipe names them
    states: tuple[str, ...]  # carried from step to step, in recording order; the last, h, is what the next layer sees
    gates: tuple[str, ...]

    def __init__(self, inputs: int, units: int) -> None:
        self.inputs = inputs
        self.units = units
        self.weights: dict[str, tf.Tensor | tf.Variable] = {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, by name."""
        raise NotImplementedError

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """The input's share of the pre-activations, float32[..., gates * units], of x float32[..., inputs]."""
        return tf.tensordot(x, self.weights["kernel"], axes=1) + self.weights["bias"]

    def advance(self, projected: tf.Tensor, state: dict) -> tuple[dict, dict]:
        """The new state and the gates, by name, float32[batch, units] each, from a projected input and a state."""
        raise NotImplementedError

    def step(self, x: tf.Tensor, state: dict) -> tuple[dict, dict]:
        """The new state and the gates, by name, float32[batch, units] each, from an input float32[batch, inputs]."""
        return self.advance(self.project(x), state)

    def zeros(self, batch: int) -> dict[str, tf.Tensor]:
        """The state before a sequence: all zero, float32[batch, units] each."""
        return {name: tf.zeros((batch, self.units)) for name in self.states}

    def initial_weights(self, rng: np.random.Generator, limit: float | None) -> dict[str, np.ndarray]:
        """New weights: uniform in [-limit, limit] with zero biases, or, without a limit, Keras's defaults.

        Those are Glorot-uniform for what multiplies an input, orthogonal blocks for what multiplies a state, and 1 for
        the bias of an LSTM's forget gate.
        """
        weights = {}
        for name, shape in self.shapes().items():
            if name.startswith("bias"):
                weights[name] = np.zeros(shape, np.float32)
                self.set_forget_bias(weights[name], name, limit)
            elif limit is not None:
                weights[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
            elif name.startswith("recurrent"):
                blocks = [orthogonal(rng, self.units) for _ in range(shape[1] // self.units)]
                weights[name] = np.concatenate(blocks, axis=1)
            elif name.startswith("peephole"):
                weights[name] = np.zeros(shape, np.float32)
            else:
                bound = np.sqrt(6.0 / (shape[0] + shape[1]))
                weights[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
        return weights

    def set_forget_bias(self, bias: np.ndarray, name: str, limit: float | None) -> None:
        """Cells with a forget gate change their fresh zero bias here, in place."""


class Vanilla(Cell):
    """h = tanh(W x + U h' + b), Elman's network; keras.layers.SimpleRNN."""

    kind = "vanilla"
    states = ("h",)
    gates = ()

    def shapes(self):
        return {
            "kernel": (self.inputs, self.units),
            "recurrent": (self.units, self.units),
            "bias": (self.units,),
        }

    def advance(self, projected, state):
        return {"h": tf.tanh(projected + state["h"] @ self.weights["recurrent"])}, {}


class LSTM(Cell):
    """Long short-term memory; with `peepholes`, its gates see the memory too (Gers & Schmidhuber, 2000).

    i, f = sigmoid(.), g = tanh(.), c = f c' + i g, o = sigmoid(.), h = o tanh(c). A peephole is one weight a unit: of
    the memory before for i and f, of the new memory for o.
    """

    kind = "lstm"
    options = ("peepholes",)
    states = ("c", "h")
    gates = ("i", "f", "g", "o")

    def __init__(self, inputs: int, units: int, *, peepholes: bool = False) -> None:
        super().__init__(inputs, units)
        self.peepholes = peepholes

    def shapes(self):
        shapes = {
            "kernel": (self.inputs, 4 * self.units),
            "recurrent": (self.units, 4 * self.units),
            "bias": (4 * self.units,),
        }
        if self.peepholes:
            shapes |= {f"peephole_{gate}": (self.units,) for gate in "ifo"}
        return shapes

    def set_forget_bias(self, bias, name, limit) -> None:
        if limit is None:
            bias[self.units : 2 * self.units] = 1.0

    def advance(self, projected, state):
        i, f, g, o = tf.split(projected + state["h"] @ self.weights["recurrent"], 4, axis=-1)
        if self.peepholes:
            i += self.weights["peephole_i"] * state["c"]
            f += self.weights["peephole_f"] * state["c"]
        i, f, g = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g)
        c = f * state["c"] + i * g
        if self.peepholes:
            o += self.weights["peephole_o"] * c
        o = tf.sigmoid(o)
        return {"c": c, "h": o * tf.tanh(c)}, {"i": i, "f": f, "g": g, "o": o}


class GRU(Cell):
    """Gated recurrent unit: h = z h' + (1 - z) g, with update gate z and reset gate r.

    `reset="before"` is the published order, g = tanh(W x + U (r h') + b): the state is reset, then multiplied.
    `reset="after"` is Keras's and cuDNN's, g = tanh(W x + b + r (U h' + b')): one product for all three, and a second
    bias.
    """

    kind = "gru"
    options = ("reset",)
    states = ("h",)
    gates = ("z", "r", "g")

    def __init__(self, inputs: int, units: int, *, reset: str = "after") -> None:
        super().__init__(inputs, units)
        self.reset = reset

    def shapes(self):
        shapes = {
            "kernel": (self.inputs, 3 * self.units),
            "recurrent": (self.units, 3 * self.units),
            "bias": (3 * self.units,),
        }
        if self.reset == "after":
            shapes["bias_recurrent"] = (3 * self.units,)
        return shapes

    def advance(self, projected, state):
        h, recurrent, units = state["h"], self.weights["recurrent"], self.units
        if self.reset == "after":
            from_state = h @ recurrent + self.weights["bias_recurrent"]
            z, r = tf.split(tf.sigmoid(projected[..., : 2 * units] + from_state[..., : 2 * units]), 2, axis=-1)
            g = tf.tanh(projected[..., 2 * units :] + r * from_state[..., 2 * units :])
        else:
            z, r = tf.split(tf.sigmoid(projected[..., : 2 * units] + h @ recurrent[:, : 2 * units]), 2, axis=-1)
            g = tf.tanh(projected[..., 2 * units :] + (r * h) @ recurrent[:, 2 * units :])
        return {"h": z * h + (1.0 - z) * g}, {"z": z, "r": r, "g": g}


class NestedLSTM(Cell):
    """LSTMs in the memory of an LSTM (Moniz & Krueger, 2017), to any depth; depth 1 is the LSTM itself.

    At every depth, gates i, f, o are sigmoid and z is the identity, from the input and h'. What an LSTM would add up to
    its memory, i z + f c', becomes the input (i z) and the hidden state (f c') of the LSTM one level further in, whose
    output is the new memory. The innermost level is an ordinary LSTM step with z = tanh. Then h = o tanh(c), at every
    depth. Memories are `c1` (outer) to `c<depth>`; the forget gates' bias starts at 1 at every depth.
    """

    kind = "nested-lstm"
    options = ("depth",)

    def __init__(self, inputs: int, units: int, *, depth: int = 2) -> None:
        super().__init__(inputs, units)
        self.depth = depth
        self.states = (*(f"c{level}" for level in range(1, depth + 1)), "h")
        self.gates = tuple(f"{gate}{level}" for level in range(1, depth + 1) for gate in "ifzo")

    def shapes(self):
        shapes = {}
        for level in range(1, self.depth + 1):
            end = "" if level == 1 else str(level)
            shapes[f"kernel{end}"] = (self.inputs if level == 1 else self.units, 4 * self.units)
            shapes[f"recurrent{end}"] = (self.units, 4 * self.units)
            shapes[f"bias{end}"] = (4 * self.units,)
        return shapes

    def set_forget_bias(self, bias, name, limit) -> None:
        bias[self.units : 2 * self.units] = 1.0

    def advance(self, projected, state):
        memories, gates = {}, {}

        def level_step(level, projected, hidden):
            end = "" if level == 1 else str(level)
            i, f, z, o = tf.split(projected + hidden @ self.weights[f"recurrent{end}"], 4, axis=-1)
            i, f, o = tf.sigmoid(i), tf.sigmoid(f), tf.sigmoid(o)
            before = state[f"c{level}"]
            if level == self.depth:
                z = tf.tanh(z)
                memory = i * z + f * before
            else:
                end = str(level + 1)
                inner = (i * z) @ self.weights[f"kernel{end}"] + self.weights[f"bias{end}"]
                memory = level_step(level + 1, inner, f * before)
            memories[f"c{level}"] = memory
            gates.update({f"i{level}": i, f"f{level}": f, f"z{level}": z, f"o{level}": o})
            return o * tf.tanh(memory)

        h = level_step(1, projected, state["h"])
        return {name: memories.get(name, h) for name in self.states}, {name: gates[name] for name in self.gates}


def orthogonal(rng: np.random.Generator, units: int) -> np.ndarray:
    """A random orthogonal matrix, float32[units, units]."""
    q, r = np.linalg.qr(rng.standard_normal((units, units)))
    return (q * np.sign(np.diag(r))).astype(np.float32)


KINDS: dict[str, type[Cell]] = {cell.kind: cell for cell in (Vanilla, LSTM, GRU, NestedLSTM)}
"""The cells by their name in a recipe."""
