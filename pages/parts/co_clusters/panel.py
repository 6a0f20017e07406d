"""The co-clusters of a state: the controls, the picture, and what is done in it with the mouse.

A page can show several panels, each with a prefix of its own for the parameters of the address.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.parts.co_clusters import queries
from pages.parts.co_clusters.address import (
    FEWEST,
    NO_TRACK,
    TOGETHER,
    View,
    most_clusters,
    tracks,
)
from pages.parts.shared.address import ALONE, Names
from pages.parts.shared.controls import clicked_since, last_selections
from pages.parts.shared.markdown import escape
from rnnstore import Model, QuestionError, State
from rnnstore.co_clusters.charts.picture import co_cluster_picture, words_drawn
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses, find_words
from rnnstore.drawing.palette import palette

FOUND = 30
"""Words found that are listed."""

WIDE, NARROW = 960, 520
"""Pixels that the picture is laid out for."""


@dataclass(frozen=True)
class Panel:
    """A state's co-clusters as they are shown."""

    model: Model
    state: State
    view: View
    expected: ExpectedResponses
    clusters: CoClusters

    @property
    def prefix(self) -> str:
        return self.view.names.prefix


def draw(model: Model, state: State, names: Names = ALONE, *, narrow: bool = False) -> Panel | None:
    """Controls and picture; None, with a sentence on the page, where there is nothing to cluster."""
    panel = prepare(model, state, names)
    if panel is not None:
        choose(panel)
        choose_words_and_units(panel)
        show(panel, narrow=narrow)
    return panel


def prepare(model: Model, state: State, names: Names = ALONE) -> Panel | None:
    """What the address asks for, clustered; None, with a sentence on the page, where that cannot be."""
    try:
        expected = queries.expected_responses(model, state.name)
    except QuestionError as error:
        st.info(escape(str(error)))
        return None
    if min(len(expected.words), expected.units) < FEWEST:
        st.info(
            f"{model.name} read {len(expected.words):,} different word{'s' if len(expected.words) != 1 else ''} with "
            f"{expected.units:,} unit{'s' if expected.units != 1 else ''} of {state.name}. Groups need two of either; "
            "a model that reads numbers instead of words has no expected responses to them."
        )
        return None
    view = View.of_page(names, model=model, state=state, expected=expected)
    clusters = queries.clusters(
        model, state.name, view.words, view.clusters, view.method, view.seed, always=view.pinned
    )
    return Panel(model, state, view, expected, clusters)


def choose(panel: Panel) -> None:
    """How the state is clustered and drawn."""
    view, read = panel.view, len(panel.expected.words)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if most_clusters(panel.expected) > FEWEST:
            view.control("clusters", also=lambda _: {"focus": ""}, width=190)
        about = f"How many of the {read:,} words are clustered, the most frequent first; the clouds show as many of "
        view.control("words", step=100, width=130, help=f"{about}them as find room")
        view.control("method", width=130)
        if view.method == "spectral":
            view.control("seed", width=100)
        view.control("share", step=5, format="%d%%", width=150)
        if len(tracks(view)) > 1:
            view.control("tags", width=160)
        with st.popover("Drawing"):
            view.control("thickness", step=10, format="%d%%")
            view.control("equal")


