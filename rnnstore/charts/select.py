"""The select view: what the units do over a window of words, which of them the brushed words select, and the tracks.

One layered chart with a row of fixed height for each thing (bands and lines, words, pattern, tracks), so that every
row stands exactly under its steps at any width. Brush, threshold and units are data: a brush moves marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.card import Track
from rnnstore.charts.palette import Palette, interpolate, styled
from rnnstore.charts.picture import Picture, clicked, fitted, hovered, named, with_numbers
from rnnstore.charts.tracks import Key, colours_of, ink_on, legend, legend_layers, legend_table
from rnnstore.windows import Window, lines, visible

LINES = 48
"""Selected units that are drawn and listed; more lines than that are a wall."""

MARGIN = {"left": 88, "right": 116, "top": 24, "bottom": 4}
PLOT, GAP = 210, 6
WORDS_FLAT, WORDS_UPRIGHT = 24, 66
UPRIGHT_FROM = 26
LEAST_FLAT, LEAST_UPRIGHT, LEAST_CHARACTER = 14, 7.5, 4.5
"""Pixels of a cell under which its word is not written: lying, upright, a single character."""
PATTERN, TRACK, PREDICTED, LEGEND = 20, 20, 16, 18
LIST_ROW, LIST_COLUMNS = 14, 3


@dataclass(frozen=True)
class Hypothesis:
    """What is drawn of a hypothesis: brushed steps start..stop-1 (None: nothing is brushed), threshold, limits, units,
    and the (rank, start, stop) of matches, which are marked where they lie in the window."""

    threshold: float
    start: int | None = None
    stop: int | None = None
    off_before: int = 0
    off_after: int = 0
    units: Sequence[int] = ()
    left_out: Sequence[int] = ()
    pinned: Sequence[int] = ()
    matches: Sequence[tuple[int, int, int]] = ()


def select_picture(
    seen: Window,
    hypothesis: Hypothesis,
    palette: Palette,
    *,
    on: np.ndarray | None = None,
    tracks: Mapping[str, Track] | None = None,
    annotations: pa.Table | None = None,
    predictions: pa.Table | None = None,
    predicted: int = 0,
    brush: tuple[float, float] | None = None,
    width: int = 1100,
) -> Picture:
    """The select view of a window.

    `on` int[steps] is how many of the selected units are on at each step, `tracks` the tracks to show under the words
    with their `annotations` (as `Model.annotations` gives them), `predictions` those of the window, of which the first
    `predicted` of each step are shown, with the probability of the word that came. `brush` is what the mouse can take
    hold of at first, in steps. Parameters that a page can listen to: `brush` (interval over `mid`, the middle of a
    step's cell), `clicked_word` (t) and `clicked_unit` (unit).
    """
    tracks = dict(tracks or {})
    predicted = predicted if predictions is not None else 0
    on = np.zeros(seen.steps, int) if on is None else on
    rows = _Rows(_upright(seen), len(tracks), predicted)
    legends = [("units on", _shade_keys(len(hypothesis.units), palette))]
    legends += [(track.name, legend(track, palette)) for track in tracks.values()]
    drawn = [int(unit) for unit in hypothesis.units][:LINES]
    tables = {
        "bands": seen.bands.set_column(0, "mid", _centres(seen.bands)),
        "lines": _lines_table(seen, drawn),
        "threshold": pa.table({"threshold": [float(hypothesis.threshold)]}),
        "brushed": _brushed_table(hypothesis, seen),
        "words": _word_table(seen, on, len(hypothesis.units), palette),
        "pattern": _pattern_table(hypothesis, seen),
        "matches": _match_table(hypothesis, seen),
        "units": _unit_table(drawn, hypothesis),
        "titles": rows.titles(list(tracks)),
        "legends": legend_table(legends, palette, rows.legend, LEGEND),
    }
    for index, track in enumerate(tracks.values()):
        tables[f"track{index}"] = _track_table(track, annotations, palette)
    if predictions is not None and predicted:
        tables["predictions"], tables["came"] = _prediction_tables(predictions, predicted, rows, palette)
    written = _specification(palette, rows, tuple(tracks), width)
    height = rows.legend + LEGEND * len(legends) + MARGIN["top"] + MARGIN["bottom"]
    numbers: dict[str, Any] = {"first": seen.start, "last": max(seen.stop, seen.start + 1)}
    if brush:
        numbers["brush"] = {"x": list(brush)}
    return Picture(with_numbers(written, height, **numbers), tables)


@dataclass(frozen=True)
class _Rows:
    """Where each row starts, in pixels from the top of the plot."""

    upright: bool
    tracks: int
    predicted: int

    words = PLOT + GAP

    @property
    def pattern(self) -> int:
        return self.words + (WORDS_UPRIGHT if self.upright else WORDS_FLAT)

    def track(self, index: int) -> int:
        return self.pattern + PATTERN + index * TRACK

    @property
    def predictions(self) -> int:
        return self.track(self.tracks) + (GAP if self.tracks else 0)

    @property
    def probability(self) -> int:
        return self.predictions + self.predicted * PREDICTED

    @property
    def legend(self) -> int:
        return self.probability + (PREDICTED + 2 if self.predicted else 0) + GAP

    def titles(self, tracks: Sequence[str]) -> pa.Table:
        """The name of each row and the height of its middle."""
        titled = [("words", (self.words + self.pattern) / 2), ("pattern", self.pattern + 10)]
        titled += [(track, self.track(index) + TRACK / 2 - 1) for index, track in enumerate(tracks)]
        if self.predicted:
            titled.append(("predicted next", self.predictions + PREDICTED / 2))
            titled.append(("p of next word", self.probability + PREDICTED / 2 + 1))
        names, heights = zip(*titled, strict=True)
        return pa.table({"title": pa.array(names, pa.string()), "y": pa.array(heights, pa.float32())})


def _upright(seen: Window) -> bool:
    """Whether words are written upright: many of them, and longer than a character."""
    return seen.steps >= UPRIGHT_FROM and max((len(word) for word in seen.words["shown"].to_pylist()), default=1) > 1


# The tables


def _centres(table: pa.Table) -> pa.Array:
    return pa.array(table["t"].to_numpy() + 0.5, pa.float64())


def _cells(steps: np.ndarray) -> dict[str, pa.Array]:
    """The left edge, right edge and middle of each step's cell."""
    return {
        "t": pa.array(steps, pa.int32()),
        "t2": pa.array(steps + 1, pa.int32()),
        "mid": pa.array(steps + 0.5, pa.float64()),
    }


def _lines_table(seen: Window, drawn: Sequence[int]) -> pa.Table:
    """The lines of the units drawn; without any, one value that draws nothing, as an empty axis is complained about."""
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
    sequences = np.tile(seen.words["sequence"].to_numpy(), len(drawn))
    return table.set_column(0, "mid", _centres(table)).append_column("sequence", pa.array(sequences, pa.int32()))


def _brushed_table(hypothesis: Hypothesis, seen: Window) -> pa.Table:
    start, stop = hypothesis.start, hypothesis.stop
    return _inside([] if start is None or stop is None else [(start, stop, "")], seen)


def _pattern_table(hypothesis: Hypothesis, seen: Window) -> pa.Table:
    start, stop = hypothesis.start, hypothesis.stop
    if start is None or stop is None:
        return _inside([], seen)
    before, after = start - hypothesis.off_before, stop + hypothesis.off_after
    return _inside([(before, start, "off"), (start, stop, "on"), (stop, after, "off")], seen)


def _match_table(hypothesis: Hypothesis, seen: Window) -> pa.Table:
    return _inside([(start, stop, str(rank)) for rank, start, stop in hypothesis.matches], seen)


def _inside(spans: Sequence[tuple[int, int, str]], seen: Window) -> pa.Table:
    """The parts of (start, stop, said) that lie in the window."""
    kept = [(max(start, seen.start), min(stop, seen.stop), said) for start, stop, said in spans]
    kept = [span for span in kept if span[0] < span[1]]
    return pa.table(
        {
            "from": pa.array([start for start, _, _ in kept], pa.int32()),
            "to": pa.array([stop for _, stop, _ in kept], pa.int32()),
            "mid": pa.array([(start + stop) / 2 for start, stop, _ in kept], pa.float64()),
            "said": pa.array([said for _, _, said in kept], pa.string()),
        }
    )


def _word_table(seen: Window, on: np.ndarray, selected: int, palette: Palette) -> pa.Table:
    return pa.table(
        {
            **_cells(seen.words["t"].to_numpy()),
            "shown": seen.words["shown"],
            "on": pa.array(on, pa.int16()),
            "sequence": seen.words["sequence"].cast(pa.int32()),
            "position": seen.words["position"].cast(pa.int32()),
            "colour": interpolate(palette.shade, on / max(selected, 1)),
        }
    )


def _unit_table(drawn: Sequence[int], hypothesis: Hypothesis) -> pa.Table:
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
    colours = colours_of(track, values, numbers, palette)
    if track.kind == "discrete":
        shown = [visible(value) if value else "" for value in values]
    else:
        shown = ["" if number is None else f"{number:.3g}" for number in numbers]
    return pa.table(
        {
            **_cells(rows["t"].to_numpy()),
            "shown": pa.array(shown, pa.string()),
            "colour": pa.array(colours, pa.string()),
            "ink": pa.array(ink_on(colours, palette), pa.string()),
        }
    )


def _prediction_tables(
    predictions: pa.Table, predicted: int, rows: _Rows, palette: Palette
) -> tuple[pa.Table, pa.Table]:
    """The most probable next words under each step, and the probability of the word that came."""
    kept = predictions.filter(pc.and_(pc.less_equal(predictions["rank"], predicted), predictions["word"].is_valid()))
    ranks = kept["rank"].to_numpy()
    right = pc.fill_null(pc.equal(kept["word"], kept["target"]), False).to_numpy()
    top = rows.predictions + (ranks - 1) * PREDICTED
    words = pa.table(
        {
            **_cells(kept["t"].to_numpy()),
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
            **_cells(firsts["t"].to_numpy()),
            "tall": pa.array(rows.probability + PREDICTED - came * (PREDICTED - 2), pa.float32()),
            "came": pa.array(came, pa.float32()),
            "loss": pa.array(firsts["loss"].to_numpy(zero_copy_only=False), pa.float32()),
        }
    )
    return words, bars


# The specification

_CELL = "(width / (last - first))"
_EDGE = alt.ExprRef(f"{_CELL} > 6 ? 1 : 0")
"""A line between cells, where they are wide enough to keep their colour beside it."""
_STEP = alt.Tooltip("t:Q", title="step", format=",d")


@lru_cache(maxsize=32)
def _specification(palette: Palette, rows: _Rows, tracks: tuple[str, ...], width: int) -> dict[str, Any]:
    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        mark=alt.BrushConfig(fill=palette.accent, fillOpacity=0, strokeOpacity=0, cursor="ew-resize"),
        zoom=False,
        clear=False,
    )
    over = hovered("hovered_unit", "unit")
    layers = [
        *_plot_layers(palette),
        *_line_layers(over, palette),
        *_word_layers(brush, clicked("clicked_word", "t"), rows, palette),
        *_pattern_layers(rows, palette),
        *_unit_layers(over, clicked("clicked_unit", "unit"), palette),
    ]
    for index, track in enumerate(tracks):
        layers += _track_layers(f"track{index}", track, rows.track(index), palette)
    if rows.predicted:
        layers += _prediction_layers(rows, palette)
    layers.append(
        named("titles")
        .mark_text(align="right", baseline="middle", fontSize=11, color=palette.muted, limit=MARGIN["left"] - 10)
        .encode(alt.Y("y:Q", scale=None, axis=None), x=alt.value(-8), text="title:N", tooltip="title:N")
    )
    layers += legend_layers("legends", palette, MARGIN["left"] - 10)
    chart = alt.layer(*layers).add_params(alt.param(name="first", value=0), alt.param(name="last", value=1))
    return styled(fitted(chart, MARGIN, width), palette).to_dict()


