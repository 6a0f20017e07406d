"""What a recording found out besides its tables: how well the network predicts, and a sample to check it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from rnnstore.frameworks.chunks import Chunk

SAMPLE = 2_000
"""Steps of the first batch that are held to check a network by."""


@dataclass
class Sample:
    """Steps of the first batch: their words, what each recurrent module read there, and their states.

    ids      int64[n]; None where numbers are read
    starts   bool[n]
    read     by module, float32[n, inputs]
    series   by full name, float32[n, width]
    """

    ids: np.ndarray | None
    starts: np.ndarray
    read: Mapping[str, np.ndarray]
    series: Mapping[str, np.ndarray]


@dataclass
class Recorded:
    """Sums over all steps recorded so far, and the sample of the first batch."""

    steps: int = 0
    asked: int = 0
    loss: float = 0.0
    right: int = 0
    sample: Sample | None = field(default=None, repr=False)

    def take(self, chunk: Chunk) -> None:
        """Add a batch's steps."""
        self.steps += len(chunk)
        found = chunk.predictions
        if found is not None:
            known = ~np.isnan(found.loss)
            self.asked += int(known.sum())
            self.loss += float(found.loss[known].sum(dtype=np.float64))
            self.right += int((found.word_ids[known, 0] == found.targets[known]).sum())

    def metrics(self, predicts: str | None) -> list[tuple[str, str, float]]:
        """What stands on the card: the perplexity over words, or the accuracy of labels, of the recorded steps."""
        if not self.asked:
            return []
        if predicts == "words":
            return [("perplexity", "recorded", float(np.exp(self.loss / self.asked)))]
        return [("accuracy", "recorded", self.right / self.asked)]
