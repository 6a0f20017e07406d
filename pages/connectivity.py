"""What does this prediction depend on?

Text whose earlier characters or words are shaded by how strongly the prediction at the one under the pointer depends on
them, for one model or several. The text is one's own or the recording's. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.connectivity.panel import draw as draw_texts
from pages.parts.shared.current import chosen_model, current_model, current_store
from pages.parts.shared.frame import show
from rnnstore.networks import has_network


def draw() -> None:
    """The page of the sidebar's model, which need not be recorded where it has its network."""
    model = chosen_model()
    if not has_network(model):
        model = current_model()
    draw_texts(current_store(), model)


st.title("What a prediction depends on", anchor=False)
show(draw)