def _x(field: str = "t") -> alt.X:
    """The shared axis over the steps of the window."""
    scale = alt.Scale(domain=[alt.ExprRef("first"), alt.ExprRef("last")], nice=False, zero=False)
    axis = alt.Axis(orient="top", grid=False, tickMinStep=1, format=",d", title=None, tickCount=10)
    return alt.X(f"{field}:Q", scale=scale, axis=axis, title=None)


def _fixed(field: str) -> alt.Y:
    """A height in pixels that the table says."""
    return alt.Y(f"{field}:Q", scale=None, axis=None)


def _plot_layers(palette: Palette) -> list[alt.Chart]:
    """The brushed words, quantile bands, the median and the zero line."""
    scale = alt.Scale(range=[PLOT, 0], zero=False, nice=True)
    axis = alt.Axis(title=None, tickCount=5, grid=True, offset=4)
    outer, inner, median = palette.bands

    def band(low: str, high: str, colour: str) -> alt.Chart:
        area = named("bands").mark_area(color=colour, tooltip=None)
        return area.encode(_x("mid"), alt.Y(f"{low}:Q", scale=scale, axis=axis, title=None), alt.Y2(high))

    middle = named("bands").mark_line(color=median, strokeWidth=1.2, tooltip=None)
    zero = named("threshold").mark_rule(color=palette.muted, strokeWidth=1, opacity=0.7, tooltip=None)
    return [
        band("low", "high", outer),
        band("lower", "upper", inner),
        middle.encode(_x("mid"), alt.Y("middle:Q")),
        zero.encode(alt.YDatum(0)),
    ]


