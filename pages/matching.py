"""Which units switch here, and where else does that happen?

The upper half is the select view: brush words, and see which units are on there. The lower half is the match view: the
places in the corpus where the same units do the same. Everything shown is in the address.
"""

import numpy as np
import pyarrow as pa
import streamlit as st

from pages.parts.matching import queries
from pages.parts.matching.address import View
from pages.parts.matching.hypothesis import (
    Selected,
    choose_hypothesis,
    choose_units,
    offer_actions,
    say_selection,
    selected,
)
from pages.parts.matching.linked_panel import choose_below, row_below, show_below
from pages.parts.matching.match_panel import choose_matches, matches_of, prepare_matches, show_matches
from pages.parts.matching.navigation import navigate
from pages.parts.matching.select_panel import choose_tracks, show_selection
from pages.parts.shared.browser import charts_tools_aside, move_to, save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.export import exporting, offer_link, offer_numbers
from pages.parts.shared.frame import page_link, show
from pages.parts.shared.guides import explain
from rnnstore.matching.matches import Matches
from rnnstore.matching.selection import units_on
from rnnstore.matching.windows import Window, window_table, with_words


def draw(view: View) -> None:
    """What the address selects in a model's state: first it is worked out, then drawn."""
    model, state = view.model, view.state
    window = queries.window(model, state.name, view.at, view.stop)
    chosen = selected(view)
    units = chosen.chosen
    on = units_on(model, state.name, units, view.threshold, view.at, view.stop)
    matches = matches_of(view, model, state, view.threshold, units, view.page) if len(units) else None
    found = matches.table.select(["rank", "start", "stop"]).to_pylist() if matches else []
    below = [row_below(view, named, chosen.selection) for named in view.linked]
    first = matches  # with the first page of matches those of the states below are compared
    if view.linked and view.page > 1 and len(units):
        first = matches_of(view, model, state, view.threshold, units)
    with st.container(key="matching"):
        navigate(view)
        choose_hypothesis(view, window)
        drawn = [row.below for row in below if row.below is not None]
        show_selection(view, window, on, chosen, [tuple(row.values()) for row in found], drawn)
        sentence, actions = st.columns([0.34, 0.66], vertical_alignment="center")
        with sentence:
            say_selection(view, chosen)
        with actions, side_by_side("center", horizontal_alignment="right", gap="xsmall"):
            offer_actions(view, chosen)
            with st.popover("States"):
                choose_below(view)
            with st.popover("Units"):
                choose_units(view, chosen.units)
            with st.popover("Tracks"):
                choose_tracks(view)
            offer_export(view, chosen, window, on, matches)
            link_to_glyphs(view)
        show_below(view, below, first)
    if matches is None:
        prepare_matches(view)
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
        show_matches(view, chosen, matches)
    explain("matching")
    move_to("matching", st.session_state.get("match-visits", 0))


def link_to_glyphs(view: View) -> None:
    """The steps shown on the page that tells what each of them did to groups of units, the first brushed one chosen."""
    there = {"model": view.model.name, "state": view.state.name, "span": f"{view.at}-{view.stop - 1}"}
    if view.first is not None and view.at <= view.first < view.stop:
        there["at"] = f"0:{view.first - view.at}"
    page_link("sentences", label="As glyphs", query_params=there)


def offer_export(view: View, chosen: Selected, window: Window, on: np.ndarray, matches: Matches | None) -> None:
    """Pictures, numbers and the link of what is shown."""
    model, name = view.model, f"{view.model.name}-{view.state.name}-{view.at}"

    def numbers() -> pa.Table:
        return window_table(window, chosen.chosen, on, model.annotations(view.tracks, view.at, view.stop))

    with exporting():
        save_picture_button("Select view as a picture", "select_view", f"select-{name}")
        offer_numbers("Window", f"window-{name}", numbers, kinds=("CSV",))
        if matches is not None:
            found = matches.table
            save_picture_button("Matches as a picture", "match_view", f"matches-{name}")
            offer_numbers("Matches", f"matches-{name}", lambda: with_words(model, found, view.left, view.right))
        offer_link(model, view.state)


charts_tools_aside(bottom=("select_view",), top=("match_view", "hits_view"))
show(lambda: draw(View.of_page(model=current_model(), state=current_state())))
