"""How are the values of states and gates distributed, which units are saturated or still, and how did training go?

Two questions share the page because the one explains the other: a gate that is always shut, or a unit that never moves,
is often one through which no gradient passed.
"""

import streamlit as st

from pages.parts.distributions.address import VALUES, Section, TrainingView, View
from pages.parts.distributions.panel import draw as draw_values
from pages.parts.distributions.training_panel import draw_training
from pages.parts.shared.current import chosen_model, current_model, current_state, current_store
from pages.parts.shared.frame import show


def draw() -> None:
    """Values of states and gates, or trainings."""
    section = Section.of_page()
    section.control("view", label_visibility="collapsed")
    if section.view == VALUES:
        state = current_state()
        draw_values(current_model(), state, View.of_page(state=state))
    else:
        models = current_store().models
        draw_training(models, TrainingView.of_page(model=chosen_model(), store_models=models))


st.title("How values and gradients are distributed", anchor=False)
show(draw)
