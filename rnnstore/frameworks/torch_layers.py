"""PyTorch: the recurrent layers of a module, found and restated with its weights as they are at that moment.

PyTorch has the gates of a GRU as r z n, with z for what stays; an LSTM's as ours. Both have two biases, which are added
up, but for the candidate of a GRU. Weights are transposed, a layer and direction has its own (`weight_ih_l0_reverse`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from rnnstore.errors import StoreError
from rnnstore.frameworks.layers import RecurrentLayer
from rnnstore.networks.cells import build

KINDS: tuple[type[nn.Module], ...] = (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)

_WRAPPERS = ("_orig_mod", "module")  # of torch.compile, of DataParallel and its kin


@dataclass(frozen=True)
class Found:
    """A recurrent module and where it stands in the whole one: `encoder`, `` for the whole one itself."""

    path: str
    module: Any

    @property
    def is_cell(self) -> bool:
        """Whether it is a cell, which reads a step a call."""
        return isinstance(self.module, nn.RNNCellBase)

    @property
    def directions(self) -> int:
        return 2 if not self.is_cell and self.module.bidirectional else 1

    @property
    def layers(self) -> int:
        return 1 if self.is_cell else int(self.module.num_layers)

    def name(self, layer: int, direction: int) -> str:
        """With which the series of a layer, from 0, and direction begin."""
        parts = [self.path] if self.path else []
        parts.append(f"layer{layer + 1}")
        if self.directions == 2:
            parts.append("backward" if direction else "forward")
        return ".".join(parts)

    def restated(self) -> list[RecurrentLayer]:
        """Its layers and directions with their weights of now, layer by layer, forward before backward."""
        return [
            self._restated(layer, direction) for layer in range(self.layers) for direction in range(self.directions)
        ]

    def weights(self, layer: int, direction: int) -> list[Any]:
        """The tensors of a layer and direction, as the framework's own kernels take them."""
        end = "" if self.is_cell else f"_l{layer}{'_reverse' if direction else ''}"
        names = [f"weight_ih{end}", f"weight_hh{end}"]
        names += [f"bias_ih{end}", f"bias_hh{end}"] if self.module.bias else []
        names += [f"weight_hr{end}"] if getattr(self.module, "proj_size", 0) else []
        return [getattr(self.module, name) for name in names]

    def _restated(self, layer: int, direction: int) -> RecurrentLayer:
        arrays = [as_float32(tensor) for tensor in self.weights(layer, direction)]
        into, within = arrays[0].T, arrays[1].T
        biases = arrays[2:4] if self.module.bias else [np.zeros(into.shape[1], np.float32)] * 2
        units = int(self.module.hidden_size)
        if isinstance(self.module, nn.GRU | nn.GRUCell):
            r_z_n = [_update_first(values, units) for values in (into, within, *biases)]
            cell = build("gru", into.shape[0], units, reset="after")
            weights = dict(zip(("kernel", "recurrent", "bias", "bias_recurrent"), r_z_n, strict=True))
        else:
            weights = {"kernel": into, "recurrent": within, "bias": biases[0] + biases[1]}
            if isinstance(self.module, nn.LSTM | nn.LSTMCell):
                cell = build("lstm", into.shape[0], units)
            else:
                cell = build("vanilla", into.shape[0], units, activation=self.module.nonlinearity)
        return RecurrentLayer(
            self.name(layer, direction),
            cell,
            {name: np.ascontiguousarray(values) for name, values in weights.items()},
            backward=direction == 1,
            projection=arrays[-1].T if getattr(self.module, "proj_size", 0) else None,
        )


def _update_first(values: np.ndarray, units: int) -> np.ndarray:
    """The columns of a GRU's gates as z r g, from PyTorch's r z n."""
    r, z, n = (values[..., block * units : (block + 1) * units] for block in range(3))
    return np.concatenate([z, r, n], axis=-1)


def as_float32(tensor: Any) -> np.ndarray:
    """A tensor of any kind of floats, on any device, as float32 in NumPy."""
    return tensor.detach().to(device="cpu", dtype=torch.float32).numpy()


def precision(tensor: Any) -> str:
    """The name of a tensor's type: float32, bfloat16, ..."""
    return str(tensor.dtype).removeprefix("torch.")


def unwrapped(model: Any) -> Any:
    """The module itself, out of what torch.compile and DataParallel put around it; `StoreError` for no module."""
    while isinstance(model, nn.Module):
        inner = next((getattr(model, name) for name in _WRAPPERS if _wraps(model, name)), None)
        if inner is None:
            return model
        model = inner
    raise StoreError(f"A torch.nn.Module was expected, and {type(model).__name__} was given.")


def _wraps(model: Any, name: str) -> bool:
    wrappers = ("OptimizedModule", "DataParallel", "DistributedDataParallel", "FullyShardedDataParallel")
    return type(model).__name__ in wrappers and isinstance(getattr(model, name, None), nn.Module)


def find(model: Any) -> list[Found]:
    """Every nn.LSTM, nn.GRU, nn.RNN and cell anywhere in a module, in the order of its parts; `StoreError` for none."""
    found = [Found(path, module) for path, module in model.named_modules() if isinstance(module, KINDS)]
    if found:
        return found
    hidden = [path or "itself" for path, module in model.named_modules() if _is_script(module)]
    if hidden:
        raise StoreError(
            f"The module is TorchScript ({hidden[0]}): its layers run inside a program that no hook can look into. "
            "Give the module from which it was made."
        )
    kinds = ", ".join(dict.fromkeys(type(module).__name__ for module in model.modules())) or "none"
    raise StoreError(
        f"{type(model).__name__} has no nn.LSTM, nn.GRU, nn.RNN or cell of these; its parts are {kinds}. States that a "
        "function of your own computes are given by states={'name': function}, or recorded as arrays "
        "(docs/recording.md)."
    )


def _is_script(module: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return isinstance(module, torch.jit.ScriptModule)


def widths(found: Sequence[Found]) -> dict[str, int]:
    """Width of every state and gate of these modules by name, in recording order."""
    return {name: width for each in found for layer in each.restated() for name, width in layer.widths.items()}


def parts(found: Sequence[Found]) -> Iterator[tuple[Found, int, int, RecurrentLayer]]:
    """(module, layer, direction, restated layer) of every part."""
    for each in found:
        for number, layer in enumerate(each.restated()):
            yield each, number // each.directions, number % each.directions, layer
