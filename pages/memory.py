"""How long does a state remember the words it reads, which of them, and what about them?

The gradients are computed once by a command and lie in the store; here their singular values are read. Everything
shown is in the address.
"""

import streamlit as st

from pages.parts.memory import empty, queries
from pages.parts.memory import panel as curves
from pages.parts.memory import property_panel as properties
from pages.parts.memory.address import CURVES, PROPERTIES, read, read_states
from pages.parts.memory.export import take_away
from pages.parts.memory.guide import explain
from pages.parts.shared.controls import controlled
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.markdown import escape
from rnnstore import Model, State, StoreError
from rnnstore.networks import open_network


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    try:
        draw(current_model(), current_state())
    except StoreError as error:
        st.error(escape(str(error)))


def draw(model: Model, state: State) -> None:
    """Memory of a state, as the address describes it."""
    states, sentences = read_states(st.query_params, model, state.name)
    if not states:
        for sentence in sentences:
            st.warning(escape(sentence))
        empty.say_missing(model, state.name)
        explain()
        return
    store, embedding = current_store(), open_network(model).input_width
    table = queries.curves(model, states[0])
    known: dict[str, int] = {}
    for name, delay in zip(table["word_class"].to_pylist(), table["delay"].to_pylist(), strict=True):
        known[name] = max(delay, known.get(name, 0))
    view, more = read(st.query_params, store, model, states, known, embedding)
    for sentence in [*sentences, *more]:
        st.warning(escape(sentence))
    controlled(
        st.segmented_control,
        "Show",
        "show",
        view.shown,
        options=[CURVES, PROPERTIES],
        format_func={CURVES: "How long, and in which directions", PROPERTIES: "Properties of words"}.get,
        usual=CURVES,
        required=True,
        label_visibility="collapsed",
    )
    if view.shown == CURVES:
        curves.choose(store, model, state.name, view, list(known))
        drawn = curves.show_curves(store, model, view)
        curves.show_directions(model, view, known)
    else:
        properties.choose(view, known, embedding)
        drawn = properties.show_properties(model, view.states[0], view)
    if drawn is not None:
        with st.popover("Take away"), st.container(width=380):
            take_away(model, view, drawn)
    explain()


st.title("How long words are remembered", anchor=False)
st.caption(
    "How strongly a word that was read some steps ago still changes the state, by mean gradients of the state with "
    "respect to the word's embedding, and what about the word is kept."
)
screen()
