"""What a hypothesis is worth, on its page: its matches against the corpus by a track, and labelled ranges in a plane.

Answers are kept by the store's folder and how it is at the moment, as in `shared.asked`.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.matching.address import View, controlled, number
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared import asked
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.kept import kept
from pages.parts.shared.plain import plain
from rnnstore import Model, State, StoreError
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.export import csv
from rnnstore.hypotheses import phrases, worth
from rnnstore.hypotheses.charts import numbers_picture, plane_note, plane_picture, precision_picture, shares_picture
from rnnstore.hypotheses.phrases import Plane, Ranges, Separation
from rnnstore.hypotheses.worth import Places, ScalarWorth, Worth

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
    units = tuple(selected.chosen.tolist())
    track = track_asked(model)
    named = st.query_params.get("least", "")
    least = min(int(named), len(units)) if named.isdecimal() and len(named) < 10 and int(named) else None
    found = _places(asked.as_of(model), model, model.name, state.name, units, view, least)
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
    told = _worth(asked.as_of(model), model, model.name, state.name, units, view, least, track)
    st.caption(f"{found.note} {told.note}")
    name = f"{model.name}-{state.name}-{track}"
    if isinstance(told, ScalarWorth):
        _draw(numbers_picture(told, palette(st.context.theme.type)), "worth_view")
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            _draw(shares_picture(told, palette(st.context.theme.type)), "worth_view")
        if told.matches:
            with right:
                labels = told.table["label"].to_pylist()[:2]
                curve = worth.precision_curve(told, labels)
                _draw(precision_picture(curve, palette(st.context.theme.type)), "precision_view")
    with st.container(horizontal=True, vertical_alignment="center", width=620):
        save_picture_button("Save the picture", "worth_view", f"worth-{name}")
        if isinstance(told, Worth) and told.matches:
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
        ranges, texts, plane, separation = _ranges(asked.as_of(model), model, model.name, state.name, track, view)
    except StoreError as error:
        st.info(plain(str(error)))
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


@kept("Matching ...")
def _places(
    store: asked.Store, _model: Model, model: str, state: str, units: tuple[int, ...], view: View, least: int | None
) -> Places:
    return worth.places(
        _model,
        state,
        units,
        view.threshold,
        view.before,
        view.after,
        minimum_overlap=least,
        minimum_length=view.shortest,
        maximum_length=view.longest if view.longest is None else max(view.longest, view.shortest),
        apart_from=view.brushed,
    )


@kept("Counting ...")
def _base(store: asked.Store, _model: Model, model: str, track: str) -> worth.Base:
    return worth.base(_model, track)


@kept("Counting ...")
def _worth(
    store: asked.Store,
    _model: Model,
    model: str,
    state: str,
    units: tuple[int, ...],
    view: View,
    least: int | None,
    track: str,
) -> Worth | ScalarWorth:
    found = _places(store, _model, model, state, units, view, least)
    return worth.worth(_model, found, track, against=_base(store, _model, model, track))


@kept("Telling ranges apart ...")
def _ranges(
    store: asked.Store, _model: Model, model: str, state: str, track: str, view: View
) -> tuple[Ranges, list[str], Plane, Separation]:
    ranges = phrases.labelled_ranges(_model, track, minimum_length=SHORTEST_RANGE)
    units = phrases.units_of(_model, state, ranges, view.threshold, view.before, view.after)
    words, ends = phrases.texts(_model, ranges), phrases.end_words(_model, ranges)
    separation = phrases.separation(units, ranges, words=words, ends=ends)  # first: it says when there are too few
    return ranges, words, phrases.plane(units), separation
