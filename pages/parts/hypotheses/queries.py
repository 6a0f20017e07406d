"""Cached queries about what a hypothesis is worth."""

from __future__ import annotations

from typing import Any

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.hypotheses import phrases, worth
from rnnstore.hypotheses.phrases import Plane, Ranges, Separation
from rnnstore.hypotheses.worth import ScalarWorth, Worth

places = cached(worth.places, "Matching ...")
base = cached(worth.base, "Counting ...")


@cached(spinner="Counting ...")
def worth_by_track(model: Model, track: str, **selection: Any) -> Worth | ScalarWorth:
    """What the matches of a selection, as `places` takes it, say about a track."""
    return worth.worth(model, places(model, **selection), track, against=base(model, track))


@cached(spinner="Telling ranges apart ...")
def ranges_apart(
    model: Model, state: str, track: str, threshold: float, off_before: int, off_after: int, minimum_length: int
) -> tuple[Ranges, list[str], Plane, Separation]:
    """The labelled ranges of a track, their texts, the plane in which they differ most, and how well they separate."""
    ranges = phrases.labelled_ranges(model, track, minimum_length=minimum_length)
    units = phrases.units_of(model, state, ranges, threshold, off_before, off_after)
    words, ends = phrases.texts(model, ranges), phrases.end_words(model, ranges)
    separation = phrases.separation(units, ranges, words=words, ends=ends)  # first: it says when there are too few
    return ranges, words, phrases.plane(units), separation
