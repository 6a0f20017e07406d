"""How the steps of a batch of sequences lie in rows: time by time, the sequences that go on before those that ended.

That is the layout of a packed sequence; a rectangle of sequences of one length is the case in which none ends. What a
layer's state was before each step is one gather of rows, and an elementwise recurrence runs over slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Layout:
    """`counts` int64[steps]: how many sequences have a step t, never more than at t - 1."""

    counts: np.ndarray

    @staticmethod
    def rectangle(steps: int, sequences: int) -> Layout:
        """Sequences of one length."""
        return Layout(np.full(steps, sequences, np.int64))

    @property
    def steps(self) -> int:
        return len(self.counts)

    @property
    def sequences(self) -> int:
        return int(self.counts[0])

    @cached_property
    def offsets(self) -> np.ndarray:
        """int64[steps]: the row at which each step begins."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64[sequences]: the steps of each, as they stand."""
        return (self.counts[None] > np.arange(self.sequences)[:, None]).sum(axis=1)

    def rows(self, sequences: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """int64[n]: the rows of these steps of these sequences."""
        return self.offsets[steps] + sequences

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """(step, sequence) of each row."""
        step = np.repeat(np.arange(self.steps), self.counts)
        return step, np.arange(len(step)) - self.offsets[step]

    def before(self, values: np.ndarray, initial: np.ndarray, backward: bool = False) -> np.ndarray:
        """float32[rows, width]: the values at the step before, `initial` float32[sequences, width] at the first.

        A layer that reads `backward` has the step after as the step before.
        """
        step, sequence = self._places
        if backward:
            follows = step + 1 < self.lengths[sequence]
            next_step = np.minimum(step + 1, self.steps - 1)
            source = np.where(follows, self.sequences + self.offsets[next_step] + sequence, sequence)
        else:
            earlier = np.maximum(step - 1, 0)
            source = np.where(step > 0, self.sequences + self.offsets[earlier] + sequence, sequence)
        return np.concatenate([initial, values])[source]

    def last(self, values: np.ndarray, backward: bool = False) -> np.ndarray:
        """float32[sequences, width]: the values after the last step that is read, of each sequence."""
        sequences = np.arange(self.sequences)
        return values[self.rows(sequences, np.zeros_like(sequences) if backward else self.lengths - 1)]

    def scan(self, kept: np.ndarray, added: np.ndarray, initial: np.ndarray, backward: bool = False) -> np.ndarray:
        """c = kept c' + added, float32[rows, width]: elementwise, step by step, from `initial`."""
        found = np.empty_like(kept)
        state = np.array(initial, np.float32)
        bounds = list(zip(self.offsets.tolist(), self.counts.tolist(), strict=True))
        for first, count in reversed(bounds) if backward else bounds:
            rows = slice(first, first + count)
            here = np.multiply(kept[rows], state[:count], out=found[rows])
            here += added[rows]
            state[:count] = here
        return found
