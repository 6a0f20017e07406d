"""Labelled ranges of words, and the units that are on throughout each: the selection that brushing it would give.

A track labels ranges: chunks written as B-NP, I-NP, or runs of equal labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnstore.errors import QuestionError, suggest
from rnnstore.hypotheses.association import STEPS_AT_ONCE
from rnnstore.matching.selection import checked_question
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

ROWS = 8192
"""Steps whose values are held at once."""

OUTSIDE = ("", "O")
"""Labels that mean: no range here."""


@dataclass(frozen=True)
class Ranges:
    """Labelled ranges in the order of the corpus: steps `start` to `stop` (half-open), int64[n], `label` object[n]."""

    track: str
    start: np.ndarray
    stop: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: np.ndarray) -> Ranges:
        """The ranges at these indices, or where this mask holds."""
        return Ranges(self.track, self.start[chosen], self.stop[chosen], self.label[chosen])

    def of(self, labels: Iterable[str]) -> Ranges:
        """The ranges with one of these labels."""
        return self.take(np.isin(self.label.astype(str), list(labels)))

    @property
    def counts(self) -> dict[str, int]:
        """How many ranges each label has, by falling number."""
        labels, counts = np.unique(self.label.astype(str), return_counts=True)
        return {str(labels[index]): int(counts[index]) for index in np.lexsort((labels, -counts))}

    def units(self, model: Model, state: str, threshold: float, off_before: int = 0, off_after: int = 0) -> np.ndarray:
        """bool[ranges, units]: which units each range selects, as `select` does, in one pass over the corpus.

        On throughout the range and off at each of the steps before and after it that are asked for; what does not exist
        around a sequence asks nothing. Values are read a piece at a time: memory is the answer's, whatever the corpus.
        """
        checked_question(model, state, (), threshold, off_before, off_after)
        if np.any(np.diff(self.start) < 0):
            raise QuestionError("The ranges are not in the order of the corpus; sort them by their start.")
        answer = np.zeros((len(self), model.state(state).units), bool)
        if not len(self):
            return answer
        bounds = np.append(model.sequence_starts, model.steps)
        sequence = np.clip(np.searchsorted(bounds, self.start, "right") - 1, 0, len(bounds) - 2)
        outside = (self.start < 0) | (self.stop <= self.start) | (self.stop > bounds[sequence + 1])
        if outside.any():
            index = int(np.flatnonzero(outside)[0])
            raise QuestionError(
                f"Steps {self.start[index]:,} to {self.stop[index]:,} (half-open) are no range of one sequence."
            )
        low = np.maximum(self.start - off_before, bounds[sequence])
        high = np.minimum(self.stop + off_after, bounds[sequence + 1])
        for some in _groups(low, high):
            if high[some].max() - low[some.start] > 2 * ROWS:  # one range that is longer than what is held at once
                index = some.start
                edges = (int(steps[index]) for steps in (low, self.start, self.stop, high))
                answer[index] = _long_range(model, state, threshold, *edges)
                continue
            first = int(low[some].min())
            on = is_on(model.vectors(state, first, int(high[some].max())), threshold)
            answer[some] = _all_within(on, self.start[some] - first, self.stop[some] - first)
            if off_before:
                answer[some] &= _all_within(~on, low[some] - first, self.start[some] - first)
            if off_after:
                answer[some] &= _all_within(~on, self.stop[some] - first, high[some] - first)
        return answer

    def end_words(self, model: Model) -> np.ndarray:
        """int32[n, 2]: the ids of the first and the last word of each range."""
        ids = model.word_ids()
        return np.stack([ids[self.start], ids[self.stop - 1]], axis=1)

    def texts(self, model: Model, longest: int = 12) -> list[str]:
        """The words of each range as one text; of a range longer than `longest` steps its first ones and three dots."""
        joint = "" if model.card.level == "character" else " "
        vocabulary, ids = model.vocabulary, model.word_ids()
        found = []
        for start, stop in zip(self.start.tolist(), self.stop.tolist(), strict=True):
            end = min(stop, start + longest)
            text = joint.join(vocabulary[index] for index in ids[start:end].tolist())
            found.append(text if end == stop else f"{text}{joint}...")
        return found


def labelled_ranges(
    model: Model, track: str, *, minimum_length: int = 2, labels: Iterable[str] | None = None
) -> Ranges:
    """The ranges that a discrete track labels, of at least `minimum_length` steps, in the order of the corpus.

    Where its labels are `B-x` and `I-x` a range begins at every B and at an I that does not go on with the same x, and
    its label is x; else it is a run of equal labels. Steps labelled "O" or "" are in none, and none goes on over the
    start of a sequence. `labels` keeps only those named. Raises `QuestionError` where the track labels nothing so.
    """
    if track not in model.tracks:
        raise QuestionError(f"Model {model.name!r} has no track {track!r}: {suggest(track, model.tracks)}")
    if model.tracks[track].kind != "discrete":
        raise QuestionError(f"Track {track!r} holds numbers; ranges need a track of labels.")
    if minimum_length < 1:
        raise QuestionError(f"The minimum length is {minimum_length}; at least 1 step was expected.")
    begin_inside = _is_begin_inside(model.tracks[track].labels)
    starts, stops, found = [], [], []
    open_start, open_label = -1, ""
    for first, values in _label_pieces(model, track):
        opens, names = _boundaries(values, open_label, begin_inside)
        sequence = model.sequence_starts
        cuts = sequence[(sequence >= first) & (sequence < first + len(values))] - first
        opens[cuts] = True
        edges = np.flatnonzero(opens)
        for edge in edges.tolist():
            if open_start >= 0 and open_label not in OUTSIDE:
                starts.append(open_start)
                stops.append(first + edge)
                found.append(open_label)
            open_start, open_label = first + edge, names[edge]
    if open_start >= 0 and open_label not in OUTSIDE:
        starts.append(open_start)
        stops.append(model.steps)
        found.append(open_label)
    ranges = Ranges(track, np.array(starts, np.int64), np.array(stops, np.int64), np.array(found, object))
    ranges = ranges.take(ranges.stop - ranges.start >= minimum_length)
    if labels is None:
        return ranges
    labels = list(labels)
    known = ranges.counts
    for label in labels:
        if label not in known:
            raise QuestionError(
                f"Track {track!r} has no range of {minimum_length} or more steps labelled {label!r}: "
                f"{suggest(label, known)}"
            )
    return ranges.of(labels)


def _is_begin_inside(labels: Sequence[str]) -> bool:
    """Whether a track's labels are chunk tags: some begin (`B-x`), all others go on (`I-x`) or are outside."""
    named = [label for label in labels if label not in OUTSIDE]
    return any(label.startswith("B-") for label in named) and all(label[:2] in ("B-", "I-") for label in named)


