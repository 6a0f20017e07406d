"""A hypothesis run again: in another model, state or part of the corpus, by its words or by its units.

By its words it selects units of its own where they stand there; by its units it is matched as it is, where the state is
the same. Unit numbers mean nothing in another state, so what was left out or pinned by hand counts only where state and
model are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnstore.errors import QuestionError, suggest
from rnnstore.hypotheses.association import STEPS_AT_ONCE
from rnnstore.hypotheses.evidence import Evidence, gather_evidence
from rnnstore.hypotheses.storage import Hypothesis
from rnnstore.matching.selection import Selection, select
from rnnstore.store.model import Model

if TYPE_CHECKING:
    from rnnstore.hypotheses.comparison import Comparison


@dataclass(frozen=True)
class Rerun:
    """A hypothesis run in a model's state within steps start..stop-1: what it selects there, and where it matches.

    `selection` is where its words stand there (None when it was run by units, which are `units`); `hits` counts the
    places where the words stand. `found` are the matches, the selection's own place not counted.
    """

    hypothesis: Hypothesis
    model: Model
    state: str
    start: int
    stop: int
    selection: Selection | None
    units: np.ndarray
    hits: int
    found: Evidence
    note: str

    def compare(self, other: Rerun, track: str | None = None) -> Comparison:
        """How far both find the same places and agree with a discrete `track`; see `hypotheses.comparison.compare`."""
        from rnnstore.hypotheses.comparison import compare

        return compare(self, other, track)


def rerun(
    model: Model,
    hypothesis: Hypothesis,
    *,
    state: str | None = None,
    start: int = 0,
    stop: int | None = None,
    by: str = "words",
    minimum_overlap: int | None = None,
) -> Rerun:
    """The hypothesis run in `model`, in `state` (without one: its own), within steps start..stop-1 of the corpus.

    By "words": where they stand there they select units anew; where they stand several times, the place of the
    hypothesis if it is one of them, else the first. By "units": its units are matched as they are. Raises
    `QuestionError` when the words do not stand there, or the state has no such units.
    """
    state = hypothesis.state if state is None else state
    stop = model.steps if stop is None else stop
    facts = model.state(state)
    if not 0 <= start < stop <= model.steps:
        raise QuestionError(
            f"Steps {start:,} to {stop:,} (half-open) are no part of the corpus of {model.name!r}, which has "
            f"steps 0 to {model.steps:,}."
        )
    own = model.name == hypothesis.model and state == hypothesis.state
    selection, hits = None, 0
    if by == "units":
        if state != hypothesis.state or max(hypothesis.units, default=0) >= facts.units:
            raise QuestionError(
                f"The units of {hypothesis.name!r} are of {hypothesis.state!r} and mean nothing in {state!r} of "
                f"{model.name!r}, which has {facts.units} units of its own. Run it by its words."
            )
        units = np.array(hypothesis.units, np.int64)
        note = f"The {len(units)} units of {hypothesis.name} in {state} of {model.name}"
        note += "" if own else ", which mean the same only if it is the same network"
    elif by == "words":
        place, hits = _place(model, hypothesis, start, stop)
        length = hypothesis.stop - hypothesis.start
        selection = Selection(
            state, place, place + length, hypothesis.threshold, hypothesis.off_before, hypothesis.off_after
        )
        by_hand = {"left_out": hypothesis.left_out, "pinned": hypothesis.pinned} if own else {}
        units = select(model, selection, **by_hand).units
        note = f"{hypothesis.quoted} at step {place:,} ({hits:,} place{'' if hits == 1 else 's'}) selects {len(units)} "
        note += f"units of {state} of {model.name}"
        if not own and (hypothesis.left_out or hypothesis.pinned):
            note += "; what was left out or pinned by hand is not, for these are other units"
    else:
        raise QuestionError(f"A hypothesis cannot be run again by {by!r}: {suggest(by, ('words', 'units'))}")
    own_place = None if selection is None else (selection.start, selection.stop)
    if selection is None and model.name == hypothesis.model and stands(model, hypothesis):
        own_place = hypothesis.start, hypothesis.stop
    found = gather_evidence(
        model,
        state,
        units,
        hypothesis.threshold,
        hypothesis.off_before,
        hypothesis.off_after,
        minimum_overlap=minimum_overlap if minimum_overlap is None else min(minimum_overlap, max(len(units), 1)),
        minimum_length=hypothesis.shortest,
        maximum_length=hypothesis.longest,
        excluding=own_place,
    )
    inside = found.within(start, stop)
    if (start, stop) != (0, model.steps):
        note += f", matches within steps {start:,} to {stop - 1:,}"
    return Rerun(hypothesis, model, state, start, stop, selection, units, hits, inside, f"{note}. {inside.note}")


def stands(model: Model, hypothesis: Hypothesis) -> bool:
    """Whether the words of a hypothesis stand where they stood when it was formed."""
    if hypothesis.stop > model.steps:
        return False
    return tuple(model.words(hypothesis.start, hypothesis.stop)["word"].to_pylist()) == hypothesis.words


def _place(model: Model, hypothesis: Hypothesis, start: int, stop: int) -> tuple[int, int]:
    """The step at which the words of a hypothesis stand within start..stop-1, and how many places there are."""
    known = {word: index for index, word in enumerate(model.vocabulary)}
    for word in hypothesis.words:
        if word not in known:
            raise QuestionError(
                f"The words {hypothesis.quoted} stand nowhere in the corpus of {model.name!r}: no step reads "
                f"{word[:100]!r}."
            )
    wanted = [known[word] for word in hypothesis.words]
    steps = np.concatenate([np.zeros(0, np.int64), *_places_of(model, wanted, start, stop)])
    if not len(steps):
        where = "" if (start, stop) == (0, model.steps) else f" within steps {start:,} to {stop - 1:,}"
        raise QuestionError(
            f"The words {hypothesis.quoted} stand nowhere in the corpus of {model.name!r}{where}, in this order."
        )
    here = model.name == hypothesis.model and hypothesis.start in steps
    return (hypothesis.start if here else int(steps[0])), len(steps)


def _places_of(model: Model, wanted: list[int], start: int, stop: int) -> Iterator[np.ndarray]:
    """int64[n] of the steps within start..stop-1 at which these word ids follow each other in one sequence, in pieces.

    Unlike a search, this distinguishes blanks, and gives places that overlap.
    """
    more = len(wanted) - 1
    for first in range(start, stop, STEPS_AT_ONCE):
        ids = model.word_ids(first, min(stop, first + STEPS_AT_ONCE + more))
        fits = np.ones(max(0, len(ids) - more), bool)
        for ahead, word in enumerate(wanted):
            fits &= ids[ahead : ahead + len(fits)] == word
        steps = np.flatnonzero(fits) + first
        sequence = [np.searchsorted(model.sequence_starts, steps + offset, "right") for offset in (0, more)]
        yield steps[sequence[0] == sequence[1]]
