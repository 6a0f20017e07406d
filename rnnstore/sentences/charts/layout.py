"""The layout of a glyph view: a column per token, wrapped into lines like text (across), or a row per token (down).

Across, the passages stand one under the other, line by line, so that aligned words stand in one column; the memory
chips lie below. Down, each passage is a column of tokens and the chips stand to the right, as in the paper. Places
along the width are shares of it (0 to 1), so that a picture fits any page; heights are pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

WORD, TRACKS, PLOT, PREDICTED, CAME = 22, 24, 88, 15, 15
"""Pixels of a word, of the tracks on which preserved information is read, of the bars, of a predicted word, and of the
probability of the one that came."""

GAP, LEGEND, LINKS, HEADING = 14, 18, 58, 22
FEWEST_COLUMNS = 10
"""A line has room for so many glyphs at least: three wide ones say no more than three narrow ones."""

CHIP_LEFT, WORD_SHARE, PREDICTED_SHARE, WIDEST_DOWN = 0.74, 0.3, 0.26, 0.5
"""Down: where the chips begin, and the shares of a passage's column for its words, its predictions and all of it."""


@dataclass(frozen=True)
class Arrangement:
    """How the passages stand: `down` or across, `per_line` tokens a line, the columns `first` to `last` (half-open)
    of all, and in which column each passage begins (`offsets`)."""

    down: bool = False
    per_line: int = 16
    first: int = 0
    last: int | None = None
    offsets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Places:
    """The shown tokens of one passage: their index in it, and the boxes of glyph, word and predictions.

    `x`, `width` (of glyph and, across, of everything), `word_x`, `word_width`, `predicted_x`, `predicted_width` are
    shares; `top` is the upper edge of the tokens' tracks, `word_top` of the word, `predicted_top` of the predictions.
    """

    index: np.ndarray
    x: np.ndarray
    width: float
    top: np.ndarray
    word_x: np.ndarray
    word_width: float
    word_top: np.ndarray
    predicted_x: np.ndarray
    predicted_width: float
    predicted_top: np.ndarray

    @property
    def plot(self) -> np.ndarray:
        """Upper edges of the bars."""
        return self.top + TRACKS

    @property
    def bottom(self) -> np.ndarray:
        return self.plot + PLOT


