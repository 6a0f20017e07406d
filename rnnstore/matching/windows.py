"""Windows: what the select and match views show of a span of the corpus.

A window has a few hundred steps at most, so everything here is small: the words, the distribution of all units as five
quantiles per step (two thousand lines cannot be read, five bands can), single units, and annotations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.store.model import Model
from rnnstore.store.runs import is_on
from rnnstore.visible import visible

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


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


def threshold_range(seen: Window, threshold: float) -> tuple[float, float, float]:
    """(low, high, step) of a slider for the threshold: round numbers around all but the extreme values of a window.

    From the 5 % to the 95 % quantile of the units, as the bands show them, a quarter more on either side, zero and
    `threshold` included. A few cells of an LSTM grow to hundreds; over all values a slider would jump past the others.
    """
    ends = [np.zeros(1), np.array([threshold])]
    if seen.steps:
        low, high = (seen.bands[name].to_numpy() for name in ("low", "high"))
        room = (high.max() - low.min()) / 4
        everything = seen.values.astype(np.float32)
        ends += [np.maximum(low.min(keepdims=True) - room, everything.min())]
        ends += [np.minimum(high.max(keepdims=True) + room, everything.max())]
    together = np.concatenate(ends)
    least, most = float(together.min()), float(together.max())
    rough = max((most - least) / 400, 1e-3)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough * 0.999)
    first, last = math.floor(least / step), math.ceil(most / step)
    return round(first * step, 10), round(max(last, first + 1) * step, 10), step


def lines(seen: Window, units: Sequence[int] | np.ndarray) -> pa.Table:
    """The values of `units` in a window, a row per unit and step: t int32, unit int32, value float32."""
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


@dataclass(frozen=True)
class Cells:
    """The words around the starts of matches, a row per match and step.

    `table` has the columns row (from 0), offset (from the match's start), t, shown, on (how many of the selected units
    are on); `values` has for each track its labels and its numbers at the same rows (all None for the other kind).
    """

    table: pa.Table
    values: dict[str, tuple[list[str | None], list[float | None]]]


def cells_of_matches(
    model: Model,
    state: str,
    units: Sequence[int] | np.ndarray,
    threshold: float,
    starts: np.ndarray,
    before: int,
    after: int,
    tracks: Sequence[str] = (),
) -> Cells:
    """The words and track values from `before` steps before to `after` steps after the start of each match.

    Steps outside of the match's sequence are left out.
    """
    row, offset, steps = around(model, np.asarray(starts, np.int64), before, after)
    distinct, place = np.unique(steps, return_inverse=True)
    words = model.words_at(distinct)["word"].to_pylist()
    shown = [visible(word) for word in words]
    counts = is_on(model.vectors_at(state, distinct)[:, np.asarray(units, int)], threshold).sum(axis=1)
    values = {}
    for track in tracks:
        rows = model.annotations_at([track], distinct)
        labels, numbers = rows["value"].to_pylist(), rows["number"].to_pylist()
        values[track] = ([labels[i] for i in place.tolist()], [numbers[i] for i in place.tolist()])
    table = pa.table(
        {
            "row": row.astype(np.int16),
            "offset": offset.astype(np.int16),
            "t": steps.astype(np.int32),
            "shown": pa.array(shown, pa.string()).take(pa.array(place)),
            "on": counts[place].astype(np.int16),
        }
    )
    return Cells(table, values)


def around(model: Model, starts: np.ndarray, before: int, after: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The steps from `before` before to `after` after each of `starts` that lie in its sequence, in order.

    Three int64[n] arrays: the index of the start, the offset from it (negative before it), the step.
    """
    bounds = np.append(model.sequence_starts, model.steps)
    place = np.searchsorted(bounds, starts, "right")
    low = np.maximum(starts - before, bounds[place - 1])
    high = np.minimum(starts + after, bounds[place])
    lengths = high - low
    index = np.repeat(np.arange(len(starts)), lengths)
    steps = low[index] + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return index, steps - starts[index], steps


def window_table(
    seen: Window, units: Sequence[int] | np.ndarray, on: np.ndarray, annotations: pa.Table | None = None
) -> pa.Table:
    """A window as one wide table for export: t, sequence, position, word, units_on, a column for each of `units` and
    for each track in `annotations`."""
    table = seen.words.drop_columns(["shown"]).append_column("units_on", pa.array(on, pa.int32()))
    for unit in np.asarray(units, int).tolist():
        table = table.append_column(f"u{unit}", pa.array(seen.values[:, unit].astype(np.float32)))
    if annotations is None:
        return table
    for track in pc.unique(annotations["track"]).to_pylist():
        rows = annotations.filter(pc.equal(annotations["track"], track))
        values = rows["value"] if rows["number"].null_count == rows.num_rows else rows["number"]
        table = table.append_column(track, values)
    return table


def with_words(model: Model, matches: pa.Table, before: int, after: int) -> pa.Table:
    """`matches` (as `Matches.table`) with three texts: the words before a match, of the match, and after it."""
    joint = "" if model.card.level == "character" else " "
    starts, stops = matches["start"].to_numpy(), matches["stop"].to_numpy()
    reach = int((stops - starts).max(initial=0)) + after
    row, offset, steps = around(model, starts, before, reach)
    words = np.array(model.words_at(steps)["word"].to_pylist(), object)
    length = (stops - starts)[row]
    parts = {
        "before": offset < 0,
        "words": (offset >= 0) & (offset < length),
        "after": (offset >= length) & (offset < length + after),
    }
    for name, kept in parts.items():
        texts = [joint.join(words[kept & (row == index)]) for index in range(matches.num_rows)]
        matches = matches.append_column(name, pa.array(texts, pa.string()))
    return matches
