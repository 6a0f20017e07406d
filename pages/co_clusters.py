"""What does each group of units respond to?

Units that respond alike stand together on a chip, words that are responded to alike in a cloud, and links say how the
groups belong together. A word or a unit that is clicked is looked at in detail. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.co_clusters.guide import explain, lay_out, take_away
from pages.parts.co_clusters.panel import draw
from pages.parts.co_clusters.response_panel import show_detail
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.markdown import escape
from rnnstore import StoreError


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    models = current_store().models
    if models and st.session_state.get("model") not in models:  # deleted meanwhile: the sidebar has to choose anew
        st.session_state.pop("state", None)
        st.rerun()
    try:
        with st.container(key="clusters_body"):
            with st.container(key="clusters_main"):
                panel = draw(current_model(), current_state())
            if panel is not None:
                with st.container(key="clusters_detail"):
                    show_detail(panel)
        if panel is not None:
            take_away(panel)
        explain()
    except StoreError as error:
        st.error(escape(str(error)))


lay_out()
screen()
