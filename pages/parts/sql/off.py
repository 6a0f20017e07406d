"""The page "SQL" where asking with SQL is switched off."""

from __future__ import annotations

import streamlit as st


def say_off() -> None:
    """What stands here where SQL is switched off."""
    st.info(
        "Asking with SQL is switched off here: this copy is offered to the public, and each query takes a process of "
        "its own. Whoever runs it switches it on with `RNNSTORE_SQL=on` in its environment, or "
        "`streamlit run streamlit_app.py -- --sql on`."
    )
    st.markdown("On your own machine it is on. The same tables can be asked there without this page:")
    st.code('python -m rnnstore sql "select model, steps from models"', language="bash")
