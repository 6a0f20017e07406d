"""The glyphs of sentences, whole: input, view, details. A page can show two, each with a prefix of its own.

`draw(model, state)` is the panel of the page "Sentences". `draw(model, state, "a.", shared=("text",))` reads and writes
`a.k`, `a.at` and so on, and the text without a prefix, so that another panel reads the same sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.parts.co_clusters import queries as clusters
from pages.parts.sentences.address import View
from pages.parts.sentences.charts import show_course, show_glyphs
from pages.parts.sentences.controls import choose
from pages.parts.sentences.details import show_details
from pages.parts.sentences.export import offer_export
from pages.parts.sentences.input import ask, readings
from pages.parts.shared.address import Names
from pages.parts.shared.browser import charts_tools_aside
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.frame import page_link
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours
from rnnstore import Model, State
from rnnstore.sentences.charts.chips import Clusters
from rnnstore.sentences.charts.glyphs import glyph_picture
from rnnstore.sentences.charts.layout import FEWEST_COLUMNS, Arrangement, Layout
from rnnstore.sentences.passages import (
    Grouping,
    Passage,
    TitledReading,
    all_units,
    grouping,
    offsets,
    passage,
    response_at,
    strongest,
)

GLYPHS = 60
MOST_COLUMNS = {"word": 16, "character": 20}
"""Glyphs that are drawn where the address names none, and how many of them stand in a line at most."""

LONGEST_DOWN = 20
"""Glyphs one below the other, where the address names none."""

WIDE, NARROW = 1100, 470
"""Pixels that the picture is laid out for; the browser gives it what there is."""

LABELS = "This model tells labels apart: under each glyph stands what it would answer after the word."

MOST_GLYPHS = 160
"""Glyphs that are drawn at once; more cannot be told apart, and cost time."""


def draw(
    model: Model,
    state: State,
    prefix: str = "",
    shared: Sequence[str] = (),
    *,
    asking: bool = True,
    narrow: bool = False,
    guide: bool = True,
) -> None:
    """The panel of a model's state; without `asking`, another panel has the input for its sentences. `narrow` is for
    half of a page, and without `guide` another panel says how it is read."""
    view = View.of_page(Names(prefix, tuple(shared)), model=model, state=state)
    charts_tools_aside(top=("glyph_view",), none=("course_view",))
    if asking:
        ask(view)
    shown = readings(view)
    if not shown:
        return
    found = _grouped(view)
    shown, passages = _measured(shown, view, found)
    if not passages:
        return
    begin = offsets(passages, view.align)
    most = FEWEST_COLUMNS if narrow else MOST_COLUMNS.get(model.card.level, FEWEST_COLUMNS)
    arrangement, columns = _arranged(passages, begin, view, most)
    choose(view, arrangement, passages)
    if columns > FEWEST_COLUMNS:
        show_course(view, passages, begin, arrangement, columns)
    chosen = _chosen(passages, arrangement, view)
    response = response_at(shown[chosen[0]].reading, state.name, chosen[1]) if chosen else None
    picture = glyph_picture(
        passages,
        Clusters(found.unit_cluster, found.words),
        colours(),
        arrangement=arrangement,
        predicted=view.predicted,
        selected=chosen,
        response=response,
        marked=view.chip,
        aligned=view.align,
        own_scale=view.own_scale,
        width=NARROW if narrow else WIDE,
    )
    show_glyphs(picture, f"{prefix}glyphs-{model.name}-{state.name}", view)
    _say_what_is_shown(model, shown, arrangement, columns, found)
    _go_on(view, shown, passages, arrangement, chosen, found)
    if chosen:
        show_details(view, shown, passages, chosen, found, lambda *to: _go(arrangement, view, *to))
    if guide:
        explain("sentences", labels=LABELS if any(each.reading.classifier for each in shown) else "")


def _grouped(view: View) -> Grouping:
    """The groups of units; where there are no responses to group them by, all units together."""
    refused: list[str] = []
    with errors_as(refused.append, markdown=False):
        found = clusters.clusters(view.model, view.state.name, view.words, view.k, view.method, view.seed)
        return grouping(found, clusters.expected_responses(view.model, view.state.name))
    return all_units(view.state.units, f"all units are one group, because they cannot be told apart. {refused[0]}")


def _measured(shown: Sequence[TitledReading], view: View, found: Grouping) -> tuple[list[TitledReading], list[Passage]]:
    """The readings that can be measured, and that; where a gate is asked for and missing, by the values, and said."""
    measured: list[tuple[TitledReading, Passage]] = []
    failed: dict[str, None] = {}
    instead: dict[str, None] = {}

    def measure(each: TitledReading, by_gate: bool) -> None:
        options: dict[str, Any] = {"title": each.title, "first": each.first, "colouring": view.colouring}
        options |= {"unit_sign": found.unit_sign, "by_gate": by_gate}
        measured.append((each, passage(each.reading, view.state.name, found.unit_cluster, **options)))

    for each in shown:
        by_gate = view.by_gate and view.state.name in each.reading.states
        with errors_as((instead if by_gate else failed).setdefault):
            measure(each, by_gate)
            continue
        if by_gate:
            measure(each, False)
    for sentence in failed:
        st.info(sentence)
    for sentence in instead:
        st.warning(f"{sentence} Shown instead: by the values.")
    return [each for each, _ in measured], [its for _, its in measured]


def _arranged(passages: Sequence[Passage], begin: tuple[int, ...], view: View, most: int) -> tuple[Arrangement, int]:
    """Which columns are drawn, at `most` so many a line, and how many there are."""
    columns = Layout(tuple(len(each) for each in passages), Arrangement(offsets=begin)).columns
    default = LONGEST_DOWN if view.down else max(most, GLYPHS // len(passages))
    first, last = view.shown or (0, default - 1)
    first, last = min(first, last, columns - 1), min(max(first, last), columns - 1)
    last = min(last, first + max(1, MOST_GLYPHS // len(passages)) - 1)
    lines = -(-(last + 1 - first) // most)
    per_line = view.per_line or max(FEWEST_COLUMNS, -(-(last + 1 - first) // lines))
    return Arrangement(view.down, per_line, first, last + 1, begin), columns


def _chosen(passages: Sequence[Passage], arrangement: Arrangement, view: View) -> tuple[int, int] | None:
    """The chosen token: the one of the address where it is shown, else the shown one that moved the clusters most."""
    last = arrangement.last or 0
    windows = [(max(arrangement.first - offset, 0), max(last - offset, 0)) for offset in arrangement.offsets]
    if view.at is not None and view.at[0] < len(passages):
        number, index = view.at
        low, high = windows[number]
        if low <= index < min(high, len(passages[number])):
            return view.at
    return strongest(passages, windows)


def _go(arrangement: Arrangement, view: View, number: int, index: int) -> None:
    """Choose a token; where it is not shown, the shown columns move there."""
    first, last = arrangement.first, arrangement.last or 0
    column, shown = index + arrangement.offsets[number], last - first
    there: dict[str, Any] = {}
    if not first <= column < last:
        first = max(0, column - shown // 2)
        there["shown"] = (first, first + shown - 1)
    view.change(at=(number, index), **there)


def _go_on(
    view: View,
    shown: Sequence[TitledReading],
    passages: Sequence[Passage],
    arrangement: Arrangement,
    chosen: tuple[int, int] | None,
    found: Grouping,
) -> None:
    """From word to word, to the other pages, and what can be exported."""
    model, state = view.model, view.state
    with side_by_side("center"):
        if chosen is not None:
            number, index = chosen
            left, right = (None, None) if view.prefix else ("Left", "Right")
            for label, to, shortcut in (("Word before", index - 1, left), ("Word after", index + 1, right)):
                st.button(
                    label,
                    key=f"{view.prefix}sentences-{label}",
                    on_click=_go,
                    args=(arrangement, view, number, to),
                    disabled=not 0 <= to < len(passages[number]),
                    shortcut=shortcut,
                )
            first = shown[number].first
            if first is not None:
                there = {"model": model.name, "state": state.name, "at": str(first), "from": str(first + index)}
                page_link("matching", label="Select its units", query_params=there)
        if view.chip is not None:
            there = {"model": model.name, "state": state.name, "focus": f"u{view.chip}", "k": str(view.k)}
            there |= {"words": str(view.words), "method": view.method, "seed": str(view.seed)}
            page_link("co_clusters", label=f"Cluster {view.chip} and its words", query_params=there)
        if view.shown is not None:
            whole = f"{view.prefix}sentences-whole"
            st.button("From the beginning", key=whole, on_click=view.change, kwargs={"shown": None})
        offer_export(view, shown, passages, chosen, found)


def _say_what_is_shown(
    model: Model, shown: Sequence[TitledReading], arrangement: Arrangement, columns: int, found: Grouping
) -> None:
    """What was left out or is not as one might think, in sentences."""
    lines = []
    last = arrangement.last or 0
    what = "characters" if model.card.level == "character" else "words"
    if (arrangement.first, last) != (0, columns):
        lines.append(
            f"Shown: {what} {arrangement.first + 1:,} to {last:,} of {columns:,}; drag over the strip above for others."
        )
    for each in shown:
        source = "" if each.first is None else f"{each.reading.source}. "
        notes = " ".join(each.reading.notes)
        if source or notes:
            lines.append(f"{each.title.capitalize()}: {source}{notes}".rstrip())
    lines += [f"Clusters: {' '.join(found.notes)}"] if found.notes else []
    st.caption("  \n".join(escape(sentence) for sentence in lines))
