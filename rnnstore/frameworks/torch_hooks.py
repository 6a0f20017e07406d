"""PyTorch: what each recurrent module reads and gives, taken by hooks while the whole module runs as it always does.

A module is left as it was: every part's training flag, the gradient mode, and no hook stays behind, whatever happens.
A call of a module is turned around here, so that from then on time comes first and sequences stand beside each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules import rnn as torch_rnn
from torch.nn.utils.rnn import PackedSequence

from rnnstore.errors import StoreError
from rnnstore.frameworks.layout import Layout
from rnnstore.frameworks.torch_layers import Found

_MODULE: Any = torch_rnn
"""PyTorch's module of recurrent layers, whose `_VF` are the kernels."""


@dataclass(frozen=True)
class Call:
    """One call of a recurrent module over a batch.

    x          tensor[rows, inputs] as `layout` has them
    outputs    tensor[rows, width of h, both directions side by side] of each layer
    before     by state, tensor[layers * directions, sequences, width]: the initial states
    after      likewise the last ones
    order      int64[sequences]: where each sequence of the batch stands in the layout
    packed     whether it was a packed sequence, whose ends are known
    batch_first  whether sequences came first in what it was given; None where that was not to be seen
    """

    x: Any
    outputs: list[Any]
    before: dict[str, Any]
    after: dict[str, Any]
    layout: Layout
    order: np.ndarray
    packed: bool
    batch_first: bool | None


