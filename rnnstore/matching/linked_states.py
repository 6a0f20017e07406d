"""Several states asked together: the same steps under another layer, or under another model that read the same words.

One selection, each state at a threshold of its own. Units of two states have nothing to do with each other, and so each
selects its own over the same words; what can be compared is where they match. Another model takes part only where its
words at these steps are the same: numbers of steps mean nothing in another corpus.
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
"""States beside the first; more than three plots are a wall."""


@dataclass(frozen=True)
class Also:
    """A further state that is asked what a selection asks the first one: of which model, which, at which threshold; and
    its matches, where they have been asked for."""

    model: Model
    state: str
    threshold: float
    matches: Matches | None = None

    def asks(self, selection: Selection) -> Selection:
        """The selection as it is asked of this state."""
        return replace(selection, state=self.state, threshold=self.threshold)

    def called(self, first: Model) -> str:
        """The state's name, with its model's where that is not the `first`."""
        return self.state if self.model.name == first.name else f"{self.state} of {self.model.name}"


def check_same_words(first: Model, other: Model, start: int, stop: int) -> None:
    """Raises `QuestionError` unless both models have the same words at steps start..stop-1.

    The sentence names the first step at which they differ, and says how to find the words in the other model.
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


def select_also(first: Model, also: Also, selection: Selection) -> SelectedUnits:
    """The units that the words of `selection` select in a further state, without any left out or pinned by hand.

    Raises `QuestionError` as `select` does, and where the words, limits included, are not those of the `first` model.
    """
    low, high = selection.start - selection.off_before, selection.stop + selection.off_after
    check_same_words(first, also.model, max(low, 0), min(high, first.steps))
    return select(also.model, also.asks(selection))


def touching(first: pa.Table, other: pa.Table) -> int:
    """How many matches of `other` share a step with one of `first` (both as `Matches.table`)."""
    starts, stops = (np.sort(first[name].to_numpy()) for name in ("start", "stop"))
    begun = np.searchsorted(starts, other["stop"].to_numpy(), "left")  # those that start before it ends
    ended = np.searchsorted(stops, other["start"].to_numpy(), "right")  # those that have ended when it starts
    return int((begun > ended).sum())
