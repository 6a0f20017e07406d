"""Scalar tracks as lines above their coloured cells, for signals such as a sensor's.

Coloured cells distinguish a few levels, such as nesting; of a signal they show where it is high, not how it moves. The
numbers at the right give the line's scale: that of the whole corpus or, where the window covers a small part of that
range, the window's own, which is then labelled "own scale".
"""

from __future__ import annotations

import math
from collections.abc import Callable

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import LABELS, Palette
from rnnstore.drawing.picture import at_y, data
from rnnstore.matching.windows import Window
from rnnstore.store.card import Track

SIGNAL, EDGE = 34, 4
"""Height of a line's row in pixels, and the distance of its greatest and least value from the edges."""

OWN_BELOW = 0.2
"""Share of the corpus's range below which a window is drawn on a scale of its own."""


def is_signal(track: Track) -> bool:
    """Whether a track is drawn as a line: a scalar one with more than a few whole numbers."""
    if track.kind != "scalar" or track.minimum is None or track.maximum is None:
        return False
    return not _is_whole(track) or track.maximum - track.minimum > LABELS


def _is_whole(track: Track) -> bool:
    """Whether a track has whole numbers only; for one recorded before the card noted that, judged by its range."""
    if track.whole is not None:
        return track.whole
    return float(track.minimum or 0).is_integer() and float(track.maximum or 0).is_integer()


def number_in(track: Track, number: float) -> str:
    """A number of a track as text: whole, or precise to a hundredth of it and of the track's range."""
    span = 0.0 if _is_whole(track) else (track.maximum or 0.0) - (track.minimum or 0.0)
    return numeral(number, min(span, abs(number)) or span)


def signal_tables(track: Track, annotations: pa.Table, seen: Window, top: float) -> tuple[pa.Table, pa.Table]:
    """A track's line over the window, a row a step (t, t2, mid, y in pixels, piece, alone, caption), and its scale (y,
    caption). A piece is a part of the line without gaps: it ends where a value is missing and where a sequence ends.
    """
    rows = annotations.filter(pc.equal(annotations["track"], track.name))
    steps = rows["t"].to_numpy()
    numbers = rows["number"].to_numpy(zero_copy_only=False).astype(float)
    low, high, own = _scale(track, numbers)
    share = (numbers - low) / (high - low) if high > low else np.where(np.isnan(numbers), np.nan, 0.5)
    heights = top + SIGNAL - EDGE - share * (SIGNAL - 2 * EDGE)
    starts = seen.words["position"].to_numpy()[steps - seen.start] == 0
    given = ~np.isnan(numbers)
    piece = np.cumsum(starts | ~given | ~np.r_[False, given[:-1]])
    alone = given & (np.bincount(piece, weights=given)[piece] == 1) if len(piece) else given
    line = pa.table(
        {
            "t": pa.array(steps, pa.int32()),
            "t2": pa.array(steps + 1, pa.int32()),
            "mid": pa.array(steps + 0.5, pa.float64()),
            "y": pa.array(heights, pa.float32(), from_pandas=True),
            "piece": pa.array(piece, pa.int32()),
            "alone": pa.array(alone, pa.bool_()),
            "caption": pa.array([_exactly(number) for number in numbers.tolist()], pa.string()),
        }
    )
    labels: list[tuple[float, str]] = []
    if high > low:
        labels = [(EDGE, numeral(high, high - low)), (SIGNAL - EDGE, numeral(low, high - low))]
    labels += [(SIGNAL / 2, "own scale")] if own else []
    labels += [(SIGNAL / 2, numeral(low))] if high == low and given.any() else []
    scale = pa.table(
        {
            "y": pa.array([top + y for y, _ in labels], pa.float32()),
            "caption": pa.array([text for _, text in labels], pa.string()),
        }
    )
    return line, scale


def _scale(track: Track, numbers: np.ndarray) -> tuple[float, float, bool]:
    """(low, high, whether these are the window's own) of a line."""
    low, high = float(track.minimum or 0), float(track.maximum or 0)
    given = numbers[~np.isnan(numbers)]
    if len(given) and 0 < given.max() - given.min() < OWN_BELOW * (high - low):
        return float(given.min()), float(given.max()), True
    return low, high, False


def _exactly(number: float) -> str:
    return "no value" if math.isnan(number) else f"{number:,.10g}"


def signal_layers(
    name: str, title: str, top: float, x: Callable[[str], alt.X], cell: str, palette: Palette
) -> list[alt.Chart]:
    """The layers of one line, over the tables `name` and `name`_scale; `x` gives the window's axis of steps over a
    column, `cell` is the width of a step as an expression."""
    rows = data(name)
    height = at_y()
    drawn = rows.transform_filter("isValid(datum.y)")
    # The tooltip shows wherever the pointer is in a step's column.
    column = rows.mark_rect(fill=palette.surface, stroke=palette.surface, strokeWidth=1)
    line = drawn.mark_line(color=palette.text, strokeWidth=1.3, tooltip=None)
    point = drawn.mark_point(color=palette.text, filled=True, size=16, tooltip=None)
    scale = data(f"{name}_scale").mark_text(
        align="left", baseline="middle", fontSize=11, color=palette.muted, tooltip=None
    )
    return [
        column.encode(
            x("t"),
            alt.X2("t2"),
            y=alt.value(top + 1),
            y2=alt.value(top + SIGNAL - 1),
            tooltip=[alt.Tooltip("caption:N", title=title), alt.Tooltip("t:Q", title="step", format=",d")],
        ),
        line.encode(x("mid"), height, alt.Detail("piece:N")),
        point.encode(x("mid"), height, opacity=alt.value(alt.ExprRef(f"datum.alone || {cell} > 8 ? 1 : 0"))),
        scale.encode(height, x=alt.value(alt.ExprRef("width + 6")), text="caption:N"),
    ]
