"""Two hypotheses compared: how far they find the same places, and how far both agree with a track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.hypotheses.association import STEPS_AT_ONCE, Base, associate, base
from rnnstore.hypotheses.evidence import Evidence
from rnnstore.hypotheses.reruns import Rerun
from rnnstore.statistics import wilson
from rnnstore.store.model import Model


@dataclass(frozen=True)
class Comparison:
    """How far two hypotheses find the same places, and how far both agree with a track.

    `same_corpus` says whether both were run on the same words; if not, places cannot be compared and the shares are
    NaN. `first_shared` of the first's matches touch one of the second's, `second_shared` the other way round;
    `steps_shared` of the `steps_either` steps of both are in both, and `jaccard` is their share. `table` has a row for
    each label: label, corpus_share (of the first's corpus), and for first and second the count, share, low, high (95 %)
    of matches that start with it; without a track it has no rows.
    """

    first: Rerun
    second: Rerun
    same_corpus: bool
    first_shared: int
    second_shared: int
    steps_shared: int
    steps_either: int
    table: pa.Table

    @property
    def jaccard(self) -> float:
        if not self.same_corpus or not self.steps_either:
            return float("nan")
        return self.steps_shared / self.steps_either

    @property
    def note(self) -> str:
        """A sentence with every number and its count."""
        if not self.same_corpus:
            return "They were asked of different corpora, so their places cannot be compared."
        one, other = len(self.first.found), len(self.second.found)
        if not one or not other:
            return f"{one:,} and {other:,} matches: there is nothing to compare."
        return (
            f"{self.first_shared:,} of the first's {one:,} matches touch one of the second's, {self.second_shared:,} "
            f"of the second's {other:,} one of the first's; {self.steps_shared:,} of {self.steps_either:,} steps are "
            f"in both (Jaccard {self.jaccard:.3f})."
        )


def compare(first: Rerun, second: Rerun, track: str | None = None, against: Base | None = None) -> Comparison:
    """Two hypotheses, as they were run, side by side; `track` is a discrete track of both models."""
    same = _same_corpus(first.model, second.model)
    shared = 0, 0, 0, 0
    if same:
        one, other = first.found.steps, second.found.steps
        both = len(np.intersect1d(one, other, assume_unique=True))
        first_shared, second_shared = (int(_touches(a.found, b).sum()) for a, b in ((first, other), (second, one)))
        shared = first_shared, second_shared, both, len(one) + len(other) - both
    return Comparison(first, second, same, *shared, _agreement(first, second, track, against))


def _agreement(first: Rerun, second: Rerun, track: str | None, against: Base | None) -> pa.Table:
    numbers = [f"{side}_{what}" for side in ("first", "second") for what in ("count", "share", "low", "high")]
    if track is None:
        own = [("label", pa.string()), ("corpus_share", pa.float64())]
        return pa.schema([*own, *((name, pa.float64()) for name in numbers)]).empty_table()
    for run in (first, second):
        if track in run.model.tracks and run.model.tracks[track].kind != "discrete":
            raise QuestionError(f"Track {track!r} holds numbers; agreement needs a track of labels.")
    corpus = against or base(first.model, track)
    against_second = corpus if second.model is first.model else None
    found = [
        associate(first.model, first.found, track, against=corpus),
        associate(second.model, second.found, track, against=against_second),
    ]
    starts = [dict(zip(one.table["label"].to_pylist(), one.table["starts"].to_pylist(), strict=True)) for one in found]
    labels = sorted(set(starts[0]) | set(starts[1]), key=lambda label: (-corpus.counts.get(label, 0), label))
    columns: dict[str, Any] = {
        "label": pa.array(labels, pa.string()),
        "corpus_share": [corpus.counts.get(label, 0) / corpus.steps for label in labels],
    }
    for side, counts, run in zip(("first", "second"), starts, (first, second), strict=True):
        hits, of = np.array([counts.get(label, 0) for label in labels]), len(run.found)
        low, high = wilson(hits, of)
        share = hits / of if of else np.full(len(labels), np.nan)
        columns |= dict(
            zip((f"{side}_{what}" for what in ("count", "share", "low", "high")), (hits, share, low, high), strict=True)
        )
    return pa.table(columns)


def _touches(found: Evidence, steps: np.ndarray) -> np.ndarray:
    """bool[n]: which places have one of the steps, which ascend."""
    return np.searchsorted(steps, found.stop) > np.searchsorted(steps, found.start)


def _same_corpus(one: Model, other: Model) -> bool:
    """Whether both models were recorded over the same words in the same sequences."""
    if one is other or (one.folder, one.card) == (other.folder, other.card):
        return True
    if one.steps != other.steps or not np.array_equal(one.sequence_starts, other.sequence_starts):
        return False
    mine = {word: index for index, word in enumerate(one.vocabulary)}
    there = np.array([mine.get(word, -1) for word in other.vocabulary], np.int64)
    for begin in range(0, one.steps, STEPS_AT_ONCE):
        end = min(one.steps, begin + STEPS_AT_ONCE)
        if not np.array_equal(one.word_ids(begin, end), there[other.word_ids(begin, end)]):
            return False
    return True
