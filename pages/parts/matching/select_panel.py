"""The select view on the page "Select and match": the chart, and what is done in it with the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.parts.matching import queries
from pages.parts.matching.address import View
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import clicked_since, colours, show_picture
from rnnstore.matching.charts.select_view import DrawnSelection, LinkedPlot, select_picture
from rnnstore.matching.windows import Window


def show_selection(
    view: View,
    window: Window,
    on: np.ndarray,
    selected: Selected,
    matches: Sequence[tuple[int, int, int]],
    below: Sequence[LinkedPlot] = (),
) -> None:
    """The select view of a window, with how many of the selected units are `on` at each of its steps.

    `matches` (rank, start, stop) are marked where they lie in it, other states stand `below`.
    """
    selection = selected.selection
    tracks = {name: view.model.tracks[name] for name in view.tracks}
    key, held = _chart_key(view)
    picture = select_picture(
        window,
        DrawnSelection(
            threshold=view.threshold,
            start=selection.start if selection else None,
            stop=selection.stop if selection else None,
            off_before=view.before,
            off_after=view.after,
            units=selected.chosen.tolist(),
            left_out=view.left_out,
            pinned=view.pinned,
            matches=matches,
        ),
        colours(),
        on=on,
        tracks=tracks,
        annotations=queries.read_annotations(view.model, view.tracks, view.at, view.stop) if tracks else None,
        predictions=queries.read_predictions(view.model, view.at, view.stop) if view.predicted else None,
        predicted=view.predicted,
        brush=held,
        hit=view.hit,
        title=view.state.name,
        linked=below,
    )
    show_picture(
        picture,
        "select_view",
        key,
        fixed=True,
        on_select=lambda: _take_brush(key, view),
        selection_mode=["brush", "clicked_word", "extended_word", "clicked_unit"],
        alt="Values of all units over the words shown; drag over words to select the units that are on there.",
    )


def choose_tracks(view: View) -> None:
    """What stands under the words."""
    model = view.model
    there = "no track" if model.tracks else "no track was recorded"
    view.control("tracks", placeholder=there, disabled=not model.tracks)
    if model.has_predictions:
        labels = {"label": "Predicted labels"} if model.card.task == "classifier" else {}
        view.control("predicted", **labels)
    for name in view.tracks:
        if model.tracks[name].source:
            st.caption(escape(f"{name}: {model.tracks[name].source}"))


def _chart_key(view: View) -> tuple[str, tuple[float, float] | None]:
    """The chart's key, and the brush with which it began: a new chart whenever the brush was changed from elsewhere.

    The chart itself cannot be told to move its brush; while the mouse moves it, it must not be replaced.
    """
    held = st.session_state.setdefault("select-held", {"version": 0, "brushed": None, "began": None})
    if held["brushed"] != view.brushed:
        held.update(version=held["version"] + 1, brushed=view.brushed, began=view.brushed, seen={})
    built = (view.at, view.window, view.tracks, view.predicted, len(view.linked))
    if held.get("built") != built:  # the chart is built anew in any case, and takes hold of the brush where it is
        held.update(built=built, began=view.brushed)
    return f"select-{view.model.name}-{view.state.name}-{held['version']}", held["began"]


def _take_brush(key: str, view: View) -> None:
    """Take over what was done in the chart: a brush, a click on a word or, with the shift key, on one that the brush
    shall reach to, or a click on a unit of the list."""
    held = st.session_state["select-held"]
    now, before = dict(st.session_state[key].selection), held.get("seen", {})
    held["seen"] = now
    for word in clicked_since(before, now, "clicked_word", "t"):
        view.change(first=word, last=word)
        return
    for word in clicked_since(before, now, "extended_word", "t"):
        first, last = reaching(word, view.first, view.last)
        view.change(first=first, last=last)
        return
    for unit in clicked_since(before, now, "clicked_unit", "unit"):
        view.change(left_out=sorted({*view.left_out} ^ {unit}), pinned=sorted({*view.pinned} - {unit}))
        return
    interval = now.get("brush", {}).get("mid")
    if interval and interval != before.get("brush", {}).get("mid"):
        first, last = whole_steps(*interval)
        held["brushed"] = (first, last + 1)
        view.change(first=first, last=last)


def reaching(word: int, first: int | None, last: int | None) -> tuple[int, int]:
    """The brushed steps with the end that is nearer to `word` moved to it."""
    if first is None or last is None:
        return word, word
    return (word, last) if word - first < last - word else (first, word)


def whole_steps(low: float, high: float) -> tuple[int, int]:
    """The first and last step whose middle lies in an interval of the axis, or the one step that it lies in."""
    first, last = int(np.ceil(low - 0.5)), int(np.floor(high - 0.5))
    return (first, last) if first <= last else (int(np.floor((low + high) / 2)),) * 2
