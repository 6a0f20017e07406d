"""The specification of the select view: layers over one axis of steps, in the rows of `select_layout`.

It is one layered chart, so that every row stands exactly under its steps at any width. `select_view` makes the tables.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import at_x, at_y, click, data, hover, tooltips, with_margin
from rnnstore.drawing.tracks import legend_layers
from rnnstore.matching.charts.linked_states import linked_layers
from rnnstore.matching.charts.scalar_tracks import SIGNAL, signal_layers
from rnnstore.matching.charts.select_layout import (
    LEAST_CHARACTER,
    LEAST_FLAT,
    LEAST_UPRIGHT,
    MARGIN,
    PLOT,
    PREDICTED,
    TRACK,
    Rows,
)

_CELL = "(width / (last - first))"
_EDGE = alt.ExprRef(f"{_CELL} > 6 ? 1 : 0")
"""Width of the line between cells: none where they are so narrow that it would hide their colour."""
_STEP = alt.Tooltip("t:Q", title="step", format=",d")


@lru_cache(maxsize=32)
def select_specification(palette: Palette, rows: Rows, tracks: tuple[str, ...], width: int) -> dict[str, Any]:
    """The select view in Vega-Lite, over the tables that `select_picture` makes."""
    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        mark=alt.BrushConfig(fill=palette.accent, fillOpacity=0, strokeOpacity=0, cursor="ew-resize"),
        zoom=False,
        clear=False,
    )
    over = hover("hovered_unit", "unit")
    layers = [
        *_plot_layers(palette),
        *_line_layers(over, palette),
        *(
            layer
            for index in range(rows.linked)
            for layer in linked_layers(index, rows.linked_top(index), MARGIN["left"] - 10, _x, _CELL, palette)
        ),
        *_word_layers(brush, rows, palette),
        *_pattern_layers(rows, palette),
        *_unit_layers(over, click("clicked_unit", "unit"), palette),
    ]
    for index, track in enumerate(tracks):
        top = rows.track(index)
        if index in rows.signals:
            layers += signal_layers(f"signal{index}", track, top - SIGNAL, _x, _CELL, palette)
        layers += _track_layers(f"track{index}", track, top, palette, cut=index not in rows.signals)
    if rows.predicted:
        layers += _prediction_layers(rows, palette)
    layers.append(
        data("titles")
        .mark_text(align="right", baseline="middle", fontSize=11, color=palette.muted, limit=MARGIN["left"] - 10)
        .encode(at_y(), x=alt.value(-8), text="title:N", tooltip="title:N")
    )
    if rows.linked:
        layers += _title_layers(palette)
    layers += legend_layers("legends", palette, MARGIN["left"] - 10)
    chart = alt.layer(*layers).add_params(alt.param(name="first", value=0), alt.param(name="last", value=1))
    return with_style(with_margin(chart, MARGIN, width), palette).to_dict(validate=False)


def _x(field: str = "t") -> alt.X:
    """The shared axis over the steps of the window."""
    scale = alt.Scale(domain=[alt.ExprRef("first"), alt.ExprRef("last")], nice=False, zero=False)
    axis = alt.Axis(orient="top", grid=False, tickMinStep=1, format=",d", title=None, tickCount=10)
    return alt.X(f"{field}:Q", scale=scale, axis=axis, title=None)


def _plot_layers(palette: Palette) -> list[alt.Chart]:
    """The brushed words, quantile bands, the median and the zero line."""
    scale = alt.Scale(range=[PLOT, 0], zero=False, nice=True)
    axis = alt.Axis(title=None, tickCount=5, grid=True, offset=4)
    outer, inner, median = palette.bands

    def band(low: str, high: str, colour: str) -> alt.Chart:
        area = data("bands").mark_area(color=colour, tooltip=None)
        return area.encode(_x("mid"), alt.Y(f"{low}:Q", scale=scale, axis=axis, title=None), alt.Y2(high))

    middle = data("bands").mark_line(color=median, strokeWidth=1.2, tooltip=None)
    zero = data("threshold").mark_rule(color=palette.muted, strokeWidth=1, opacity=0.7, tooltip=None)
    return [
        band("low", "high", outer),
        band("lower", "upper", inner),
        middle.encode(_x("mid"), alt.Y("middle:Q")),
        zero.encode(alt.YDatum(0)),
    ]


def _line_layers(over: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    line = data("lines").mark_line(color=palette.accent)
    rule = data("threshold").mark_rule(color=palette.threshold, strokeDash=[6, 4], strokeWidth=1.4, tooltip=None)
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


def _title_layers(palette: Palette) -> list[alt.Chart]:
    """The name of the first plot's state, where there are linked ones; outlined, to be readable on lines."""
    text: dict[str, Any] = {"align": "left", "baseline": "middle", "fontSize": 12, "fontWeight": 600, "tooltip": None}
    title = data("title")
    there: dict[str, Any] = {"x": alt.value(3), "y": alt.value(9), "text": "caption:N"}
    return [
        title.mark_text(**text, stroke=palette.background, strokeWidth=4, color=palette.background).encode(**there),
        title.mark_text(**text, color=palette.text).encode(**there),
    ]


