"""Which units switch here, and where else does that happen?

The upper half is the select view: brush words, and see which units are on there. The lower half is the match view: the
places in the corpus where the same units do the same. Everything shown is in the address.
"""

import pyarrow as pa
import streamlit as st

from pages.parts.matching.address import View
from pages.parts.matching.guide import explain_selection
from pages.parts.matching.hypothesis import (
    Selected,
    choose_hypothesis,
    choose_units,
    offer_actions,
    say_selection,
    selected,
)
from pages.parts.matching.linked_panel import best_matches, choose_below, rows_below, show_below
from pages.parts.matching.match_panel import choose_matches, find_matches, prepare_matches, show_matches
from pages.parts.matching.navigation import navigate
from pages.parts.matching.select_panel import Shown, choose_tracks, show_selection
from pages.parts.shared.browser import charts_tools_aside, move_to, save_picture_button
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.export import offer_link, offer_numbers
from pages.parts.shared.frame import page_link, show
from rnnstore import Model, State
from rnnstore.matching.matches import Matches
from rnnstore.matching.windows import window_table, with_words


def draw() -> None:
    """The page of a model's state, as the address describes it."""
    model, state = current_model(), current_state()
    view = View.of_page(model=model, state=state)
    with st.container(key="matching"):
        navigate(model, view)
        choose_hypothesis(model, state, view)
        chosen = selected(model, state, view)
        matches = find_matches(model, state, view, chosen) if len(chosen.chosen) else None
        found = matches.table.select(["rank", "start", "stop"]).to_pylist() if matches else []
        below = rows_below(model, view, chosen)
        drawn = [row.below for row in below if row.below is not None]
        shown = show_selection(model, state, view, chosen, [tuple(row.values()) for row in found], drawn)
        sentence, actions = st.columns([0.34, 0.66], vertical_alignment="center")
        with sentence:
            say_selection(model, view, chosen)
        with (
            actions,
            st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"),
        ):
            offer_actions(model, state, view, chosen)
            with st.popover("States"):
                choose_below(model, view)
            with st.popover("Units"):
                choose_units(view, chosen.units)
            with st.popover("Tracks"):
                choose_tracks(model, view)
            with st.popover("Take away"), st.container(width=380):
                take_away(model, state, view, chosen, shown, matches)
            link_to_glyphs(model, state, view, shown)
        show_below(model, state, view, below, best_matches(model, state, view, chosen, matches))
    if matches is None:
        prepare_matches(model, view)
    else:
        st.subheader(
            "Where else does that happen?",
            help="Ranked by how many of the selected units take part (overlap), then by how few others do (union), "
            "then by length. Exact, over the whole corpus.",
        )
        st.caption(matches.note)
        there = {**st.query_params.to_dict(), "model": model.name, "state": state.name}
        page_link("hypotheses", label="What is it worth?", query_params=there)
        choose_matches(view, matches)
        show_matches(model, state, view, chosen, matches)
    explain_selection()
    move_to("matching", st.session_state.get("match-visits", 0))


def link_to_glyphs(model: Model, state: State, view: View, shown: Shown) -> None:
    """The steps shown on the page that tells what each of them did to groups of units, the first brushed one chosen."""
    there = {"model": model.name, "state": state.name, "span": f"{shown.window.start}-{shown.window.stop - 1}"}
    if view.first is not None and shown.window.start <= view.first < shown.window.stop:
        there["at"] = f"0:{view.first - shown.window.start}"
    page_link("sentences", label="As glyphs", query_params=there)


def take_away(model: Model, state: State, view: View, chosen: Selected, shown: Shown, matches: Matches | None) -> None:
    """Pictures, numbers and the link of what is shown."""
    name = f"{model.name}-{state.name}-{view.at}"
    save_picture_button("Select view as a picture", "select_view", f"select-{name}")

    def window() -> pa.Table:
        annotations = model.annotations(view.tracks, view.at, shown.window.stop)
        return window_table(shown.window, chosen.chosen, shown.on, annotations)

    offer_numbers("Window", f"window-{name}", window, kinds=("CSV",))
    if matches is not None:
        found = matches.table
        save_picture_button("Matches as a picture", "match_view", f"matches-{name}")
        offer_numbers("Matches", f"matches-{name}", lambda: with_words(model, found, view.left, view.right))
    offer_link(model, state)


charts_tools_aside()
show(draw)
