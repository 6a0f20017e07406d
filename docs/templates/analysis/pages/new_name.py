"""What is asked of a state?

The chart and its numbers follow the model and state that the sidebar chose.
"""

import streamlit as st
from rnnstore.new_name import unit_means
from rnnstore.new_name.charts import means_picture

from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.export import exporting, offer_numbers
from pages.parts.shared.frame import show
from pages.parts.shared.pictures import colours, show_picture


def draw() -> None:
    """The chart, and its numbers to export."""
    model, state = current_model(), current_state()
    means = unit_means(model, state.name)
    show_picture(means_picture(means, colours()), "new_name_view")
    with exporting():
        offer_numbers("Numbers", f"new-name-{model.name}-{state.name}", lambda: means)


st.title("New name", anchor=False)
show(draw)
