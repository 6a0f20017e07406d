"""Readings whose answers are kept: of typed sentences by the network, and of recorded stretches."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.asked import Store
from rnnstore import Model
from rnnstore.networks.network import network
from rnnstore.networks.reading import Reading, recorded_reading


@st.cache_resource(max_entries=24, show_spinner="Reading ...")
def typed(store: Store, _model: Model, model: str, text: str) -> Reading:
    return network(_model).read(text)


@st.cache_resource(max_entries=24, show_spinner=False)
def recorded(store: Store, _model: Model, model: str, start: int, stop: int) -> Reading:
    return recorded_reading(_model, start, stop)
