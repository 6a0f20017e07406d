"""How the page is read, what a query may do and take, and the same from elsewhere."""

from __future__ import annotations

import streamlit as st

from rnnstore.sql.limits import Limits, missing


def explain(limits: Limits) -> None:
    """How to read the page."""
    with st.expander("How to read this"):
        st.markdown(
            f"""
**Tables** are views over the store's Parquet files, all models together: `model` is a column of each, so most queries
begin with `where model = '...'`. Hover over a table or column to read what it means, click to insert it. **Macros** are
questions of the papers as functions: `matches` finds the ranges over which units are on together, as *Select and
match* does (LSTMVis, Strobelt et al. 2018, section 5.2); `responses_of` gives the expected responses of RNNVis (Ming et
al. 2017); `longest_remembered` reads the state gradients of Verwimp et al. (2018); `known_characters` is the accuracy
of an autocomplete network (Madsen 2019); `largest_gradients` and `by_lag` read the itemized gradients of a training.
Arguments stand in the order shown, or by name: `matches(model := '...', ...)`.

**Runs** (`on_states`) are half-open: a unit is on at steps start to stop - 1, when its stored value is at least the
threshold. They are recorded at the thresholds that the model's recipe names.

**Limits.** {limits.sentence} {missing()} A query is answered by a process of its own, which has been given the tables
and nothing else: no file, no network, no settings. It cannot change the store, and ends with its answer.

**A link** holds the query and the chart, not the answer. It asks nothing until you press Run: what a stranger wrote
is read before it is run, and opening, reloading or going back costs nobody's machine its time.

**Elsewhere**, without limits: `python -m rnnstore sql "..."`, `rnnstore.open("store").sql("...")` in Python, and
`python -m rnnstore sql --script > store.sql` for DuckDB's own shell (`duckdb -init store.sql`). The page
*Asking the tables* of the documentation has lines for pandas and polars.
"""
        )


def say_off() -> None:
    """What stands here where SQL is switched off."""
    st.info(
        "Asking with SQL is switched off here: this copy is offered to the public, and each query takes a process of "
        "its own. Whoever runs it switches it on with `RNNSTORE_SQL=on` in its environment, or "
        "`streamlit run streamlit_app.py -- --sql on`."
    )
    st.markdown("On your own machine it is on. The same tables can be asked there without this page:")
    st.code('python -m rnnstore sql "select model, steps from models"', language="bash")
