"""What does each group of units respond to?

Units that respond alike stand together on a chip, words that are responded to alike in a cloud, and links say how the
groups belong together. A word or a unit that is clicked is looked at in detail. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.co_clusters.export import offer_export
from pages.parts.co_clusters.panel import draw as draw_clusters
from pages.parts.co_clusters.panel import prepare
from pages.parts.co_clusters.response_panel import show_detail
from pages.parts.shared.browser import charts_tools_aside
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import show
from pages.parts.shared.guides import explain


def draw() -> None:
    """The picture, and beside it what is picked in detail."""
    panel = prepare(current_model(), current_state())
    if panel is not None:
        with st.container(key="clusters_body"):
            with st.container(key="clusters_main"):
                draw_clusters(panel)
            with st.container(key="clusters_detail"):
                show_detail(panel)
        offer_export(panel)
    explain("co_clusters")


def lay_out() -> None:
    """The detail view stands beside the picture where both have room, and below it otherwise."""
    charts_tools_aside(bottom=("cluster_view", "response_view", "unit_view"))
    st.html(
        "<style>.st-key-clusters_body { flex-direction: row !important; flex-wrap: wrap; column-gap: 1.5rem; }"
        ".st-key-clusters_body > div:has(> .st-key-clusters_main) { flex: 1.7 1 900px !important; min-width: 0; }"
        ".st-key-clusters_body > div:has(> .st-key-clusters_detail) { flex: 1 1 500px !important; min-width: 0; }"
        "</style>"
    )


lay_out()
show(draw)
