"""Texts as networks connect them, kept: by the store, the model, and everything that the numbers depend on."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from pages.parts.shared.asked import Store
from rnnstore import Model
from rnnstore.connectivity.connected import Connected
from rnnstore.connectivity.connected import connected as work_out
from rnnstore.connectivity.known_characters import known_characters


@st.cache_resource(max_entries=16, show_spinner="Following every score back to every input ...")
def connected(
    store: Store,
    _model: Model,
    model: str,
    text: str | tuple[int, int],
    target: str,
    scale: str,
    word: str,
    check: bool,
) -> Connected:
    return work_out(_model, text, target, scale, word=word, check=check)


@st.cache_resource(max_entries=8, show_spinner="Counting what was known when ...")
def known(store: Store, _model: Model, model: str, stretches: int) -> pa.Table:
    return known_characters(_model, stretches=stretches)
