"""Any question to the tables, in SQL: asked in a process of its own, answered as a table and a chart.

The query and the chart are in the address. A query that comes with a link is shown and not asked until someone says so.
"""

import streamlit as st

from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import current_model, current_state, current_store
from pages.parts.shared.frame import show
from pages.parts.shared.guides import explain
from pages.parts.shared.hosting import sql_allowed
from pages.parts.sql import panel, queries
from pages.parts.sql.address import LONGEST, View
from pages.parts.sql.editor import editor
from pages.parts.sql.off import say_off
from rnnstore.sql import catalogue
from rnnstore.sql.examples import examples
from rnnstore.sql.limits import missing


def draw() -> None:
    """Editor, answer and chart, as the address describes them."""
    if not sql_allowed():
        say_off()
        return
    store, model, state = current_store(), current_model(), current_state().name
    pool = queries.pool(store.path)
    pool.prepare(store)
    view = View.of_page()
    offered = examples(model, state)
    query = view.query or st.session_state.get("sql-query", "")

    def run(text: str) -> None:
        queries.start(store, text)

    def take_example() -> None:
        if (chosen := st.session_state["sql-example"]) is not None:
            run(chosen.query)
            st.session_state["sql-example"] = None

    with side_by_side():
        st.selectbox(
            "Questions to begin with",
            offered,
            index=None,
            format_func=lambda example: f"{example.heading}: {example.question}",
            placeholder="Choose a question: it is written into the editor and asked",
            key="sql-example",
            on_change=take_example,
            width=560,
        )
        earlier = st.empty()
    answered = query if queries.find(query) is not None or queries.running() is not None else None
    editor(query or offered[0].query, answered, catalogue.tables(store), catalogue.macros(), run)
    if len(query) > LONGEST:
        st.caption(f"The query has {len(query):,} characters: more than an address keeps, so a link does not hold it.")
    panel.wait()
    with earlier:
        panel.show_history(run)
    panel.show(queries.find(query), query, view)
    explain("sql", limits=f"{pool.limits.sentence} {missing()}")


show(draw)