def _line_layers(over: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    line = named("lines").mark_line(color=palette.accent)
    rule = named("threshold").mark_rule(color=palette.threshold, strokeDash=[6, 4], strokeWidth=1.4, tooltip=None)
    return [
        line.encode(
            _x("mid"),
            alt.Y("value:Q"),
            alt.Detail(["unit:N", "sequence:N"]),  # a line does not go on from one sequence into the next
            opacity=alt.condition(over, alt.value(1), alt.value(0.55)),
            strokeWidth=alt.condition(over, alt.value(3.2), alt.value(1.1)),
            tooltip=[alt.Tooltip("unit:Q", title="unit")],
        ),
        rule.encode(alt.Y("threshold:Q")),
    ]


def _word_layers(brush: alt.Parameter, word: alt.Parameter, rows: _Rows, palette: Palette) -> list[alt.Chart]:
    top, bottom = alt.value(rows.words), alt.value(rows.pattern)
    long = "length(datum.shown) > 1"
    flat = f"({_CELL} > 44 || !({long}))" if rows.upright else "true"
    room = rows.pattern - rows.words - 6
    least = LEAST_UPRIGHT if rows.upright else LEAST_FLAT
    small = f"min(13, {_CELL} * 1.5)"
    words = named("words")
    grip = words.mark_rect(fillOpacity=0, tooltip=None).encode(_x("mid"), y=top, y2=bottom).add_params(brush)
    brushed = (
        named("brushed")
        .mark_rect(fill=palette.accent, fillOpacity=0.1, stroke=palette.accent, strokeOpacity=0.55, tooltip=None)
        .encode(_x("from"), alt.X2("to"), y=alt.value(0), y2=bottom)
    )
    cell = (
        words.mark_rect(cursor="pointer", stroke=palette.background, strokeWidth=_EDGE)
        .encode(
            _x(),
            alt.X2("t2"),
            y=top,
            y2=bottom,
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                alt.Tooltip("shown:N", title="word"),
                _STEP,
                alt.Tooltip("on:Q", title="selected units on"),
                alt.Tooltip("sequence:Q", title="sequence", format=",d"),
                alt.Tooltip("position:Q", title="position in it", format=",d"),
            ],
        )
        .add_params(word)
    )
    text = words.mark_text(
        baseline="middle",
        tooltip=None,
        color=palette.text,
        limit=alt.ExprRef(f"!({long}) ? 0 : {flat} ? max({_CELL} - 4, 1) : {room}"),
        angle=alt.ExprRef(f"{flat} ? 0 : 270"),
        fontSize=alt.ExprRef(f"!({long}) ? {small} : {flat} ? 12 : min(12, max({_CELL} - 1, 1))"),
    ).encode(
        _x("mid"),
        y=alt.value((rows.words + rows.pattern) / 2),
        text="shown:N",
        opacity=alt.value(alt.ExprRef(f"{_CELL} > ({long} ? {least} : {LEAST_CHARACTER}) ? 1 : 0")),
    )
    said = "'point at the row to read a word, or show fewer steps'"
    hint = (
        named("threshold")
        .mark_text(
            text=alt.ExprRef(f"{_CELL} > {least if rows.upright else LEAST_CHARACTER} ? '' : {said}"),
            color=palette.muted,
            fontSize=11,
            tooltip=None,
        )
        .encode(x=alt.value(alt.ExprRef("width / 2")), y=alt.value((rows.words + rows.pattern) / 2))
    )
    # What the mouse is brushing right now, before the application has answered.
    dragged = (
        words.transform_filter(brush, empty=False)
        .mark_rect(fill=palette.accent, fillOpacity=0.85, tooltip=None)
        .encode(_x(), alt.X2("t2"), y=bottom, y2=alt.value(rows.pattern + 3))
    )
    starts = words.transform_filter("datum.position === 0").mark_rule(
        color=palette.muted, strokeWidth=1.2, strokeDash=[2, 2], tooltip=None
    )
    return [grip, brushed, cell, text, hint, dragged, starts.encode(_x(), y=alt.value(0), y2=bottom)]


