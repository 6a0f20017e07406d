"""Cells on TensorFlow's tensors: the array namespace, and a layer with its weights.

What a cell computes stands in `rnnstore.networks.cells`, written over any library's arrays; here it gets tensors.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from rnnstore.networks.cells import Cell


class Tensors:
    """TensorFlow as a `rnnstore.networks.arrays.Namespace`."""

    tanh = staticmethod(tf.tanh)
    sigmoid = staticmethod(tf.sigmoid)
    exp = staticmethod(tf.exp)
    log = staticmethod(tf.math.log)
    sqrt = staticmethod(tf.sqrt)
    softplus = staticmethod(tf.math.softplus)
    maximum = staticmethod(tf.maximum)
    where = staticmethod(tf.where)
    sum = staticmethod(tf.reduce_sum)
    reshape = staticmethod(tf.reshape)
    transpose = staticmethod(tf.transpose)

    @staticmethod
    def split(x: tf.Tensor, parts: int) -> list[tf.Tensor]:
        return tf.split(x, parts, axis=-1)

    @staticmethod
    def concat(arrays: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.concat(arrays, axis=-1)


TENSORS = Tensors()


class TensorLayer:
    """A cell with its weights, tensors or variables by name; a step of it, whole or from a projected input."""

    def __init__(self, cell: Cell, weights: Mapping[str, tf.Tensor | tf.Variable] | None = None):
        self.cell, self.weights = cell, dict(weights or {})
        self.inputs, self.units, self.states, self.gates = cell.inputs, cell.units, cell.states, cell.gates

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """The input's share of the pre-activations, of x float32[..., inputs]."""
        if len(x.shape) == 2:
            return self.cell.project(self.weights, x)
        flat = self.cell.project(self.weights, tf.reshape(x, (-1, self.inputs)))
        return tf.reshape(flat, (*x.shape[:-1], flat.shape[-1]))

    def advance(self, projected: tf.Tensor, state: Mapping[str, tf.Tensor]) -> tuple[dict, dict]:
        """The new states and the gates, by name, float32[batch, width] each, from a projected input and a state."""
        return self.cell.step(TENSORS, self.weights, projected, state)

    def step(self, x: tf.Tensor, state: Mapping[str, tf.Tensor]) -> tuple[dict, dict]:
        """The same from an input float32[batch, inputs]."""
        return self.advance(self.project(x), state)

    def zeros(self, batch: int) -> dict[str, tf.Tensor]:
        """The state before a sequence: all zero, float32[batch, width] each."""
        return {name: tf.zeros((batch, self.cell.widths[name])) for name in self.states}
