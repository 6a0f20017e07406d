"""The specification of the glyph view: layers whose marks carry their own places and colours, see `glyphs`.

It is one layered chart for both directions and any number of passages, words and clusters, so that another sentence
moves marks instead of rebuilding the chart. Links are single marks whose shape is a path.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import at_share, at_x, at_y, click, data, hover, tooltips, with_margin
from rnnstore.drawing.tracks import legend_layers

MARGIN = {"left": 88, "right": 10, "top": 14, "bottom": 6}

_BAR = "(width * (datum.x2 - datum.x))"
_CELL = "(width * (datum.wx2 - datum.wx))"
_ROOM = "(width * (datum.x2 - datum.x))"


def _font_size(field: str, room: str, most: float) -> str:
    """The estimated font size at which a text fits its room, never too small to read."""
    return f"max(11, min({most}, ({room} - 3) / (0.6 * max(length(datum.{field}), 1))))"


@lru_cache(maxsize=8)
def glyph_specification(palette: Palette, width: int) -> dict[str, Any]:
    """The glyph view in Vega-Lite, over the tables that `glyph_picture` makes."""
    glyph, cluster = hover("hovered_token", "place"), hover("hovered_cluster", "cluster")
    layers = [
        *_link_layers(glyph, palette),
        *_frame_layers(glyph, palette),
        *_emphasis_layers(cluster, palette),
        *_bar_layers(palette),
        *_word_layers(palette),
        *_prediction_layers(palette),
        *_chip_layers(cluster, palette),
        *_grip_layers(glyph, cluster),
        *_title_layers(palette),
        *legend_layers("legends", palette, MARGIN["left"] - 10),
    ]
    chart = alt.layer(*layers).add_params(alt.param(name="down", value=False), alt.param(name="marked", value=-1))
    return with_style(with_margin(chart, MARGIN, width), palette).to_dict(validate=False)


def _box(table: alt.Chart, x: str = "x", y: str = "y", **encodings: Any) -> alt.Chart:
    return table.encode(at_share(x), alt.X2(f"{x}2"), at_y(y), alt.Y2(f"{y}2"), **encodings)


def _colour(field: str = "colour") -> alt.Color:
    return alt.Color(f"{field}:N", scale=None)


def _link_layers(glyph: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """The links of the chosen token, and fainter those of the one under the pointer."""
    across = (
        "'M0,' + datum.stem + 'C0,' + (datum.stem + datum.dy) / 2 + ',' + datum.dx * width + ',' "
        "+ (datum.stem + datum.dy) / 2 + ',' + datum.dx * width + ',' + datum.dy"
    )
    beside = (
        "'M0,0C' + datum.dx * width / 2 + ',0,' + datum.dx * width / 2 + ',' + datum.dy + ',' "
        "+ datum.dx * width + ',' + datum.dy"
    )
    links = data("links").transform_calculate(path=f"down ? {beside} : {across}")

    def drawn(rows: alt.Chart, opacity: float) -> alt.Chart:
        return rows.mark_point(filled=False, size=4, opacity=opacity, strokeCap="butt", tooltip=None).encode(
            at_share(),
            at_y(),
            shape=alt.Shape("path:N", scale=None, legend=None),
            strokeWidth=alt.StrokeWidth("thick:Q", scale=None, legend=None),
            stroke=alt.Stroke("colour:N", scale=None, legend=None),
        )

    def stem(rows: alt.Chart, colour: str, thick: float) -> alt.Chart:
        mark = rows.mark_rule(color=colour, strokeWidth=thick, tooltip=None)
        return mark.encode(at_share("middle"), at_y("y2"), alt.Y2("stem"))

    across_only = data("tokens").transform_filter("isValid(datum.stem)")
    return [
        stem(across_only.transform_filter(glyph), palette.muted, 1),
        stem(across_only.transform_filter("datum.selected"), palette.accent, 2.2),
        drawn(links.transform_filter("datum.chosen"), 0.8),
        drawn(links.transform_filter("!datum.chosen").transform_filter(glyph), 0.4),
    ]


def _frame_layers(glyph: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """The tiles on which glyphs stand; the chosen and the aligned ones framed."""
    tile = data("tokens").mark_rect(
        cornerRadius=3, fill=palette.surface, strokeWidth=1, stroke=palette.grid, tooltip=None
    )
    over = (
        data("tokens")
        .transform_filter(glyph)
        .mark_rect(cornerRadius=3, filled=False, stroke=palette.muted, strokeWidth=1.4, tooltip=None)
    )
    same = (
        data("tokens")
        .transform_filter("datum.aligned")
        .mark_rect(
            cornerRadius=3,
            fill=palette.accent,
            fillOpacity=0.12,
            stroke=palette.accent,
            strokeOpacity=0.5,
            tooltip=None,
        )
    )
    chosen = (
        data("tokens")
        .transform_filter("datum.selected")
        .mark_rect(cornerRadius=3, filled=False, stroke=palette.accent, strokeWidth=2.2, tooltip=None)
    )
    begins = data("tokens").transform_filter("datum.starts").mark_rule(
        color=palette.muted, strokeWidth=1.4, strokeDash=[2, 2], tooltip=None
    )  # fmt: skip
    edge = begins.transform_calculate(edge="datum.x - 2.5 / width").encode(at_share("edge"), at_y("y"), alt.Y2("y2"))
    return [_box(tile), _box(same), edge, _box(over), _box(chosen)]


def _emphasis_layers(cluster: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """The column of the cluster that is marked or under the pointer, in every glyph."""

    def column(rows: alt.Chart, opacity: float) -> alt.Chart:
        mark = rows.mark_rect(fill=palette.accent, fillOpacity=opacity, tooltip=None)
        return mark.encode(at_share("hx"), alt.X2("hx2"), at_y("top"), alt.Y2("bottom"))

    bars = data("bars")
    return [
        column(bars.transform_filter("datum.cluster === marked"), 0.22),
        column(bars.transform_filter(cluster), 0.14),
    ]


def _bar_layers(palette: Palette) -> list[alt.Chart]:
    """Tracks with their cursors, boxes with their hats, the zero line."""
    bars = data("bars")

    def part(y: str, y2: str, **mark: Any) -> alt.Chart:
        return bars.mark_rect(tooltip=None, **mark).encode(at_share(), alt.X2("x2"), at_y(y), alt.Y2(y2))

    track = bars.mark_rule(color=palette.grid, strokeWidth=1.2, tooltip=None).encode(
        at_share("mid"), at_y("track"), alt.Y2("track2")
    )
    cursor = (
        bars.transform_filter("isValid(datum.cursor)")
        .transform_calculate(cursor2="datum.cursor + 2.4")
        .mark_rect(fill=palette.text, tooltip=None)
        .encode(at_share(), alt.X2("x2"), at_y("cursor"), alt.Y2("cursor2"))
    )
    outline = alt.ExprRef(f"{_BAR} > 3.4 ? min(1.3, {_BAR} / 6) : 0")
    zero = bars.mark_rect(fill=palette.muted, tooltip=None).transform_calculate(under="datum.zero + 0.8")

    def beyond(side: str) -> alt.Chart:
        mark = bars.transform_filter(f"isValid(datum.beyond_{side})").mark_point(
            shape=f"triangle-{side}", size=22, color=palette.threshold, filled=True, opacity=1, tooltip=None
        )
        return mark.encode(at_share("mid"), at_y(f"beyond_{side}"))

    return [
        track,
        cursor,
        part("high", "low", fill=palette.bands[1]),
        part("high", "before_high").encode(color=_colour("up_colour")),
        part("low", "before_low").encode(color=_colour("down_colour")),
        part("high", "low", filled=False, stroke=palette.text, strokeOpacity=0.75, strokeWidth=outline),
        zero.encode(at_share("hx"), alt.X2("hx2"), at_y("zero"), alt.Y2("under")),
        beyond("up"),
        beyond("down"),
    ]


def _word_layers(palette: Palette) -> list[alt.Chart]:
    """The words as they were typed, coloured where a unit or cluster colours them; unknown ones underlined."""
    words = data("tokens")
    coloured = "isValid(datum.value) ? format(datum.value, '.3~f') : 'nothing'"
    cell = _box(
        words.transform_calculate(coloured=coloured).mark_rect(cursor="pointer", cornerRadius=2),
        "wx",
        "wy",
        color=_colour(),
        tooltip=tooltips("typed:N|word", "read:N|read as", "step:Q|step|,d", "coloured:N|coloured by"),
    ).add_params(click("clicked_token", "place"))
    text = (
        words.transform_calculate(wmiddle="down ? datum.wx2 - 0.006 : (datum.wx + datum.wx2) / 2")
        .mark_text(
            baseline="middle",
            align=alt.ExprRef("down ? 'right' : 'center'"),
            tooltip=None,
            fontSize=alt.ExprRef(f"length(datum.typed) < 2 ? 13 : {_font_size('typed', _CELL, 12)}"),
            fontStyle=alt.ExprRef("datum.unknown ? 'italic' : 'normal'"),
            fontWeight=alt.ExprRef("datum.selected || datum.aligned ? 700 : 400"),
            limit=alt.ExprRef(f"length(datum.typed) < 2 ? 0 : max({_CELL} - 2, 1)"),
        )
        .encode(
            at_share("wmiddle"),
            at_y("wmid"),
            text="typed:N",
            color=_colour("ink"),
            opacity=alt.value(alt.ExprRef(f"{_CELL} > min(18, length(datum.typed) * 5) ? 1 : 0")),
        )
    )
    line = words.transform_filter("datum.unknown").mark_rule(
        strokeDash=[3, 2], color=palette.threshold, strokeWidth=1.2, tooltip=None
    )
    return [cell, text, line.encode(at_share("wx"), alt.X2("wx2"), at_y("wy2"))]


def _prediction_layers(palette: Palette) -> list[alt.Chart]:
    """The most probable next words, the right one in another colour, and the probability of the one that came."""
    predicted = data("predictions")
    cell = _box(
        predicted.mark_rect(cornerRadius=2, fill=palette.surface),
        tooltip=tooltips("shown:N|predicted", "probability:Q||.4f", "rank:Q", "came:N|came"),
    )
    chance = predicted.mark_rect(cornerRadius=2, tooltip=None)
    number = f"({_ROOM} > 6 * length(datum.shown) + 36 ? '  ' + format(datum.probability, '.0%') : '')"
    text = (
        predicted.transform_calculate(left="datum.x + 3 / width", caption=f"datum.shown + {number}")
        .mark_text(
            baseline="middle",
            align="left",
            fontSize=alt.ExprRef(_font_size("shown", _ROOM, 11)),
            color=palette.text,
            tooltip=None,
            limit=alt.ExprRef(f"max({_ROOM} - 5, 1)"),
        )
        .encode(at_share("left"), at_y("mid"), text="caption:N")
    )
    room = _box(
        data("came").mark_rect(fill=palette.grid, cornerRadius=2),
        tooltip=tooltips("target:N|target", "chance:Q|its probability|.4f", "loss:Q|loss (nats)|.2f"),
    )
    bar = data("came").mark_rect(fill=palette.right, cornerRadius=2, tooltip=None)
    chance = (
        data("came")
        .transform_calculate(
            left="datum.x + 3 / width", caption="datum.chance < 0.0005 ? '<0.1%' : format(datum.chance, '.1%')"
        )
        .mark_text(baseline="middle", align="left", fontSize=11, color=palette.text, tooltip=None)
    )
    return [
        cell,
        chance.encode(at_share(), alt.X2("to"), at_y(), alt.Y2("y2"), color=_colour()),
        text,
        room,
        bar.encode(at_share(), alt.X2("to"), at_y(), alt.Y2("y2")),
        chance.encode(
            at_share("left"),
            at_y("mid"),
            text="caption:N",
            opacity=alt.value(alt.ExprRef(f"{_ROOM} > 36 ? 1 : 0")),
        ),
    ]


def _chip_layers(cluster: alt.Parameter, palette: Palette) -> list[alt.Chart]:
    """Memory chips with a cell a unit, and the words that move each most."""
    tooltip = tooltips("cluster:Q|cluster", "units:Q|units", "words:N|moved most by")
    chip = data("chips").mark_rect(cornerRadius=3, cursor="pointer", fill=palette.surface)
    frame = data("chips").mark_rect(cornerRadius=3, filled=False, strokeWidth=2.4, stroke=palette.accent, tooltip=None)
    cell = data("cells").mark_rect(
        stroke=palette.background, strokeWidth=alt.ExprRef(f"{_ROOM} > 4 ? 0.8 : 0.2"), cursor="pointer"
    )
    text = data("chip_words").mark_text(
        align=alt.ExprRef("down ? 'left' : 'center'"),
        baseline="middle",
        fontSize=11,
        limit=alt.ExprRef("max(datum.room * width, 1)"),
        tooltip=None,
    )
    return [
        _box(chip, stroke=alt.value(palette.grid), tooltip=tooltip).add_params(click("clicked_chip", "cluster")),
        _box(
            cell,
            color=_colour(),
            tooltip=tooltips("unit:Q", "cluster:Q", "value:Q|change at the chosen word|+.3f"),
        ).add_params(click("clicked_cell", "unit")),
        _box(frame.transform_filter("datum.marked")),
        _box(frame.transform_filter(cluster)),
        text.encode(
            at_share(),
            at_y(),
            text="text:N",
            color=_colour(),
        ),
    ]


def _grip_layers(glyph: alt.Parameter, cluster: alt.Parameter) -> list[alt.Chart]:
    """Invisible marks for the pointer: a bar of a glyph, from the track to its lower edge, with its numbers."""
    grip = data("bars").mark_rect(fillOpacity=0, cursor="pointer")
    return [
        grip.encode(
            at_share("hx"),
            alt.X2("hx2"),
            at_y("top"),
            alt.Y2("bottom"),
            tooltip=tooltips(
                "word:N",
                "cluster:Q",
                "units:Q|units in it",
                "positive:Q|positive, per unit|+.4f",
                "more:Q|positive, its change|+.4f",
                "negative:Q|negative, per unit|+.4f",
                "less:Q|negative, its change|+.4f",
                "share:Q|preserved|.1%",
                "step:Q||,d",
            ),
        ).add_params(glyph, cluster, click("clicked_bar", "bar"))
    ]


def _title_layers(palette: Palette) -> list[alt.Chart]:
    titles = data("titles").transform_calculate(px="datum.x * width + datum.dx")
    text = titles.mark_text(
        align=alt.ExprRef("datum.kind === 'heading' ? 'left' : 'right'"),
        baseline="middle",
        fontSize=alt.ExprRef("datum.kind === 'row' ? 11 : 12"),
        fontWeight=alt.ExprRef("datum.kind === 'row' ? 400 : 600"),
        limit=alt.ExprRef(f"datum.kind === 'heading' ? 260 : {MARGIN['left'] - 10}"),
    )
    return [
        text.encode(
            at_x("px"),
            at_y(),
            text="text:N",
            tooltip="text:N",
            color=alt.condition("datum.kind === 'row'", alt.value(palette.muted), alt.value(palette.text)),
        )
    ]
