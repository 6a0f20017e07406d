"""Two models, or two layers or states of one, side by side: what do they do alike, and where do they differ?

The left side is the sidebar's model and state, the right one is chosen here. Words that are picked and sentences that
are typed hold for both. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.comparing.address import DIFFERENCES, GROUPS, LEFT, RIGHT, SENTENCES, View, read
from pages.parts.comparing.difference_panel import show_differences
from pages.parts.comparing.guide import explain
from pages.parts.comparing.panel import show_groups, show_sentences
from pages.parts.sentences.address import LAST, write_text
from pages.parts.shared.controls import controlled
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.markdown import escape
from pages.parts.shared.parameters import ALONE, change
from rnnstore import Model, State, StoreError

SHOWN = {
    GROUPS: "Groups of words and units",
    SENTENCES: "Sentences",
    DIFFERENCES: "What differs",
}


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    if st.session_state.pop("elsewhere", False):  # the sides were swapped: the sidebar has to follow
        st.rerun()
    models = current_store().models
    if models and st.session_state.get("model") not in models:  # deleted meanwhile: the sidebar has to choose anew
        st.session_state.pop("state", None)
        st.rerun()
    try:
        draw(current_model(), current_state())
    except StoreError as error:
        st.error(escape(str(error)))


def draw(model: Model, state: State) -> None:
    """Both sides, as the address describes them."""
    store = current_store()
    view, sentences = read(st.query_params, store, model, state)
    for sentence in sentences:
        st.warning(escape(sentence))
    if view is None:
        st.info(
            f"{state.name} of {model.name} is all that this store holds, so there is nothing beside it. Record another "
            "model, or more states of this one."
        )
        return
    choose(model, state, view)
    if (view.model.name, view.state.name) == (model.name, state.name):
        st.error("Both sides show the same state. Choose another model or another state on the right.")
        return
    if view.shown == GROUPS:
        show_groups(model, state, view)
    elif view.shown == SENTENCES:
        show_sentences(model, state, view)
    else:
        show_differences(model, state, view)
    explain()


def choose(model: Model, state: State, view: View) -> None:
    """The right side, and what is shown of both."""
    recorded = [name for name, each in current_store().models.items() if each.states]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.segmented_control,
            "Show",
            "show",
            view.shown,
            options=list(SHOWN),
            format_func=SHOWN.get,
            usual=GROUPS,
            required=True,
        )
        controlled(
            st.selectbox,
            "Right side: model",
            "other",
            view.model.name,
            options=recorded,
            also=lambda _: {"other_state": None},
            width=220,
            help="The left side is the model and state of the sidebar",
        )
        controlled(
            st.selectbox,
            "State",
            "other_state",
            view.state.name,
            options=list(view.model.states),
            also=lambda _: {"other": view.model.name},
            width=130,
        )
        st.button("Swap sides", on_click=swap, args=(model, state, view))


def swap(model: Model, state: State, view: View) -> None:
    """Left becomes right, with the parameters of its panels."""
    own = {name: value for name, value in st.query_params.items() if name.startswith((LEFT, RIGHT))}
    turned = {(RIGHT if name.startswith(LEFT) else LEFT) + name[len(LEFT) :]: value for name, value in own.items()}
    sides = {"model": view.model.name, "state": view.state.name, "other": model.name, "other_state": state.name}
    change(**{**dict.fromkeys(own), **turned, **sides})
    st.session_state["elsewhere"] = True


def keep_sentences() -> None:
    """The sentences of the page that was left are read here, too."""
    text = st.session_state.get(LAST)
    if text and not {"text", "long", "stretch"} & set(st.query_params):
        write_text(ALONE, text)


st.title("Two side by side", anchor=False)
keep_sentences()
screen()
