"""Widgets that show a part of the address and change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from pages.parts.shared import parameters
from rnnstore.drawing.picture import Picture


def controlled(widget: Callable[..., Any], label: str, name: str, now: Any, **options: Any) -> Any:
    """A widget for the address's parameter `name`, set to `now`; what is chosen in it goes into the address.

    `usual` is the value that needs no writing, `also` names other parameters to change along with it, and `change` is
    how the page at hand writes its address, where more belongs to that.
    """
    usual, also, change = (
        options.pop("usual", None),
        options.pop("also", None),
        options.pop("change", parameters.change),
    )
    key = options.pop("key", f"select-{name}")
    st.session_state[key] = now

    def take() -> None:
        chosen = st.session_state[key]
        change(**{name: None if chosen == usual else chosen, **(also(chosen) if also else {})})

    return widget(label, key=key, on_change=take, **options)


def number(label: str, name: str, value: int | None, low: int, high: int, **options: Any) -> Any:
    """A whole number of the address."""
    return controlled(st.number_input, label, name, value, min_value=low, max_value=max(low, high), step=1, **options)


def clicked_chart(
    picture: Picture, view: str, key: str, parameter: str, field: str, do: Callable[[Any], None], **options: Any
) -> None:
    """A chart in the container `view` whose marks can be clicked: `do` is told the `field` of each that was.

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
    """What the chart `key` said at its last message but one and says now, for `clicked_since`; ask once a message."""
    now, before = dict(st.session_state[key].selection), st.session_state.get(f"{key}-before", {})
    st.session_state[f"{key}-before"] = now
    return before, now


def clicked_since(before: Mapping[str, Any], now: Mapping[str, Any], parameter: str, field: str) -> list[Any]:
    """What was clicked between two states of a chart in which every click puts a mark in or takes it out again."""
    then, there = ({row.get(field) for row in state.get(parameter, [])} for state in (before, now))
    return [value for value in then ^ there if value is not None]
