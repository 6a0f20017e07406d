"""Text coloured by one number per word: the value of a unit, or the mean of a cluster (Karpathy et al., 2015).

Words are set in a monospaced font, so that thousands of characters stay readable; a line has the same number of
characters at any width.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import Palette, interpolate, with_style
from rnnstore.drawing.picture import Picture, at_share, at_y, click, data, tooltips, with_margin, with_parameters
from rnnstore.drawing.tracks import Key, legend_layers, legend_table, readable_ink
from rnnstore.errors import QuestionError
from rnnstore.sentences.charts.colours import text_colours, text_scale
from rnnstore.visible import visible

MARGIN = {"left": 88, "right": 10, "top": 8, "bottom": 4}
LINE, LEGEND, BETWEEN = 23, 20, 8
PLACES = 104
"""Characters a line."""

MOST = 4000
"""Words that are drawn at most; a caption says when there are more."""

MONO = "Source Code Pro, Menlo, Consolas, DejaVu Sans Mono, monospace"


class ColouredText(Protocol):
    """What is drawn of a text: its title, its words, as typed where they were, a value for each, and its first step."""

    @property
    def title(self) -> str: ...
    @property
    def words(self) -> Sequence[str]: ...
    @property
    def typed(self) -> Sequence[str]: ...
    @property
    def values(self) -> np.ndarray | None: ...
    @property
    def first(self) -> int | None: ...


def coloured_text_picture(
    passages: Sequence[ColouredText],
    named_by: str,
    palette: Palette,
    *,
    selected: tuple[int, int] | None = None,
    width: int = 1100,
) -> Picture:
    """The words of passages on the colours of their `values`, which `named_by` names in the legend.

    Blue to orange around zero, only one of them where all values lie on one side; all passages share the scale.
    Parameter that a page can listen to: `clicked_word` ("passage:index"). Raises `QuestionError` when no
    passage has values.
    """
    if not passages or any(each.values is None for each in passages):
        raise QuestionError("Nothing colours this text: choose a unit or a cluster first.")
    everything = np.concatenate([np.asarray(each.values, float) for each in passages])
    scale, low, high = text_scale(everything, palette)
    numbers = np.linspace(low, high, 5)
    shades = interpolate(scale, np.linspace(0, 1, 5))
    keys = [Key(colour, numeral(number, high - low)) for colour, number in zip(shades, numbers.tolist(), strict=True)]
    tables, titles, top, room = [], [], float(LEGEND + 6), MOST
    for number, each in enumerate(passages):
        words = [visible(typed or word) for word, typed in zip(each.words, each.typed, strict=True)][:room]
        room -= len(words)
        by_character = all(len(word) < 2 for word in words)
        line, place, sizes = _flow(words, 0 if by_character else 1)
        index = np.arange(len(words))
        colours = text_colours(np.asarray(each.values, float), index, palette, everything)
        y = top + line * LINE
        tables.append(
            pa.table(
                {
                    "place": pa.array([f"{number}:{i}" for i in range(len(words))], pa.string()),
                    "x": pa.array(place / PLACES, pa.float32()),
                    "x2": pa.array((place + sizes) / PLACES, pa.float32()),
                    "y": pa.array(y, pa.float32()),
                    "y2": pa.array(y + LINE - 2, pa.float32()),
                    "mid": pa.array(y + LINE / 2 - 1, pa.float32()),
                    "shown": pa.array(words, pa.string()),
                    "value": pa.array(np.asarray(each.values, float)[: len(words)], pa.float64()),
                    "step": pa.array(index + (each.first or 0), pa.int32()),
                    "colour": pa.array(colours, pa.string()),
                    "ink": pa.array(readable_ink(colours, palette), pa.string()),
                    "selected": pa.array([selected == (number, i) for i in range(len(words))], pa.bool_()),
                }
            )
        )
        titles.append((top + LINE / 2 - 1, each.title))
        top += (int(line.max(initial=0)) + 1) * LINE + BETWEEN
    heights, texts = zip(*titles, strict=True)
    return Picture(
        with_parameters(_specification(palette, width), top + MARGIN["top"] + MARGIN["bottom"]),
        {
            "words": pa.concat_tables(tables).combine_chunks(),
            "titles": pa.table({"y": pa.array(heights, pa.float32()), "text": pa.array(texts, pa.string())}),
            "legends": legend_table([(named_by, keys)], palette, 0, LEGEND),
        },
    )


def _flow(words: Sequence[str], gap: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(line, place, size) of each word in lines of `PLACES` characters, `gap` of them after each; after a line's end a
    new one begins."""
    line, place = 0, 0
    found = []
    for word in words:
        size = min(sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in word) + gap, PLACES)
        if place + size > PLACES:
            line, place = line + 1, 0
        found.append((line, place, size))
        place += size
        if word == "↵":
            line, place = line + 1, 0
    lines, places, sizes = zip(*found, strict=True) if found else ((), (), ())
    return np.array(lines, float), np.array(places, float), np.array(sizes, float)


@lru_cache(maxsize=8)
def _specification(palette: Palette, width: int) -> dict[str, Any]:
    cell = data("words").mark_rect(cursor="pointer", cornerRadius=1.5)
    frame = data("words").transform_filter("datum.selected").mark_rect(
        filled=False, stroke=palette.accent, strokeWidth=2, tooltip=None
    )  # fmt: skip
    text = data("words").transform_calculate(middle="(datum.x + datum.x2) / 2").mark_text(
        font=MONO,
        baseline="middle",
        fontSize=alt.ExprRef(f"min(15, width / {PLACES} * 1.62)"),
        limit=alt.ExprRef("max(width * (datum.x2 - datum.x), 1)"),
        tooltip=None,
    )  # fmt: skip
    titles = data("titles").mark_text(
        align="right", baseline="middle", fontSize=12, fontWeight=600, color=palette.text, limit=MARGIN["left"] - 10
    )
    layers = [
        cell.encode(
            at_share(),
            alt.X2("x2"),
            at_y(),
            alt.Y2("y2"),
            color=alt.Color("colour:N", scale=None),
            tooltip=tooltips("shown:N|word", "value:Q||+.4f", "step:Q||,d"),
        ).add_params(click("clicked_word", "place")),
        text.encode(at_share("middle"), at_y("mid"), text="shown:N", color=alt.Color("ink:N", scale=None)),
        frame.encode(at_share(), alt.X2("x2"), at_y(), alt.Y2("y2")),
        titles.encode(at_y(), x=alt.value(-8), text="text:N", tooltip="text:N"),
        *legend_layers("legends", palette, MARGIN["left"] - 10),
    ]
    return with_style(with_margin(alt.layer(*layers), MARGIN, width), palette).to_dict(validate=False)