@dataclass(frozen=True)
class Layout:
    """Places of passages with `lengths` tokens, of which `predicted` next words are shown for each, below a legend of
    so many lines."""

    lengths: tuple[int, ...]
    arrangement: Arrangement
    predicted: int = 0
    legends: int = 2

    @property
    def offsets(self) -> tuple[int, ...]:
        return self.arrangement.offsets or (0,) * len(self.lengths)

    @property
    def columns(self) -> int:
        """Columns that the passages have together."""
        return max((offset + length for offset, length in zip(self.offsets, self.lengths, strict=True)), default=0)

    @property
    def shown(self) -> tuple[int, int]:
        """The columns that are shown, half-open."""
        last = self.columns if self.arrangement.last is None else min(self.arrangement.last, self.columns)
        return min(self.arrangement.first, max(last - 1, 0)), last

    @property
    def predictions(self) -> int:
        """Pixels under a glyph for the predicted words, where any are shown."""
        return self.predicted * PREDICTED + CAME + 4 if self.predicted else 0

    @property
    def row(self) -> int:
        """Pixels from one line of glyphs, or one glyph, to the next."""
        if self.arrangement.down:
            return max(TRACKS + PLOT, self.predictions) + GAP
        return WORD + TRACKS + PLOT + self.predictions + GAP

    @property
    def per_line(self) -> int:
        first, last = self.shown
        return max(min(self.arrangement.per_line, last - first), FEWEST_COLUMNS)

    @property
    def top(self) -> int:
        """Pixels above the first glyph."""
        return self.legends * LEGEND + 6 + (HEADING if self.arrangement.down and len(self.lengths) > 1 else 0)

    @cached_property
    def rows(self) -> list[tuple[int, int]]:
        """Across: (line, passage) of each row of glyphs, those left out in which a passage has no token."""
        first, last = self.shown
        wanted = []
        for line in range(-(-(last - first) // self.per_line)):
            low, high = first + line * self.per_line, min(first + (line + 1) * self.per_line, last)
            for passage, (offset, length) in enumerate(zip(self.offsets, self.lengths, strict=True)):
                if max(offset, low) < min(offset + length, high):
                    wanted.append((line, passage))
        return wanted

    @property
    def lines(self) -> int:
        """The number of glyphs, or rows of glyphs, below one another."""
        first, last = self.shown
        return last - first if self.arrangement.down else len(self.rows)

    @property
    def glyphs_bottom(self) -> int:
        return self.top + self.lines * self.row

    def places(self, passage: int) -> Places:
        """The places of the shown tokens of a passage."""
        first, last = self.shown
        offset, length = self.offsets[passage], self.lengths[passage]
        index = np.arange(max(first - offset, 0), max(min(last - offset, length), 0))
        column = index + offset - first
        return self._down(passage, index, column) if self.arrangement.down else self._across(passage, index, column)

    def _across(self, passage: int, index: np.ndarray, column: np.ndarray) -> Places:
        cell = 1 / self.per_line
        place = {line: at for at, (line, of) in enumerate(self.rows) if of == passage}
        x = column % self.per_line * cell
        row = np.array([place[line] for line in (column // self.per_line).tolist()], float)
        top = self.top + row * self.row
        return Places(
            index, x + 0.04 * cell, 0.92 * cell, top + WORD,
            x + 0.02 * cell, 0.96 * cell, top,
            x + 0.04 * cell, 0.92 * cell, top + WORD + TRACKS + PLOT + 4,
        )  # fmt: skip

    def _down(self, passage: int, index: np.ndarray, column: np.ndarray) -> Places:
        room = min(WIDEST_DOWN, (CHIP_LEFT - 0.1) / len(self.lengths))
        top = (self.top + column * self.row).astype(float)
        left = np.full(len(index), passage * room)
        predicted = PREDICTED_SHARE * room if self.predicted else 0.04 * room
        glyph = room * (1 - WORD_SHARE) - predicted
        return Places(
            index, left + WORD_SHARE * room, glyph * 0.97, top,
            left, WORD_SHARE * room * 0.95, top + TRACKS + PLOT / 2 - WORD / 2,
            left + WORD_SHARE * room + glyph, predicted * 0.9, top + max(0, (TRACKS + PLOT - self.predictions) / 2),
        )  # fmt: skip


@dataclass(frozen=True)
class Chips:
    """Where the memory chips stand: `x`, `y` (left, upper edge) and `width` of each, side of a cell, rows of cells, and
    where a link ends (`link_x`, `link_y`)."""

    x: np.ndarray
    y: np.ndarray
    width: np.ndarray
    slot_x: np.ndarray
    slot_width: np.ndarray
    cell_width: float
    cell_height: float
    rows: int
    link_x: np.ndarray
    link_y: np.ndarray

    @property
    def height(self) -> float:
        return self.rows * self.cell_height


WORD_LINE, WORD_LINES = 13, 4
CELL = 11
"""Pixels of a memory cell's side at most."""


def rows_of_cells(units: int) -> int:
    """Rows of cells of all chips, so that a few units fit as well as two thousand."""
    return int(np.clip(round(units / 110), 3, 16))


def chips_across(sizes: np.ndarray, top: float, default_width: int) -> Chips:
    """Chips of these numbers of units side by side, all of one height; each with room for its words below."""
    rows = rows_of_cells(int(sizes.sum()))
    slot = 0.5 / len(sizes) + 0.5 * sizes / sizes.sum()
    columns = np.maximum(-(-sizes // rows), 1)
    cell = min(CELL / default_width, float((slot * 0.9 / columns).min()))
    slot_x = np.cumsum(slot) - slot
    width = columns * cell
    x = slot_x + (slot - width) / 2
    y = np.full(len(sizes), float(top))
    return Chips(x, y, width, slot_x, slot, cell, CELL, rows, x + width / 2, y - 3)


def chips_down(sizes: np.ndarray, centre: float, top: float, bottom: float) -> Chips:
    """Chips stacked to the right of the glyphs, around the height `centre`, within `top` and `bottom` where they fit;
    each with a line for its words below."""
    rows = min(rows_of_cells(int(sizes.sum())), 6)
    columns = np.maximum(-(-sizes // rows), 1)
    cell = min(0.0085, (1 - CHIP_LEFT) / float(columns.max()))
    pitch = rows * CELL + 2 * WORD_LINE + 8
    first = np.clip(centre - pitch * len(sizes) / 2, top, max(top, bottom - pitch * len(sizes)))
    y = first + np.arange(len(sizes)) * pitch
    width = columns * cell
    x = np.full(len(sizes), CHIP_LEFT)
    slot = np.full(len(sizes), 1 - CHIP_LEFT)
    return Chips(x, y, width, x, slot, cell, CELL, rows, x - 0.004, y + rows * CELL / 2)
