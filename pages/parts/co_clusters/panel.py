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
from pages.parts.shared.controls import clickable_table, side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import Clicks, colours, show_picture
from rnnstore import Model, State
from rnnstore.co_clusters.charts.picture import co_cluster_picture, words_drawn
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import find_words

FOUND = 30
"""Words found that are listed."""

WIDE, NARROW = 960, 520
"""Pixels that the picture is laid out for."""


@dataclass(frozen=True)
class Panel:
    """A state's co-clusters as they are shown."""

    view: View
    clusters: CoClusters

    @property
    def prefix(self) -> str:
        return self.view.names.prefix

    @property
    def name(self) -> str:
        """Model and state, as they stand in keys and files."""
        return f"{self.view.model.name}-{self.view.state.name}"


def draw(panel: Panel) -> None:
    """Controls and picture."""
    choose(panel)
    with side_by_side():
        choose_words(panel)
        choose_units(panel)
    if panel.view.find:
        show_found(panel)
    show(panel)


def prepare(model: Model, state: State, names: Names = ALONE) -> Panel | None:
    """What the address asks for, clustered; None, with a sentence on the page, where that cannot be."""
    with errors_as(st.info):
        return _prepared(model, state, names)
    return None


def _prepared(model: Model, state: State, names: Names) -> Panel | None:
    expected = queries.expected_responses(model, state.name)
    whose, of_state = escape(model.name), escape(state.name)
    if min(len(expected.words), expected.units) < FEWEST:
        st.info(
            f"{whose} read {len(expected.words):,} different word{'s' if len(expected.words) != 1 else ''} with "
            f"{expected.units:,} unit{'s' if expected.units != 1 else ''} of {of_state}. Groups need two of either; "
            " a model that reads numbers instead of words has no expected responses to them."
        )
        return None
    view = View.of_page(names, model=model, state=state, expected=expected)
    clusters = queries.clusters(
        model, state.name, view.words, view.clusters, view.method, view.seed, always=view.pinned
    )
    return Panel(view, clusters)


def choose(panel: Panel) -> None:
    """How the state is clustered and drawn."""
    view, read = panel.view, len(panel.view.expected.words)
    with side_by_side():
        if most_clusters(view.expected) > FEWEST:
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


def choose_words(panel: Panel) -> None:
    """Words to look at in detail, and to pin."""
    view = panel.view
    drawn = sorted({*panel.clusters.words[:300], *view.picked})
    view.control("find", width=180, placeholder=f"any of {len(view.expected.words):,}")
    view.control("picked", options=drawn, placeholder="click words")
    if view.pinned:
        view.control("pinned", options=list(view.pinned))


def choose_units(panel: Panel) -> None:
    """Units to look at in detail."""
    panel.view.control("units", placeholder="click squares")


def show_found(panel: Panel) -> None:
    view = panel.view
    table, total = find_words(view.expected, view.find, FOUND)
    with side_by_side("center"):
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

    def pin(place: int) -> None:
        word = table["word"][place].as_py()
        pinned = [each for each in view.pinned if each != word]
        picked = [each for each in view.picked if each != word]
        if word not in view.pinned:
            pinned, picked = [*view.pinned, word], [*picked, word][-TOGETHER:]
        view.change(pinned=pinned, picked=picked)

    clickable_table(
        table,
        f"{panel.prefix}clusters-found-{view.find}",
        pin,
        height=178,
        column_config={
            "word": st.column_config.TextColumn("word", width=200),
            "count": st.column_config.NumberColumn("occurrences", format="localized"),
            "unit": st.column_config.NumberColumn("unit it moves most"),
            "response": st.column_config.NumberColumn("mean response there", format="%.3f"),
            "standard_error": st.column_config.NumberColumn("standard error", format="%.3f"),
        },
    )


def show(panel: Panel, *, narrow: bool = False) -> None:
    """The picture; clicks in it go into the address."""
    view = panel.view
    tags = None if view.tags == NO_TRACK else queries.word_tags(view.model, view.tags)
    picture = co_cluster_picture(
        panel.clusters,
        view.expected,
        colours(),
        view.chosen(tags),
        view.drawing(NARROW if narrow else WIDE),
    )
    key = f"{panel.prefix}clusters-{panel.name}-{st.context.theme.type}-{narrow}"
    clicks: Clicks = {
        "clicked_word": ("word", lambda place: pick_word(panel, view.expected.words[place])),
        "clicked_unit": ("unit", lambda unit: pick_unit(panel, unit)),
        "clicked_chip": ("chip", lambda chip: _focus(view, f"u{chip}")),
        "clicked_cloud": ("cloud", lambda cloud: _focus(view, f"w{cloud}")),
    }
    alt = "Clusters of units as chips of squares, clusters of words as clouds, and links between them."
    show_picture(picture, f"{panel.prefix}cluster_view", key, clicks, fixed=True, alt=alt)
    clusters = panel.clusters
    st.caption(
        f"{' '.join(clusters.notes)} The clouds have room for {words_drawn(picture):,} of the {len(clusters.words):,} "
        f"words. The means of the groups explain {clusters.explained:.1%} of the responses (R²)."
    )


def _focus(view: View, group: str) -> None:
    """Hold a chip or a cloud, or, when it is held, let it go."""
    view.change(focus="" if view.focus == group else group)


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
