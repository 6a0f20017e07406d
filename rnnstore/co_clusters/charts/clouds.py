"""The layout of a word cloud without overlaps.

Words are placed one after the other, the most important first, each at the free place nearest to the middle of the
cloud (in the metric of an ellipse with the proportions of the room). Widths of texts are estimated from the widest
character of the fonts that a browser may use.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_WIDTHS = (  # of the printable ASCII characters from the blank on, in hundredths of the font's size
    "28 29 43 56 56 89 67 25 33 33 42 58 28 33 28 35 56 56 56 56 56 56 56 56 56 56 28 28 58 58 58 56 102 67 67 72 72 "
    "67 61 78 72 28 50 67 56 83 72 78 67 78 72 67 61 72 67 94 67 67 61 30 35 30 50 56 54 56 56 50 56 56 29 56 56 25 "
    "25 50 25 83 56 56 56 56 35 50 34 56 50 72 50 50 50 33 26 33 58"
)
_OF = {chr(32 + index): int(width) / 100 for index, width in enumerate(_WIDTHS.split())}
_WIDE, _OTHER = 1.0, 0.72

LINE = 1.12
"""Height that a word takes, by its font's size."""

APART = 3.0
"""Pixels between neighbours in a line; above each other their lines are room enough."""

TYPICAL_SIZE, FILLED = 12.0, 0.66
"""Font size for the estimate of how many words fit, and the share of the room that they fill."""

_ACROSS, _DOWN = 5.0, 3.0
"""Pixels between the places that are tried."""


def text_width(text: str, size: float) -> float:
    """Pixels that `text` takes at most in a font of `size` pixels."""
    return size * sum(_OF.get(sign) or _other_character_width(sign) for sign in text)


@lru_cache(maxsize=4096)
def _other_character_width(sign: str) -> float:
    if unicodedata.combining(sign):
        return 0.0
    return _WIDE if unicodedata.east_asian_width(sign) in "WF" else _OTHER


def shorten(text: str, size: float, room: float) -> str:
    """`text`, cut with an ellipsis where it would take more than `room` pixels."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text}…"


@dataclass(frozen=True)
class Cloud:
    """The words that fit: `kept` their indices, `x` and `y` their centres relative to that of the cloud, `size` their
    font sizes, `texts` as they are drawn."""

    kept: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    texts: list[str]


@lru_cache(maxsize=512)
def cloud(
    texts: tuple[str, ...],
    importance: tuple[float, ...],
    room: tuple[float, float],
    sizes: tuple[float, float],
    first: int = 0,
) -> Cloud:
    """The cloud of as many words as fit into `room` (width, height), taken in the order given.

    Font sizes are linear in the `importance` of the words that are tried: from the smaller of `sizes` for the least to
    one that fills the room, and is at most the larger of them, for the greatest. Only the `first` words, if there is
    no room for them otherwise, are set as small as that takes.
    """
    width, height = room
    areas = np.array([(text_width(text, TYPICAL_SIZE) + APART) * TYPICAL_SIZE * LINE for text in texts])
    tried = min(len(texts), max(1, first, int(np.searchsorted(np.cumsum(areas), FILLED * width * height))))
    if not texts or width <= 0 or height <= 0:
        return Cloud(np.zeros(0, int), np.zeros(0), np.zeros(0), np.zeros(0), [])
    areas, nearness = areas[:tried], np.array(importance[:tried], float)
    low, high = nearness.min(), nearness.max()
    share = (nearness - low) / (high - low) if high > low else np.ones(tried)
    for largest in np.arange(sizes[1], sizes[0], -1.0):
        font = sizes[0] + (largest - sizes[0]) * share
        if (areas * (font / TYPICAL_SIZE) ** 2).sum() <= FILLED * width * height:
            break
    return _place_words(texts[:tried], font, sizes[0], width, height, first)


def _place_words(
    texts: Sequence[str], font: np.ndarray, least: float, width: float, height: float, first: int
) -> Cloud:
    across = np.arange(-(width // (2 * _ACROSS)), width // (2 * _ACROSS) + 1) * _ACROSS
    down = np.arange(-(height // (2 * _DOWN)), height // (2 * _DOWN) + 1) * _DOWN
    x, y = (places.ravel() for places in np.meshgrid(across, down))
    order = np.argsort((x / width) ** 2 + (y / height) ** 2, kind="stable")
    x, y = x[order], y[order]
    boxes = np.zeros((len(texts), 4))  # x, y, half width, half height of those set so far
    kept: list[tuple[int, float, str]] = []
    for index, text in enumerate(texts):
        for size in dict.fromkeys((float(font[index]), *([least] if index < max(first, 1) else []))):
            size = min(size, height / LINE)
            short = shorten(text, max(size * 0.8, least), width)
            size = min(size, size * width / max(text_width(short, size), 1e-9))
            half = (text_width(short, size) + APART) / 2, size * LINE / 2
            place = _first_free_place(x, y, half, boxes[: len(kept)], width, height)
            if place is not None:
                boxes[len(kept)] = (x[place], y[place], *half)
                kept.append((index, size, short))
                break
    found = boxes[: len(kept)]
    middle = np.array([_middle(found[:, 0], found[:, 2]), _middle(found[:, 1], found[:, 3])]) if kept else np.zeros(2)
    return Cloud(
        np.array([index for index, _, _ in kept], int),
        found[:, 0] - middle[0],
        found[:, 1] - middle[1],
        np.array([size for _, size, _ in kept], float),
        [text for _, _, text in kept],
    )


def _first_free_place(
    x: np.ndarray, y: np.ndarray, half: tuple[float, float], boxes: np.ndarray, width: float, height: float
) -> int | None:
    """The first place at which a box fits between the others; None where there is none."""
    inside = (np.abs(x) + half[0] <= width / 2 + APART) & (np.abs(y) + half[1] <= height / 2 + 0.5)
    for box in boxes:
        inside &= (np.abs(x - box[0]) >= half[0] + box[2]) | (np.abs(y - box[1]) >= half[1] + box[3])
    first = int(inside.argmax())
    return first if len(inside) and inside[first] else None


def _middle(centres: np.ndarray, halves: np.ndarray) -> float:
    return float(((centres - halves).min() + (centres + halves).max()) / 2)
