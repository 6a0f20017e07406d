"""The pictures of the page "Hypotheses" by one call: matches against the corpus, labelled ranges in a plane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.hypotheses.association import ScalarAssociation, precision_curve
from rnnstore.hypotheses.charts import numbers_picture, plane_picture, precision_picture, shares_picture
from rnnstore.hypotheses.ranges import labelled_ranges
from rnnstore.hypotheses.separability import plane
from rnnstore.hypotheses.testing import test
from rnnstore.matching.selection import Selection
from rnnstore.store.model import Model


def association_picture(
    model: Model,
    selection: Selection,
    track: str,
    *,
    minimum_overlap: int | None = None,
    left_out: Iterable[int] = (),
    pinned: Iterable[int] = (),
    theme: str = "light",
    width: int = 460,
) -> Picture:
    """The matches of a selection against the corpus, by a track: shares of its labels, or a histogram of its numbers.

    `minimum_overlap` as in `hypotheses.gather_evidence`, units are left out and pinned as in `rnnstore.select`. Raises
    `QuestionError` as those do, and for a track that the model does not have.

    >>> association_picture(model, Selection("layer1.c", 396, 400, 0.3), "nesting")  # doctest: +SKIP
    """
    found = test(model, selection, track, minimum_overlap=minimum_overlap, left_out=left_out, pinned=pinned)
    if isinstance(found, ScalarAssociation):
        return numbers_picture(found, palette(theme), width)
    return shares_picture(found, palette(theme), width)


def ranking_picture(
    model: Model,
    selection: Selection,
    track: str,
    labels: Sequence[str] | None = None,
    *,
    minimum_overlap: int | None = None,
    left_out: Iterable[int] = (),
    pinned: Iterable[int] = (),
    theme: str = "light",
    width: int = 460,
) -> Picture:
    """The precision of a selection's best matches along the ranking, for `labels` of a track (None: the two with which
    most matches start). Raises `QuestionError` for a track of numbers, and where there is no match.
    """
    found = test(model, selection, track, minimum_overlap=minimum_overlap, left_out=left_out, pinned=pinned)
    if isinstance(found, ScalarAssociation):
        raise QuestionError(f"Track {track!r} holds numbers; precision needs a track of labels.")
    if not found.matches:
        raise QuestionError(found.note)
    labels = found.table["label"].to_pylist()[:2] if labels is None else labels
    return precision_picture(precision_curve(found, labels), palette(theme), width)


def ranges_picture(
    model: Model,
    state: str,
    track: str,
    threshold: float,
    off_before: int = 0,
    off_after: int = 0,
    *,
    minimum_length: int = 2,
    labels: Sequence[str] | None = None,
    theme: str = "light",
    width: int = 640,
) -> Picture:
    """Every labelled range of a track as a point, where the units that it selects differ most (LSTMVis's figure 9).

    Ranges of at least `minimum_length` steps; `labels` get a colour of their own (None: the most frequent). Raises
    `QuestionError` where the track has no such ranges, or too few.
    """
    ranges = labelled_ranges(model, track, minimum_length=minimum_length)
    units = ranges.units(model, state, threshold, off_before, off_after)
    words = ranges.texts(model)
    return plane_picture(plane(units), ranges, words, palette(theme), labels=labels, width=width)
