"""The editor: a text area with colours behind its text, and beside it the tables and macros, a click away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from rnnstore.sql.catalogue import Entry

_HERE = Path(__file__).parent


def editor(
    query: str, answered: str | None, tables: Sequence[Entry], macros: Sequence[Entry], run: Callable[[str], None]
) -> None:
    """The editor with `query` in it; `run` is called with the text that a person wants to be answered.

    `answered` is the query whose answer is on the page; the editor says when its own text is another.
    """
    key = "sql-editor"

    def take() -> None:
        sent = st.session_state[key].get("run")
        if sent is not None:
            run(sent)

    component = st.components.v2.component(
        "sql_editor",
        html=_HERE.joinpath("editor.html").read_text("utf-8"),
        css=_HERE.joinpath("editor.css").read_text("utf-8"),
        js=_HERE.joinpath("editor.js").read_text("utf-8"),
    )
    component(
        data={
            "text": query,
            "answered": answered,
            "tables": [asdict(each) for each in tables],
            "macros": [asdict(each) for each in macros],
        },
        key=key,
        on_run_change=take,
    )
