"""Pictures on a page: in the theme's colours, in a container of their own, with clicks that are heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import streamlit as st

from rnnstore.drawing.palette import Palette, palette
from rnnstore.drawing.picture import Picture

Clicks = Mapping[str, tuple[str, Callable[[Any], object]]]
"""What a click does: by the selection's name in the picture, the field of the mark and what is called with it."""


def colours() -> Palette:
    """The colours of pictures in the theme that the visitor looks at."""
    return palette(st.context.theme.type)


def show_picture(
    picture: Picture,
    view: str,
    key: str | None = None,
    clicks: Clicks | None = None,
    *,
    room: int | Literal["stretch"] = "stretch",
    fixed: bool = False,
    **options: Any,
) -> None:
    """A picture in the container `view`, as wide as `room`, and as high as it was laid out for where it is `fixed`.

    One click can be heard by several selections, of which the first in `clicks` takes it. `options` are those of
    `st.vega_lite_chart`.
    """

    def take() -> None:
        assert key is not None and clicks is not None
        before, now = last_selections(key)
        for parameter, (field, do) in clicks.items():
            if clicked := clicked_since(before, now, parameter, field):
                for value in clicked:
                    do(value)
                return

    if clicks:
        options = {"on_select": take, "selection_mode": list(clicks)} | options
    if fixed:
        options["height"] = int(picture.specification["height"])
    options = {"theme": None, "width": "stretch", "height": "content", "key": key} | options
    with st.container(key=view, width=room):
        st.vega_lite_chart(picture.for_page(), **options)


def last_selections(key: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The selections of the chart `key` before and now, for `clicked_since`; to be called once a message."""
    now, before = dict(st.session_state[key].selection), st.session_state.get(f"{key}-before", {})
    st.session_state[f"{key}-before"] = now
    return before, now


def clicked_since(before: Mapping[str, Any], now: Mapping[str, Any], parameter: str, field: str) -> list[Any]:
    """What was clicked between two states of a chart in which every click puts a mark in or takes it out again.

    A chart that was drawn anew may have forgotten the clicks before: what is new then counts, what is gone does not.
    """
    then, there = ({row.get(field) for row in state.get(parameter, [])} - {None} for state in (before, now))
    return list(there - then or then - there)
