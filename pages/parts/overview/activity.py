"""What is being done beside the application: `make demo` trains a small model while somebody looks at the others."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.current import current_store
from pages.parts.shared.frame import page_link
from pages.parts.shared.markdown import escape
from rnnstore.demonstration import current_activity

EVERY = 3
"""Seconds after which it is looked whether anything has changed."""


def show_activity() -> None:
    """A line that follows what is being done, with a link to the training; nothing where nothing is."""
    if current_activity() is not None:
        st.fragment(_line, run_every=EVERY)()


def _line() -> None:
    activity = current_activity()
    if activity is None:  # it has ended: the page shows what came of it
        st.rerun()
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(escape(activity.message))
        if activity.model in current_store().models:
            page_link("training", label="See its training grow", query_params={"model": activity.model})
