"""The specification of the co-cluster picture: links, chips with their squares, clouds with their words, legends.

Positions come with the data, in pixels of the width that the picture was laid out for; in a wider or narrower browser
the space between chips and clouds stretches. Hovering a chip, a cloud or anything in it emphasises its counterparts, in
the browser alone, by the columns `group` and `with`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt

from rnnstore.co_clusters.charts.layout import ASIDE, LABEL
from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import at_y, click, data, hover, tooltips, with_margin
from rnnstore.drawing.tracks import legend_layers

LEGEND, TITLE = 19, 62
"""Height of a line of the legend, and the room of its title."""

MARGIN = {"left": ASIDE, "right": ASIDE, "top": 4, "bottom": 0}

_RELATED = "indexof(datum['with'], pointed) >= 0"
_STATE = f"(pointed ? ({_RELATED} ? 1 : -1) : datum.lit)"
"""1: emphasised, -1: stands back, 0: neither. Expressions are short, because the browser evaluates each of them for
every mark; what all marks share is a parameter."""

_GROWS = f"(pointed && over.group[0] !== datum.group ? ({_RELATED} ? 1.06 : 0.88) : 1)"
"""How words grow and shrink while the pointer is elsewhere; those under it stand still, to be clicked."""


def _expression(text: str) -> Any:
    return alt.ExprRef(text)


def _faded(weak: float = 0.35, emphasised: float | None = None) -> Any:
    """Opacity `weak` for what stands back, or `emphasised` where its colour shows a selection (column `emphasised`)."""
    weakened = f"{weak}" if emphasised is None else f"(datum.emphasised ? {emphasised} : {weak})"
    return alt.value(_expression(f"{_STATE} < 0 ? {weakened} : 1"))


@lru_cache(maxsize=8)
def co_cluster_specification(palette: Palette, width: int, middle: float) -> dict[str, Any]:
    """The co-cluster picture in Vega-Lite, over the tables of `co_clusters`, laid out for `width` pixels."""
    over = hover("over", "group")
    shared = {
        "stretch": f"width / {width - 2 * ASIDE}",
        "narrowed": f"min(1, width / {width - 2 * ASIDE})",
        "fit": f"clamp(width / {width - 2 * ASIDE}, 0.6, 1.15)",
        "centre": f"{middle} * width / {width - 2 * ASIDE}",
        "pointed": "over.group && over.group[0] ? '|' + over.group[0] + '|' : ''",  # over a link there is no group
    }
    layers = [
        *_link_layers(),
        *_cloud_layers(palette, over),
        *_chip_layers(palette),
        *_word_layers(palette),
        *legend_layers("legends", palette, TITLE - 10),
    ]
    chart = alt.layer(*layers).add_params(*(alt.param(name=name, expr=text) for name, text in shared.items()))
    return with_style(with_margin(chart, MARGIN, width), palette).to_dict(validate=False)


def _link_layers() -> list[alt.Chart]:
    start = "(centre + datum.from_x * narrowed)"
    end = "(datum.to_x * stretch)"
    half = f"(({start}) * 0.5 + ({end}) * 0.5)"
    path = (
        f"'M' + {start} + ',' + datum.from_y + 'C' + {half} + ',' + datum.from_y + ',' + {half} + ',' + datum.to_y + "
        f"',' + {end} + ',' + datum.to_y"
    )
    link = data("links").mark_point(
        shape=_expression(path),
        size=4,  # so that the path's own numbers are pixels
        x=0,
        y=0,
        filled=False,
        fill=None,
        strokeWidth=_expression("datum.thick"),
        strokeCap="butt",
    )
    opacity = f"{_STATE} > 0 ? 0.85 : {_STATE} < 0 ? 0.06 : 0.5"
    return [
        link.encode(
            stroke=alt.Stroke("colour:N", scale=None),
            opacity=alt.value(_expression(opacity)),
            tooltip=tooltips("ends:N|between", "caption:N|mean response"),
        )
    ]


def _chip_layers(palette: Palette) -> list[alt.Chart]:
    left = "(centre - datum.wide / 2 * narrowed)"
    chips, cells = data("chips"), data("cells")
    tooltip = tooltips("chip:Q|units, cluster|d", "units:N|units in it", "opposite:N|strongest words' clusters")
    board = chips.mark_rect(
        x=_expression(left),
        x2=_expression(f"{left} + datum.wide * narrowed"),
        y=_expression("datum.y"),
        y2=_expression("datum.y + datum.tall"),
        cornerRadius=4,
        cursor="pointer",
        stroke=palette.accent,
        strokeWidth=_expression(f"{_STATE} > 0 ? 1.5 : 0"),
    )
    number = chips.mark_text(
        x=_expression(f"{left} + {LABEL / 2 + 2} * narrowed"),
        y=_expression("datum.y + datum.tall / 2"),
        fontSize=11,
        fontWeight=600,
        color=palette.text,
        cursor="pointer",
    )
    x = "(centre + datum.x * narrowed)"
    height = at_y()
    square = cells.mark_point(
        x=_expression("centre + datum.middle * narrowed"), shape="square", filled=True, strokeWidth=0, cursor="pointer"
    )
    picked = cells.transform_filter("datum.picked").mark_point(
        x=_expression("centre + datum.middle * narrowed"),
        shape="square",
        filled=False,
        stroke=palette.text,
        strokeWidth=2,
    )
    stripe = data("stripes").mark_rect(
        x=_expression(x),
        x2=_expression(f"{x} + datum.side * narrowed"),
        y=_expression("datum.y"),
        y2=_expression("datum.y + datum.tall"),
    )
    dot = data("turned").mark_point(
        shape="circle",
        filled=True,
        fill=palette.background,
        stroke=palette.text,
        strokeWidth=0.5,
        x=_expression(x),
        y=_expression("datum.y"),
        size=_expression("datum.size"),
    )
    of_unit = alt.value(
        _expression(
            "datum.caption ? {'unit': datum.unit, 'response to': datum.caption, 'moved most by': datum.top} : "
            "{'unit': datum.unit, 'moved most by': datum.top}"
        )
    )
    return [
        board.encode(fill=alt.Fill("colour:N", scale=None), opacity=_faded(0.5), tooltip=tooltip).add_params(
            click("clicked_chip", "chip")
        ),
        number.encode(text=alt.Text("chip:Q", format="d"), opacity=_faded(0.4), tooltip=tooltip),
        square.encode(
            height,
            size=alt.Size("size:Q", scale=None),
            fill=alt.Fill("colour:N", scale=None),
            opacity=_faded(0.4, 0.9),
            tooltip=of_unit,
        ).add_params(click("clicked_unit", "unit")),
        stripe.encode(fill=alt.Fill("colour:N", scale=None), opacity=_faded(0.9)),
        dot.encode(opacity=_faded(0.4)),
        picked.encode(height, size=alt.Size("size:Q", scale=None), opacity=alt.value(1)),
    ]


def _cloud_layers(palette: Palette, over: alt.Parameter) -> list[alt.Chart]:
    clouds = data("clouds")
    tooltip = tooltips("cloud:Q|words, cluster|d", "shown:N|words shown", "opposite:N|strongest units' clusters")
    near, far = "(datum.near * stretch)", "(datum.far * stretch)"
    edges = {"y": _expression("datum.y"), "y2": _expression("datum.y + datum.tall")}
    room = clouds.mark_rect(
        x=_expression(f"min({near}, {far})"),
        x2=_expression(f"max({near}, {far})"),
        **edges,
        cornerRadius=5,
        cursor="pointer",
        fill=palette.surface,
        stroke=palette.accent,
        strokeWidth=_expression(f"{_STATE} > 0 ? 1.2 : 0"),
    )
    bar = clouds.mark_rect(x=_expression(near), x2=_expression(f"{near} + datum.side * 5"), **edges, cursor="pointer")
    number = clouds.mark_text(
        x=_expression(f"{near} + datum.side * 14"),
        y=_expression("datum.y + datum.tall / 2"),
        fontSize=11,
        fontWeight=600,
        color=palette.muted,
        cursor="pointer",
    )
    return [
        room.encode(opacity=_faded(0.6), tooltip=tooltip).add_params(over, click("clicked_cloud", "cloud")),
        bar.encode(fill=alt.Fill("colour:N", scale=None), opacity=_faded(), tooltip=tooltip),
        number.encode(text=alt.Text("cloud:Q", format="d"), opacity=_faded(0.4), tooltip=tooltip),
    ]


def _word_layers(palette: Palette) -> list[alt.Chart]:
    words = data("words")
    x = f"(datum.middle * stretch + datum.x * fit * {_GROWS})"
    y = f"(datum.centre + datum.y * {_GROWS})"
    half = f"(datum.wide / 2 * fit * {_GROWS})"
    tall = f"(datum.size * 0.51 * {_GROWS})"
    pill = words.transform_filter("datum.fill != 'transparent' || datum.pinned").mark_rect(
        x=_expression(f"{x} - {half}"),
        x2=_expression(f"{x} + {half}"),
        y=_expression(f"{y} - {tall}"),
        y2=_expression(f"{y} + {tall} + 1"),
        cornerRadius=4,
        stroke=palette.accent,
        strokeWidth=_expression("datum.pinned ? 1.2 : 0"),
        strokeDash=[3, 2],
    )
    word = words.mark_text(
        x=_expression(x),
        y=_expression(y),
        fontSize=_expression(f"round(2 * datum.size * fit * {_GROWS}) / 2"),  # few sizes are drawn faster
        align="center",
        baseline="middle",
        cursor="pointer",
    )
    tooltip = tooltips(
        "caption:N|word",
        "read:N|occurrences",
        "moved:N|moves most the units",
        "error:N|standard error, mean over units",
        "nearness:Q|nearness to the centre|.2f",
    )
    return [
        pill.encode(fill=alt.Fill("fill:N", scale=None), opacity=_faded(0.35, 0.8)),
        word.encode(
            text="text:N", color=alt.Color("ink:N", scale=None), opacity=_faded(0.4, 0.9), tooltip=tooltip
        ).add_params(click("clicked_word", "word")),
    ]
