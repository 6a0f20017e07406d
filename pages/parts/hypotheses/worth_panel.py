"""What a hypothesis is worth: its matches against the corpus by a track, and labelled ranges in a plane."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from pages.parts.hypotheses import queries
from pages.parts.hypotheses.address import View
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.markdown import escape
from rnnstore import Model, State, StoreError
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.export import csv
from rnnstore.hypotheses.association import Association, ScalarAssociation, precision_curve
from rnnstore.hypotheses.charts import numbers_picture, plane_note, plane_picture, precision_picture, shares_picture

SHORTEST_RANGE = 2
"""Steps that a labelled range has at least, to be drawn and told apart: the paper's multi-word phrases."""


def show_worth(model: Model, state: State, view: View, selected: Selected) -> None:
    """The matches of a selection against the corpus, by a track."""
    if not model.tracks:
        st.info(f"{model.name} has no track beside its words, so there is nothing to hold the matches against.")
        return
    units = selected.chosen
    track, least = view.track or next(iter(model.tracks)), None if view.least is None else min(view.least, len(units))
    selection: dict[str, Any] = {
        "state": state.name,
        "units": units,
        "threshold": view.threshold,
        "off_before": view.before,
        "off_after": view.after,
        "minimum_overlap": least,
        "minimum_length": view.shortest,
        "maximum_length": view.longest,
        "excluding": view.brushed,
    }
    found = queries.evidence(model, **selection)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        view.control("track", options=list(model.tracks), width=200)
        view.control("least", now=found.minimum_overlap, max_value=len(units), width=130)
    result = queries.association(model, track, **selection)
    st.caption(f"{found.note} {result.note}")
    name = f"{model.name}-{state.name}-{track}"
    if isinstance(result, ScalarAssociation):
        _draw(numbers_picture(result, palette(st.context.theme.type)), "worth_view")
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            _draw(shares_picture(result, palette(st.context.theme.type)), "worth_view")
        if result.matches:
            with right:
                labels = result.table["label"].to_pylist()[:2]
                curve = precision_curve(result, labels)
                _draw(precision_picture(curve, palette(st.context.theme.type)), "precision_view")
    with st.container(horizontal=True, vertical_alignment="center", width=620):
        save_picture_button("Save the picture", "worth_view", f"worth-{name}")
        if isinstance(result, Association) and result.matches:
            save_picture_button("Save the precision", "precision_view", f"precision-{name}")
        st.download_button("Numbers as CSV", csv(result.table), f"worth-{name}.csv", "text/csv", on_click="ignore")
    with st.expander("All numbers"):
        st.dataframe(result.table, hide_index=True)


def show_ranges(model: Model, state: State, view: View) -> None:
    """The labelled ranges of the track in a plane, and how well a classifier tells them apart, when asked for."""
    track = view.track
    if track is None or model.tracks[track].kind != "discrete":
        return
    st.subheader(f"Do the units tell the ranges of {track} apart?", anchor=False)
    about = f"Every range of {SHORTEST_RANGE} or more steps, by the units that it selects in {state.name}"
    view.control("ranges", label=about)
    if not view.ranges:
        return
    try:
        ranges, texts, plane, separation = queries.ranges_apart(
            model, state.name, track, view.threshold, view.before, view.after, SHORTEST_RANGE
        )
    except StoreError as error:
        st.info(escape(str(error)))
        return
    st.caption(f"{separation.note} {plane_note(ranges)}")
    _draw(plane_picture(plane, ranges, texts, palette(st.context.theme.type)), "plane_view", 920)
    with st.container(horizontal=True, width=420):
        save_picture_button("Save the picture of the plane", "plane_view", f"ranges-{model.name}-{state.name}-{track}")
    with st.expander("By label"):
        st.dataframe(separation.table, hide_index=True)


def _draw(picture: Picture, key: str, width: int | Literal["stretch"] = "stretch") -> None:
    with st.container(key=key, width=width):
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")
