"""Below the texts: what can be exported, all pairs of steps, and how soon words are known."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts.connectivity import queries
from pages.parts.connectivity.address import View
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.export import exporting, offer_link, offer_numbers
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model
from rnnstore.connectivity.charts.completion_accuracy import FEWEST, known_characters_picture
from rnnstore.connectivity.charts.pairs import pairs_picture
from rnnstore.connectivity.texts import TextConnectivity, pairs_table, suggestions_table
from rnnstore.export import csv

SEQUENCES = 20
"""Sequences over which the share of connectivity outside the word is taken."""


def show_pairs(texts: list[TextConnectivity], view: View) -> None:
    """All pairs of the first text at once, where they can be told apart and were asked for."""
    name = texts[0].model
    view.control("pairs", label=f"All pairs at once, {name}")
    if view.pairs:
        with errors_as(st.info):
            show_picture(pairs_picture(texts[0], colours()), "pairs_view", room=760, width="content")
            with st.container(width=380):
                save_picture_button("Save the pairs as a picture", "pairs_view", f"pairs-{name}")


def show_known(view: View, names: list[str]) -> None:
    """Of networks that complete words, how soon they know the word that is being typed, where that was asked for."""
    completing = [name for name in names if view.store_models[name].card.task == "autocomplete"]
    if not completing:
        return
    view.control("known")
    if not view.known:
        return
    question = ("known", *completing)
    if queries.was_stopped(question):
        return
    tables, waiting = {}, queries.Waiting(question, len(completing), "Where connectivity lies, by known characters")
    for name in completing:
        with errors_as(st.info):
            tables[name] = queries.known_characters(
                view.store_models[name], sequences=SEQUENCES, progress=partial(waiting.progress, name)
            )
        waiting.next()
    waiting.over()
    if not tables:
        return
    picture = known_characters_picture(tables, colours())
    show_picture(picture, "known_view", room=900, width="content")
    left = ", ".join(
        f"{sum(row['left_out'] for row in table.to_pylist()):,} of {name}" for name, table in tables.items()
    )
    st.caption(
        "Bars are 95 % intervals. Counting alone names the words that begin so and were most frequent in training. "
        f"Left out are steps whose word the network has no output for ({left}), and numbers of characters seen fewer "
        f"than {FEWEST} times. The share of connectivity is a mean over {SEQUENCES} sequences of each recording."
    )
    with st.container(horizontal=True):
        save_picture_button("Save as a picture", "known_view", "known-characters")
        for name, table in tables.items():
            st.download_button(
                f"{name} as CSV", csv(table), f"known-{name}.csv", on_click="ignore", key=f"known-{name}"
            )


def offer_export(model: Model, texts: list[TextConnectivity]) -> None:
    """Numbers and the link of what is shown."""
    name = f"connectivity-{model.name}"
    with exporting():
        offer_numbers("Connectivity of all pairs", name, lambda: pairs_table(texts))
        offer_numbers("Suggestions", f"suggestions-{name}", lambda: suggestions_table(texts))
        sentence = "The picture is saved by the button below the text. Link to exactly this view:"
        state = next(iter(model.states.values()), None)
        if state is None:
            st.caption(sentence)
        else:
            offer_link(model, state, sentence)
