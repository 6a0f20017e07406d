"""The few functions that a cell's step needs beside operators, so that the same lines run on any library's arrays.

A cell is written once, over `+ - * / @`, indexing and a `Namespace` that it is given. `NUMPY` is the one of the
application; `pipelines.tensors` has TensorFlow's, and other frameworks bring their own. Nothing here or in `cells`
imports one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import numpy as np

Array = Any
"""numpy.ndarray, or an array of any library whose operators are NumPy's."""


class Namespace(Protocol):
    """What a cell may call; arrays are float32, and axes are counted as NumPy counts them."""

    def tanh(self, x: Array) -> Array: ...
    def sigmoid(self, x: Array) -> Array: ...
    def exp(self, x: Array) -> Array: ...
    def log(self, x: Array) -> Array: ...
    def sqrt(self, x: Array) -> Array: ...
    def softplus(self, x: Array) -> Array: ...
    def maximum(self, x: Array, y: Array) -> Array: ...
    def where(self, condition: Array, x: Array, y: Array) -> Array: ...
    def sum(self, x: Array, axis: int) -> Array: ...
    def reshape(self, x: Array, shape: tuple[int, ...]) -> Array: ...
    def split(self, x: Array, parts: int) -> Sequence[Array]:
        """`parts` equal pieces along the last axis."""
        ...

    def concat(self, arrays: Sequence[Array]) -> Array:
        """Side by side along the last axis."""
        ...

    def transpose(self, x: Array) -> Array:
        """A matrix with its axes exchanged."""
        ...


class NumPy:
    """The `Namespace` of NumPy."""

    tanh = staticmethod(np.tanh)
    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    sqrt = staticmethod(np.sqrt)
    maximum = staticmethod(np.maximum)
    where = staticmethod(np.where)
    sum = staticmethod(np.sum)
    reshape = staticmethod(np.reshape)
    transpose = staticmethod(np.transpose)

    @staticmethod
    def sigmoid(x: np.ndarray) -> np.ndarray:
        """1 / (1 + exp(-x)), without overflow at either end."""
        return 0.5 + 0.5 * np.tanh(0.5 * x)

    @staticmethod
    def softplus(x: np.ndarray) -> np.ndarray:
        return np.logaddexp(x, np.float32(0))

    @staticmethod
    def split(x: np.ndarray, parts: int) -> Sequence[np.ndarray]:
        width = x.shape[-1] // parts
        return [x[..., part * width : (part + 1) * width] for part in range(parts)]

    @staticmethod
    def concat(arrays: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(arrays, axis=-1)


NUMPY = cast(Namespace, NumPy())
