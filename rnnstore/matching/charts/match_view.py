"""The match view: a matrix of words aligned at the start of each match, and heat maps of units and tracks beside it.

It is one layered chart whose cells carry their places (as shares of the width) and colours, so that new matches move
marks, and hovering a cell highlights the same step in every heat map without a request to the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.drawing.palette import Palette, interpolate, with_style
from rnnstore.drawing.picture import (
    Picture,
    at_share,
    at_x,
    at_y,
    click,
    data,
    hover,
    tooltips,
    with_margin,
    with_parameters,
)
from rnnstore.drawing.tracks import Key, legend, legend_layers, legend_table, readable_ink, track_colours
from rnnstore.matching.charts.match_layout import GAP, LEGEND, ROW, RUNNING_FROM, Layout
from rnnstore.matching.windows import Cells
from rnnstore.store.card import Track

MARGIN = {"left": 196, "right": 10, "top": 6, "bottom": 6}
FACTS = {"rank": -172, "step": -118, "length": -80, "overlap": -40, "union": -8}
COUNT = "units on"
"""The name of the heat map that every match view has: how many of the selected units are on."""


def match_picture(
    matches: pa.Table,
    cells: Cells,
    selected: int,
    palette: Palette,
    *,
    tracks: Mapping[str, Track] | None = None,
    mapped: str | None = COUNT,
    before: int = 3,
    after: int = 8,
    width: int = 1100,
) -> Picture:
    """The match view of a page of `matches` (as `rnnstore.match` gives them), with their `cells` from `before` steps
    before to `after` steps after their starts.

    A heat map of how many of the `selected` units are on, and one for each of `tracks`; `mapped` names the heat map
    whose colours lie behind the words as well (None: none), faded where few selected units are on. From
    `RUNNING_FROM` columns on words stand as running text around the starts, as many as there is room for; the heat maps
    have them all. Parameter that a page can listen to: `clicked_match` (rank).
    """
    tracks = dict(tracks or {})
    legends: list[tuple[str, Sequence[Key]]] = [(COUNT, _count_keys(selected, palette))]
    legends += [(track.name, legend(track, palette)) for track in tracks.values()]
    words = cells.table["shown"].to_pylist()
    running = before + after >= RUNNING_FROM and max(map(len, words), default=1) > 1
    layout = Layout(-before, before + after, 1 + len(tracks), running)
    colours = {COUNT: interpolate(palette.sequential, cells.table["on"].to_numpy() / max(selected, 1))}
    for name, track in tracks.items():
        colours[name] = track_colours(track, *cells.values[name], palette)
    tables = {
        "cells": _cell_table(matches, cells, colours, layout, tracks, mapped, selected, palette),
        "outlines": _outline_table(matches, cells, layout),
        "longer": _longer_table(matches, cells, layout),
        "facts": _facts_table(matches, layout),
        "panels": _panel_table(list(colours), layout),
        "legends": legend_table(legends, palette, 0, LEGEND),
    }
    kinds = tuple((name, track.kind) for name, track in tracks.items())
    height = layout.top + matches.num_rows * ROW + MARGIN["top"] + MARGIN["bottom"]
    return Picture(with_parameters(_specification(palette, kinds, width), height), tables)


def prepare(tracks: Mapping[str, Track], palette: Palette, width: int = 1100) -> None:
    """Build and cache the specification of match views with these tracks, so that the first match need not wait."""
    _specification(palette, tuple((name, track.kind) for name, track in tracks.items()), width)
    _length_specification(palette, 300)


def length_picture(lengths: pa.Table, minimum: int, maximum: int | None, palette: Palette, width: int = 300) -> Picture:
    """How many of the counted matches are how long (`lengths` as in `Matches`); parameter `clicked_length` (length)."""
    kept = [minimum <= length <= (maximum or length) for length in lengths["length"].to_pylist()]
    table = lengths.append_column("kept", pa.array(kept, pa.bool_()))
    return Picture(_length_specification(palette, width), {"lengths": table})


# The tables


def _cell_table(
    matches: pa.Table,
    cells: Cells,
    colours: Mapping[str, Sequence[str]],
    layout: Layout,
    tracks: Mapping[str, Track],
    mapped: str | None,
    selected: int,
    palette: Palette,
) -> pa.Table:
    """The cells with their places (xP and zP: left and right in panel P) and colours (cP: in heat map P)."""
    offset, row = cells.table["offset"].to_numpy(), cells.table["row"].to_numpy()
    share = cells.table["on"].to_numpy() / max(selected, 1)
    table = cells.table
    behind = _behind(colours, mapped, share, palette)
    left, right = layout.beside(cells.table)
    extra: dict[str, pa.Array | list] = {
        "rank": pa.array(matches["rank"].to_numpy()[row], pa.int32()),
        "y": pa.array(layout.top + row * ROW, pa.float32()),
        "middle": pa.array(layout.top + (row + 0.5) * ROW, pa.float32()),
        "bottom": pa.array(layout.top + (row + 1) * ROW - 1, pa.float32()),
        "p0": pa.array(left, pa.float32()),
        "q0": pa.array(right, pa.float32()),
        "most": pa.array(np.full(len(row), layout.matrix), pa.float32()),
        "colour": behind,
        "ink": readable_ink(behind, palette),
    }
    for panel in range(1 + len(colours)):
        extra[f"x{panel}"] = pa.array(layout.place(panel, offset), pa.float32())
        extra[f"z{panel}"] = pa.array(layout.place(panel, offset + 1), pa.float32())
    for panel, of in enumerate(colours.values(), start=1):
        extra[f"c{panel}"] = list(of)
    for index, (name, track) in enumerate(tracks.items()):
        labels, numbers = cells.values[name]
        extra[f"value{index}"] = (
            pa.array(labels, pa.string()) if track.kind == "discrete" else pa.array(numbers, pa.float64())
        )
    for name, column in extra.items():
        table = table.append_column(name, pa.array(column) if isinstance(column, list) else column)
    return table


def _behind(colours: Mapping[str, Sequence[str]], mapped: str | None, share: np.ndarray, palette: Palette) -> list[str]:
    """Colours behind the words: those of the mapped heat map, the nearer to the background the fewer units are on."""
    if mapped is None or mapped not in colours:
        return [palette.background] * len(share)
    if mapped == COUNT:
        return interpolate(palette.shade, share)
    faded = []
    for colour, part in zip(colours[mapped], share.tolist(), strict=True):
        if colour.startswith("#") and part > 0:
            faded += interpolate([palette.background, colour], np.array([part]))
        else:
            faded.append(palette.background)
    return faded


def _outline_table(matches: pa.Table, cells: Cells, layout: Layout) -> pa.Table:
    """Where each match starts and ends, in the matrix and in every heat map; `beyond` pixels more in running text."""
    panels = range(1 + layout.heats)
    starts = np.zeros(matches.num_rows)
    stops = np.minimum(matches["length"].to_numpy(), layout.last)
    y = layout.top + np.tile(np.arange(matches.num_rows), len(panels)) * ROW
    beyond = np.zeros(len(y), np.float32)
    beyond[: matches.num_rows] = _ends(matches, cells, layout)
    return pa.table(
        {
            "from": pa.array(np.concatenate([layout.place(panel, starts) for panel in panels]), pa.float32()),
            "to": pa.array(np.concatenate([layout.place(panel, stops) for panel in panels]), pa.float32()),
            "beyond": pa.array(beyond, pa.float32()),
            "most": pa.array(np.where(np.arange(len(y)) < matches.num_rows, layout.matrix, 1.0), pa.float32()),
            "over": pa.array(y + 0.5, pa.float32()),
            "under": pa.array(y + ROW - 1.5, pa.float32()),
        }
    )


def _ends(matches: pa.Table, cells: Cells, layout: Layout) -> np.ndarray:
    """float32[matches]: pixels from the start of each match to the end of its last word that is shown."""
    row, offset = cells.table["row"].to_numpy(), cells.table["offset"].to_numpy()
    inside = (offset >= 0) & (offset < matches["length"].to_numpy()[row])
    ends = np.zeros(matches.num_rows, np.float32)
    np.maximum.at(ends, row[inside], layout.beside(cells.table)[1][inside])
    return ends


def _longer_table(matches: pa.Table, cells: Cells, layout: Layout) -> pa.Table:
    """The matches that continue to the right of what is shown: by `more` columns, or `beyond` pixels of running
    text."""
    more = matches["length"].to_numpy() > layout.last
    rows = np.arange(matches.num_rows) if layout.running else np.flatnonzero(more)
    return pa.table(
        {
            "most": pa.array(np.full(len(rows), layout.matrix), pa.float32()),
            "from": pa.array(layout.place(0, np.zeros(len(rows))), pa.float32()),
            "beyond": pa.array(_ends(matches, cells, layout)[rows], pa.float32()),
            "more": pa.array(more[rows], pa.bool_()),
            "y": pa.array(layout.top + (rows + 0.5) * ROW, pa.float32()),
        }
    )


def _facts_table(matches: pa.Table, layout: Layout) -> pa.Table:
    """Rank, step, length, overlap and union of each match, with headings."""
    columns = [matches[name].to_pylist() for name in ("rank", "start", "length", "overlap", "union")]
    rows: list[tuple[int | None, float, float, str]] = []
    for (name, x), column in zip(FACTS.items(), columns, strict=True):
        rows.append((None, x, layout.top - 10, name))
        for index, number in enumerate(column):
            rows.append((columns[0][index], x, layout.top + (index + 0.5) * ROW, f"{number:,}"))
    ranks, places, heights, captions = zip(*rows, strict=True)
    return pa.table(
        {
            "rank": pa.array(ranks, pa.int32()),
            "x": pa.array(places, pa.float32()),
            "y": pa.array(heights, pa.float32()),
            "caption": pa.array(captions, pa.string()),
        }
    )


def _panel_table(heats: Sequence[str], layout: Layout) -> pa.Table:
    starts = [0.0, *(layout.place(panel, np.array([layout.first]))[0] for panel in range(1, 1 + len(heats)))]
    running = ", as running text" if layout.running else ""
    return pa.table(
        {
            "x": pa.array(starts, pa.float32()),
            "y": pa.array(np.full(len(starts), layout.top - 10), pa.float32()),
            "room": pa.array([1.0, *[layout.heat - GAP / 2] * len(heats)], pa.float32()),
            "panel": pa.array([f"words, from the start of each match{running}", *heats], pa.string()),
        }
    )


def _count_keys(selected: int, palette: Palette) -> list[Key]:
    numbers = sorted({round(selected * share) for share in (0, 0.25, 0.5, 0.75, 1)})
    colours = interpolate(palette.sequential, np.array(numbers) / max(selected, 1))
    return [Key(colour, str(number)) for colour, number in zip(colours, numbers, strict=True)]


# The specification


@lru_cache(maxsize=32)
def _specification(palette: Palette, tracks: tuple[tuple[str, str], ...], width: int) -> dict[str, Any]:
    over, clicked = hover("hovered_cell", "row", "offset"), click("clicked_match", "rank")
    heats = 1 + len(tracks)
    tooltip = [
        alt.Tooltip("shown:N", title="word"),
        alt.Tooltip("t:Q", title="step", format=",d"),
        alt.Tooltip("rank:Q", title="match"),
        alt.Tooltip("on:Q", title="selected units on"),
        *(_value_tooltip(index, name, kind) for index, (name, kind) in enumerate(tracks)),
    ]
    cells = data("cells").mark_rect(cursor="pointer")
    words = _in_matrix(data("cells")).mark_rect(cursor="pointer")
    colour = alt.Color("colour:N", scale=None)
    layers = [
        words.encode(at_x("left"), alt.X2("right"), at_y(), alt.Y2("bottom"), color=colour, tooltip=tooltip).add_params(
            over, clicked
        ),
        _word_layer(),
    ]
    for panel in range(1, 1 + heats):
        colour = alt.Color(f"c{panel}:N", scale=None)
        layers.append(
            cells.encode(
                at_share(f"x{panel}"), alt.X2(f"z{panel}"), at_y(), alt.Y2("bottom"), color=colour, tooltip=tooltip
            )
        )
    layers += [
        _outline_layer(palette.background, 3.6),  # seen on dark cells as well
        _outline_layer(palette.accent, 1.6),
        data("longer")
        .transform_filter("datum.more || width * datum.from + datum.beyond > width * datum.most")
        .mark_text(text="▸", align="right", baseline="middle", color=palette.accent, fontSize=12, tooltip=None)
        .encode(at_share("most"), at_y()),
        *_text_layers(palette),
        *(_found_layer(panel, over, palette) for panel in range(1 + heats)),
        *legend_layers("legends", palette, MARGIN["left"] - 10),
    ]
    return with_style(with_margin(alt.layer(*layers), MARGIN, width), palette).to_dict(validate=False)


@lru_cache(maxsize=8)
def _length_specification(palette: Palette, width: int) -> dict[str, Any]:
    bars = data("lengths").mark_bar(cursor="pointer", minBandSize=2)
    chart = bars.encode(
        alt.X(
            "length:O",
            title="length of match (steps)",
            axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=6),
        ),
        alt.Y("count:Q", title="matches", axis=alt.Axis(tickCount=3, tickMinStep=1, format=",d")),
        color=alt.condition("datum.kept", alt.value(palette.accent), alt.value(palette.other)),
        tooltip=tooltips("length:Q", "count:Q|matches|,d"),
    )
    chart = alt.layer(chart.add_params(click("clicked_length", "length"))).properties(width=width, height=140)
    return with_style(chart, palette).to_dict(validate=False)


def _value_tooltip(index: int, name: str, kind: str) -> alt.Tooltip:
    if kind == "discrete":
        return alt.Tooltip(f"value{index}:N", title=name)
    return alt.Tooltip(f"value{index}:Q", title=name, format=",.9~g")


def _in_matrix(cells: alt.Chart) -> alt.Chart:
    """The cells that have room in the matrix, with their left and right edges in pixels."""
    return cells.transform_calculate(
        left="width * datum.x0 + datum.p0", right="width * datum.z0 + datum.q0 - (datum.q0 > datum.p0 ? 1 : 0)"
    ).transform_filter("datum.left >= -0.5 && datum.right <= width * datum.most + 0.5")


def _word_layer() -> alt.Chart:
    cell = "(datum.right - datum.left)"
    text = (
        _in_matrix(data("cells"))
        .transform_calculate(centre="(datum.left + datum.right) / 2")
        .mark_text(
            fontSize=alt.ExprRef(f"length(datum.shown) < 2 ? min(12, {cell} * 1.4) : 12"),
            baseline="middle",
            tooltip=None,
            limit=alt.ExprRef(f"length(datum.shown) < 2 ? 0 : max({cell} - 2, 1)"),
        )
    )
    return text.encode(
        at_x("centre"),
        at_y("middle"),
        text="shown:N",
        color=alt.Color("ink:N", scale=None),
        opacity=alt.value(alt.ExprRef(f"{cell} > min(26, length(datum.shown) * 6 - 1) ? 1 : 0")),
    )


def _outline_layer(colour: str, width: float) -> alt.Chart:
    """Where each match starts and ends."""
    frame = data("outlines").transform_calculate(
        left="width * datum.from", right="min(width * datum.to + datum.beyond, width * datum.most)"
    )
    frame = frame.mark_rect(filled=False, stroke=colour, strokeWidth=width, tooltip=None)
    return frame.encode(at_x("left"), alt.X2("right"), at_y("over"), alt.Y2("under"))


def _found_layer(panel: int, over: alt.Parameter, palette: Palette) -> alt.Chart:
    """The hovered step, framed in this panel."""
    frame = (_in_matrix(data("cells")) if panel == 0 else data("cells")).transform_filter(over, empty=False)
    frame = frame.mark_rect(filled=False, stroke=palette.threshold, strokeWidth=2, tooltip=None)
    left, right = (at_x("left"), alt.X2("right")) if panel == 0 else (at_share(f"x{panel}"), alt.X2(f"z{panel}"))
    return frame.encode(left, right, at_y(), alt.Y2("bottom"))


def _text_layers(palette: Palette) -> list[alt.Chart]:
    facts = data("facts").mark_text(
        align="right", baseline="middle", fontSize=11, color=palette.muted, cursor="pointer"
    )
    panels = data("panels").mark_text(
        align="left",
        baseline="middle",
        fontSize=11,
        fontWeight=600,
        color=palette.text,
        limit=alt.ExprRef("datum.room * width"),
    )
    return [
        facts.encode(
            at_x("x"),
            at_y(),
            text="caption:N",
            tooltip=[alt.Tooltip("rank:Q", title="click to go to match")],
        ),
        panels.encode(at_share("x"), at_y(), text="panel:N", tooltip="panel:N"),
    ]
