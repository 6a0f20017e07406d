"""The tables of one plot of a state's values over a window: the selection, the range of the axis, bands and lines.

`select_view` draws one such plot with an axis of its own, `linked_states` further ones below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.matching.matches import Matches
from rnnstore.matching.selection import Selection
from rnnstore.matching.windows import Window, lines

LINES = 48
"""Selected units that are drawn and listed, at most; more lines cannot be distinguished."""

TOO_FAR, ROOM = 2, 0.25
"""If all values need an axis `TOO_FAR` times as long as the values of interest, it ends a share `ROOM` beyond these."""


@dataclass(frozen=True)
class DrawnSelection:
    """A selection to be drawn: brushed steps start..stop-1 (None: nothing is brushed), threshold, limits, units, and
    the (rank, start, stop) of matches, which are marked where they lie in the window."""

    threshold: float
    start: int | None = None
    stop: int | None = None
    off_before: int = 0
    off_after: int = 0
    units: Sequence[int] = ()
    left_out: Sequence[int] = ()
    pinned: Sequence[int] = ()
    matches: Sequence[tuple[int, int, int]] = ()

    @property
    def drawn(self) -> list[int]:
        """The units that get a line."""
        return [int(unit) for unit in self.units][:LINES]


def drawn_selection(
    selection: Selection,
    units: Iterable[int],
    matches: Matches | None = None,
    left_out: Sequence[int] = (),
    pinned: Sequence[int] = (),
) -> DrawnSelection:
    """A selection with its units and matches, as it is drawn."""
    found = matches.table.select(["rank", "start", "stop"]).to_pylist() if matches is not None else []
    return DrawnSelection(
        threshold=selection.threshold,
        start=selection.start,
        stop=selection.stop,
        off_before=selection.off_before,
        off_after=selection.off_after,
        units=[int(unit) for unit in units],
        left_out=left_out,
        pinned=pinned,
        matches=[(row["rank"], row["start"], row["stop"]) for row in found],
    )


def value_range(seen: Window, hypothesis: DrawnSelection, drawn: Sequence[int]) -> tuple[float, float]:
    """The least and the greatest value of the axis; values beyond are clipped to it.

    Those of all bands and lines, unless that flattens what is of interest: zero, the threshold, the middle half of all
    units, and the `drawn` ones over the pattern. Of an LSTM, a few cells can grow to forty times what the others do.
    """
    matters = [np.zeros(1), np.array([hypothesis.threshold])]
    everything = list(matters)
    if seen.steps:
        values = seen.values[:, np.asarray(drawn, int)].astype(np.float32)
        matters += [seen.bands["lower"].to_numpy(), seen.bands["upper"].to_numpy()]
        everything += [seen.bands["low"].to_numpy(), seen.bands["high"].to_numpy(), values.ravel()]
        if hypothesis.start is not None and hypothesis.stop is not None:
            first = max(hypothesis.start - hypothesis.off_before - seen.start, 0)
            matters.append(values[first : max(hypothesis.stop + hypothesis.off_after - seen.start, 0)].ravel())
    low, high = _ends(matters)
    least, most = _ends(everything)
    if most - least <= TOO_FAR * (high - low):
        return least, most
    room = ROOM * (high - low)
    return max(low - room, least), min(high + room, most)


def _ends(values: Sequence[np.ndarray]) -> tuple[float, float]:
    together = np.concatenate(values)
    return float(together.min()), float(together.max())


def clipping_remark(seen: Window, drawn: Sequence[int], least: float, most: float) -> str:
    """A remark on values that are clipped to the axis, empty where none are."""
    lows, highs = (seen.bands[name].to_numpy() for name in ("low", "high"))
    values = seen.values[:, np.asarray(drawn, int)]
    below = min(lows.min(initial=least), values.min(initial=least)) < least
    above = max(highs.max(initial=most), values.max(initial=most)) > most
    ends = [f"below {least:.3g}"] * bool(below) + [f"above {most:.3g}"] * bool(above)
    return f"what is {' or '.join(ends)} is drawn there" if ends else ""


def bands_table(seen: Window, least: float, most: float) -> pa.Table:
    """The quantile bands, clipped to the axis, a row a step: mid, low, lower, middle, upper, high."""
    bands = {name: np.clip(seen.bands[name].to_numpy(), least, most) for name in seen.bands.column_names[1:]}
    return pa.table({"mid": _centres(seen.bands), **bands})


def lines_table(seen: Window, drawn: Sequence[int], least: float, most: float) -> pa.Table:
    """The lines of the units drawn; without any, one invisible value, because Vega warns about an empty axis."""
    table = lines(seen, drawn)
    if not len(drawn):
        return pa.table(
            {
                "sequence": pa.array([0], pa.int32()),
                "mid": [float(seen.start)],
                "unit": pa.array([-1], pa.int32()),
                "value": pa.array([0.0], pa.float32()),
            }
        )
    table = table.set_column(2, "value", pa.array(np.clip(table["value"].to_numpy(), least, most), pa.float32()))
    sequences = np.tile(seen.words["sequence"].to_numpy(), len(drawn))
    return table.set_column(0, "mid", _centres(table)).append_column("sequence", pa.array(sequences, pa.int32()))


def _centres(table: pa.Table) -> pa.Array:
    return pa.array(table["t"].to_numpy() + 0.5, pa.float64())


def step_cells(steps: np.ndarray) -> dict[str, pa.Array]:
    """The left edge, right edge and middle of each step's cell."""
    return {
        "t": pa.array(steps, pa.int32()),
        "t2": pa.array(steps + 1, pa.int32()),
        "mid": pa.array(steps + 0.5, pa.float64()),
    }


def clip_spans(spans: Sequence[tuple[int, int, str]], seen: Window) -> pa.Table:
    """The parts of (start, stop, caption) that lie in the window."""
    kept = [(max(start, seen.start), min(stop, seen.stop), caption) for start, stop, caption in spans]
    kept = [span for span in kept if span[0] < span[1]]
    return pa.table(
        {
            "from": pa.array([start for start, _, _ in kept], pa.int32()),
            "to": pa.array([stop for _, stop, _ in kept], pa.int32()),
            "mid": pa.array([(start + stop) / 2 for start, stop, _ in kept], pa.float64()),
            "caption": pa.array([caption for _, _, caption in kept], pa.string()),
        }
    )


def match_table(hypothesis: DrawnSelection, seen: Window) -> pa.Table:
    """The matches, as far as they lie in the window, each with its rank."""
    return clip_spans([(start, stop, str(rank)) for rank, start, stop in hypothesis.matches], seen)
