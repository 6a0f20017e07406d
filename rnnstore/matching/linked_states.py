"""Linked states: one selection applied to several states, of other layers or of models that read the same words.

Units of two states do not correspond, so each state selects its own units over the same words, at a threshold of its
own; what can be compared is where they match. A state of another model can be linked only where that model has the same
words at these steps: a step number means nothing in another corpus.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.matching.matches import Matches
from rnnstore.matching.selection import SelectedUnits, Selection, select
from rnnstore.store.model import Model
from rnnstore.visible import visible

MOST = 2
"""States beside the first, at most; more than three plots are hard to read."""


@dataclass(frozen=True)
class LinkedState:
    """A state beside the first one: its model, its name, its threshold, and its matches where they were computed."""

    model: Model
    state: str
    threshold: float
    matches: Matches | None = None

    def restate(self, selection: Selection) -> Selection:
        """`selection` with this state and its threshold."""
        return replace(selection, state=self.state, threshold=self.threshold)

    def label(self, first: Model) -> str:
        """The state's name, with its model's where that is not the `first`."""
        return self.state if self.model.name == first.name else f"{self.state} of {self.model.name}"


def check_same_words(first: Model, other: Model, start: int, stop: int) -> None:
    """Raises `QuestionError` unless both models have the same words at steps start..stop-1.

    The message names the first step at which they differ, and how to find the words in the other model.
    """
    if first is other or (first.folder, first.card) == (other.folder, other.card):
        return
    both = f"{other.name} and {first.name}"
    if stop > other.steps:
        raise QuestionError(
            f"{both} cannot stand one above the other at steps {start:,} to {stop - 1:,}: {other.name} has steps 0 to "
            f"{other.steps - 1:,}. Go to where both have steps, or record {other.name} over the same text."
        )
    words, others = (model.words(start, stop)["word"].to_pylist() for model in (first, other))
    differing = [index for index, (word, there) in enumerate(zip(words, others, strict=True)) if word != there]
    if differing:
        index = differing[0]
        raise QuestionError(
            f"{both} read other words here and cannot stand one above the other: step {start + index:,} is "
            f"{visible(others[index])!r} there and {visible(words[index])!r} here, and {len(differing):,} of the "
            f"{len(words):,} steps shown differ. To find these words in {other.name}, search for them there; or record "
            "both models over the same text."
        )


def select_linked(first: Model, linked: LinkedState, selection: Selection) -> SelectedUnits:
    """The units that the steps of `selection` select in a linked state; none is left out or pinned.

    Raises `QuestionError` as `select` does, and where the words, limits included, are not those of the `first` model.
    """
    low, high = selection.start - selection.off_before, selection.stop + selection.off_after
    check_same_words(first, linked.model, max(low, 0), min(high, first.steps))
    return select(linked.model, linked.restate(selection))


def count_overlapping(first: pa.Table, other: pa.Table) -> int:
    """How many matches of `other` share at least one step with a match of `first` (both as `Matches.table`)."""
    starts, stops = (np.sort(first[name].to_numpy()) for name in ("start", "stop"))
    begun = np.searchsorted(starts, other["stop"].to_numpy(), "left")  # those that start before it ends
    ended = np.searchsorted(stops, other["start"].to_numpy(), "right")  # those that have ended when it starts
    return int((begun > ended).sum())
