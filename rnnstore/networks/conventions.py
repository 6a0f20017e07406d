"""Weights as other frameworks have them, turned into ours: the arrays of a layer there, their shapes, their order.

Each convention loses no error and gives other numbers where it is mistaken for another, so every array is held
against the shape that it has there, in that framework's own words, before anything is made of it.

For n gates of D units and I inputs:

| convention | arrays of a layer | gates |
| --- | --- | --- |
| pytorch | weight_ih [n D, I], weight_hh [n D, D], bias_ih, bias_hh [n D] or none | i f g o; r z n |
| keras | kernel [I, n D], recurrent_kernel [D, n D], bias [n D]; GRU [2, 3 D] or [3 D] | i f c o; z r h |
| cudnn | as keras; the bias of an LSTM is [8 D], of a GRU [6 D] | i f c o; z r h |
| tensorflow1 | kernel [I + D, 4 D], bias [4 D]; the forget bias of 1 is in no file | i j f o |
| onnx | of one direction: W [n D, I], R [n D, D], B [2 n D] or none; P [3 D] for peepholes | i o f c; z r h |
| rnnstore | kernel, recurrent, bias, ... as in docs/network.md | i f g o; z r g |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from rnnstore.errors import StoreError, suggest
from rnnstore.networks.cells import CELLS, build

Convention = Literal["pytorch", "keras", "cudnn", "tensorflow1", "onnx", "rnnstore"]

GATES = {"lstm": 4, "gru": 3, "vanilla": 1}
"""How many blocks of units the weights of a cell have, in every convention but our own."""


@dataclass(frozen=True)
class LayerWeights:
    """A layer as a network file has it: the cell's kind, its units and options, and its weights by our names."""

    cell: str
    units: int
    options: Mapping[str, Any]
    weights: Mapping[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Arrays:
    """The arrays that were given for one layer, and who is told where one does not fit."""

    convention: str
    layer: int
    cell: str
    given: Mapping[str, Any]

    def get(self, name: str, *shape: int | None, optional: bool = False) -> np.ndarray | None:
        """float32 of this shape (None: any size); None for one that may be missing."""
        found = self.given.get(name, self.given.get(f"{name}_l0"))
        if found is None:
            if optional:
                return None
            known = [key for key, value in self.given.items() if hasattr(value, "shape")]
            raise StoreError(f"{self._where} lacks {name!r}; {suggest(name, known)}")
        array = as_float32(found, f"{name!r} of layer {self.layer}")
        if len(array.shape) != len(shape) or any(
            size is not None and size != actual for size, actual in zip(shape, array.shape, strict=True)
        ):
            wanted = ", ".join("any" if size is None else f"{size:,}" for size in shape)
            raise StoreError(f"{self._where} has {name!r} of shape {list(array.shape)}; [{wanted}] was expected there.")
        return array

    def need(self, name: str, *shape: int | None) -> np.ndarray:
        found = self.get(name, *shape)
        assert found is not None
        return found

    @property
    def _where(self) -> str:
        return f"Layer {self.layer} ({self.cell}, as {self.convention} has it)"


def as_float32(values: Any, what: str) -> np.ndarray:
    """An array of any framework as float32; `StoreError` where it cannot be one or is not finite."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().float()
    try:
        array = np.asarray(values, np.float32)
    except Exception as error:  # whatever a framework raises
        raise StoreError(f"{what} cannot be read as an array of numbers ({error}).") from error
    if not np.isfinite(array).all():
        raise StoreError(f"{what} holds a value that is no finite number.")
    return array


def layer_weights(convention: Convention, number: int, given: Mapping[str, Any]) -> LayerWeights:
    """A layer from the arrays of a convention and its `cell` ("lstm", "gru", "vanilla"), counted from 1.

    Options of the cell stand beside them: `reset` of a GRU, `activation` of a vanilla layer, `forget_bias` of a
    TensorFlow 1 LSTM. `StoreError` names the array, its shape, and the one that it has in that convention.
    """
    if convention not in _CONVENTIONS:
        raise StoreError(f"There is no convention {convention!r}: {suggest(convention, _CONVENTIONS)}")
    cell = str(given.get("cell", ""))
    if cell not in (CELLS if convention == "rnnstore" else GATES):
        raise StoreError(f"Layer {number} needs cell=: {suggest(cell, CELLS if convention == 'rnnstore' else GATES)}")
    return _CONVENTIONS[convention](Arrays(convention, number, cell, given))


def _reordered(values: np.ndarray, units: int, order: tuple[int, ...]) -> np.ndarray:
    """The blocks of the last axis in another order: our first one is their `order[0]`."""
    return np.concatenate([values[..., block * units : (block + 1) * units] for block in order], axis=-1)


def _pytorch(arrays: Arrays) -> LayerWeights:
    gates = GATES[arrays.cell]
    within = arrays.need("weight_hh", None, None)
    units = within.shape[1]
    within = arrays.need("weight_hh", gates * units, units).T
    into = arrays.need("weight_ih", gates * units, None).T
    biases = [arrays.get(name, gates * units, optional=True) for name in ("bias_ih", "bias_hh")]
    of_input, of_state = (np.zeros(gates * units, np.float32) if bias is None else bias for bias in biases)
    if arrays.cell == "gru":
        order = (1, 0, 2)  # r z n
        names = ("kernel", "recurrent", "bias", "bias_recurrent")
        values = (_reordered(each, units, order) for each in (into, within, of_input, of_state))
        return _layer(arrays, units, {"reset": "after"}, dict(zip(names, values, strict=True)))
    return _layer(arrays, units, {}, {"kernel": into, "recurrent": within, "bias": of_input + of_state})


def _keras(arrays: Arrays) -> LayerWeights:
    gates = GATES[arrays.cell]
    units = arrays.need("recurrent_kernel", None, None).shape[0]
    weights = {
        "kernel": arrays.need("kernel", None, gates * units),
        "recurrent": arrays.need("recurrent_kernel", units, gates * units),
    }
    given = arrays.given.get("bias")
    if arrays.cell != "gru":
        bias = arrays.get("bias", gates * units, optional=True)
        weights["bias"] = np.zeros(gates * units, np.float32) if bias is None else bias
        return _layer(arrays, units, {}, weights)
    after = arrays.given.get("reset_after", given is not None and len(np.shape(given)) == 2)
    if not after:
        bias = arrays.get("bias", 3 * units, optional=True)
        weights["bias"] = np.zeros(3 * units, np.float32) if bias is None else bias
        return _layer(arrays, units, {"reset": "before"}, weights)
    both = arrays.get("bias", 2, 3 * units, optional=True)
    both = np.zeros((2, 3 * units), np.float32) if both is None else both
    return _layer(arrays, units, {"reset": "after"}, weights | {"bias": both[0], "bias_recurrent": both[1]})


def _cudnn(arrays: Arrays) -> LayerWeights:
    """CuDNNLSTM and CuDNNGRU of Keras 2: two biases in one array, and every block of a kernel laid out anew."""
    gates = GATES[arrays.cell]
    units = arrays.need("recurrent_kernel", None, None).shape[0]
    inputs = arrays.need("kernel", None, gates * units).shape[0]

    def blocks(name: str, rows: int, turned: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        found = np.split(arrays.need(name, rows, gates * units), gates, axis=1)
        return np.concatenate([turned(block) for block in found], axis=1)

    both = arrays.need("bias", 2 * gates * units).reshape(2, gates * units)
    weights = {
        "kernel": blocks("kernel", inputs, lambda block: block.T.reshape(block.shape, order="F")),
        "recurrent": blocks("recurrent_kernel", units, lambda block: block.T),
    }
    if arrays.cell == "gru":
        return _layer(arrays, units, {"reset": "after"}, weights | {"bias": both[0], "bias_recurrent": both[1]})
    return _layer(arrays, units, {}, weights | {"bias": both[0] + both[1]})


def _tensorflow1(arrays: Arrays) -> LayerWeights:
    if arrays.cell != "lstm":
        raise StoreError(f"tensorflow1 has an LSTM's weights (BasicLSTMCell), not a {arrays.cell}'s; see keras.")
    kernel = arrays.need("kernel", None, None)
    units = kernel.shape[1] // 4
    inputs = kernel.shape[0] - units
    if kernel.shape[1] % 4 or inputs < 1:
        raise StoreError(
            f"Layer {arrays.layer} (lstm, as tensorflow1 has it) has 'kernel' of shape {list(kernel.shape)}; [inputs + "
            "units, 4 units] was expected there."
        )
    order = (0, 2, 1, 3)  # i j f o
    bias = _reordered(arrays.need("bias", 4 * units), units, order)
    bias[units : 2 * units] += float(arrays.given.get("forget_bias", 1.0))
    kernel = _reordered(kernel, units, order)
    return _layer(arrays, units, {}, {"kernel": kernel[:inputs], "recurrent": kernel[inputs:], "bias": bias})


def _onnx(arrays: Arrays) -> LayerWeights:
    gates = GATES[arrays.cell]
    units = arrays.need("R", None, None).shape[1]
    order = {"lstm": (0, 2, 3, 1), "gru": (0, 1, 2), "vanilla": (0,)}[arrays.cell]  # i o f c; z r h
    weights = {
        "kernel": _reordered(arrays.need("W", gates * units, None).T, units, order),
        "recurrent": _reordered(arrays.need("R", gates * units, units).T, units, order),
    }
    both = arrays.get("B", 2 * gates * units, optional=True)
    halves = np.zeros((2, gates * units), np.float32) if both is None else both.reshape(2, gates * units)
    of_input, of_state = (_reordered(half, units, order) for half in halves)
    if arrays.cell == "gru":
        if arrays.given.get("linear_before_reset", 0):
            weights |= {"bias": of_input, "bias_recurrent": of_state}
            return _layer(arrays, units, {"reset": "after"}, weights)
        return _layer(arrays, units, {"reset": "before"}, weights | {"bias": of_input + of_state})
    options: dict[str, Any] = {}
    weights["bias"] = of_input + of_state
    peepholes = arrays.get("P", 3 * units, optional=True) if arrays.cell == "lstm" else None
    if peepholes is not None:
        options["peepholes"] = True
        i, o, f = peepholes.reshape(3, units)
        weights |= {"peephole_i": i, "peephole_f": f, "peephole_o": o}
    return _layer(arrays, units, options, weights)


def _own(arrays: Arrays) -> LayerWeights:
    options = {name: arrays.given[name] for name in CELLS[arrays.cell].Options.model_fields if name in arrays.given}
    recurrent = arrays.need("recurrent", None, None)
    units = int(arrays.given.get("units", recurrent.shape[0]))
    cell = build(arrays.cell, arrays.need("kernel", None, None).shape[0], units, **options)
    return LayerWeights(
        arrays.cell, units, options, {name: arrays.need(name, *shape) for name, shape in cell.shapes().items()}
    )


def _layer(arrays: Arrays, units: int, options: dict[str, Any], weights: dict[str, np.ndarray]) -> LayerWeights:
    own = CELLS[arrays.cell].Options.model_fields
    options |= {name: arrays.given[name] for name in own if name in arrays.given and name not in options}
    return LayerWeights(arrays.cell, units, options, {name: np.ascontiguousarray(w) for name, w in weights.items()})


_CONVENTIONS: dict[Convention, Callable[[Arrays], LayerWeights]] = {
    "pytorch": _pytorch,
    "keras": _keras,
    "cudnn": _cudnn,
    "tensorflow1": _tensorflow1,
    "onnx": _onnx,
    "rnnstore": _own,
}
