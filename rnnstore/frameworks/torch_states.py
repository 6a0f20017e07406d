"""PyTorch: every state and gate of a recurrent module over one batch, from the calls that its hooks took.

The framework's kernels, run a layer at a time, say h of every layer at every step; the cell's equations give all else,
and h once more, which is compared with the framework's, as are the last h and c of every layer. A module that is called
step by step says all of it by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rnnstore.errors import StoreError
from rnnstore.frameworks.layers import RecurrentLayer, compare, series_of, series_of_steps
from rnnstore.frameworks.layout import Layout
from rnnstore.frameworks.torch_hooks import Call
from rnnstore.frameworks.torch_layers import Found, as_float32, precision


@dataclass(frozen=True)
class BatchStates:
    """What a recurrent module did over a batch.

    series   every state and gate by its full name, float32[rows, width] as `layout` has them
    before   every state before the first step by its full name, float32[sequences, width]
    read     float32[rows, inputs]: what its first layer read
    order    int64[sequences]: where each sequence of the batch stands in the layout
    """

    series: dict[str, np.ndarray]
    before: dict[str, np.ndarray]
    read: np.ndarray
    layout: Layout
    order: np.ndarray
    packed: bool
    batch_first: bool | None


def states_of(found: Found, calls: Sequence[Call]) -> BatchStates:
    """The states of a module that was called so over one batch; `StoreError` where they are not what its cell gives."""
    layers = found.restated()
    if len(calls) == 1 and not found.is_cell:
        return _of_one(found, calls[0], layers)
    sequences = {call.layout.sequences for call in calls}
    if any(call.packed for call in calls) or len(sequences) > 1:
        raise StoreError(
            f"{found.path or 'The module'} was called {len(calls)} times for one batch, with "
            f"{' and '.join(str(each) for each in sorted(sequences))} sequences: which steps are whose is not known. "
            "Leave it out by states=, or give batches of one sequence."
        )
    if found.directions == 2:
        raise StoreError(
            f"{found.path or 'The module'} reads in both directions and was called {len(calls)} times for one batch; "
            "that is no one reading of the sequence. Leave it out by states=."
        )
    if all(call.layout.steps == 1 for call in calls):
        return _of_steps(found, calls, layers)
    return _joined([_of_one(found, call, layers) for call in calls])


def _of_one(found: Found, call: Call, layers: Sequence[RecurrentLayer]) -> BatchStates:
    series: dict[str, np.ndarray] = {}
    firsts: dict[str, np.ndarray] = {}
    where = _Where(call.layout, np.argsort(call.order))
    exact = precision(call.outputs[-1])
    x = read = as_float32(call.x)
    for number, given in enumerate(call.outputs):
        h_both = as_float32(given)
        width = h_both.shape[1] // found.directions
        for direction in range(found.directions):
            at = number * found.directions + direction
            layer = layers[at]
            h = h_both[:, direction * width : (direction + 1) * width]
            before = {name: as_float32(values[at]) for name, values in call.before.items()}
            own = series_of(layer, x, h, before, call.layout)
            compare(f"{layer.name}.h", own["h"], h, exact, where)
            own["h"] = h
            for name, values in call.after.items():
                last = call.layout.last(own[name], layer.backward)
                compare(f"{layer.name}.{name}", last, as_float32(values[at]), exact, "the last step of a sequence")
            series |= {f"{layer.name}.{name}": values for name, values in own.items()}
            firsts |= {f"{layer.name}.{name}": values for name, values in before.items()}
        x = h_both
    return BatchStates(series, firsts, read, call.layout, call.order, call.packed, call.batch_first)


def _of_steps(found: Found, calls: Sequence[Call], layers: Sequence[RecurrentLayer]) -> BatchStates:
    layout = Layout.rectangle(len(calls), calls[0].layout.sequences)
    where = _Where(layout, np.arange(layout.sequences))
    x = read = as_float32(torch.cat([call.x for call in calls]))
    series: dict[str, np.ndarray] = {}
    firsts: dict[str, np.ndarray] = {}
    for at, layer in enumerate(layers):
        before, after = (
            {name: as_float32(torch.cat([values[name][at] for values in each])) for name in each[0]}
            for each in ([call.before for call in calls], [call.after for call in calls])
        )
        own = series_of_steps(layer, x, before)
        for name, values in after.items():
            compare(f"{layer.name}.{name}", own[name], values, precision(calls[0].outputs[-1]), where)
            own[name] = values
        series |= {f"{layer.name}.{name}": values for name, values in own.items()}
        firsts |= {f"{layer.name}.{name}": values[: layout.sequences] for name, values in before.items()}
        x = own["h"]
    return BatchStates(series, firsts, read, layout, np.arange(layout.sequences), False, None)


def _joined(parts: Sequence[BatchStates]) -> BatchStates:
    """Several calls, one after the other, as one reading."""
    sequences = parts[0].layout.sequences
    return BatchStates(
        {name: np.concatenate([part.series[name] for part in parts]) for name in parts[0].series},
        parts[0].before,
        np.concatenate([part.read for part in parts]),
        Layout.rectangle(sum(part.layout.steps for part in parts), sequences),
        np.arange(sequences),
        False,
        parts[0].batch_first,
    )


class _Where(dict[int, str]):
    """Which step of which sequence a row is, in words."""

    def __init__(self, layout: Layout, sequence_at: np.ndarray) -> None:
        super().__init__()
        self._layout, self._sequence_at = layout, sequence_at

    def __missing__(self, row: int) -> str:
        step = int(np.searchsorted(self._layout.offsets, row, "right")) - 1
        sequence = int(self._sequence_at[row - self._layout.offsets[step]])
        return f"step {step:,} of sequence {sequence:,} of the batch"