def _pattern_layers(rows: _Rows, palette: Palette) -> list[alt.Chart]:
    """The pattern (off, on, off) under the words, and a mark under every match in the window."""
    top = rows.pattern + 4
    on = "datum.said === 'on'"
    bar = (
        named("pattern")
        .mark_rect(stroke=palette.accent, strokeWidth=1, tooltip=None)
        .encode(
            _x("from"),
            alt.X2("to"),
            y=alt.value(top),
            y2=alt.value(top + 11),
            color=alt.condition(on, alt.value(palette.accent), alt.value(palette.background)),
        )
    )
    text = (
        named("pattern")
        .mark_text(fontSize=9, baseline="middle", tooltip=None)
        .encode(
            _x("mid"),
            y=alt.value(top + 6),
            text="said:N",
            color=alt.condition(on, alt.value(palette.background), alt.value(palette.accent)),
            opacity=alt.value(alt.ExprRef(f"{_CELL} * (datum.to - datum.from) > 14 ? 1 : 0")),
        )
    )
    found = (
        named("matches")
        .mark_rect(color=palette.threshold)
        .encode(
            _x("from"),
            alt.X2("to"),
            y=alt.value(top + 13),
            y2=alt.value(top + 16),
            tooltip=[alt.Tooltip("said:N", title="match"), alt.Tooltip("from:Q", title="first step", format=",d")],
        )
    )
    return [bar, text, found]


