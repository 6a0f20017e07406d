"""How are the values of states and gates distributed, which units are saturated or still, and how did training go?

Two questions share the page because the one explains the other: a gate that is always shut, or a unit that never moves,
is often one through which no gradient passed.
"""

import streamlit as st

from pages.parts.distributions.address import TRAINING, VALUES, read, read_training, section
from pages.parts.distributions.panel import draw
from pages.parts.distributions.training_panel import draw_training
from pages.parts.shared.controls import controlled
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.markdown import escape
from rnnstore import StoreError


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    if st.session_state.pop("elsewhere", False):  # a click chose another state: the sidebar has to follow
        st.rerun()
    models = current_store().models
    if models and st.session_state.get("model") not in models:  # deleted meanwhile: the sidebar has to choose anew
        st.session_state.pop("state", None)
        st.rerun()
    shown, sentences = section(st.query_params)
    controlled(
        st.segmented_control,
        "Show",
        "view",
        shown,
        options=[VALUES, TRAINING],
        format_func={VALUES: "Values of states and gates", TRAINING: "Training and gradients"}.get,
        usual=VALUES,
        required=True,
        label_visibility="collapsed",
    )
    try:
        if shown == VALUES:
            model, state = current_model(), current_state()
            view, more = read(st.query_params, state)
            _warn(sentences + more)
            draw(model, state, view)
        else:
            store, model = current_store(), store_model()
            training, more = read_training(st.query_params, store, model)
            _warn(sentences + more)
            draw_training(store, training)
    except StoreError as error:
        st.error(escape(str(error)))


def store_model():
    """The sidebar's model, which need not be recorded to show its training."""
    store = current_store()
    return store.models[st.session_state["model"]] if st.session_state.get("model") in store.models else current_model()


def _warn(sentences: list[str]) -> None:
    for sentence in sentences:
        st.warning(escape(sentence))


st.title("How values and gradients are distributed", anchor=False)
screen()