class Calls:
    """The calls of recurrent modules while the hooks are there, by the module's path."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self.by_path: dict[str, list[Call]] = {}
        self.linear: list[Any] = []  # what linear layers gave, as it was returned
        self._kernels = LayerByLayer(_MODULE._VF)

    def clear(self) -> None:
        self.by_path, self.linear = {}, []

    @contextmanager
    def hooked(self, module: Any = None) -> Iterator[None]:
        """Hooks on every recurrent module, and on the linear layers of `module`, until the `with` is left."""
        handles, kernels = [], _MODULE._VF
        try:
            _MODULE._VF = self._kernels
            for part in () if module is None else module.modules():
                if isinstance(part, nn.Linear):
                    handles.append(part.register_forward_hook(lambda _part, _args, output: self._keep(output)))
            for each in self._found:
                take = self._take_cell if each.is_cell else self._take
                handles.append(each.module.register_forward_hook(_bound(take, each), with_kwargs=True))
            yield
        finally:
            _MODULE._VF = kernels
            for handle in handles:
                handle.remove()

    def _keep(self, output: Any) -> None:
        self.linear.append(output)

    def _take(self, found: Found, args: Any, kwargs: Any, output: Any) -> None:
        given = args[0] if args else kwargs["input"]
        state = args[1] if len(args) > 1 else kwargs.get("hx")
        values, last = output
        below = self._kernels.taken()
        if len(below) != found.layers - 1:
            raise StoreError(
                f"{found.path or 'The module'} does not run PyTorch's own kernels, so what its layers give is not "
                "known. Leave it out by states=."
            )
        if isinstance(given, PackedSequence):
            layout = Layout(given.batch_sizes.numpy().astype(np.int64))
            order = (
                np.arange(layout.sequences) if given.unsorted_indices is None else given.unsorted_indices.cpu().numpy()
            )
            x, outputs, first, packed = given.data, [*below, values.data], None, True
        else:
            if given.dim() == 2:  # one sequence
                axis, first = int(found.module.batch_first), None
                x, outputs = given.unsqueeze(1), [*(each.movedim(axis, 0) for each in below), values.unsqueeze(1)]
            else:
                first = bool(found.module.batch_first)
                x, *outputs = (each.transpose(0, 1) if first else each for each in (given, *below, values))
            layout, order, packed = Layout.rectangle(x.shape[0], x.shape[1]), np.arange(x.shape[1]), False
            x, outputs = _rows(x), [_rows(each) for each in outputs]
        after = self._states(found, last, layout.sequences)
        sorting = None if not packed or given.sorted_indices is None else given.sorted_indices
        if sorting is not None:
            after = {name: tensor.index_select(1, sorting) for name, tensor in after.items()}
        if state is None:
            before = {name: torch.zeros_like(tensor) for name, tensor in after.items()}
        else:
            before = self._states(found, state, layout.sequences)
            if sorting is not None:
                before = {name: tensor.index_select(1, sorting) for name, tensor in before.items()}
        call = Call(x, outputs, before, after, layout, order, packed, first)
        self.by_path.setdefault(found.path, []).append(call)

    def _take_cell(self, found: Found, args: Any, kwargs: Any, output: Any) -> None:
        given = args[0] if args else kwargs["input"]
        state = args[1] if len(args) > 1 else kwargs.get("hx")
        x = given.unsqueeze(0) if given.dim() == 1 else given
        named = {"h": output[0], "c": output[1]} if isinstance(found.module, nn.LSTMCell) else {"h": output}
        after = {name: tensor.reshape(1, len(x), -1) for name, tensor in named.items()}
        if state is None:
            before = {name: torch.zeros_like(tensor) for name, tensor in after.items()}
        else:
            given_state = state if isinstance(state, tuple | list) else (state,)
            before = {name: s.reshape(1, len(x), -1) for name, s in zip(named, given_state, strict=True)}
        layout = Layout.rectangle(1, len(x))
        h = after["h"][0].clone()
        call = Call(x.clone(), [h], _copies(before), _copies(after), layout, np.arange(len(x)), False, None)
        self.by_path.setdefault(found.path, []).append(call)

    def _states(self, found: Found, given: Any, sequences: int) -> dict[str, Any]:
        """States by name, tensor[layers * directions, sequences, width]."""
        named = {"h": given[0], "c": given[1]} if isinstance(found.module, nn.LSTM) else {"h": given}
        return {
            name: (tensor.unsqueeze(1) if tensor.dim() == 2 else tensor).expand(-1, sequences, -1)
            for name, tensor in named.items()
        }


class LayerByLayer:
    """PyTorch's recurrent kernels, which run a stack in one go, a layer at a time: so that every layer's h is seen.

    It stands in for `torch._VF` in PyTorch's own modules while hooks are there, in the thread that set them. What a
    module gives is what it gives anyway, and it takes no longer.
    """

    def __init__(self, kernels: Any) -> None:
        self._kernels, self._thread = kernels, threading.get_ident()
        self._below: list[Any] = []

    def taken(self) -> list[Any]:
        """What the layers under the top one gave in the last call."""
        below, self._below = self._below, []
        return below

    def __getattr__(self, name: str) -> Any:
        kernel = getattr(self._kernels, name)
        if name not in ("lstm", "gru", "rnn_tanh", "rnn_relu") or threading.get_ident() != self._thread:
            return kernel
        return partial(self._run, kernel)

    def _run(self, kernel: Any, *given: Any) -> Any:
        packed = not isinstance(given[3], bool)
        lead, (state, weights, bias, layers, _, training, both, *rest) = given[: 1 + packed], given[1 + packed :]
        directions, each = 1 + both, len(weights) // layers
        x, lasts, self._below = lead[0], [], []
        for number in range(layers):
            at = slice(number * directions, (number + 1) * directions)
            own = (
                tuple(s[at].contiguous() for s in state) if isinstance(state, tuple | list) else state[at].contiguous()
            )
            some = weights[number * each : (number + 1) * each]
            x, *last = kernel(x, *lead[1:], own, some, bias, 1, 0.0, training, both, *rest)
            lasts.append(last)
            if number < layers - 1:
                self._below.append(x)
        return (x, *(torch.cat(parts) for parts in zip(*lasts, strict=True)))


def _rows(values: Any) -> Any:
    """tensor[steps * sequences, width] of its own, so that what the module does to its own later changes nothing."""
    rows = values.reshape(-1, values.shape[-1])
    return rows.clone() if rows.data_ptr() == values.data_ptr() else rows


def _bound(take: Any, found: Found) -> Any:
    """A hook that gives `take` the module it is on, and changes nothing."""

    def hook(_module: Any, args: Any, kwargs: Any, output: Any) -> None:
        take(found, args, kwargs, output)

    return hook


def _copies(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


@contextmanager
def evaluated(model: Any) -> Iterator[None]:
    """The module in evaluation mode and without gradients; afterwards every part is as it was."""
    flags = [(part, part.training) for part in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for part, training in flags:
            part.training = training


def dropout_parts(model: Any) -> list[str]:
    """The parts that would drop values in training, as the module stands now: none where it is not in training."""
    found = []
    for path, part in model.named_modules():
        rate = getattr(part, "p", 0.0) if isinstance(part, nn.modules.dropout._DropoutNd) else 0.0
        if isinstance(part, nn.RNNBase):
            rate = part.dropout
        if part.training and rate:
            found.append(path or type(part).__name__)
    return found


def device_and_type(model: Any) -> tuple[Any, Any]:
    """Where a module's numbers are, and the type of its floats."""
    tensors = [*model.parameters(), *model.buffers()]
    floats = [tensor for tensor in tensors if tensor.is_floating_point()]
    if not tensors:
        raise StoreError(f"{type(model).__name__} has no parameters: nothing in it was learned.")
    return tensors[0].device, floats[0].dtype if floats else torch.float32
