"""The select view: the units over a window of words, those that the brushed words select, tracks and predictions.

This module makes the tables, `select_layers` the specification that draws them. Brush, threshold and units are data, so
that a new brush moves marks instead of rebuilding the chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.drawing.picture import Picture, with_parameters
from rnnstore.drawing.prediction_rows import row_titles
from rnnstore.drawing.tracks import Key, legend, legend_table, readable_ink, track_colours
from rnnstore.matching.charts.linked_states import LIST_COLUMNS, LIST_ROW, LinkedPlot, heading, linked_tables
from rnnstore.matching.charts.scalar_tracks import SIGNAL, is_signal, number_in, signal_tables
from rnnstore.matching.charts.select_layers import select_specification
from rnnstore.matching.charts.select_layout import LEGEND, MARGIN, PLOT, PREDICTED, Rows
from rnnstore.matching.charts.value_tables import (
    LINES,
    DrawnSelection,
    bands_table,
    clip_spans,
    clipping_remark,
    drawn_selection,
    lines_table,
    match_table,
    step_cells,
    value_range,
)
from rnnstore.matching.windows import Window
from rnnstore.store.card import Track
from rnnstore.visible import visible

__all__ = ["LINES", "DrawnSelection", "LinkedPlot", "drawn_selection", "select_picture"]

UPRIGHT_FROM = 26
"""From so many steps on words are written upright, unless they are single characters."""


def select_picture(
    seen: Window,
    hypothesis: DrawnSelection,
    palette: Palette,
    *,
    on: np.ndarray | None = None,
    tracks: Mapping[str, Track] | None = None,
    annotations: pa.Table | None = None,
    predictions: pa.Table | None = None,
    predicted: int = 0,
    brush: tuple[float, float] | None = None,
    hit: tuple[int, int] | None = None,
    title: str = "",
    linked: Sequence[LinkedPlot] = (),
    width: int = 1100,
) -> Picture:
    """The select view of a window, with the plots of `linked` states below it.

    `on` int[steps] is how many of the selected units are on at each step, `tracks` the tracks to show under the words
    with their `annotations` (as `Model.annotations` gives them), `predictions` those of the window, of which the first
    `predicted` of each step are shown, with the probability of the word that came. `brush` is the initial
    position of the brush, in steps. Parameters that a page can listen to: `brush` (interval over `mid`, the middle of a
    step's cell), `clicked_word` and, with the shift key, `extended_word` (t), and `clicked_unit` (unit). The words
    at steps `hit` (start, stop) are framed; `title` names the first state where there are linked ones.
    """
    tracks = dict(tracks or {})
    predicted = predicted if predictions is not None else 0
    on = np.zeros(seen.steps, int) if on is None else on
    signals = tuple(index for index, track in enumerate(tracks.values()) if is_signal(track))
    rows = Rows(_upright(seen), len(tracks), predicted, signals, len(linked))
    units = hypothesis.drawn
    least, most = value_range(seen, hypothesis, units)
    legends = [("values", _value_keys(seen, units, least, most, palette))]
    legends += [("units on", _shade_keys(len(hypothesis.units), palette))]
    legends += [(track.name, legend(track, palette)) for track in tracks.values()]
    tables = {
        "bands": bands_table(seen, least, most),
        "lines": lines_table(seen, units, least, most),
        "threshold": pa.table({"threshold": [float(hypothesis.threshold)]}),
        "brushed": _brushed_table(hypothesis, seen),
        "hit": clip_spans([(*hit, "hit")] if hit else [], seen),
        "words": _word_table(seen, on, len(hypothesis.units), palette),
        "pattern": _pattern_table(hypothesis, seen),
        "matches": match_table(hypothesis, seen),
        "units": _unit_table(units, hypothesis),
        "titles": rows.titles(list(tracks), row_titles(predictions) if predicted else ("", "")),
        "title": pa.table({"caption": pa.array([heading(title, hypothesis)] * bool(linked), pa.string())}),
        "legends": legend_table(legends, palette, rows.legend, LEGEND),
    }
    for index, shown in enumerate(linked):
        tables |= linked_tables(index, shown, rows.linked_top(index), palette)
    for index, track in enumerate(tracks.values()):
        tables[f"track{index}"] = _track_table(track, annotations, palette)
        if index in signals:
            tables[f"signal{index}"], tables[f"signal{index}_scale"] = signal_tables(
                track, annotations, seen, rows.track(index) - SIGNAL
            )
    if predictions is not None and predicted:
        tables["predictions"], tables["came"] = _prediction_tables(predictions, predicted, rows, palette)
    written = select_specification(palette, rows, tuple(tracks), width)
    height = rows.legend + LEGEND * len(legends) + MARGIN["top"] + MARGIN["bottom"]
    numbers: dict[str, Any] = {"first": seen.start, "last": max(seen.stop, seen.start + 1)}
    if brush:
        numbers["brush"] = {"x": list(brush)}
    return Picture(with_parameters(written, height, **numbers), tables)


def _upright(seen: Window) -> bool:
    """Whether words are written upright: many of them, and longer than a character."""
    return seen.steps >= UPRIGHT_FROM and max((len(word) for word in seen.words["shown"].to_pylist()), default=1) > 1


# The tables


def _value_keys(seen: Window, drawn: Sequence[int], least: float, most: float, palette: Palette) -> list[Key]:
    """The legend of bands and lines, and a remark on values that are clipped to the axis."""
    outer, inner, median = palette.bands
    keys = [Key(outer, "90 % of all units"), Key(inner, "50 %"), Key(median, "median"), Key(palette.accent, "selected")]
    remark = clipping_remark(seen, drawn, least, most)
    return keys + [Key("", remark)] * bool(remark)


def _brushed_table(hypothesis: DrawnSelection, seen: Window) -> pa.Table:
    start, stop = hypothesis.start, hypothesis.stop
    return clip_spans([] if start is None or stop is None else [(start, stop, "")], seen)


def _pattern_table(hypothesis: DrawnSelection, seen: Window) -> pa.Table:
    start, stop = hypothesis.start, hypothesis.stop
    if start is None or stop is None:
        return clip_spans([], seen)
    before, after = start - hypothesis.off_before, stop + hypothesis.off_after
    return clip_spans([(before, start, "off"), (start, stop, "on"), (stop, after, "off")], seen)


def _word_table(seen: Window, on: np.ndarray, selected: int, palette: Palette) -> pa.Table:
    return pa.table(
        {
            **step_cells(seen.words["t"].to_numpy()),
            "shown": seen.words["shown"],
            "on": pa.array(on, pa.int16()),
            "sequence": seen.words["sequence"].cast(pa.int32()),
            "position": seen.words["position"].cast(pa.int32()),
            "colour": interpolate(palette.shade, on / max(selected, 1)),
        }
    )


def _unit_table(drawn: Sequence[int], hypothesis: DrawnSelection) -> pa.Table:
    """The list of units at the right, those drawn, then those left out; x counts from the plot's right edge."""
    room = LIST_COLUMNS * (PLOT // LIST_ROW)
    listed = [*drawn, *(int(unit) for unit in hypothesis.left_out)][:room]
    pinned = {int(unit) for unit in hypothesis.pinned}
    places = np.arange(len(listed))
    chosen = [index < len(drawn) for index in places.tolist()]
    roles = [
        "pinned" if unit in pinned else "selected" if kept else "left out"
        for unit, kept in zip(listed, chosen, strict=True)
    ]
    return pa.table(
        {
            "unit": pa.array(listed, pa.int32()),
            "x": pa.array(24 + 34 * (places % LIST_COLUMNS), pa.float32()),
            "y": pa.array(8 + LIST_ROW * (places // LIST_COLUMNS), pa.float32()),
            "role": pa.array(roles[:room], pa.string()),
        }
    )


def _shade_keys(selected: int, palette: Palette) -> list[Key]:
    numbers = sorted({round(selected * share) for share in (0, 0.25, 0.5, 0.75, 1)})
    colours = interpolate(palette.shade, np.array(numbers) / max(selected, 1))
    return [Key(colour, str(number)) for colour, number in zip(colours, numbers, strict=True)]


def _track_table(track: Track, annotations: pa.Table, palette: Palette) -> pa.Table:
    rows = annotations.filter(pc.equal(annotations["track"], track.name))
    values, numbers = rows["value"].to_pylist(), rows["number"].to_pylist()
    colours = track_colours(track, values, numbers, palette)
    if track.kind == "discrete":
        shown = [visible(value) if value else "" for value in values]
    else:
        shown = ["" if number is None else number_in(track, number) for number in numbers]
    return pa.table(
        {
            **step_cells(rows["t"].to_numpy()),
            "shown": pa.array(shown, pa.string()),
            "colour": pa.array(colours, pa.string()),
            "ink": pa.array(readable_ink(colours, palette), pa.string()),
        }
    )


def _prediction_tables(
    predictions: pa.Table, predicted: int, rows: Rows, palette: Palette
) -> tuple[pa.Table, pa.Table]:
    """The most probable next words under each step, and the probability of the word that came."""
    kept = predictions.filter(pc.and_(pc.less_equal(predictions["rank"], predicted), predictions["word"].is_valid()))
    ranks = kept["rank"].to_numpy()
    right = pc.fill_null(pc.equal(kept["word"], kept["target"]), False).to_numpy()
    top = rows.predictions + (ranks - 1) * PREDICTED
    words = pa.table(
        {
            **step_cells(kept["t"].to_numpy()),
            "top": pa.array(top, pa.float32()),
            "middle": pa.array(top + PREDICTED / 2, pa.float32()),
            "bottom": pa.array(top + PREDICTED - 1, pa.float32()),
            "shown": pa.array([visible(word) for word in kept["word"].to_pylist()], pa.string()),
            "rank": pa.array(ranks, pa.int16()),
            "probability": pa.array(kept["probability"].to_numpy(), pa.float32()),
            "colour": pa.array(np.where(right, palette.right, palette.shade[-1]).tolist(), pa.string()),
        }
    )
    firsts = kept.filter(pc.equal(kept["rank"], 1))
    came = np.nan_to_num(firsts["target_probability"].to_numpy(zero_copy_only=False).astype(np.float32))
    bars = pa.table(
        {
            **step_cells(firsts["t"].to_numpy()),
            "tall": pa.array(rows.probability + PREDICTED - came * (PREDICTED - 2), pa.float32()),
            "came": pa.array(came, pa.float32()),
            "loss": pa.array(firsts["loss"].to_numpy(zero_copy_only=False), pa.float32()),
        }
    )
    return words, bars
