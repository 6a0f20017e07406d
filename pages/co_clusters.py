"""What does each group of units respond to?

Units that respond alike stand together on a chip, words that are responded to alike in a cloud, and links say how the
groups belong together. A word or a unit that is clicked is looked at in detail. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.co_clusters.guide import explain, lay_out, take_away
from pages.parts.co_clusters.panel import draw as draw_clusters
from pages.parts.co_clusters.response_panel import show_detail
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import show


def draw() -> None:
    """The picture, and beside it what is picked in detail."""
    with st.container(key="clusters_body"):
        with st.container(key="clusters_main"):
            panel = draw_clusters(current_model(), current_state())
        if panel is not None:
            with st.container(key="clusters_detail"):
                show_detail(panel)
    if panel is not None:
        take_away(panel)
    explain()


lay_out()
show(draw)
