"""A selection tested against annotations in one call: its units, all its matches, and the labels that these have."""

from __future__ import annotations

from collections.abc import Iterable

from rnnstore.hypotheses.association import Association, ScalarAssociation, associate
from rnnstore.hypotheses.evidence import gather_evidence
from rnnstore.matching.selection import Selection, select
from rnnstore.store.model import Model


def test(
    model: Model,
    selection: Selection,
    track: str,
    *,
    minimum_overlap: int | None = None,
    left_out: Iterable[int] = (),
    pinned: Iterable[int] = (),
    correction: str = "holm",
) -> Association | ScalarAssociation:
    """Which labels or numbers of a track the matches of a selection have, compared with the whole corpus.

    For each label: its share of the matches' first steps with a 95 % interval, the lift, and Fisher's exact test,
    corrected for the number of labels. The selection's own place is left out. The test takes matches for independent
    draws; matches near each other or all in one text are less than that, so look at intervals and lift before p.

    Arguments as in `rnnstore.matching.select`, `gather_evidence` and `associate`. Raises
    `QuestionError` as those do, and for a track that the model does not have.

    >>> test(model, rnnstore.Selection("layer1.c", 20, 24, 0.3), "nesting").note  # doctest: +SKIP
    """
    units = select(model, selection, left_out, pinned).units
    found = gather_evidence(
        model,
        selection.state,
        units,
        selection.threshold,
        selection.off_before,
        selection.off_after,
        minimum_overlap=minimum_overlap,
        excluding=(selection.start, selection.stop),
    )
    return associate(model, found, track, correction=correction)
