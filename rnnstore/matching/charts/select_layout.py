"""Where the rows of the select view stand: plot, linked states, words, pattern, tracks, predictions, legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from rnnstore.matching.charts.linked_states import LINKED_HEIGHT
from rnnstore.matching.charts.scalar_tracks import SIGNAL

MARGIN = {"left": 88, "right": 116, "top": 24, "bottom": 4}
PLOT, GAP = 192, 6
WORDS_FLAT, WORDS_UPRIGHT = 24, 66
LEAST_FLAT, LEAST_UPRIGHT, LEAST_CHARACTER = 14, 7.5, 4.5
"""Pixels of a cell below which its word is left out: horizontal, upright, of a single character."""
PATTERN, TRACK, PREDICTED, LEGEND = 20, 20, 16, 18


@dataclass(frozen=True)
class Rows:
    """The rows of a select view; heights are pixels from the top of the plot."""

    upright: bool
    tracks: int
    predicted: int
    signals: tuple[int, ...] = ()
    """Which of the tracks have a line above their cells."""
    linked: int = 0
    """How many linked states stand between the first one's plot and the words."""

    def linked_top(self, index: int) -> int:
        return PLOT + GAP + index * LINKED_HEIGHT

    @property
    def words(self) -> int:
        return self.linked_top(self.linked)

    @property
    def pattern(self) -> int:
        return self.words + (WORDS_UPRIGHT if self.upright else WORDS_FLAT)

    def track(self, index: int) -> int:
        return self.pattern + PATTERN + index * TRACK + sum(SIGNAL for signal in self.signals if signal <= index)

    @property
    def predictions(self) -> int:
        return self.track(self.tracks) + (GAP if self.tracks else 0)

    @property
    def probability(self) -> int:
        return self.predictions + self.predicted * PREDICTED

    @property
    def legend(self) -> int:
        return self.probability + (PREDICTED + 2 if self.predicted else 0) + GAP

    def titles(self, tracks: Sequence[str], predicted: tuple[str, str]) -> pa.Table:
        """The name of each row and the height of its middle; `predicted` names the rows of `row_titles`."""
        titled = [("words", (self.words + self.pattern) / 2), ("pattern", self.pattern + 10)]
        titled += [(track, self.track(index) + TRACK / 2 - 1) for index, track in enumerate(tracks)]
        if self.predicted:
            titled.append((predicted[0], self.predictions + PREDICTED / 2))
            titled.append((predicted[1], self.probability + PREDICTED / 2 + 1))
        names, heights = zip(*titled, strict=True)
        return pa.table({"title": pa.array(names, pa.string()), "y": pa.array(heights, pa.float32())})
