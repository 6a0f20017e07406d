"""Cells of one's own: connectivity, state gradients, itemized gradients of any step that TensorFlow can differentiate.

The cells that recipes name have derivatives written out by hand. Of any other cell the Jacobians of its single steps
are asked of a GradientTape, with time as the batch axis, so that one call answers for all steps of a stretch; carried
forward as tangents and back as cotangents they are all that an analysis needs. `OwnNetwork` then stands where a network
of the store does:

    def step(x, state):  # float32[rows, inputs] and float32[rows, units] by name; rows do not know of one another
        return {"h": tf.tanh(x @ W + state["h"] @ U)}

    own = OwnNetwork("mine", words, embedding, [OwnCell(step, inputs=8, units=16)], kernel, bias)
    rnnstore.networks.register(own)  # from here on, analyses of the model "mine" read it by `own`
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from rnnstore.errors import QuestionError
from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.cells.base import Arrays, Cell, Edit, total, unedited
from rnnstore.networks.tokenising import Tokenisation
from rnnstore.training.itemization import ItemizedGradient

Step = Callable[[tf.Tensor, dict[str, tf.Tensor]], dict[str, tf.Tensor]]

STEPS = 64  # whose Jacobians are computed in one call
LARGEST = 2 << 30  # bytes of Jacobians that are held for one text


class OwnCell(Cell):
    """A cell that is its `step`, a function of an input and a state to the next state, by name as in `states`.

    All states have `units` numbers; `h`, the last of them, is what the next layer reads. `QuestionError` where the step
    does not give that.
    """

    def __init__(self, step: Step, inputs: int, units: int, states: Sequence[str] = ("h",)) -> None:
        if "h" not in states:
            raise QuestionError(f"The states are {', '.join(states)}; call the one that the next layer reads h.")
        self._names = (*(name for name in states if name != "h"), "h")
        super().__init__(inputs, units)
        self.own_step = step
        row, vector = tf.TensorSpec((None, inputs)), tf.TensorSpec((None, units))
        state = dict.fromkeys(self.states, vector)
        self._forward = tf.function(self._run, input_signature=[row, tf.TensorSpec((None,)), state])
        self._jacobians = tf.function(self._batched, input_signature=[row, state])
        self._of_weights: dict[tuple[int, ...], Any] = {}
        self._try()

    def _try(self) -> None:
        given = self.own_step(tf.zeros((2, self.inputs)), {name: tf.zeros((2, self.units)) for name in self.states})
        if not isinstance(given, Mapping) or set(given) != set(self.states):
            found = f"the states {', '.join(given)}" if isinstance(given, Mapping) else f"a {type(given).__name__}"
            raise QuestionError(f"The step gave {found}; expected a dictionary with {', '.join(self.states)}.")
        for name, value in given.items():
            if tuple(value.shape) != (2, self.units):
                raise QuestionError(
                    f"The step gave {name} of shape {tuple(value.shape)} for 2 rows; expected (2, {self.units})."
                )

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(self._names, (self.units,))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A step has its weights in itself."""
        return {}

    def project(self, weights: Arrays, x: Array) -> Array:
        return x

    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        rows = {name: tf.constant(np.atleast_2d(values), tf.float32) for name, values in state.items()}
        after = self.own_step(tf.constant(np.atleast_2d(projected), tf.float32), rows)
        return {name: edit(name, after[name].numpy()) for name in self.states}, {}

    def run(
        self, weights: Arrays, x: np.ndarray, starts: np.ndarray, before: Arrays | None = None
    ) -> dict[str, np.ndarray]:
        x, keep = np.asarray(x, np.float32), np.where(starts, 0, 1).astype(np.float32)
        zeros = np.zeros(self.units, np.float32)
        first = {name: np.asarray(before[name] if before else zeros, np.float32)[None] for name in self.states}
        return {name: value.numpy() for name, value in self._forward(x, keep, first).items()}

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        """The Jacobians of steps: "c<h" is d c / d h', "h<x" is d h / d x, float32[..., units, units or inputs]."""
        assert x is not None  # `reads_input`
        found = self.jacobians(x.reshape(-1, self.inputs), {n: v.reshape(-1, self.units) for n, v in before.items()})
        return {name: values.reshape(*x.shape[:-1], *values.shape[1:]) for name, values in found.items()}

    def merge(self, weights: Arrays, residuals: Arrays) -> Any:
        return residuals

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        given = dict(tangents) if x is None else {**tangents, "x": x}
        return {
            after: total(_product(given[source], residuals[f"{after}<{source}"].swapaxes(-1, -2)) for source in given)
            for after in self.states
        }

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        before = {
            source: total(_product(cotangents[after], residuals[f"{after}<{source}"]) for after in self.states)
            for source in (*self.states, "x")
        }
        inner = {name: values.copy() for name, values in cotangents.items()}  # its memory is used again
        return {name: before[name] for name in self.states}, {**inner, "x": before["x"]}

    def jacobians(self, x: np.ndarray, before: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The Jacobians of steps by name, float32[steps, units, units or inputs], from their inputs float32[steps,
        inputs] and the states before each. `QuestionError` where they are more than memory can hold."""
        bytes_a_step = 4 * len(self.states) * self.units * (len(self.states) * self.units + self.inputs)
        if len(x) * bytes_a_step > LARGEST:
            raise QuestionError(
                f"The Jacobians of {len(x):,} steps through {self.units} units need {len(x) * bytes_a_step >> 20:,} MB"
                f"; read at most {LARGEST // bytes_a_step:,} steps at a time."
            )
        parts = []
        for begin in range(0, len(x), STEPS):
            here = slice(begin, begin + STEPS)
            parts.append(self._jacobians(x[here], {name: values[here] for name, values in before.items()}))
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

    def of_weights(
        self,
        x: np.ndarray,
        before: Mapping[str, np.ndarray],
        cotangents: Mapping[str, np.ndarray],
        weights: Sequence[tf.Variable],
    ) -> np.ndarray:
        """float32[rows, numbers of all weights]: a step's gradients by weights, for rows of cotangents of its states.

        `x` float32[1, inputs], `before` float32[1, units] by name, `cotangents` float32[rows, units] by name.
        """
        key = tuple(id(weight) for weight in weights)
        if key not in self._of_weights:
            found = partial(self._by_weights, weights)
            self._of_weights[key] = tf.function(found, reduce_retracing=True)
        return self._of_weights[key](x, dict(before), dict(cotangents)).numpy()

    def _run(self, x: tf.Tensor, keep: tf.Tensor, state: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        steps = tf.shape(x)[0]
        shape = (1, self.units)
        arrays = {name: tf.TensorArray(tf.float32, steps, element_shape=shape) for name in self.states}
        state = {name: tf.ensure_shape(value, shape) for name, value in state.items()}

        def body(
            t: tf.Tensor, state: dict[str, tf.Tensor], arrays: dict[str, tf.TensorArray]
        ) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.TensorArray]]:
            after = self.own_step(x[t][None], {name: keep[t] * value for name, value in state.items()})
            after = {name: tf.ensure_shape(after[name], shape) for name in self.states}
            return t + 1, after, {name: array.write(t, after[name]) for name, array in arrays.items()}

        _, _, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, state, arrays))
        return {name: array.concat() for name, array in arrays.items()}

    def _batched(self, x: tf.Tensor, before: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        sources = {**before, "x": x}
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(sources)
            after = self.own_step(x, before)
        zero = tf.UnconnectedGradients.ZERO
        return {
            f"{name}<{source}": tape.batch_jacobian(after[name], values, unconnected_gradients=zero)
            for name in self.states
            for source, values in sources.items()
        }

    def _by_weights(
        self,
        weights: Sequence[tf.Variable],
        x: tf.Tensor,
        before: dict[str, tf.Tensor],
        cotangents: dict[str, tf.Tensor],
    ) -> tf.Tensor:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(weights)
            after = self.own_step(x, before)

        def of_row(row: dict[str, tf.Tensor]) -> tf.Tensor:
            given = [row[name][None] for name in self.states]
            found = tape.gradient(
                [after[name] for name in self.states],
                weights,
                given,
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return tf.concat([tf.reshape(gradient, (-1,)) for gradient in found], 0)

        return tf.vectorized_map(of_row, cotangents)


class OwnNetwork(CellNetwork):
    """A network of one's own cells, for whatever asks a `Network`; `rnnstore.networks.register` makes it known.

    `words` are the vocabulary, `embedding` float32[words, inputs] their vectors, `layers` the cells from the bottom
    up, `kernel` float32[units, outputs] and `bias` float32[outputs] what makes scores of the top layer's h (they can be
    left out where nothing is asked of predictions), `outputs` the labels of a classifier. `tokenisation` says how typed
    text becomes words (docs/network.md).
    """

    def __init__(
        self,
        name: str,
        words: Iterable[str],
        embedding: np.ndarray,
        layers: Sequence[OwnCell],
        kernel: np.ndarray | None = None,
        bias: np.ndarray | None = None,
        *,
        outputs: Iterable[str] | None = None,
        tokenisation: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.words = name, list(words)
        self.describe(layers)
        self.outputs = self.words if outputs is None else list(outputs)
        self.classifier = outputs is not None
        self.tokenisation = None if tokenisation is None else Tokenisation.model_validate(tokenisation)
        self.can = frozenset({"gradients", "edits"})
        self.can |= {"text"} if self.tokenisation else set()
        self.can |= set() if kernel is None else {"scores"}
        top = self.cells[-1].units
        self._embedding = self._fitting("embedding", embedding, (len(self.words), self.input_width))
        kernel = np.zeros((top, len(self.outputs))) if kernel is None else kernel
        self._kernel = self._fitting("kernel", kernel, (top, len(self.outputs)))
        given = np.zeros(len(self.outputs)) if bias is None else bias
        self._bias = self._fitting("bias", given, (len(self.outputs),))
        for number, (below, above) in enumerate(pairwise(self.cells), 1):
            if below.units != above.inputs:
                raise QuestionError(
                    f"Layer {number + 1} reads {above.inputs} numbers, and layer {number} has {below.units} units."
                )

    def _fitting(self, what: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if np.shape(values) != shape:
            raise QuestionError(f"The {what} of {self.name!r} has shape {np.shape(values)}; expected {shape}.")
        return np.asarray(values, np.float32)

    def embed(self, ids: np.ndarray) -> np.ndarray:
        x = self._embedding[np.maximum(ids, 0)]
        x[np.asarray(ids) < 0] = 0
        return x

    def layer_weights(self, number: int) -> Mapping[str, np.ndarray]:
        """A step has its weights in itself."""
        return {}

    def output_weights(self) -> tuple[np.ndarray, np.ndarray]:
        return self._kernel, self._bias


def itemized_gradients(
    network: OwnNetwork,
    ids: np.ndarray,
    starts: np.ndarray,
    cotangents: np.ndarray,
    weights: Mapping[int, Sequence[tf.Variable]],
) -> dict[int, ItemizedGradient]:
    """From which step's loss to which step's copy of its weights the gradient of one text reaches, by layer.

    `cotangents` float32[steps, units]: the gradient of each step's loss at the top layer's h. `weights` names, for each
    layer that is asked about (from 1), the variables in its step that count, such as the recurrent ones.
    """
    steps, trace = len(ids), network.run([ids], [starts])
    found = {layer: np.full((2, steps, steps), np.nan, np.float32) for layer in weights}
    for arrived in network.unrolled(trace).back(np.asarray(cotangents, np.float32)[:, None], inputs=False):
        j = arrived.step
        for layer, variables in weights.items():
            cell = network.cells[layer - 1]
            assert isinstance(cell, OwnCell)
            x = trace.x[j] if layer == 1 else trace.series[f"layer{layer - 1}.h"][j]
            fresh = j == 0 or starts[j]
            earlier = {
                name: trace.before[key] if fresh else trace.series[key][j - 1]
                for name, key in ((name, f"layer{layer}.{name}") for name in cell.states)
            }
            rows = cell.of_weights(x, earlier, {name: arrived.inner[layer][name] for name in cell.states}, variables)
            whole = rows.sum(axis=0)
            size = np.linalg.norm(whole)
            found[layer][0, j:, j] = np.linalg.norm(rows, axis=1)
            found[layer][1, j:, j] = rows @ whole / size if size > 0 else 0
    return {layer: ItemizedGradient(*both) for layer, both in found.items()}


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Rows times a step's Jacobian: one for all, or one each."""
    matrix = matrix.reshape(-1, *matrix.shape[-2:])
    return rows @ matrix[0] if len(matrix) == 1 else (rows[:, None] @ matrix)[:, 0]