def _label_pieces(model: Model, track: str) -> Iterator[tuple[int, list[str]]]:
    for first in range(0, model.steps, STEPS_AT_ONCE):
        rows = model.annotations([track], first, min(model.steps, first + STEPS_AT_ONCE))
        yield first, [label or "" for label in rows["value"].to_pylist()]


def _boundaries(values: list[str], before: str, begin_inside: bool) -> tuple[np.ndarray, list[str]]:
    """bool[n]: where a range, or a span outside of any, opens; and the label of the one each step is in."""
    names = [value[2:] if value not in OUTSIDE else value for value in values] if begin_inside else values
    name = np.array([before, *names], object)
    opens = name[1:] != name[:-1]
    if begin_inside:
        opens |= np.array([value.startswith("B-") for value in values], bool)
    return opens, names


def _groups(low: np.ndarray, high: np.ndarray) -> Iterator[slice]:
    """Neighbouring ranges low..high-1 that span at most `ROWS` steps together, or one that is longer by itself."""
    begin = 0
    while begin < len(low):
        end, reach = begin + 1, high[begin]
        while end < len(low) and max(reach, high[end]) - low[begin] <= ROWS:
            reach = max(reach, high[end])
            end += 1
        yield slice(begin, end)
        begin = end


def _all_within(on: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """bool[n, units]: whether `on` (bool[steps, units]) holds at all of the steps start..stop-1; of none, it does."""
    padded = np.concatenate([on, np.ones((1, on.shape[1]), bool)])
    found = np.logical_and.reduceat(padded, np.stack([start, stop], axis=1).ravel(), axis=0)[::2]
    found[start >= stop] = True
    return found


def _long_range(model: Model, state: str, threshold: float, low: int, start: int, stop: int, high: int) -> np.ndarray:
    """bool[units]: on at start..stop-1, and off at low..start-1 and stop..high-1, read a piece at a time."""
    follows = np.ones(model.state(state).units, bool)
    for first in range(low, high, ROWS):
        at = np.arange(first, min(first + ROWS, high))
        on = is_on(model.vectors(state, first, first + len(at)), threshold)
        inside = (at >= start) & (at < stop)
        follows &= on[inside].all(axis=0) & ~on[~inside].any(axis=0)
    return follows
