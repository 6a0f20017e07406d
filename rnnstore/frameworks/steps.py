"""The steps of a batch that are recorded: those of its sequences, in order, without padding.

A rectangle of numbers has sequences first or steps first. The recurrent layer that reads it says which; where it has as
many sequences as steps, equal ids must read equal rows in one of the two ways, and that decides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.frameworks.batches import as_array, is_floating
from rnnstore.frameworks.layout import Layout


@dataclass(frozen=True)
class Steps:
    """Which steps of a batch of `sequences` of up to `steps` are recorded: step `step[n]` of sequence `sequence[n]`."""

    sequences: int
    steps: int
    batch_first: bool
    sequence: np.ndarray
    step: np.ndarray

    def __len__(self) -> int:
        return len(self.step)

    @property
    def starts(self) -> np.ndarray:
        """bool[n]: the first recorded step of a sequence of this batch."""
        return np.diff(self.sequence, prepend=-1) != 0

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of one value a step, in the order of the batch."""
        return (self.sequences, self.steps) if self.batch_first else (self.steps, self.sequences)

    def of(self, values: np.ndarray) -> np.ndarray:
        """The recorded steps of values[sequences, steps, ...] in the order of the batch."""
        return values[self.sequence, self.step] if self.batch_first else values[self.step, self.sequence]

    @property
    def flat(self) -> np.ndarray:
        """int64[n]: where the recorded steps stand when the batch is flattened."""
        first, second = (self.sequence, self.step) if self.batch_first else (self.step, self.sequence)
        return first * self.shape[1] + second

    def rows(self, layout: Layout, order: np.ndarray) -> np.ndarray:
        """int64[n]: the rows of a layer's layout in which they stand."""
        return layout.rows(order[self.sequence], self.step)

    def first(self, count: int) -> Steps:
        """The first `count` of them."""
        return Steps(self.sequences, self.steps, self.batch_first, self.sequence[:count], self.step[:count])


def shape_of(given: Any) -> tuple[int, ...]:
    """The shape of the steps of an input: of ids all axes, of numbers all but the last."""
    shape = tuple(int(size) for size in given.shape)
    return shape[:-1] if is_floating(given) else shape


def is_batch_first(
    given: Any, layout: Layout, packed: bool, said: bool | None, name: str, read: np.ndarray, order: np.ndarray
) -> bool:
    """Whether sequences come first in an input, by the layer that read it; `StoreError` where both may be, or none.

    `said` is what the caller says. `read` float32[rows, inputs] is what the layer read, as `layout` has it, and `order`
    where each sequence stands in it.
    """
    shape = shape_of(given)
    if len(shape) == 1:
        if layout.sequences != 1 or layout.steps != shape[0]:
            raise StoreError(_unlike(name, layout, shape))
        return False
    if len(shape) != 2:
        raise StoreError(
            f"The input has the shape {list(given.shape)}: ids of shape [sequences, steps] or numbers of shape "
            "[sequences, steps, channels] were expected, or the two with steps first."
        )
    readings = [
        first
        for first, (sequences, steps) in ((True, shape), (False, shape[::-1]))
        if sequences == layout.sequences and (steps >= layout.steps if packed else steps == layout.steps)
    ]
    if said is not None:
        readings = [first for first in readings if first == said]
    if not readings:
        raise StoreError(_unlike(name, layout, shape))
    if len(readings) == 2:
        readings = [first for first in readings if _reads_alike(as_array(given), layout, first, read, order)]
    if len(readings) == 1:
        return readings[0]
    raise StoreError(
        f"A batch has the shape {list(shape)}: that may be sequences of steps, or steps of sequences. Say which: "
        "batch_first=True (sequences first) or batch_first=False."
    )


def _reads_alike(given: np.ndarray, layout: Layout, first: bool, read: np.ndarray, order: np.ndarray) -> bool:
    """Whether equal inputs are read as equal rows where sequences come `first`."""
    by_sequence = given if first else given.swapaxes(0, 1)
    sequence = np.repeat(np.arange(layout.sequences), layout.lengths[order])
    step = np.concatenate([np.arange(length) for length in layout.lengths[order]])
    rows = read[layout.rows(order[sequence], step)]
    values = by_sequence[sequence, step].reshape(len(rows), -1)
    _, one, group = np.unique(values, axis=0, return_index=True, return_inverse=True)
    return bool(np.allclose(rows[one][group.ravel()], rows, rtol=1e-3, atol=1e-5))


def _unlike(name: str, layout: Layout, shape: tuple[int, ...]) -> str:
    return (
        f"{name or 'The recurrent layer'} reads {layout.sequences:,} sequences of {layout.steps:,} steps where the "
        f"input has the shape {list(shape)}: its steps are not those of the input, so they cannot stand beside the "
        "same words. Leave it out by states=, or record it with an input of its own."
    )


def recorded_steps(
    given: Any, batch_first: bool, lengths: Any, mask: Any, padding: int | None, packed_lengths: np.ndarray | None
) -> Steps:
    """The steps that are no padding, by what is known of it: `mask`, `lengths`, those of a packed sequence, or the id
    that an embedding has for padding, at the ends of sequences."""
    shape = shape_of(given)
    if len(shape) == 1:
        shape, given_ids = (shape[0], 1), as_array(given).reshape(-1, 1) if not is_floating(given) else None
    else:
        given_ids = as_array(given) if not is_floating(given) else None
    sequences, steps = shape if batch_first else shape[::-1]
    real = np.ones((sequences, steps), bool)
    if mask is not None:
        values = as_array(mask)
        if values.shape not in (shape, (*shape, 1)):
            raise StoreError(
                f"The mask has the shape {list(values.shape)}; that of the steps, {list(shape)}, was expected."
            )
        values = values.reshape(shape)
        real &= (values if batch_first else values.T).astype(bool)
    if lengths is not None or packed_lengths is not None:
        counts = as_array(lengths).reshape(-1) if lengths is not None else packed_lengths
        assert counts is not None
        if counts.shape != (sequences,) or counts.min(initial=0) < 0 or counts.max(initial=0) > steps:
            raise StoreError(
                f"The lengths are {counts.tolist()[:8]} of {len(counts):,} sequences; {sequences:,} whole numbers "
                f"from 0 to {steps:,} were expected."
            )
        real &= np.arange(steps)[None] < counts[:, None]
    elif mask is None and padding is not None and given_ids is not None:
        words = (given_ids if batch_first else given_ids.T) != padding
        real &= np.cumsum(words, axis=1) > 0
        real &= np.cumsum(words[:, ::-1], axis=1)[:, ::-1] > 0
    sequence, step = np.nonzero(real)
    return Steps(sequences, steps, batch_first, sequence, step)
