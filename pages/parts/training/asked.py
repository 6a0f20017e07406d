"""Questions about recorded training batches whose answers are kept; see `shared.asked`."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages.parts.shared.asked import Store
from rnnstore.training import batches
from rnnstore.training.batches import Batch, Outline, Trouble
from rnnstore.training.curves import Curves, curves
from rnnstore.training.previews import Previews, previews


@st.cache_resource(max_entries=16, show_spinner=False)
def steps(store: Store, _model, model: str) -> np.ndarray:
    return batches.recorded_steps(_model)


@st.cache_resource(max_entries=32, show_spinner=False)
def outline(store: Store, _model, model: str, layer: int, first: int, last: int | None) -> Outline:
    return batches.outline(_model, layer, first, last)


@st.cache_resource(max_entries=32, show_spinner=False)
def glances(store: Store, _model, model: str, layer: int, first: int, last: int | None) -> Previews:
    found = outline(store, _model, model, layer, first, last)
    return previews(_model, found.table["largest"].to_pylist(), found.window, layer)


@st.cache_resource(max_entries=16, show_spinner=False)
def layers(store: Store, _model, model: str) -> list[int]:
    return batches.layers(_model)


@st.cache_resource(max_entries=64, show_spinner=False)
def batch(store: Store, _model, model: str, step: int, layer: int) -> Batch:
    return batches.batch(_model, step, layer)


@st.cache_resource(max_entries=16, show_spinner=False)
def trouble(store: Store, _model, model: str) -> Trouble | None:
    return batches.trouble(_model)


@st.cache_resource(max_entries=8, show_spinner=False)
def courses(store: Store, _models, models: tuple[str, ...]) -> Curves:
    return curves(_models)
