"""Charts that are clicked, and a button that breaks off a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from rnnstore.drawing.picture import Picture


def clicked_chart(
    picture: Picture, view: str, key: str, parameter: str, field: str, do: Callable[[Any], None], **options: Any
) -> None:
    """A chart in the container `view` whose marks can be clicked: `do` is called with the `field` of each that was.

    The chart names the selection `parameter`; `options` are those of `st.vega_lite_chart`.
    """

    def take() -> None:
        before, now = last_selections(key)
        for value in clicked_since(before, now, parameter, field):
            do(value)

    options = {"theme": None, "width": "stretch", "height": "content"} | options
    with st.container(key=view):
        st.vega_lite_chart(picture.for_page(), key=key, on_select=take, selection_mode=[parameter], **options)


def of_no_fragment() -> AbstractContextManager[Any]:
    """A button drawn in it breaks off the run that draws it. One that belongs to a fragment is heard only when that
    run has come to its end: Streamlit lets no fragment overtake a script."""
    return ThreadState.scoped(fragment_id=None)


def last_selections(key: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The selections of the chart `key` before and now, for `clicked_since`; to be called once a message."""
    now, before = dict(st.session_state[key].selection), st.session_state.get(f"{key}-before", {})
    st.session_state[f"{key}-before"] = now
    return before, now


def clicked_since(before: Mapping[str, Any], now: Mapping[str, Any], parameter: str, field: str) -> list[Any]:
    """What was clicked between two states of a chart in which every click puts a mark in or takes it out again."""
    then, there = ({row.get(field) for row in state.get(parameter, [])} for state in (before, now))
    return [value for value in then ^ there if value is not None]
