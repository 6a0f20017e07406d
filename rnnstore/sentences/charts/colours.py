"""Colours of changes and of text in glyphs and running text (orange: increase, blue: decrease), and numbers with
nulls."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette, interpolate

UP, DOWN, UP_LOST, DOWN_LOST = 5, 1, 4, 2
"""Positions on the diverging scale: of a gain, and the paler one of a loss."""


def numbers(values: np.ndarray) -> pa.Array:
    """float32, NaN as null."""
    return pa.array(np.asarray(values, np.float32).ravel(), pa.float32(), from_pandas=True)


def hat_colours(change: np.ndarray, gained: np.ndarray, palette: Palette) -> list[str]:
    """Orange for a change upwards and blue downwards; full where it was gained, pale where it was lost."""
    places = np.where(change > 0, np.where(gained, UP, UP_LOST), np.where(gained, DOWN, DOWN_LOST))
    return [palette.diverging[place] for place in places.ravel().tolist()]


def text_colours(
    values: np.ndarray | None, index: np.ndarray, palette: Palette, of: np.ndarray | None = None
) -> list[str]:
    """Colours behind words by `values` (those at `index`), on the scale of all values in `of`; none without values."""
    if values is None:
        return ["transparent"] * len(index)
    scale, low, high = text_scale(values if of is None else of, palette)
    return interpolate(scale, (np.asarray(values, float)[index] - low) / ((high - low) or 1))


def text_scale(values: np.ndarray, palette: Palette) -> tuple[tuple[str, ...], float, float]:
    """(colours, low, high): blue to orange around zero, or one of the two where all values are on one side of it."""
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if len(values) else (0.0, 0.0)
    if low < 0 < high:
        reach = max(-low, high)
        return palette.diverging, -reach, reach
    middle = len(palette.diverging) // 2
    return (palette.diverging[: middle + 1] if high <= 0 else palette.diverging[middle:]), low, high
