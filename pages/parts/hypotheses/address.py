"""What the page "Hypotheses" shows, as its address says it: a selection, and what it is held against."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.matching import address as matching
from pages.parts.shared.parameters import MaybeWhole, OneOf, Parsed, Text, Yes


def _parse_track(view: Any, text: str) -> str | None:
    return text if text in view.model.tracks else _first_track(view)


def _first_track(view: Any) -> str | None:
    return next(iter(view.model.tracks), None)


class View(matching.View):
    """The selection; the track by which its matches are counted; the saved hypothesis that is run again, and where."""

    # fmt: off
    track = Parsed(_parse_track, _first_track, label="Track", widget=st.selectbox)
    least = MaybeWhole(
        1, 1_000_000, label="Units at least",
        help="Selected units that a match has at least; at first as many as the fiftieth match",
    )
    ranges = Yes(
        help="Some seconds: the threshold and the limits above, for all ranges of the corpus; then the plane in which "
        "they differ most, and a linear classifier asked about the last fifth of them",
    )
    other = Text(label="Look at", widget=st.selectbox)
    by = OneOf(
        ("words", "units"), label="By", widget=st.radio,
        help="Its words, which select units anew here; or its units, where the state is the same",
    )
    within = MaybeWhole(0, matching.last_step, 0, what="step", label="Within steps from")
    until = MaybeWhole(0, matching.last_step, matching.last_step, what="step", label="to")
    # fmt: on