def _unit_layers(over: alt.Parameter, unit: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """The list of selected units; hovering one shows its line, hovering a line shows it in the list."""
    listed = named("units").transform_calculate(px="width + datum.x")
    where = (alt.X("px:Q", scale=None, axis=None), _fixed("y"))
    box = (
        listed.mark_square(size=160, filled=True, cursor="pointer", opacity=1)
        .encode(
            *where,
            color=alt.condition(over, alt.value(palette.accent), alt.value(palette.background)),
            tooltip=[
                alt.Tooltip("unit:Q", title="unit"),
                alt.Tooltip("role:N", title="now (click: leave out, take back)"),
            ],
        )
        .add_params(over, unit)
    )
    out = "datum.role === 'left out'"
    name = listed.mark_text(fontSize=11, baseline="middle", tooltip=None).encode(
        *where,
        text="unit:N",
        color=alt.when(over)
        .then(alt.value(palette.background))
        .when(out)
        .then(alt.value(palette.muted))
        .otherwise(alt.value(palette.text)),
        opacity=alt.when(over).then(alt.value(1)).when(out).then(alt.value(0.6)).otherwise(alt.value(1)),
    )
    return [box, name]


def _track_layers(table: str, title: str, top: int, palette: Palette) -> list[alt.Chart]:
    cell = named(table).mark_rect(stroke=palette.background, strokeWidth=_EDGE)
    text = named(table).mark_text(
        fontSize=10, baseline="middle", tooltip=None, limit=alt.ExprRef(f"max({_CELL} - 3, 1)")
    )
    return [
        cell.encode(
            _x(),
            alt.X2("t2"),
            y=alt.value(top),
            y2=alt.value(top + TRACK - 2),
            color=alt.Color("colour:N", scale=None),
            tooltip=[alt.Tooltip("shown:N", title=title), _STEP],
        ),
        text.encode(
            _x("mid"),
            y=alt.value(top + TRACK / 2 - 1),
            text="shown:N",
            color=alt.Color("ink:N", scale=None),
            opacity=alt.value(alt.ExprRef(f"{_CELL} > 6.2 * min(length(datum.shown), 3) ? 1 : 0")),
        ),
    ]


def _prediction_layers(rows: _Rows, palette: Palette) -> list[alt.Chart]:
    """Predicted words, the more probable the stronger, the right one in another colour; below, what came had."""
    size = "min(length(datum.shown), 3) * 6.5"
    cell = named("predictions").mark_rect()
    text = named("predictions").mark_text(
        fontSize=10,
        baseline="middle",
        tooltip=None,
        color=palette.text,
        limit=alt.ExprRef(f"length(datum.shown) < 2 ? 0 : max({_CELL} - 3, 1)"),
    )
    bar = named("came").mark_rect(color=palette.right, stroke=palette.background, strokeWidth=_EDGE)
    return [
        cell.encode(
            _x(),
            alt.X2("t2"),
            _fixed("top"),
            alt.Y2("bottom"),
            color=alt.Color("colour:N", scale=None),
            opacity=alt.Opacity("probability:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None),
            tooltip=[
                alt.Tooltip("shown:N", title="predicted"),
                alt.Tooltip("probability:Q", format=".3f"),
                alt.Tooltip("rank:Q"),
                alt.Tooltip("t:Q", title="after step", format=",d"),
            ],
        ),
        text.encode(
            _x("mid"),
            _fixed("middle"),
            text="shown:N",
            opacity=alt.value(alt.ExprRef(f"{_CELL} > {size} ? 0.45 + 0.55 * datum.probability : 0")),
        ),
        bar.encode(
            _x(),
            alt.X2("t2"),
            _fixed("tall"),
            y2=alt.value(rows.probability + PREDICTED),
            tooltip=[
                alt.Tooltip("came:Q", title="probability of the word that came", format=".3f"),
                alt.Tooltip("loss:Q", title="loss (nats)", format=".2f"),
                alt.Tooltip("t:Q", title="after step", format=",d"),
            ],
        ),
    ]
