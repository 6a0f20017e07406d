"""The application: one store, a sidebar that chooses model and state for every page, and the pages.

streamlit run streamlit_app.py [-- --store FOLDER]
"""

from pathlib import Path

import streamlit as st

from pages._current import chosen, current_store, store_path

STATIC = Path(__file__).parent / "static"

PAGES = {"pages/overview.py": "Overview", "pages/select_and_match.py": "Select and match"}


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


def choose(key: str, options: list[str]) -> str | None:
    """The selectbox `key`, on what was chosen before where that is still there, else on the first option."""
    value = chosen(st.session_state.get(key), options)
    st.session_state[key] = value
    st.selectbox(
        key.capitalize(),
        options,
        key=key,
        disabled=not options,
        placeholder="none recorded" if key == "state" else "none",
    )
    return value


def write_address(named: dict[str, str | None], model: str | None, state: str | None) -> None:
    """Put the choice into the address, unless the address means it already: without names it means the first."""
    models = current_store().models
    meant_model = chosen(named["model"], list(models))
    meant_state = chosen(named["state"], list(models[meant_model].states)) if meant_model else None
    now = {"model": model, "state": state}
    if now != {"model": meant_model, "state": meant_state}:
        st.query_params.update({key: value for key, value in now.items() if value is not None})
        st.session_state["address"] = now
    st.session_state["chosen"] = now


def say_unknown(named: dict[str, str | None]) -> None:
    """A sentence for an address that names what is not there; the page goes on with what was chosen instead."""
    store, model, state = current_store(), st.session_state["model"], st.session_state["state"]
    if named["model"] is not None and named["model"] not in store.models and model:
        try:
            store.model(named["model"])
        except StoreError as error:
            st.warning(f"{error} Shown instead: {model}.")
    elif named["state"] is not None and model and named["state"] not in store.models[model].states and state:
        try:
            store.models[model].state(named["state"])
        except StoreError as error:
            st.warning(f"{error} Shown instead: {state}.")


def show_facts() -> None:
    """What the sidebar says about the chosen model and state."""
    store = current_store()
    model = store.models[st.session_state["model"]]
    card = model.card
    if state := model.states.get(st.session_state["state"]):
        st.markdown(f"**{model.steps:,}** steps × **{state.units}** units")
    shape = f"{card.cell.upper() if card.cell in ('lstm', 'gru') else card.cell} {card.layers} × {card.units}"
    facts = [
        shape if card.cell and card.layers else card.cell,
        card.corpus,
        *(f"{metric.name} {metric.value:,.4g} ({metric.split})" for metric in card.metrics),
    ]
    st.caption("  \n".join(fact for fact in facts if fact))


PAGES = {path: title for path, title in PAGES.items() if (STATIC.parent / path).exists()}
pages = [st.Page(path, title=title, default=path == next(iter(PAGES))) for path, title in PAGES.items()]
page = st.navigation(pages, position="hidden")
st.set_page_config(f"{page.title} · rnnstore", page_icon=STATIC / "icon.png", layout="wide")
st.logo(STATIC / "logo.svg", icon_image=STATIC / "icon.svg", size="large")

store = current_store()
named = follow_address()
with st.sidebar:
    links = st.container()
    if store.models:
        model = choose("model", list(store.models))
        state = choose("state", list(store.models[model].states))
        show_facts()
        write_address(named, model, state)
    carried = {key: st.session_state[key] for key in ("model", "state") if st.session_state.get(key)}
    for each, path in zip(pages, PAGES, strict=True):
        links.page_link(each, query_params=carried)
    if store.problems:
        st.markdown(f":orange[**{len(store.problems)} of the store's folders cannot be read**]")
        st.caption("The overview says which, and why.")
    st.caption(f"Store: `{store_path()}`")
if store.models:
    say_unknown(named)
page.run()
