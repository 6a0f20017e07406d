"""Going through the corpus on the page "Select and match": by windows, to a step, to where a phrase occurs."""

from __future__ import annotations

import streamlit as st

from pages.parts.matching import queries
from pages.parts.matching.address import View
from pages.parts.shared.controls import clickable_table, side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from rnnstore.matching.windows import window_start

HITS = 100


def navigate(view: View) -> None:
    """Going through the corpus: by windows, to a step, to where a phrase occurs."""
    last = max(0, view.model.steps - view.window)
    with side_by_side():
        back, forward = max(0, view.at - view.window), min(last, view.at + view.window)
        st.button(
            "Back",
            on_click=view.change,
            kwargs={"at": back},
            disabled=view.at == 0,
            shortcut="B",
            help="Back by a window",
        )
        st.button(
            "Forward",
            on_click=view.change,
            kwargs={"at": forward},
            disabled=view.at >= last,
            shortcut="F",
            help="Forward by a window; the brushed words stay brushed",
        )
        view.control("at", max_value=last, width=130)
        view.control("window", width=180)
        view.control("find", placeholder="a phrase")
        view.control("regex")
    if view.find:
        with errors_as(st.error):
            _show_hits(view)


def _show_hits(view: View) -> None:
    hits = queries.find(view.model, view.find, regex=view.regex, ignore_case=not view.case, limit=HITS)
    more = f" Shown: the first {HITS}." if hits.total > HITS else ""
    with side_by_side("center"):
        framed = " The one that you went to is framed among the words." if view.hit and hits.total else ""
        st.caption(f"{escape(hits.note)}{more}{framed}", width="stretch")
        view.control("case")
        closed = {"find": "", "regex": False, "case": False, "hit": None}
        st.button("Close the search", on_click=view.change, kwargs=closed, type="tertiary")
    if not hits.table.num_rows:
        return

    def go(place: int) -> None:
        start, stop = (hits.table[name][place].as_py() for name in ("start", "stop"))
        view.change(at=window_start(view.model, start, view.window), hit=f"{start}-{stop - 1}")

    with st.container(key="hits_view"):
        clickable_table(
            hits.table.select(["start", "before", "words", "after"]),
            f"hits-{view.find}-{view.regex}-{view.case}",
            go,
            height=160,
            column_config={
                "start": st.column_config.NumberColumn("step", format="localized", width=80),
                "before": st.column_config.TextColumn("before", alignment="right", width=260),
                "words": st.column_config.TextColumn("found", width=120),
                "after": st.column_config.TextColumn("after", width=260),
            },
        )
