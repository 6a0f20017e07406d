"""The queries of a session: one on its way, the last few with their answers. A pool of processes serves all sessions.

An answer belongs to the session that asked; nothing of it is shared.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.parts.shared.address import change
from pages.parts.shared.hosting import hosted
from pages.parts.sql.address import LONGEST
from rnnstore import Store, StoreError
from rnnstore.sql.answers import Answer
from rnnstore.sql.limits import Limits, of_this_machine
from rnnstore.sql.pool import Pool, Question

MOST_ANSWERS, MOST_ENTRIES = 4, 30
"""Answers and queries that a session keeps."""


@dataclass
class Entry:
    """A query of this session, and its answer or error while that is kept."""

    query: str
    summary: str
    answer: Answer | None = None
    error: StoreError | None = None


@st.cache_resource(max_entries=2, show_spinner=False, on_release=lambda pool: pool.close())
def pool(path: Path) -> Pool:
    """The processes that answer, for all visitors of a store."""
    return Pool(Limits() if hosted() else of_this_machine())


def history() -> list[Entry]:
    """This session's queries, the latest first."""
    return st.session_state.setdefault("sql-history", [])


def start(store: Store, query: str) -> None:
    """Ask; what was on its way is ended."""
    st.session_state["sql-query"] = query
    change(query=query if len(query) <= LONGEST else None, x=None, y=None, colour=None, mark=None)
    visitor = st.session_state.setdefault("sql-visitor", uuid.uuid4().hex)
    try:
        st.session_state["sql-question"] = pool(store.path).ask(store, query, visitor)
    except StoreError as error:
        _add(Entry(query, "not asked", error=error))


def running() -> Question | None:
    """The query that is being answered."""
    return st.session_state.get("sql-question")


def collect() -> None:
    """Put the query that has just been answered into the history."""
    question = st.session_state.pop("sql-question")
    try:
        answer = question.answer()
        rows = f"{answer.table.num_rows:,}{' and more' if answer.cut else ''}"
        _add(Entry(question.query, f"{rows} rows, {answer.seconds:.2f} s", answer=answer))
    except StoreError as error:
        _add(Entry(question.query, "no answer", error=error))


def _add(entry: Entry) -> None:
    """Put a query at the head of the history; an earlier one of the same text goes, old answers are let go."""
    entries = [entry, *(each for each in history() if each.query != entry.query)][:MOST_ENTRIES]
    for old in entries[MOST_ANSWERS:]:
        old.answer = old.error = None
    st.session_state["sql-history"] = entries


def find(query: str) -> Entry | None:
    """What became of a query that this session asked, while that is kept."""
    found = next((each for each in history() if each.query == query), None)
    return found if found is not None and (found.answer is not None or found.error is not None) else None
