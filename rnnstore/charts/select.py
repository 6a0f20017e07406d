"""The select view: what the units do over a window of words, which of them the brushed words select, and the tracks.

One layered chart with a row of fixed height for each thing (bands and lines, words, pattern, tracks), so that every
row stands exactly under its steps at any width. The specification depends on the window, the tracks and the palette
only; brush, threshold and selected units are data, so that a brush moves marks instead of building the chart anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.card import Track
from rnnstore.charts.palette import Palette, interpolate, styled
from rnnstore.charts.tracks import Key, colours_of, ink_on, legend, legend_rows
from rnnstore.windows import Window, lines, visible

LINES = 48
"""Selected units that are drawn and listed; more lines than that are a wall."""

MARGIN = {"left": 92, "right": 124, "top": 26, "bottom": 6}
PLOT = 210
WORDS_FLAT, WORDS_UPRIGHT = 24, 66
UPRIGHT_FROM = 26
PATTERN = 20
TRACK = 20
PREDICTED = 16
LEGEND = 18
GAP = 6


@dataclass(frozen=True)
class Brushed:
    """What is drawn of a hypothesis: brushed steps start..stop-1 (none: `start` is None), threshold, limits, units."""

    threshold: float
    start: int | None = None
    stop: int | None = None
    off_before: int = 0
    off_after: int = 0
    units: Sequence[int] = ()
    left_out: Sequence[int] = ()
    pinned: Sequence[int] = ()
    matches: Sequence[tuple[int, int, int]] = field(default=())  # (rank, start, stop) of matches to mark in the window


def select_chart(
    seen: Window,
    brushed: Brushed,
    palette: Palette,
    *,
    on: np.ndarray | None = None,
    tracks: Mapping[str, Track] | None = None,
    annotations: pa.Table | None = None,
    predictions: pa.Table | None = None,
    predicted: int = 0,
    initial: tuple[float, float] | None = None,
    width: int = 1100,
) -> alt.LayerChart:
    """The select view of a window.

    `on` int[steps] is how many of the selected units are on at each step, `tracks` the tracks to show under the words
    with their `annotations` (as `Model.annotations` gives them), `predictions` those of the window, of which the first
    `predicted` of each step are shown with the probability of the word that came. `initial` is the brush (x) that the
    chart starts with. Parameters that a page can listen to: `brush` (interval over `mid`, the middle of a step's
    cell), `clicked_word` (t) and `clicked_unit` (unit). (A parameter named `unit` would hide one of Vega's own.)
    """
    tracks = tracks or {}
    on = np.zeros(seen.steps, int) if on is None else on
    upright = _upright(seen)
    rows = _Rows(WORDS_UPRIGHT if upright else WORDS_FLAT, len(tracks), predicted if predictions is not None else 0)
    drawn = [int(unit) for unit in brushed.units][:LINES]
    listed = _listed(drawn, brushed, palette)
    x = alt.Scale(domain=[seen.start, max(seen.stop, seen.start + 1)], nice=False, zero=False)
    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        value={"x": list(initial)} if initial else alt.Undefined,
        mark=alt.BrushConfig(fill=palette.accent, fillOpacity=0, strokeOpacity=0, cursor="ew-resize"),
        zoom=False,
        clear=False,
    )
    hovered = alt.selection_point(name="hovered_unit", fields=["unit"], on="pointerover", clear="pointerout", empty=False)
    unit = alt.selection_point(name="clicked_unit", fields=["unit"], on="click", clear=False, empty=False)
    word = alt.selection_point(name="clicked_word", fields=["t"], on="click", clear=False, empty=False)

    layers = [
        *_bands(seen, x, palette),
        *_brush(brushed, seen, x, rows, palette),
        *_lines(lines(seen, drawn), brushed, hovered, x, palette),
        *_words(_word_table(seen, on, brushed, palette), brush, word, x, rows, upright, palette),
        *_pattern(brushed, seen, x, rows, palette),
        *_unit_list(listed, hovered, unit, palette),
    ]
    keys = [("units on", _shade_keys(len(brushed.units), palette))]
    for index, track in enumerate(tracks.values()):
        layers += _track(track, annotations, x, rows.track(index), seen, palette)
        keys.append((track.name, legend(track, palette)))
    if predictions is not None and predicted:
        layers += _predictions(predictions, predicted, x, rows, seen, palette)
    layers += _row_titles(rows.titles(list(tracks)), palette)
    layers += _legend(legend_rows(keys, palette, rows.legend, LEGEND), palette)
    chart = alt.layer(*layers).properties(
        width=width,
        height=rows.legend + LEGEND * len(keys) + MARGIN["top"] + MARGIN["bottom"],
        padding=MARGIN,
        autosize=alt.AutoSizeParams(type="none", contains="padding"),
    )
    return styled(chart, palette)


@dataclass(frozen=True)
class _Rows:
    """Where each row starts, in pixels from the top of the plot."""

    words_height: int
    tracks: int
    predicted: int

    words = PLOT + GAP

    @property
    def pattern(self) -> int:
        return self.words + self.words_height

    def track(self, index: int) -> int:
        return self.pattern + PATTERN + index * TRACK

    @property
    def predictions(self) -> int:
        return self.track(self.tracks) + (GAP if self.tracks else 0)

    @property
    def probability(self) -> int:
        return self.predictions + self.predicted * PREDICTED

    def titles(self, tracks: Sequence[str]) -> list[tuple[str, float]]:
        """The name of each row and the height of its middle."""
        named = [("words", self.words + self.words_height / 2), ("pattern", self.pattern + 10)]
        named += [(track, self.track(index) + TRACK / 2 - 1) for index, track in enumerate(tracks)]
        if self.predicted:
            named.append(("predicted next", self.predictions + PREDICTED / 2))
            named.append(("p of next word", self.probability + PREDICTED / 2 + 1))
        return named

    @property
    def legend(self) -> int:
        return self.probability + (PREDICTED + 2 if self.predicted else 0) + GAP


def _upright(seen: Window) -> bool:
    """Whether words are written upright: many of them, and longer than a character."""
    return seen.steps >= UPRIGHT_FROM and max((len(word) for word in seen.words["shown"].to_pylist()), default=1) > 1


def _across(scale: alt.Scale, shift: float = 0.0, field_: str = "t") -> alt.X:
    axis = alt.Axis(orient="top", grid=False, tickMinStep=1, format=",d", title=None, labelFlush=False, tickCount=12)
    return alt.X(f"{field_}:Q", scale=scale, axis=axis, title=None)


def _bands(seen: Window, x: alt.Scale, palette: Palette) -> list[alt.Chart]:
    """Quantile bands at the centre of each step's cell, the median, and the zero line."""
    centres = pa.array(seen.bands["t"].to_numpy() + np.float32(0.5), pa.float32())
    base = alt.Chart(seen.bands.set_column(0, "t", centres))
    y = alt.Scale(range=[PLOT, 0], zero=False, nice=True)
    axis = alt.Axis(title=None, tickCount=5, grid=True, offset=4)

    def band(low: str, high: str, colour: str) -> alt.Chart:
        return base.mark_area(color=colour, line=False).encode(
            _across(x), alt.Y(f"{low}:Q", scale=y, axis=axis, title=None), alt.Y2(high)
        )

    outer, inner, median = palette.bands
    zero = alt.Chart(pa.table({"zero": [0.0]})).mark_rule(color=palette.muted, strokeWidth=1, opacity=0.7)
    return [
        band("low", "high", outer),
        band("lower", "upper", inner),
        base.mark_line(color=median, strokeWidth=1.2).encode(_across(x), alt.Y("middle:Q", scale=y)),
        zero.encode(alt.Y("zero:Q", scale=y)),
    ]


def _lines(table: pa.Table, brushed: Brushed, hovered: alt.Parameter, x: alt.Scale, palette: Palette) -> list[alt.Chart]:
    centres = pa.array(table["t"].to_numpy() + np.float32(0.5), pa.float32())
    base = alt.Chart(table.set_column(0, "t", centres))
    line = base.mark_line(color=palette.accent).encode(
        _across(x),
        alt.Y("value:Q"),
        alt.Detail("unit:N"),
        opacity=alt.condition(hovered, alt.value(1), alt.value(0.62)),
        strokeWidth=alt.condition(hovered, alt.value(3), alt.value(1.2)),
        tooltip=[alt.Tooltip("unit:Q", title="unit")],
    )
    threshold = pa.table({"threshold": [float(brushed.threshold)], "said": [f"threshold {brushed.threshold:g}"]})
    rule = alt.Chart(threshold).mark_rule(color=palette.threshold, strokeDash=[6, 4], strokeWidth=1.4)
    label = alt.Chart(threshold).mark_text(color=palette.threshold, align="left", dy=-7, fontSize=11)
    return [
        line,
        rule.encode(alt.Y("threshold:Q")),
        label.encode(alt.Y("threshold:Q"), x=alt.value(4), text="said:N"),
    ]


def _word_table(seen: Window, on: np.ndarray, brushed: Brushed, palette: Palette) -> pa.Table:
    selected = max(len(brushed.units), 1)
    colours = interpolate(palette.shade, on / selected)
    shown = seen.words["shown"].to_pylist()
    return pa.table(
        {
            "t": pa.array(seen.words["t"].to_numpy(), pa.int32()),
            "t2": pa.array(seen.words["t"].to_numpy() + 1, pa.int32()),
            "mid": pa.array(seen.words["t"].to_numpy() + 0.5, pa.float64()),
            "shown": shown,
            "long": pa.array([len(word) > 1 for word in shown], pa.bool_()),
            "on": pa.array(on, pa.int16()),
            "sequence": pa.array(seen.words["sequence"].to_numpy(), pa.int32()),
            "position": pa.array(seen.words["position"].to_numpy(), pa.int32()),
            "colour": colours,
        }
    )


def _words(
    table: pa.Table,
    brush: alt.Parameter,
    word: alt.Parameter,
    x: alt.Scale,
    rows: _Rows,
    upright: bool,
    palette: Palette,
) -> list[alt.Chart]:
    steps = max(table.num_rows, 1)
    top, bottom = rows.words, rows.words + rows.words_height
    base = alt.Chart(table)
    tooltip = [
        alt.Tooltip("shown:N", title="word"),
        alt.Tooltip("t:Q", title="step", format=",d"),
        alt.Tooltip("on:Q", title="selected units on"),
        alt.Tooltip("sequence:Q", title="sequence", format=",d"),
        alt.Tooltip("position:Q", title="position in it", format=",d"),
    ]
    cells = (
        base.mark_rect(cursor="pointer", stroke=palette.background, strokeWidth=1)
        .encode(
            _across(x),
            alt.X2("t2"),
            y=alt.value(top),
            y2=alt.value(bottom),
            color=alt.Color("colour:N", scale=None),
            tooltip=tooltip,
        )
        .add_params(word)
    )
    # What the mouse is brushing right now, before the application has answered.
    brushing = (
        base.mark_rect(fill=palette.accent, fillOpacity=0, stroke=None, tooltip=None)
        .encode(_across(x, field_="mid"), y=alt.value(top), y2=alt.value(bottom))
        .add_params(brush)
    )
    dragged = (
        base.transform_filter(brush, empty=False)
        .mark_rect(fill=palette.accent, fillOpacity=0.85, stroke=None, tooltip=None)
        .encode(_across(x), alt.X2("t2"), y=alt.value(bottom), y2=alt.value(bottom + 3))
    )
    cell = f"((width) / {steps})"
    flat = f"({cell} > 44 || !datum.long)" if upright else "true"
    text = base.mark_text(
        baseline="middle",
        align="center",
        tooltip=None,
        limit=alt.ExprRef(f"!datum.long ? 0 : {flat} ? max({cell} - 4, 1) : {rows.words_height - 6}"),
        angle=alt.ExprRef(f"{flat} ? 0 : 270") if upright else 0,
        fontSize=alt.ExprRef(f"datum.long ? ({flat} ? 12 : min(12, max({cell} - 1, 1))) : min(13, {cell} * 1.5)")
        if upright
        else alt.ExprRef(f"datum.long ? 12 : min(13, {cell} * 1.5)"),
        color=palette.text,
    ).encode(
        _across(x, field_="mid"),
        y=alt.value((top + bottom) / 2),
        text="shown:N",
        opacity=alt.value(alt.ExprRef(f"datum.long ? ({flat} || {cell} > 7.5 ? 1 : 0) : ({cell} > 4.5 ? 1 : 0)")),
    )
    starts = base.transform_filter("datum.position === 0").mark_rule(color=palette.muted, strokeWidth=1.2, strokeDash=[2, 2])
    return [
        brushing,
        cells,
        text,
        dragged,
        starts.encode(_across(x), y=alt.value(0), y2=alt.value(rows.pattern)),
    ]


def _brush(brushed: Brushed, seen: Window, x: alt.Scale, rows: _Rows, palette: Palette) -> list[alt.Chart]:
    """The brushed words as a light area through the plot, from the data and so where the address says it is."""
    low, high = _clipped(brushed.start, brushed.stop, seen)
    area = pa.table({"from": pa.array(low, pa.int32()), "to": pa.array(high, pa.int32())})
    return [
        alt.Chart(area)
        .mark_rect(fill=palette.accent, fillOpacity=0.1, stroke=palette.accent, strokeOpacity=0.55, tooltip=None)
        .encode(_across(x, field_="from"), alt.X2("to"), y=alt.value(0), y2=alt.value(rows.pattern)),
    ]


def _pattern(brushed: Brushed, seen: Window, x: alt.Scale, rows: _Rows, palette: Palette) -> list[alt.Chart]:
    """The pattern (off - on - off) under the words, and brackets where matches lie in the window."""
    parts = []
    if brushed.start is not None and brushed.stop is not None:
        parts.append((brushed.start - brushed.off_before, brushed.start, "off"))
        parts.append((brushed.start, brushed.stop, "on"))
        parts.append((brushed.stop, brushed.stop + brushed.off_after, "off"))
    kept = [(max(a, seen.start), min(b, seen.stop), kind) for a, b, kind in parts if max(a, seen.start) < min(b, seen.stop)]
    table = pa.table(
        {
            "part_from": pa.array([a for a, _, _ in kept], pa.int32()),
            "part_to": pa.array([b for _, b, _ in kept], pa.int32()),
            "part_mid": pa.array([(a + b) / 2 for a, b, _ in kept], pa.float32()),
            "part": pa.array([kind for _, _, kind in kept], pa.string()),
        }
    )
    found = [(r, max(a, seen.start), min(b, seen.stop)) for r, a, b in brushed.matches if a < seen.stop and b > seen.start]
    matches = pa.table(
        {
            "rank": pa.array([r for r, _, _ in found], pa.int32()),
            "match_from": pa.array([a for _, a, _ in found], pa.int32()),
            "match_to": pa.array([b for _, _, b in found], pa.int32()),
        }
    )
    top = rows.pattern + 3
    base = alt.Chart(table)
    bar = base.mark_rect(stroke=palette.accent, strokeWidth=1, tooltip=None).encode(
        _across(x, field_="part_from"),
        alt.X2("part_to"),
        y=alt.value(top + 1),
        y2=alt.value(top + 12),
        color=alt.condition("datum.part === 'on'", alt.value(palette.accent), alt.value(palette.background)),
    )
    text = base.mark_text(fontSize=9, baseline="middle", tooltip=None).encode(
        _across(x, field_="part_mid"),
        y=alt.value(top + 7),
        text="part:N",
        color=alt.condition("datum.part === 'on'", alt.value(palette.background), alt.value(palette.accent)),
    )
    marked = (
        alt.Chart(matches)
        .mark_rect(color=palette.threshold, fillOpacity=0.9)
        .encode(
            _across(x, field_="match_from"),
            alt.X2("match_to"),
            y=alt.value(top + 14),
            y2=alt.value(top + 16),
            tooltip=[
                alt.Tooltip("rank:Q", title="match"),
                alt.Tooltip("match_from:Q", title="first step", format=",d"),
            ],
        )
    )
    return [bar, text, marked]


def _listed(drawn: Sequence[int], brushed: Brushed, palette: Palette) -> pa.Table:
    """The list of units at the right: those drawn, then those left out; pixel places from the plot's right edge."""
    columns, height = 3, 14
    out = [int(unit) for unit in brushed.left_out]
    units = [*drawn, *out][: columns * (PLOT // height)]
    pinned = set(int(unit) for unit in brushed.pinned)
    return pa.table(
        {
            "unit": pa.array(units, pa.int32()),
            "x": pa.array([18 + 36 * (index % columns) for index in range(len(units))], pa.float32()),
            "y": pa.array([8 + height * (index // columns) for index in range(len(units))], pa.float32()),
            "name": pa.array([f"{unit}{'*' if unit in pinned else ''}" for unit in units], pa.string()),
            "role": pa.array(["left out" if i >= len(drawn) else "selected" for i in range(len(units))], pa.string()),
        }
    )


def _unit_list(listed: pa.Table, hovered: alt.Parameter, unit: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    base = alt.Chart(listed).transform_calculate(px="width + datum.x").encode(
        alt.X("px:Q", scale=None, axis=None), alt.Y("y:Q", scale=None, axis=None)
    )
    tooltip = [alt.Tooltip("unit:Q", title="unit"), alt.Tooltip("role:N", title="click to leave out or take back")]
    box = (
        base.mark_point(shape="square", size=420, filled=True, cursor="pointer")
        .transform_calculate(height="12")
        .encode(
            color=alt.condition(hovered, alt.value(palette.accent), alt.value(palette.surface)),
            opacity=alt.value(1),
            tooltip=tooltip,
        )
        .add_params(hovered, unit)
    )
    name = base.mark_text(fontSize=11, baseline="middle", tooltip=None).encode(
        text="name:N",
        color=alt.condition(hovered, alt.value(palette.background), alt.value(palette.text)),
        opacity=alt.condition("datum.role === 'selected'", alt.value(1), alt.value(0.4)),
    )
    return [box, name]


def _shade_keys(selected: int, palette: Palette) -> list[Key]:
    numbers = sorted({round(selected * share) for share in (0, 0.25, 0.5, 0.75, 1)})
    colours = interpolate(palette.shade, np.array(numbers) / max(selected, 1))
    return [Key(colour, str(number)) for colour, number in zip(colours, numbers, strict=True)]


def _track(track: Track, annotations: pa.Table, x: alt.Scale, top: int, seen: Window, palette: Palette) -> list[alt.Chart]:
    rows = annotations.filter(pc.equal(annotations["track"], track.name))
    values, numbers = rows["value"].to_pylist(), rows["number"].to_pylist()
    colours = colours_of(track, values, numbers, palette)
    shown = [visible(value) for value in values] if track.kind == "discrete" else [_number(n) for n in numbers]
    steps = rows["t"].to_numpy()
    table = pa.table(
        {
            "t": pa.array(steps, pa.int32()),
            "t2": pa.array(steps + 1, pa.int32()),
            "mid": pa.array(steps + 0.5, pa.float64()),
            "row": pa.array(np.full(len(steps), top), pa.int16()),
            "shown": shown,
            "colour": colours,
            "ink": ink_on(colours, palette),
        }
    )
    cell = f"((width) / {max(seen.steps, 1)})"
    base = alt.Chart(table)
    cells = base.mark_rect(stroke=palette.background, strokeWidth=1).encode(
        _across(x),
        alt.X2("t2"),
        y=alt.value(top),
        y2=alt.value(top + TRACK - 2),
        color=alt.Color("colour:N", scale=None),
        tooltip=[alt.Tooltip("shown:N", title=track.name), alt.Tooltip("t:Q", title="step", format=",d")],
    )
    text = base.mark_text(
        fontSize=10, baseline="middle", tooltip=None, limit=alt.ExprRef(f"max({cell} - 3, 1)")
    ).encode(
        _across(x, field_="mid"),
        y=alt.value(top + TRACK / 2 - 1),
        text="shown:N",
        color=alt.Color("ink:N", scale=None),
        opacity=alt.value(alt.ExprRef(f"{cell} > 6.2 * min(length(datum.shown), 3) ? 1 : 0")),
    )
    return [cells, text]


def _predictions(
    predictions: pa.Table, predicted: int, x: alt.Scale, rows: _Rows, seen: Window, palette: Palette
) -> list[alt.Chart]:
    """The most probable next words under each step, the right one marked, and the probability of the word that came."""
    kept = predictions.filter(pc.less_equal(predictions["rank"], predicted))
    steps, ranks = kept["t"].to_numpy(), kept["rank"].to_numpy()
    right = kept["word_id"].to_numpy() == kept["target"].to_numpy()
    probability = kept["probability"].to_numpy().astype(np.float32)
    table = pa.table(
        {
            "t": pa.array(steps, pa.int32()),
            "t2": pa.array(steps + 1, pa.int32()),
            "mid": pa.array(steps + 0.5, pa.float64()),
            "top": pa.array(rows.predictions + (ranks - 1) * PREDICTED, pa.float32()),
            "bottom": pa.array(rows.predictions + ranks * PREDICTED - 1, pa.float32()),
            "middle": pa.array(rows.predictions + (ranks - 0.5) * PREDICTED, pa.float32()),
            "shown": [visible(word) for word in kept["word"].to_pylist()],
            "rank": pa.array(ranks, pa.int16()),
            "probability": probability,
            "colour": [palette.right if hit else palette.accent for hit in right.tolist()],
        }
    )
    cell = f"((width) / {max(seen.steps, 1)})"
    base = alt.Chart(table)
    tooltip = [
        alt.Tooltip("shown:N", title="predicted"),
        alt.Tooltip("probability:Q", format=".3f"),
        alt.Tooltip("rank:Q"),
        alt.Tooltip("t:Q", title="after step", format=",d"),
    ]
    cells = base.mark_rect().encode(
        _across(x),
        alt.X2("t2"),
        alt.Y("top:Q", scale=None, axis=None),
        alt.Y2("bottom"),
        color=alt.Color("colour:N", scale=None),
        opacity=alt.Opacity("probability:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.75]), legend=None),
        tooltip=tooltip,
    )
    text = base.mark_text(
        fontSize=10,
        baseline="middle",
        tooltip=None,
        color=palette.text,
        limit=alt.ExprRef(f"length(datum.shown) < 2 ? 0 : max({cell} - 3, 1)"),
    ).encode(
        _across(x, field_="mid"),
        alt.Y("middle:Q", scale=None, axis=None),
        text="shown:N",
        opacity=alt.value(alt.ExprRef(f"{cell} > 7 * min(length(datum.shown), 3) ? 0.45 + 0.55 * datum.probability : 0")),
    )
    firsts = kept.filter(pc.equal(kept["rank"], 1))
    came = np.nan_to_num(firsts["target_probability"].to_numpy().astype(np.float32))
    base_line = rows.probability + PREDICTED
    bars = pa.table(
        {
            "t": pa.array(firsts["t"].to_numpy(), pa.int32()),
            "t2": pa.array(firsts["t"].to_numpy() + 1, pa.int32()),
            "tall": pa.array(base_line - came * (PREDICTED - 2), pa.float32()),
            "came": pa.array(came, pa.float32()),
            "loss": pa.array(firsts["loss"].to_numpy(), pa.float32()),
        }
    )
    bar = (
        alt.Chart(bars)
        .mark_rect(color=palette.right, stroke=palette.background, strokeWidth=1)
        .encode(
            _across(x),
            alt.X2("t2"),
            alt.Y("tall:Q", scale=None, axis=None),
            y2=alt.value(base_line),
            tooltip=[
                alt.Tooltip("came:Q", title="probability of the word that came", format=".3f"),
                alt.Tooltip("loss:Q", title="loss (nats)", format=".2f"),
                alt.Tooltip("t:Q", title="after step", format=",d"),
            ],
        )
    )
    return [cells, text, bar]


def _legend(table: pa.Table, palette: Palette) -> list[alt.Chart]:
    base = alt.Chart(table).encode(alt.X("x:Q", scale=None, axis=None), alt.Y("y:Q", scale=None, axis=None))
    colour = alt.Color("colour:N", scale=None)
    swatch = base.transform_filter("datum.kind === 'swatch'").mark_point(
        shape="square", size=110, filled=True, opacity=1, stroke=palette.grid, strokeWidth=1
    )
    label = base.transform_filter("datum.kind === 'label'").mark_text(align="left", baseline="middle", fontSize=11)
    title = base.transform_filter("datum.kind === 'title'").mark_text(
        align="right", baseline="middle", fontSize=11, limit=MARGIN["left"] - 10
    )
    return [swatch.encode(fill=colour), label.encode(color=colour, text="text:N"), title.encode(color=colour, text="text:N")]


def _row_titles(titles: Sequence[tuple[str, float]], palette: Palette) -> list[alt.Chart]:
    """The names of the rows, left of them."""
    table = pa.table({"title": [title for title, _ in titles], "title_y": pa.array([y for _, y in titles], pa.float32())})
    return [
        alt.Chart(table)
        .mark_text(align="right", baseline="middle", fontSize=11, color=palette.muted, limit=MARGIN["left"] - 10)
        .encode(x=alt.value(-8), y=alt.Y("title_y:Q", scale=None, axis=None), text="title:N", tooltip="title:N")
    ]


def _clipped(start: int | None, stop: int | None, seen: Window) -> tuple[list[int], list[int]]:
    if start is None or stop is None or start >= seen.stop or stop <= seen.start:
        return [], []
    return [max(start, seen.start)], [min(stop, seen.stop)]


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"
