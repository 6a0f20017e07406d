"""Questions about recorded training batches whose answers are kept; see `_asked`."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages._asked import Store
from rnnstore import batches
from rnnstore.batches import Batch, Outline, Trouble
from rnnstore.curves import Curves, curves


@st.cache_resource(max_entries=16, show_spinner=False)
def steps(store: Store, _model, model: str) -> np.ndarray:
    return batches.recorded_steps(_model)


@st.cache_resource(max_entries=32, show_spinner=False)
def outline(store: Store, _model, model: str, layer: int, first: int, last: int | None) -> Outline:
    return batches.outline(_model, layer, first, last)


@st.cache_resource(max_entries=64, show_spinner=False)
def batch(store: Store, _model, model: str, step: int, layer: int) -> Batch:
    return batches.batch(_model, step, layer)


@st.cache_resource(max_entries=16, show_spinner=False)
def trouble(store: Store, _model, model: str) -> Trouble | None:
    return batches.trouble(_model)


@st.cache_resource(max_entries=8, show_spinner=False)
def courses(store: Store, _models, models: tuple[str, ...]) -> Curves:
    return curves(_models)
