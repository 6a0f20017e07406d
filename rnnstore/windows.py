"""Windows: what a view of a stretch of the corpus shows, ready to be drawn.

A window is a few hundred steps at most, so everything here is small: words made visible, the spread of all units as
five quantiles a step (two thousand lines would be a wall, five numbers are not), single units, and what stands beside
the words in tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.model import Model

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"})


def visible(word: str) -> str:
    """`word` as it is shown: blanks, line ends and tabs as signs, an empty word as a dot.

    >>> visible("a b\\n"), visible("")
    ('a␣b↵', '·')
    """
    if not word:
        return "·"
    return "".join(sign if sign.isprintable() else "�" for sign in word.translate(_VISIBLE))


@dataclass(frozen=True)
class Window:
    """Steps start..stop-1 of a state: `words` (t, word, shown, sequence, position), `values` float[steps, units] as
    stored, and `bands`, the quantiles of all units at each step (t, low, lower, middle, upper, high; float32)."""

    start: int
    stop: int
    words: pa.Table
    values: np.ndarray
    bands: pa.Table

    @property
    def steps(self) -> int:
        return self.stop - self.start


def window(model: Model, state: str, start: int, stop: int) -> Window:
    """The window of a state over steps start..stop-1; raises `QuestionError` when there are no such steps."""
    words = model.words(start, stop)
    shown = pa.array([visible(word) for word in words["word"].to_pylist()], pa.string())
    values = model.vectors(state, start, stop)
    quantiles = np.quantile(values.astype(np.float32), QUANTILES, axis=1) if stop > start else np.zeros((5, 0))
    low, lower, middle, upper, high = quantiles.astype(np.float32)
    return Window(
        start=start,
        stop=stop,
        words=words.select(["t", "sequence", "position", "word"]).append_column("shown", shown),
        values=values,
        bands=pa.table(
            {
                "t": np.arange(start, stop, dtype=np.int32),
                "low": low,
                "lower": lower,
                "middle": middle,
                "upper": upper,
                "high": high,
            }
        ),
    )


def lines(seen: Window, units: Sequence[int] | np.ndarray) -> pa.Table:
    """The values of `units` in a window, a row a unit and step: t int32, unit int32, value float32."""
    units = np.asarray(units, np.int32)
    return pa.table(
        {
            "t": np.tile(np.arange(seen.start, seen.stop, dtype=np.int32), len(units)),
            "unit": np.repeat(units, seen.steps),
            "value": seen.values[:, units].T.astype(np.float32).ravel(),
        }
    )


def window_start(model: Model, step: int, steps: int) -> int:
    """Where a window of `steps` steps starts so that `step` stands a fifth from its left edge, inside the corpus."""
    return max(0, min(step - steps // 5, model.steps - steps))


def around(
    model: Model, starts: np.ndarray, stops: np.ndarray, before: int, after: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps of ranges with `before` steps of context to the left and `after` to the right, within their sequences.

    Three int64[n] arrays: the index of the range, the offset from its start (negative before it), the step.
    """
    bounds = np.append(model.sequence_starts, model.steps)
    place = np.searchsorted(bounds, starts, "right")
    low = np.maximum(starts - before, bounds[place - 1])
    high = np.minimum(stops + after, bounds[place])
    lengths = high - low
    index = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    steps = low[index] + within
    return index, steps - starts[index], steps
