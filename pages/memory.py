"""How long does a state remember the words it reads, which of them, and what about them?

The gradients are computed once by a command and lie in the store; here their singular values are read. Everything
shown is in the address.
"""

import streamlit as st

from pages.parts.memory import empty, queries
from pages.parts.memory import panel as curves
from pages.parts.memory import property_panel as properties
from pages.parts.memory.address import CURVES, States, View
from pages.parts.memory.export import offer_export
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.frame import show
from pages.parts.shared.guides import explain
from rnnstore.networks import open_network


def draw() -> None:
    """Memory of a state, as the address describes it."""
    model, state = current_model(), current_state()
    chosen = States(st.query_params, model=model, state_name=state.name)
    if not chosen.states:
        chosen.warn()
        empty.say_missing(model, chosen)
        explain("memory")
        return
    models, embedding = current_store().models, open_network(model).input_width
    table = queries.curves(model, chosen.states[0])
    known: dict[str, int] = {}
    for name, delay in zip(table["word_class"].to_pylist(), table["delay"].to_pylist(), strict=True):
        known[name] = max(delay, known.get(name, 0))
    view = View.of_page(model=model, state_name=state.name, store_models=models, known=known, embedding=embedding)
    view.control("show", label_visibility="collapsed")
    if view.show == CURVES:
        curves.choose(view)
        drawn = curves.show_curves(view)
        curves.show_directions(view)
    else:
        properties.choose(view)
        drawn = properties.show_properties(view)
    if drawn is not None:
        offer_export(view, drawn)
    explain("memory")


show(draw)
