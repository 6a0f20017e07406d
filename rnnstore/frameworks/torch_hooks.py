"""PyTorch: what each recurrent module reads and gives, taken by hooks while the whole module runs as it always does.

A module is left as it was: every part's training flag, the gradient mode, and no hook stays behind, whatever happens.
A call of a module is turned around here, so that from then on time comes first and sequences stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from rnnstore.errors import StoreError
from rnnstore.frameworks.layout import Layout
from rnnstore.frameworks.torch_layers import Found


@dataclass(frozen=True)
class Call:
    """One call of a recurrent module over a batch.

    x          tensor[rows, inputs] as `layout` has them
    output     tensor[rows, width of h, both directions side by side]
    before     by state, tensor[layers * directions, sequences, width]: the initial states
    after      likewise the last ones
    order      int64[sequences]: where each sequence of the batch stands in the layout
    packed     whether it was a packed sequence, whose ends are known
    batch_first  whether sequences came first in what it was given; None where that was not to be seen
    """

    x: Any
    output: Any
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

    def clear(self) -> None:
        self.by_path, self.linear = {}, []

    @contextmanager
    def hooked(self, module: Any = None) -> Iterator[None]:
        """Hooks on every recurrent module, and on the linear layers of `module`, until the `with` is left."""
        handles = []
        try:
            for part in () if module is None else module.modules():
                if isinstance(part, nn.Linear):
                    handles.append(part.register_forward_hook(lambda _part, _args, output: self._keep(output)))
            for each in self._found:
                take = self._take_cell if each.is_cell else self._take
                handles.append(each.module.register_forward_hook(_bound(take, each), with_kwargs=True))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _keep(self, output: Any) -> None:
        self.linear.append(output)

    def _take(self, found: Found, args: Any, kwargs: Any, output: Any) -> None:
        given = args[0] if args else kwargs["input"]
        state = args[1] if len(args) > 1 else kwargs.get("hx")
        values, last = output
        if isinstance(given, PackedSequence):
            layout = Layout(given.batch_sizes.numpy().astype(np.int64))
            order = (
                np.arange(layout.sequences) if given.unsorted_indices is None else given.unsorted_indices.cpu().numpy()
            )
            x, h, first, packed = given.data, values.data, None, True
        else:
            unbatched = given.dim() == 2
            if unbatched:
                x, h, first = given.unsqueeze(1), values.unsqueeze(1), None
            else:
                first = bool(found.module.batch_first)
                x, h = (given.transpose(0, 1), values.transpose(0, 1)) if first else (given, values)
            layout, order, packed = Layout.rectangle(x.shape[0], x.shape[1]), np.arange(x.shape[1]), False
            x, h = _rows(x), _rows(h)
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
        call = Call(x, h, before, after, layout, order, packed, first)
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
        h = after["h"][0]
        call = Call(x.clone(), h.clone(), _copies(before), _copies(after), layout, np.arange(len(x)), False, None)
        self.by_path.setdefault(found.path, []).append(call)

    def _states(self, found: Found, given: Any, sequences: int) -> dict[str, Any]:
        """States by name, tensor[layers * directions, sequences, width]."""
        named = {"h": given[0], "c": given[1]} if isinstance(found.module, nn.LSTM) else {"h": given}
        return {
            name: (tensor.unsqueeze(1) if tensor.dim() == 2 else tensor).expand(-1, sequences, -1)
            for name, tensor in named.items()
        }


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
