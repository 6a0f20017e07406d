"""What is a hypothesis worth, and which ones are kept?

The selection stands in the address as on "Select and match". Above, its matches are held against the corpus by a track;
below are the hypotheses that the store keeps, to open, run again here, and compare with the present one.
"""

import streamlit as st

from pages.parts.hypotheses.address import View
from pages.parts.hypotheses.saved_panel import keep, show_kept
from pages.parts.hypotheses.worth_panel import show_ranges, show_worth
from pages.parts.matching import queries
from pages.parts.matching.hypothesis import Selected, choose_hypothesis, offer_actions, selected
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import page_link, show
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from rnnstore import Model

WORDS = 12
"""Words of the selection that are shown."""


def say(model: Model, chosen: Selected) -> None:
    """What is selected, in a sentence."""
    selection = chosen.selection
    if selection is None:
        st.info("No words are chosen. Give the first and the last word by their steps above, or open a kept one below.")
    elif chosen.refused:
        st.error(chosen.refused)
    else:
        words = model.words(selection.start, min(selection.stop, selection.start + WORDS))["word"].to_pylist()
        text = ("" if model.card.level == "character" else " ").join(words)
        more = " ..." if selection.stop - selection.start > WORDS else ""
        count = len(chosen.chosen)
        st.markdown(f"**{count} unit{'' if count == 1 else 's'}** of {escape(selection.state)} selected by")
        st.code(text + more, language=None, wrap_lines=True)


def draw(view: View) -> None:
    """What a selection is worth, as the address describes it."""
    choose_hypothesis(view, queries.window(view.model, view.state.name, view.at, view.stop))
    chosen = selected(view)
    say(view.model, chosen)
    with side_by_side("center"):
        if len(chosen.chosen):
            st.button("Clear", on_click=view.change, kwargs={"first": None, "last": None}, help="Choose other words")
        else:
            offer_actions(view, chosen)
        link_to_matches(view)
        keep(view, chosen)
    if len(chosen.chosen):
        st.subheader("What is it worth?", anchor=False)
        show_worth(view, chosen)
    show_ranges(view)
    show_kept(view, chosen)
    explain("hypotheses")


def link_to_matches(view: View) -> None:
    """The same selection on the page that shows its units and matches."""
    if view.brushed is not None:
        there = {**st.query_params.to_dict(), "model": view.model.name, "state": view.state.name}
        page_link("matching", label="See its units and matches", query_params=there)


show(lambda: draw(View.of_page(model=current_model(), state=current_state())), whole=True)