def choose_words_and_units(panel: Panel) -> None:
    """The words and units that are looked at in detail; any word of the vocabulary can be found."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choose_words(panel)
        choose_units(panel)
    if panel.view.find:
        show_found(panel)


def choose_words(panel: Panel) -> None:
    """Words to look at in detail, and to pin."""
    view, expected = panel.view, panel.expected
    drawn = sorted({*panel.clusters.words[:300], *view.picked})
    view.control("find", width=180, placeholder=f"any of {len(expected.words):,}")
    view.control("picked", options=drawn, placeholder="click words")
    if view.pinned:
        view.control("pinned", options=list(view.pinned))


def choose_units(panel: Panel) -> None:
    """Units to look at in detail."""
    panel.view.control("units", placeholder="click squares")


def show_found(panel: Panel) -> None:
    view = panel.view
    table, total = find_words(panel.expected, view.find, FOUND)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Close the search", key=f"{panel.prefix}clusters-close", on_click=view.change, kwargs={"find": ""},
            type="tertiary",
        )  # fmt: skip
        words = f"{total:,} words contain" if total != 1 else "1 word contains"
        more = f" Shown: the first {FOUND}." if total > FOUND else ""
        hint = " Choose one to pin it and see its response; choose it again to let it go." if total else ""
        st.caption(f"{words} “{escape(view.find)}”.{more}{hint}", width="stretch")
    if not total:
        return
    key = f"{panel.prefix}clusters-found-{view.find}"

    def take() -> None:
        for row, _ in st.session_state[key].selection.cells:
            word = table["word"][row].as_py()
            pinned = [each for each in view.pinned if each != word]
            picked = [each for each in view.picked if each != word]
            if word not in view.pinned:
                pinned, picked = [*view.pinned, word], [*picked, word][-TOGETHER:]
            view.change(pinned=pinned, picked=picked)

    st.dataframe(
        table,
        key=key,
        on_select=take,
        selection_mode="single-cell",
        hide_index=True,
        height=min(38 + 35 * table.num_rows, 178),
        column_config={
            "word": st.column_config.TextColumn("word", width=200),
            "count": st.column_config.NumberColumn("times read", format="localized"),
            "unit": st.column_config.NumberColumn("unit it moves most"),
            "response": st.column_config.NumberColumn("mean response there", format="%.3f"),
            "standard_error": st.column_config.NumberColumn("standard error", format="%.3f"),
        },
    )


def show(panel: Panel, *, narrow: bool = False) -> None:
    """The picture; clicks in it go into the address."""
    model, view = panel.model, panel.view
    tags = None if view.tags == NO_TRACK else queries.word_tags(model, view.tags)
    theme = st.context.theme.type
    picture = co_cluster_picture(
        panel.clusters,
        panel.expected,
        palette(theme),
        view.chosen(tags),
        view.drawing(NARROW if narrow else WIDE),
    )
    key = f"{panel.prefix}clusters-{model.name}-{panel.state.name}-{theme}-{narrow}"
    with st.container(key=f"{panel.prefix}cluster_view"):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=lambda: _take(panel, key),
            selection_mode=["clicked_chip", "clicked_cloud", "clicked_unit", "clicked_word"],
            theme=None,
            width="stretch",
            height=picture.specification["height"],
            alt="Clusters of units as chips of squares, clusters of words as clouds, and links between them.",
        )
    clusters = panel.clusters
    st.caption(
        f"{' '.join(clusters.notes)} The clouds have room for {words_drawn(picture):,} of the {len(clusters.words):,} "
        f"words. The means of the groups explain {clusters.explained:.1%} of the responses (R²)."
    )


def _take(panel: Panel, key: str) -> None:
    """Take over a click: on a word, a unit, a chip or a cloud; a second one takes it back."""
    before, now = last_selections(key)
    view = panel.view
    for row in clicked_since(before, now, "clicked_word", "word"):
        pick_word(panel, panel.expected.words[row])
        return
    for unit in clicked_since(before, now, "clicked_unit", "unit"):
        pick_unit(panel, unit)
        return
    for parameter, field, kind in (("clicked_chip", "chip", "u"), ("clicked_cloud", "cloud", "w")):
        for number in clicked_since(before, now, parameter, field):
            focus = f"{kind}{number}"
            view.change(focus="" if view.focus == focus else focus)
            return


def pick_word(panel: Panel, word: str) -> None:
    """Compare a word too, or, when it is compared, not any more; beyond the most, the first one goes."""
    picked = [each for each in panel.view.picked if each != word]
    if word not in panel.view.picked:
        picked = [*picked, word][-TOGETHER:]
    panel.view.change(picked=picked)


def pick_unit(panel: Panel, unit: int) -> None:
    """Show a unit too, or, when it is shown, not any more; beyond the most, the first one goes."""
    units = [each for each in panel.view.units if each != unit]
    if unit not in panel.view.units:
        units = [*units, unit][-TOGETHER:]
    panel.view.change(units=units)
