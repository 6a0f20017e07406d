"""A reading: what a network did at every step of a sentence or of a recorded span, ready to be looked at.

Typed or recorded, the two look alike from here on, so every view of a sentence takes either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from rnnstore.networks.interface import Trace


@dataclass(frozen=True)
class Reading:
    """Steps of a text with the series of a network at each; `n` steps.

    words        as the network read them
    typed        as the person wrote them: differs where a word is unknown or was changed; empty for an added word
    unknown      bool[n]: the vocabulary does not have what was typed
    starts       bool[n]: a sequence starts here, the state before it is zero
    states       name -> float32[n, units]
    gates        name -> float32[n, units]
    before       name -> float32[units], a state before the first step; zero where a sequence starts there
    keeping      state -> the gate that says how much of it is kept from the step before, where it is among `gates`
    predictions  t (0 is the first step), rank, word_id, word, probability, target, target_probability, loss, as the
                 store's table; None where none were recorded. A classifier's words are its labels, its targets null
    source       "typed", or which steps of which corpus
    notes        sentences about what is not as one might think
    classifier   whether the predictions are labels of the text, not what comes next
    trace        what the network did, for derivatives; None of a recorded span
    """

    words: list[str]
    typed: list[str]
    unknown: np.ndarray
    starts: np.ndarray
    states: dict[str, np.ndarray]
    gates: dict[str, np.ndarray]
    before: dict[str, np.ndarray]
    predictions: pa.Table | None
    source: str
    notes: list[str] = field(default_factory=list)
    classifier: bool = False
    keeping: Mapping[str, str] = field(default_factory=dict)
    trace: Trace | None = None

    def __len__(self) -> int:
        return len(self.words)
