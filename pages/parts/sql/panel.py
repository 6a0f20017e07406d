"""Running a query, its answer as a table and a chart, and what can be exported of it."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.export import exporting, offer_numbers
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import colours, show_picture
from pages.parts.sql import queries
from pages.parts.sql.address import View
from pages.parts.sql.queries import Entry
from rnnstore.sql import charts
from rnnstore.sql.answers import Answer
from rnnstore.sql.charts import Axes
from rnnstore.store.sql_errors import QueryError, marked

AT_ONCE = 0.4
"""Seconds that an answer is waited for without a word: most come sooner."""

COLUMNS, ROWS = 200, 10_000
"""Columns and rows that the page shows as a table."""


def wait() -> None:
    """Wait for the query on its way, or say that it runs with a way to stop it; then put it into the history."""
    question = queries.running()
    if question is None:
        return
    if question.done(AT_ONCE):
        queries.collect()
    else:
        _look_again()


@st.fragment(run_every=0.5)
def _look_again() -> None:
    """Look now and then: a fragment that waited in a loop would hear of the Cancel button when it is over."""
    question = queries.running()
    if question is None or question.done(2 if question.cancelled else 0):
        st.rerun()
    now = f"{question.before} before it" if question.before > 0 else "running"
    with side_by_side("center"):
        st.button("Cancel", on_click=question.cancel, shortcut="Escape", help="Esc")
        st.caption(f"{now.capitalize()} ... {question.seconds:.0f} s")


def show(found: Entry | None, query: str, view: View) -> None:
    """The answer to `query`, or why there is none."""
    if found is None:
        if queries.running() is None and view.query:
            st.info("This query came with the address and has not been asked. **Run** (Ctrl+Enter) asks it.")
        return
    if found.error is not None:
        st.error(escape(str(found.error)))
        if isinstance(found.error, QueryError) and (mark := marked(found.query, found.error.line, found.error.column)):
            st.code(mark, language=None)
        return
    assert found.answer is not None
    answer, table = found.answer, found.answer.table
    _say(answer)
    if not table.num_columns or not table.num_rows:
        return
    shown = table.select(range(min(COLUMNS, table.num_columns)))
    st.dataframe(shown, height=min(420, 36 * (min(table.num_rows, 11) + 1) + 3), hide_index=True, key="sql-table")
    with exporting():
        _offer_export(answer)
    _chart(table, view)


def _say(answer: Answer) -> None:
    took = f"{answer.seconds:.2f} s" if answer.seconds >= 0.01 else "under 0.01 s"
    columns = f"{answer.table.num_columns:,} column{'' if answer.table.num_columns == 1 else 's'}"
    st.markdown(f"{escape(answer.summary.removesuffix('.'))} · {columns} · {took}")
    if not answer.table.num_rows:
        st.info(f"Nothing in the store answers to that. {escape(answer.hint)}")
    if answer.table.num_columns > COLUMNS:
        st.caption(f"The first {COLUMNS} of its {answer.table.num_columns:,} columns are shown; downloads hold all.")


def _offer_export(answer: Answer) -> None:
    table, rows = answer.table, f"{answer.table.num_rows:,} rows"
    offer_numbers(rows, "answer", lambda: table)
    if answer.cut:
        st.caption("That is the beginning of the answer; in Python and on the command line nothing is cut.")
    st.caption("The same in Python")
    st.code(
        f'import rnnstore\n\ntable = rnnstore.open("store").sql("""\n{answer.query.strip()}\n""")', language="python"
    )


def _chart(table: pa.Table, view: View) -> None:
    axes, _ = charts.drawable(table)
    default = charts.default_axes(table)
    if default is None:
        return
    chosen = Axes(
        view.x if view.x in axes else default.x,
        view.y if view.y in axes else default.y,
        view.colour if view.colour in axes else "" if view.x or view.y else default.colour,
        view.mark or default.mark,
    )
    with side_by_side():
        view.control("mark", now=chosen.mark)
        view.control("x", now=chosen.x, options=axes, width=200)
        view.control("y", now=chosen.y, options=axes, width=200)
        view.control(
            "colour", now=chosen.colour, options=["", *axes], format_func=lambda name: name or "none", width=200
        )
    picture = charts.answer_picture(table, chosen, colours())
    show_picture(picture, "sql_view")
    drawn = min(table.num_rows, charts.MOST)
    with side_by_side("center"):
        with st.container(width=200):
            save_picture_button("Chart as a picture", "sql_view", "answer")
        if drawn < table.num_rows:
            st.caption(f"The first {drawn:,} of {table.num_rows:,} rows are drawn.")
        if missing := charts.without_colour(table, chosen):
            st.caption(
                f"{missing:,} more values of {escape(chosen.colour)} are not drawn: there are {charts.COLOURS} colours."
            )


def show_history(run: Callable[[str], None]) -> None:
    """This session's queries; a click asks one again."""
    earlier = queries.history()
    with st.popover(f"History ({len(earlier)})", disabled=not earlier), st.container(width=560):
        st.caption("The queries of this session, the latest first. They are kept nowhere else.")
        for place, each in enumerate(earlier):
            first = " ".join(each.query.split())
            label = escape(first if len(first) < 80 else f"{first[:79]}…")
            st.button(
                f"{label}  :gray[{escape(each.summary)}]", key=f"sql-history-{place}", on_click=run, args=(each.query,),
                type="tertiary", help="Ask it again",
            )  # fmt: skip
