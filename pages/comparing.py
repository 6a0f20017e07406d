"""Two models, or two layers or states of one, side by side: what do they do alike, and where do they differ?

The left side is the sidebar's model and state, the right one is chosen here. Words that are picked and sentences that
are typed hold for both. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.comparing.address import GROUPS, LEFT, RIGHT, SENTENCES, View, partner
from pages.parts.comparing.difference_panel import show_differences
from pages.parts.comparing.panel import show_groups, show_sentences
from pages.parts.sentences.address import LAST, write_text
from pages.parts.shared.address import ALONE, change
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.frame import show, sidebar_changed
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape


def draw() -> None:
    """Both sides, as the address describes them."""
    model, state = current_model(), current_state()
    models = current_store().models
    recorded = {name: each for name, each in models.items() if each.states}
    if partner(recorded, model, state) is None:
        st.info(
            f"{escape(state.name)} of {escape(model.name)} is all that this store holds, so there is nothing beside "
            "it. Record another model, or more states of this one."
        )
        return
    view = View.of_page(left=model, left_state=state, store_models=models, recorded=recorded)
    choose(view)
    if (view.model.name, view.state.name) == (model.name, state.name):
        st.error("Both sides show the same state. Choose another model or another state on the right.")
        return
    if view.show == GROUPS:
        show_groups(view)
    elif view.show == SENTENCES:
        show_sentences(view)
    else:
        show_differences(view)
    explain("comparing")


def choose(view: View) -> None:
    """The right side, and what is shown of both."""
    with side_by_side():
        view.control("show")
        view.control("other", options=list(view.recorded), also=lambda _: {"other_state": None}, width=220)
        view.control(
            "other_state", options=list(view.model.states), also=lambda _: {"other": view.model.name}, width=130
        )
        st.button("Swap sides", on_click=swap, args=(view,))


def swap(view: View) -> None:
    """Left becomes right, with the parameters of its panels."""
    own = {name: value for name, value in st.query_params.items() if name.startswith((LEFT, RIGHT))}
    turned = {(RIGHT if name.startswith(LEFT) else LEFT) + name[len(LEFT) :]: value for name, value in own.items()}
    names = [each.name for side in reversed(view.sides) for each in side]
    sides = dict(zip(("model", "state", "other", "other_state"), names, strict=True))
    change(**{**dict.fromkeys(own), **turned, **sides})
    sidebar_changed()


def keep_sentences() -> None:
    """The sentences of the page that was left are read here, too."""
    text = st.session_state.get(LAST)
    if text and not {"text", "long", "span"} & set(st.query_params):
        write_text(ALONE, text)


keep_sentences()
show(draw)
