"""Cached queries about a hypothesis and annotations."""

from __future__ import annotations

from typing import Any

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.hypotheses import associate, gather_evidence, labelled_ranges
from rnnstore.hypotheses.association import Association, ScalarAssociation
from rnnstore.hypotheses.association import base as base_of
from rnnstore.hypotheses.ranges import Ranges
from rnnstore.hypotheses.separability import Plane, Separation, plane, separation

evidence = cached(gather_evidence, "Matching ...")
base = cached(base_of, "Counting ...")


@cached(spinner="Counting ...")
def association(model: Model, track: str, **selection: Any) -> Association | ScalarAssociation:
    """What the matches of a selection, as `evidence` takes it, say about a track."""
    return associate(model, evidence(model, **selection), track, against=base(model, track))


@cached(spinner="Telling ranges apart ...")
def ranges_apart(
    model: Model, state: str, track: str, threshold: float, off_before: int, off_after: int, minimum_length: int
) -> tuple[Ranges, list[str], Plane, Separation]:
    """The labelled ranges of a track, their texts, the plane in which they differ most, and how well they separate."""
    ranges = labelled_ranges(model, track, minimum_length=minimum_length)
    units = ranges.units(model, state, threshold, off_before, off_after)
    words, ends = ranges.texts(model), ranges.end_words(model)
    separated = separation(units, ranges, words=words, ends=ends)  # first: it says when there are too few
    return ranges, words, plane(units), separated
