"""The axis of the bars in all glyphs of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnstore.sentences.charts.layout import PLOT
from rnnstore.sentences.measures import SequenceMeasures
from rnnstore.sentences.passages import Passage

FAR, KEPT = 4.0, 3.0
"""Where the longest bar is more than `FAR` times that of the median cluster, the axis ends at `KEPT` times the latter:
in an LSTM, a cluster of few units can grow to many times the values of the others."""


@dataclass(frozen=True)
class Axis:
    """The range of the bars, `up` and `down` (both positive), after those of each cluster were divided by `own`."""

    up: float
    down: float
    own: np.ndarray

    def height(self, values: np.ndarray) -> np.ndarray:
        """Pixels above the lower edge of the bars, clipped to the axis."""
        room = PLOT - 8
        shares = (np.clip(values / self.own, -self.down, self.up) + self.down) / (self.up + self.down)
        return 4 + room * shares

    def beyond(self, values: np.ndarray) -> np.ndarray:
        scaled = values / self.own
        return (scaled > self.up * 1.0001) | (scaled < -self.down * 1.0001)


def axis_of(passages: Sequence[Passage], own_scale: bool = False) -> Axis:
    """The axis that all bars share: to the longest, unless that flattens those of most clusters."""
    ends = [_ends(each.measures) for each in passages if len(each.words)]
    if not ends:
        return Axis(1.0, 1.0, np.ones(1))
    high = np.concatenate([each[0] for each in ends])
    low = np.concatenate([each[1] for each in ends])
    own = np.ones(high.shape[1])
    if own_scale:
        own = np.maximum(high.max(axis=0), -low.min(axis=0))
        own[own == 0] = 1
    high, low = high / own, -low / own
    typical = float(np.median(np.maximum(high, low).max(axis=0)))
    longest = max(float(high.max()), float(low.max()))
    limit = KEPT * typical if longest > FAR * typical > 0 else longest
    up, down = min(float(high.max()), limit), min(float(low.max()), limit)
    least = 0.12 * max(up, down) or 1.0
    return Axis(max(up, least), max(down, least), own)


def _ends(measures: SequenceMeasures) -> tuple[np.ndarray, np.ndarray]:
    """The upper and lower end of every bar with its hat, [n, clusters]."""
    high = np.maximum(measures.positive, measures.positive - measures.positive_change)
    low = np.minimum(measures.negative, measures.negative - measures.negative_change)
    return high, low
