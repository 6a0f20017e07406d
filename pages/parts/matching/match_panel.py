"""The lower half of "Select and match": where else the selected units do the same, with ground truth beside it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.parts.matching import queries
from pages.parts.matching.address import PER_PAGE, View
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model, State
from rnnstore.matching.charts.match_view import COUNT, length_picture, match_picture, prepare
from rnnstore.matching.matches import Matches
from rnnstore.matching.windows import window_start

WORDS_SHOWN, CHARACTERS_SHOWN = 10, 60
"""Columns of the word matrix; what is left of a match that is longer is an arrow."""

LEAST_SHOWN = 4
"""Steps of a match that are shown in any case."""


def matches_of(view: View, model: Model, state: State, threshold: float, units: np.ndarray, page: int = 1) -> Matches:
    """A page of the matches of some units of a state, within the limits of the address."""
    return queries.match(
        model,
        state.name,
        units,
        threshold,
        view.before,
        view.after,
        limit=PER_PAGE,
        offset=(page - 1) * PER_PAGE,
        minimum_length=view.shortest,
        maximum_length=view.longest,
        overlapping=view.copies,
    )


def prepare_matches(view: View) -> None:
    """What can be made ready for the first match while a person looks for words to brush."""
    prepare({name: view.model.tracks[name] for name in view.tracks}, colours())


def choose_matches(view: View, matches: Matches) -> None:
    """Lengths, page, context and colours of the matches."""
    lengths, controls = st.columns([0.36, 0.64], gap="medium", vertical_alignment="bottom")
    with lengths:
        _show_lengths(view, matches)
    with controls:
        with side_by_side():
            pages = max(1, -(-matches.counted // PER_PAGE))
            more = not matches.complete  # one further, and more are counted
            counted = "counted so far" if more else "in all"
            about = f"{PER_PAGE} matches per page; {pages} pages {counted}"
            view.control("page", max_value=max(pages, view.page) + more, width=112, help=about)
            view.control("shortest", width=112)
            view.control("longest", width=112, placeholder="any")
        with side_by_side():
            view.control("left", width=112)
            view.control("right", width=112)
            view.control("colour", options=["none", COUNT, *view.tracks], width=150)
            view.control("copies")


def show_matches(view: View, selected: Selected, matches: Matches) -> None:
    """The word matrix with its heat maps; a click goes to a match and keeps the hypothesis."""
    model, found = view.model, matches.table
    if not found.num_rows:
        st.info("There are no matches on this page." if matches.counted else matches.note)
        return
    columns = CHARACTERS_SHOWN if model.card.level == "character" else WORDS_SHOWN
    room = max(LEAST_SHOWN, columns - view.left - view.right)
    after = min(int(found["length"].to_numpy().max()), room) + view.right
    starts = found["start"].to_numpy()
    cells = queries.cells_of_matches(
        model, view.state.name, selected.chosen, view.threshold, starts, view.left, after, view.tracks
    )
    picture = match_picture(
        found,
        cells,
        len(selected.chosen),
        colours(),
        tracks={name: model.tracks[name] for name in view.tracks},
        mapped=view.colour,
        before=view.left,
        after=after,
    )
    key = f"match-{model.name}-{view.state.name}"

    def go(rank: int) -> None:
        place = np.flatnonzero(found["rank"].to_numpy() == rank)
        if len(place):
            view.change(at=window_start(model, int(starts[place[0]]), view.window))
            st.session_state["match-visits"] = st.session_state.get("match-visits", 0) + 1

    alt = "The matches, a row each: their words, how many of the selected units are on, and their annotations."
    show_picture(picture, "match_view", key, {"clicked_match": ("rank", go)}, fixed=True, alt=alt)


def _show_lengths(view: View, matches: Matches) -> None:
    def take(length: int) -> None:
        exact = view.shortest == view.longest == length
        view.change(shortest=1 if exact else length, longest=None if exact else length)

    picture = length_picture(matches.lengths, view.shortest, view.longest, colours())
    alt = "How many matches are how long; click a bar for matches of exactly this length."
    show_picture(picture, "length_view", "match-lengths", {"clicked_length": ("length", take)}, alt=alt)
