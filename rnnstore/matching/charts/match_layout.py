"""Positions in the match view: words in columns or as running text around the starts, and heat maps beside them.

Places are shares of a width that only the browser knows; in running text, pixels are added to such a share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

ROW, LEGEND, HEADER = 18, 18, 24

HEAT_SHARE, HEATS_SHARE, HEAT_CELL, GAP = 0.16, 0.33, 0.0088, 0.012
"""Shares of the width: of a heat map and of all of them at most, of a cell of one at most (words need the room), and
between two."""


RUNNING_FROM = 13
"""Columns from which on words stand as running text, each as wide as it is: in even columns they would be cut."""

LETTER, CAPITAL, BESIDE = 6.2, 8.0, 9
"""Pixels that a small letter and a capital or digit take in running text, and a word besides, by estimate."""


@dataclass(frozen=True)
class Layout:
    """Where the matrix and each heat map stand, as shares of the width, and the rows, in pixels."""

    first: int
    columns: int
    heats: int
    running: bool = False

    @property
    def matrix(self) -> float:
        """The right edge of the matrix."""
        return 1 - self.heats * self.heat

    @property
    def top(self) -> int:
        return HEADER + self.heats * LEGEND

    @property
    def heat(self) -> float:
        return min(HEAT_SHARE, HEATS_SHARE / self.heats, HEAT_CELL * self.columns + GAP)

    @property
    def last(self) -> int:
        """The offset after the last column."""
        return self.first + self.columns

    def place(self, panel: int, offset: np.ndarray) -> np.ndarray:
        """Left edges of the cells at `offset` in the matrix (panel 0) or a heat map (from 1)."""
        left = 0.0 if panel == 0 else self.matrix + (panel - 1) * self.heat + GAP
        width = self.matrix if panel == 0 else self.heat - GAP
        if panel == 0 and self.running:
            offset = np.zeros(len(offset))  # where matches start; `beside` says how far from it
        return (left + (offset - self.first) / self.columns * width).astype(np.float32)

    def beside(self, cells: pa.Table) -> tuple[np.ndarray, np.ndarray]:
        """float32[cells] each: pixels from its `place` to the left and to the right edge of a word in the matrix."""
        if not self.running:
            return (np.zeros(cells.num_rows, np.float32),) * 2
        row, offset = cells["row"].to_numpy(), cells["offset"].to_numpy()
        wide = np.array([text_width(word) for word in cells["shown"].to_pylist()])
        right = np.cumsum(wide)
        left = right - wide
        # The start of each row's match: left of the first word that is not before it, or right of the last.
        rows = np.unique(row)
        origin = np.zeros(int(row.max(initial=-1)) + 1)
        for each in rows.tolist():
            here = np.flatnonzero(row == each)
            after = here[offset[here] >= 0]
            origin[each] = left[after[0]] if len(after) else right[here[-1]]
        return (left - origin[row]).astype(np.float32), (right - origin[row]).astype(np.float32)


def text_width(word: str) -> float:
    """Pixels that a word takes in running text, by estimate."""
    letters = sum(1 for sign in word if sign.islower() or sign in "'.,:;-!|()[] ")
    return BESIDE + LETTER * letters + CAPITAL * (len(word) - letters)
