"""The application: one store, a sidebar that chooses model and state for every page, and the pages.

streamlit run streamlit_app.py [-- --store FOLDER]
"""

from pathlib import Path

import streamlit as st

from pages.parts.shared.browser import wide_page
from pages.parts.shared.current import (
    architecture,
    current_store,
    first_model,
    first_state,
    store_path,
)
from pages.parts.shared.frame import navigation, show_links, show_title
from pages.parts.shared.hosting import hide_details, hosted
from pages.parts.shared.markdown import escape, number
from pages.parts.shared.messages import errors_as
from rnnstore import Model

STATIC = Path(__file__).parent / "static"


def follow_address() -> dict[str, str | None]:
    """Model and state as the address names them, taken over when it changed by a link or the Back button.

    An address that lags behind a choice just made in the sidebar is no change: the choice stands.
    """
    named = {key: st.query_params.get(key) for key in ("model", "state")}
    here, session = {key: st.session_state.get(key) for key in named}, st.session_state
    if named != session.get("address") and here == session.get("chosen", here):
        for key, value in named.items():
            session[key] = value
        session["address"] = named
    return named


def choose(key: str, options: list[str], first: str | None) -> str | None:
    """The selectbox `key`: on what was chosen before where that is still there, else on `first`."""
    value = st.session_state.get(key) if st.session_state.get(key) in options else first
    st.session_state[key] = value
    return st.selectbox(key.capitalize(), options, key=key, disabled=not options, placeholder="none recorded")


def write_address(named: dict[str, str | None], model: Model, state: str | None) -> None:
    """Put the choice into the address, unless the address means it already: without names it means the first."""
    meant = store.models.get(named["model"] or "", first_model(store))
    meant_state = named["state"] if named["state"] in meant.states else first_state(meant)
    now = {"model": model.name, "state": state}
    if now != {"model": meant.name, "state": meant_state}:
        st.query_params.update({key: value for key, value in now.items() if value is not None})
        st.session_state["address"] = now
    st.session_state["chosen"] = now


def say_unknown(model: Model, state: str | None) -> None:
    """A sentence for an address that names what is not there; the page goes on with what is shown instead."""
    instead = f"Shown instead: {escape(model.name)}{f', {escape(state)}' if state else ''}."
    with errors_as(lambda why: st.warning(f"{why} {instead}")):
        if "model" in st.query_params:
            store.model(st.query_params["model"])
        if "state" in st.query_params and model.states:
            model.state(st.query_params["state"])


def show_facts(model: Model, state: str | None) -> None:
    """What the sidebar says about the chosen model and state."""
    card = model.card
    if state:
        units = model.states[state].units
        steps = f"**{model.steps:,}** step{'s' if model.steps > 1 else ''}"
        st.markdown(f"{steps} × **{units:,}** unit{'s' if units > 1 else ''}")
    facts = [
        escape(architecture(card)),
        escape(card.corpus),
        *(f"{escape(metric.name)} {number(metric.value)} ({escape(metric.split)})" for metric in card.metrics),
    ]
    st.caption("  \n".join(fact for fact in facts if fact))


hide_details()
page, groups = navigation()
st.set_page_config(f"{page.title} · rnnstore", page_icon=STATIC / "icon.png", layout="wide")
st.logo(STATIC / "logo.svg", icon_image=STATIC / "icon.svg", size="large")

wide_page()

store = current_store()
named = follow_address()
with st.sidebar:
    links = st.container(gap=None, key="page_links")
    if store.models:
        model = store.models[choose("model", list(store.models), first_model(store).name) or ""]
        state = choose("state", list(model.states), first_state(model))
        show_facts(model, state)
        write_address(named, model, state)
    if store.problems:
        st.markdown(f":orange[{len(store.problems)} of the store's folders cannot be read; the overview says why.]")
    st.caption("Open to everyone: look at all of it, change nothing." if hosted() else f"Store: `{store_path()}`")
    carried = {key: st.session_state[key] for key in ("model", "state") if st.session_state.get(key)}
    with links:
        show_links(groups, carried)
if store.models:
    say_unknown(model, state)
show_title(page.title)
with errors_as(st.error):  # what a page did not expect, for example a model that is deleted while it is being read
    page.run()