def _word_layers(brush: alt.Parameter, rows: Rows, palette: Palette) -> list[alt.Chart]:
    top, bottom = alt.value(rows.words), alt.value(rows.pattern)
    long = "length(datum.shown) > 1"
    flat = f"({_CELL} > 44 || !({long}))" if rows.upright else "true"
    room = rows.pattern - rows.words - 6
    least = LEAST_UPRIGHT if rows.upright else LEAST_FLAT
    small = f"min(13, {_CELL} * 1.5)"
    words = data("words")
    grip = words.mark_rect(fillOpacity=0, tooltip=None).encode(_x("mid"), y=top, y2=bottom).add_params(brush)
    brushed = (
        data("brushed")
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
        .add_params(
            click("clicked_word", "t", "click[!event.shiftKey]"),
            click("extended_word", "t", "click[event.shiftKey]"),
        )
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
    hint = "'point at the row to read a word, or show fewer steps'"
    hint = (
        data("threshold")
        .mark_text(
            text=alt.ExprRef(f"{_CELL} > {least if rows.upright else LEAST_CHARACTER} ? '' : {hint}"),
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
    hit = (
        data("hit")
        .mark_rect(filled=False, stroke=palette.threshold, strokeWidth=2, tooltip=None)
        .encode(_x("from"), alt.X2("to"), y=alt.value(rows.words + 1), y2=alt.value(rows.pattern - 1))
    )
    return [grip, brushed, cell, text, hit, hint, dragged, starts.encode(_x(), y=alt.value(0), y2=bottom)]


def _pattern_layers(rows: Rows, palette: Palette) -> list[alt.Chart]:
    """The pattern (off, on, off) under the words, and a mark under every match in the window."""
    top = rows.pattern + 4
    on = "datum.caption === 'on'"
    bar = (
        data("pattern")
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
        data("pattern")
        .mark_text(fontSize=11, baseline="middle", tooltip=None)
        .encode(
            _x("mid"),
            y=alt.value(top + 6),
            text="caption:N",
            color=alt.condition(on, alt.value(palette.background), alt.value(palette.accent)),
            opacity=alt.value(alt.ExprRef(f"{_CELL} * (datum.to - datum.from) > 14 ? 1 : 0")),
        )
    )
    found = (
        data("matches")
        .mark_rect(color=palette.threshold)
        .encode(
            _x("from"),
            alt.X2("to"),
            y=alt.value(top + 13),
            y2=alt.value(top + 16),
            tooltip=tooltips("caption:N|match", "from:Q|first step|,d"),
        )
    )
    return [bar, text, found]


def _unit_layers(over: alt.Parameter, unit: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """The list of selected units; hovering one shows its line, hovering a line shows it in the list."""
    listed = data("units").transform_calculate(px="width + datum.x")
    where = (at_x("px"), at_y("y"))
    box = (
        listed.mark_square(size=160, filled=True, cursor="pointer", opacity=1)
        .encode(
            *where,
            color=alt.condition(over, alt.value(palette.accent), alt.value(palette.background)),
            tooltip=tooltips("unit:Q|unit", "role:N|now (click: leave out, take back)"),
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


def _track_layers(table: str, title: str, top: int, palette: Palette, cut: bool) -> list[alt.Chart]:
    """The cells of a track. A label may be `cut` to fit; a number may not, as it would read as another number."""
    least = "min(length(datum.shown), 3)" if cut else "(length(datum.shown) + 1)"
    cell = data(table).mark_rect(stroke=palette.background, strokeWidth=_EDGE)
    text = data(table).mark_text(
        fontSize=11, baseline="middle", tooltip=None, limit=alt.ExprRef(f"max({_CELL} - 3, 1)")
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
            opacity=alt.value(alt.ExprRef(f"{_CELL} > 6.8 * {least} ? 1 : 0")),
        ),
    ]


def _prediction_layers(rows: Rows, palette: Palette) -> list[alt.Chart]:
    """Predicted words, stronger the more probable, the right one in another colour; below, the target's probability."""
    size = "min(length(datum.shown), 3) * 7"
    cell = data("predictions").mark_rect()
    text = data("predictions").mark_text(
        fontSize=11,
        baseline="middle",
        tooltip=None,
        color=palette.text,
        limit=alt.ExprRef(f"length(datum.shown) < 2 ? 0 : max({_CELL} - 3, 1)"),
    )
    bar = data("came").mark_rect(color=palette.right, stroke=palette.background, strokeWidth=_EDGE)
    return [
        cell.encode(
            _x(),
            alt.X2("t2"),
            at_y("top"),
            alt.Y2("bottom"),
            color=alt.Color("colour:N", scale=None),
            opacity=alt.Opacity("probability:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1]), legend=None),
            tooltip=tooltips("shown:N|predicted", "probability:Q||.3f", "rank:Q", "t:Q|after step|,d"),
        ),
        text.encode(
            _x("mid"),
            at_y("middle"),
            text="shown:N",
            opacity=alt.value(alt.ExprRef(f"{_CELL} > {size} ? 0.45 + 0.55 * datum.probability : 0")),
        ),
        bar.encode(
            _x(),
            alt.X2("t2"),
            at_y("tall"),
            y2=alt.value(rows.probability + PREDICTED),
            tooltip=tooltips(
                "came:Q|probability of the word that came|.3f", "loss:Q|loss (nats)|.2f", "t:Q|after step|,d"
            ),
        ),
    ]
