"""What a hypothesis is worth: its matches against the corpus by a track, and labelled ranges in a plane."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.hypotheses import queries
from pages.parts.hypotheses.address import View
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore.export import csv
from rnnstore.hypotheses.association import Association, ScalarAssociation, precision_curve
from rnnstore.hypotheses.charts import numbers_picture, plane_note, plane_picture, precision_picture, shares_picture

SHORTEST_RANGE = 2
"""Steps that a labelled range has at least, to be drawn and told apart: the paper's multi-word phrases."""


def show_worth(view: View, selected: Selected) -> None:
    """The matches of a selection against the corpus, by a track."""
    model, state = view.model, view.state
    if not model.tracks:
        st.info(f"{escape(model.name)} has no track beside its words, so there is nothing to hold the matches against.")
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
    with side_by_side():
        view.control("track", options=list(model.tracks), width=200)
        view.control("least", now=found.minimum_overlap, max_value=len(units), width=130)
    result = queries.association(model, track, **selection)
    st.caption(escape(f"{found.note} {result.note}"))
    name = f"{model.name}-{state.name}-{track}"
    if isinstance(result, ScalarAssociation):
        show_picture(numbers_picture(result, colours()), "worth_view")
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            show_picture(shares_picture(result, colours()), "worth_view")
        if result.matches:
            with right:
                curve = precision_curve(result, result.table["label"].to_pylist()[:2])
                show_picture(precision_picture(curve, colours()), "precision_view")
    with st.container(horizontal=True, vertical_alignment="center", width=620):
        save_picture_button("Save the picture", "worth_view", f"worth-{name}")
        if isinstance(result, Association) and result.matches:
            save_picture_button("Save the precision", "precision_view", f"precision-{name}")
        st.download_button("Numbers as CSV", csv(result.table), f"worth-{name}.csv", "text/csv", on_click="ignore")
    with st.expander("All numbers"):
        st.dataframe(result.table, hide_index=True)


def show_ranges(view: View) -> None:
    """The labelled ranges of the track in a plane, and how well a classifier tells them apart, when asked for."""
    track = view.track
    if track is None or view.model.tracks[track].kind != "discrete":
        return
    st.subheader(f"Do the units tell the ranges of {escape(track)} apart?", anchor=False)
    about = f"Every range of {SHORTEST_RANGE} or more steps, by the units that it selects in {escape(view.state.name)}"
    view.control("ranges", label=about)
    if view.ranges:
        with errors_as(st.info):
            _show_plane(view, track)


def _show_plane(view: View, track: str) -> None:
    ranges, texts, plane, separation = queries.ranges_apart(
        view.model, view.state.name, track, view.threshold, view.before, view.after, SHORTEST_RANGE
    )
    st.caption(escape(f"{separation.note} {plane_note(ranges)}"))
    show_picture(plane_picture(plane, ranges, texts, colours()), "plane_view", room=920)
    with st.container(horizontal=True, width=420):
        name = f"ranges-{view.model.name}-{view.state.name}-{track}"
        save_picture_button("Save the picture of the plane", "plane_view", name)
    with st.expander("By label"):
        st.dataframe(separation.table, hide_index=True)
