"""What every page starts from: the store, and the model and state that the sidebar chose.

The address is the truth. Model and state stand in the URL as `?model=...&state=...`, each choice is an entry of the
browser's history, and a link, the Back button and the sidebar therefore all end in the same place. A page asks
`current_model()` and `current_state()`; where there is none they say what to do and stop the page.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pandas  # noqa: F401
import streamlit as st

import rnnstore
from pages.parts.shared.hosting import hosted, may_change
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from rnnstore import Model, State, Store, demonstration
from rnnstore.commands import application
from rnnstore.networks.gates import cell_label
from rnnstore.registry import analyses
from rnnstore.store.card import Card
from rnnstore.store.overview import status

OVERVIEW = "pages/overview.py"

PAGES = {OVERVIEW: "Overview"} | {analysis.page: analysis.title for analysis in analyses()}
"""Files and titles of the pages, in the sidebar's order."""

QUESTIONS = {OVERVIEW: "What stands out, and what is in the store?"} | {
    analysis.page: analysis.question for analysis in analyses()
}
"""What each page answers, in a sentence."""

# Streamlit, PyArrow and DuckDB import pandas when they first meet a table, each in the thread of its session. Two first
# sessions at once may then wait for one another's modules, and Python ends that by handing out a pandas half made.
# Imported here, by a module that every page imports, it is whole before any of them meets a table.

DEFAULT_STORE = "store"

RECORDING = """\
import rnnstore
import rnnstore.pytorch as rt

# a module of PyTorch: every state and gate of its recurrent layers
rt.record(model, batches, store={store!r}, name="my-network", vocabulary=words)

# arrays of any other framework
with rnnstore.open({store!r}).record("my-network") as recorder:
    recorder.add(words=words, states={{"layer1.h": states}})  # states: float[steps, units]
"""
"""The lines with which a network of any framework is recorded."""


def store_path() -> Path:
    """The store's folder: `streamlit run streamlit_app.py -- --store FOLDER`, else RNNSTORE, else `store`."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    options.add_argument("--store", default=os.environ.get("RNNSTORE") or DEFAULT_STORE)
    return Path(options.parse_known_args(sys.argv[1:])[0].store)


def current_store() -> Store:
    """The store; opened once for all visitors, and anew when one of its models changed."""
    path = store_path()
    with errors_as(lambda why: st.error("The store of this application cannot be opened." if hosted() else why)):
        return _opened(str(path.absolute()), rnnstore.fingerprint(path), hosted())
    st.stop()


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: str, as_of: str, read_only: bool) -> Store:
    """The store as it was at the fingerprint `as_of`: a part of the key, so no underscore may begin its name."""
    return rnnstore.open(path, read_only=read_only)


def chosen_model() -> Model:
    """The model chosen in the sidebar, recorded or not; an empty store says what to do and stops the page."""
    models = current_store().models
    if not models:
        say_how_to_begin()
        st.stop()
    if st.session_state.get("model") not in models:  # deleted meanwhile: the sidebar has to choose anew
        st.session_state.pop("state", None)  # as of a link to a model that is not there, which gets a sentence
        st.rerun()
    return models[st.session_state["model"]]


def current_model() -> Model:
    """The model chosen in the sidebar, with recorded states; otherwise says what to do and stops the page."""
    model = chosen_model()
    if not model.states:
        st.info(f"**{escape(model.name)}** has no recorded states yet, so there is nothing to look into.")
        say_status(model)
        st.caption("Or choose another model in the sidebar.")
        st.stop()
    return model


def current_state() -> State:
    """The state chosen in the sidebar, of the current model."""
    model = current_model()
    return model.states.get(st.session_state.get("state", ""), next(iter(model.states.values())))


def first_model(store: Store) -> Model:
    """The model shown where none is named: the first with recorded states, else the first."""
    return next((model for model in store.models.values() if model.states), next(iter(store.models.values())))


def first_state(model: Model) -> str | None:
    """The state shown where none is named."""
    return next(iter(model.states), None)


def architecture(card: Card) -> str:
    """Cell, layers and units in a few letters, for example `LSTM 2 × 200`; as much of it as is known."""
    cell = cell_label(card.cell)
    if card.layers is None or card.units is None:
        return f"{cell} {card.units:,} unit{'s' if card.units > 1 else ''}".strip() if card.units else cell
    return f"{cell} {card.layers} × {card.units}".strip()


def recipe_of(model: Model) -> str:
    """What to give to `python -m pipelines` for this model: its recipe's name, which is the model's own by default."""
    return str(model.card.settings.get("name") or model.name)


def say_status(model: Model) -> None:
    """What has become of a model that is not simply recorded, and the command that brings it on."""
    how = status(model)
    if how.advice:
        st.info(f"**{how.name.capitalize()}.** {escape(how.advice)}")
    if how.pipelines:
        st.code(command(f"python -m pipelines {how.pipelines} {recipe_of(model)}"), language="bash")


def command(line: str) -> str:
    """A command line with the store that is open, when it is not the default one."""
    path = store_path()
    return line if path == Path(DEFAULT_STORE) or hosted() else f"{line} --store {path}"


def say_how_to_begin() -> None:
    """The empty store's page: what to do now."""
    st.subheader("There is no model here yet")
    if hosted():
        st.markdown("Who runs this application has put none into its store.")
        return
    st.markdown(f"The store is the folder `{store_path()}`.")
    if application.demonstration() is not None and may_change():
        st.markdown("Small models come along, with something to see on every page:")
        if st.button("Copy them into this store", type="primary"):
            demonstration.bring(store_path())
            st.rerun()
    st.markdown("Record what your own network keeps in its state, from any framework:")
    st.code(RECORDING.format(store=str(store_path())), language="python")
    st.markdown("Or train a network by a recipe (`python -m pipelines recipes` lists those that come along):")
    st.code(command("python -m pipelines run RECIPE"), language="bash")
    st.markdown("To look at a store elsewhere, name its folder when starting the application:")
    st.code("python -m rnnstore app FOLDER", language="bash")
    st.caption("This page follows the store: what has been recorded appears when you reload it.")
