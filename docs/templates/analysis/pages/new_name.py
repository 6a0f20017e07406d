"""What is asked of a state?

The chart and its numbers follow the model and state that the sidebar chose.
"""

import streamlit as st
from rnnstore.new_name import unit_means
from rnnstore.new_name.charts import means_picture

from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import show
from rnnstore.drawing.palette import palette
from rnnstore.export import csv


def draw() -> None:
    """The chart, and its numbers to take away."""
    model, state = current_model(), current_state()
    means = unit_means(model, state.name)
    picture = means_picture(means, palette(st.context.theme.type))
    st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content", key="new_name_view")
    st.download_button("Numbers as CSV", lambda: csv(means), f"new-name-{model.name}-{state.name}.csv", "text/csv")


st.title("New name", anchor=False)
show(draw)
