"""How long does a state remember the words it reads, which of them, and what about them?

The gradients are computed once by a command and lie in the store; here their singular values are read. Everything
shown is in the address.
"""

import pyarrow as pa
import streamlit as st

from pages.parts.memory import asked as remembered
from pages.parts.memory import panel as curves
from pages.parts.memory import property_panel as properties
from pages.parts.memory.address import CURVES, PROPERTIES, View, read
from pages.parts.memory.guide import explain
from pages.parts.shared import asked
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import controlled
from pages.parts.shared.current import current_model, current_state, current_store
from rnnstore import Model, State, StoreError
from rnnstore.export import csv, parquet
from rnnstore.memory.answers import has_memory
from rnnstore.networks.network import network


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    try:
        draw(current_model(), current_state())
    except StoreError as error:
        st.error(str(error))


def draw(model: Model, state: State) -> None:
    """Memory of a state, as the address describes it."""
    if state.name not in has_memory(model):
        curves.say_missing(model, state.name)
        explain()
        return
    store, embedding = current_store(), network(model).cells[0].inputs
    table = remembered.curves(asked.as_of(model), model, model.name, state.name)
    known: dict[str, int] = {}
    for name, delay in zip(table["word_class"].to_pylist(), table["delay"].to_pylist(), strict=True):
        known[name] = max(delay, known.get(name, 0))
    view, sentences = read(st.query_params, store, model, known, embedding)
    for sentence in sentences:
        st.warning(sentence)
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
        curves.choose(store, state.name, view, list(known))
        drawn = curves.show_curves(store, model, state.name, view)
        curves.show_directions(model, state.name, view, known)
    else:
        properties.choose(view, known, embedding)
        drawn = properties.show_properties(model, state.name, view)
    if drawn is not None:
        with st.popover("Take away"), st.container(width=380):
            take_away(model, state, view, drawn)
    explain()


def take_away(model: Model, state: State, view: View, drawn: pa.Table) -> None:
    """What is drawn, as pictures, numbers and lines of a notebook."""
    name, options = f"memory-{model.name}-{state.name}", {"on_click": "ignore", "width": "stretch"}
    if view.shown == CURVES:
        save_picture_button("Curves as a picture", "memory_view", name)
        save_picture_button("Spectrum as a picture", "spectrum_view", f"{name}-delay-{view.delay}")
        call = f'pictures.memory_picture(model, "{state.name}", {list(view.classes)!r}, measure="{view.measure}")'
    else:
        save_picture_button("Properties as a picture", "property_view", f"{name}-properties")
        call = f'pictures.properties_picture(model, "{state.name}", n={view.n}, measure="{view.how}")'
    st.download_button("Numbers as CSV", lambda: csv(drawn), f"{name}.csv", "text/csv", **options)
    st.download_button("Numbers as Parquet", lambda: parquet(drawn), f"{name}.parquet", **options)
    st.caption("The same in a notebook")
    st.code(
        "import rnnstore\nfrom rnnstore import pictures\n\n"
        f'model = rnnstore.open("store").model("{model.name}")\n{call}',
        language="python",
    )


st.title("How long words are remembered", anchor=False)
screen()
