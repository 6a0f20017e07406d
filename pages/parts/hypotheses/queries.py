"""Cached queries about a hypothesis and annotations."""

from __future__ import annotations

from typing import Any

from pages.parts.shared.cache import cached
from rnnstore import Model, hypotheses
from rnnstore.hypotheses import Association, Plane, Ranges, ScalarAssociation, Separation

evidence = cached(hypotheses.gather_evidence, "Matching ...")
base = cached(hypotheses.base, "Counting ...")


@cached(spinner="Counting ...")
def association(model: Model, track: str, **selection: Any) -> Association | ScalarAssociation:
    """What the matches of a selection, as `evidence` takes it, say about a track."""
    return hypotheses.associate(model, evidence(model, **selection), track, against=base(model, track))


@cached(spinner="Telling ranges apart ...")
def ranges_apart(
    model: Model, state: str, track: str, threshold: float, off_before: int, off_after: int, minimum_length: int
) -> tuple[Ranges, list[str], Plane, Separation]:
    """The labelled ranges of a track, their texts, the plane in which they differ most, and how well they separate."""
    ranges = hypotheses.labelled_ranges(model, track, minimum_length=minimum_length)
    units = hypotheses.units_of(model, state, ranges, threshold, off_before, off_after)
    words, ends = hypotheses.texts(model, ranges), hypotheses.end_words(model, ranges)
    separation = hypotheses.separation(units, ranges, words=words, ends=ends)  # first: it says when there are too few
    return ranges, words, hypotheses.plane(units), separation
