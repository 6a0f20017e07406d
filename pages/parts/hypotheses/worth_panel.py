"""What a hypothesis is worth: its matches against the corpus by a track, and labelled ranges in a plane."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.hypotheses import queries
from pages.parts.matching.address import View, controlled, number
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


def track_asked(model: Model) -> str | None:
    """The track that the address names, else the first."""
    named = st.query_params.get("track", "")
    return named if named in model.tracks else next(iter(model.tracks), None)


def show_worth(model: Model, state: State, view: View, selected: Selected) -> None:
    """The matches of a selection against the corpus, by a track."""
    if not model.tracks:
        st.info(f"{model.name} has no track beside its words, so there is nothing to hold the matches against.")
        return
    units = selected.chosen
    track = track_asked(model)
    named = st.query_params.get("least", "")
    least = min(int(named), len(units)) if named.isdecimal() and len(named) < 10 and int(named) else None
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
        controlled(st.selectbox, "Track", "track", track, options=list(model.tracks), width=200)
        number(
            "Units at least",
            "least",
            found.minimum_overlap,
            1,
            len(units),
            width=130,
            help="Selected units that a match has at least; at first as many as the fiftieth match",
        )
    told = queries.association(model, track, **selection)
    st.caption(f"{found.note} {told.note}")
    name = f"{model.name}-{state.name}-{track}"
    if isinstance(told, ScalarAssociation):
        _draw(numbers_picture(told, palette(st.context.theme.type)), "worth_view")
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            _draw(shares_picture(told, palette(st.context.theme.type)), "worth_view")
        if told.matches:
            with right:
                labels = told.table["label"].to_pylist()[:2]
                curve = precision_curve(told, labels)
                _draw(precision_picture(curve, palette(st.context.theme.type)), "precision_view")
    with st.container(horizontal=True, vertical_alignment="center", width=620):
        save_picture_button("Save the picture", "worth_view", f"worth-{name}")
        if isinstance(told, Association) and told.matches:
            save_picture_button("Save the precision", "precision_view", f"precision-{name}")
        st.download_button("Numbers as CSV", csv(told.table), f"worth-{name}.csv", "text/csv", on_click="ignore")
    with st.expander("All numbers"):
        st.dataframe(told.table, hide_index=True)


def show_ranges(model: Model, state: State, view: View) -> None:
    """The labelled ranges of the track in a plane, and how well a classifier tells them apart, when asked for."""
    track = track_asked(model)
    if track is None or model.tracks[track].kind != "discrete":
        return
    st.subheader(f"Do the units tell the ranges of {track} apart?", anchor=False)
    controlled(
        st.toggle,
        f"Every range of {SHORTEST_RANGE} or more steps, by the units that it selects in {state.name}",
        "ranges",
        st.query_params.get("ranges") == "yes",
        usual=False,
        help="Some seconds: the threshold and the limits above, for all ranges of the corpus; then the plane in which "
        "they differ most, and a linear classifier asked about the last fifth of them",
    )
    if st.query_params.get("ranges") != "yes":
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


def _draw(picture: Picture, key: str, width: int | str = "stretch") -> None:
    with st.container(key=key, width=width):
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")
