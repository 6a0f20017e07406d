"""What does this prediction depend on?

Text whose earlier characters or words are shaded by how strongly the prediction at the one under the pointer depends on
them, for one model or several. The text is one's own or the recording's. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.connectivity.panel import draw
from pages.parts.shared.current import current_model, current_store
from pages.parts.shared.markdown import escape
from rnnstore import StoreError
from rnnstore.networks import has_network


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    store = current_store()
    model = store.models.get(st.session_state.get("model", ""))
    if model is None or not (model.states or has_network(model)):
        model = current_model()
    try:
        draw(store, model)
    except StoreError as error:
        st.error(escape(str(error)))


st.title("What a prediction depends on", anchor=False)
screen()
