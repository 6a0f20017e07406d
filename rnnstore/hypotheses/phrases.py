"""Phrases: do the units tell labelled ranges of words apart? The question of LSTMVis's figure 9, with a score.

A track labels ranges: chunks written as B-NP, I-NP, or runs of equal labels. For every range the units that are on
throughout it are one vector of bits, exactly the selection that a person would get by brushing it (`selection`). A
plane through these vectors (principal components) shows what is there; a linear classifier, trained on the earlier part
of the corpus and asked about the later one, says how far it goes, beside the most frequent label and a classifier that
learned from shuffled labels.

A range's words say much about its label by themselves (a phrase that begins with "the" is a noun phrase), and the
units know the words they just read. A high score therefore says that the label can be read off the units, not that
they hold it apart from the words. Two things stand beside it: the score of ranges whose words were never seen in
training, and that of a classifier that is told the first and last word of a range and nothing of the units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, nearest
from rnnstore.hypotheses.worth import BLOCK
from rnnstore.matching.selection import checked_question
from rnnstore.statistics import wilson
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

ROWS = 8192
"""Steps whose values are held at once."""

OUTSIDE = ("", "O")
"""Labels that mean: no range here."""

FEWEST = 20
"""Ranges that a classification needs at least."""


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


def labelled_ranges(
    model: Model, track: str, *, minimum_length: int = 2, labels: Iterable[str] | None = None
) -> Ranges:
    """The ranges that a discrete track labels, of at least `minimum_length` steps, in the order of the corpus.

    Where its labels are `B-x` and `I-x` a range begins at every B and at an I that does not go on with the same x, and
    its label is x; else it is a run of equal labels. Steps labelled "O" or "" are in none, and none goes on over the
    start of a sequence. `labels` keeps only those named. Raises `QuestionError` where the track labels nothing so.
    """
    if track not in model.tracks:
        raise QuestionError(f"Model {model.name!r} has no track {track!r}: {nearest(track, model.tracks)}")
    if model.tracks[track].kind != "discrete":
        raise QuestionError(f"Track {track!r} holds numbers; ranges need a track of labels.")
    if minimum_length < 1:
        raise QuestionError(f"The minimum length is {minimum_length}; at least 1 step was expected.")
    begin_inside = _is_begin_inside(model.tracks[track].labels)
    starts, stops, found = [], [], []
    open_start, open_label = -1, ""
    for first, values in _label_blocks(model, track):
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
                f"{nearest(label, known)}"
            )
    return ranges.of(labels)


def units_of(
    model: Model, state: str, ranges: Ranges, threshold: float, off_before: int = 0, off_after: int = 0
) -> np.ndarray:
    """bool[ranges, units]: which units each range selects, as `select` does, in one pass over the corpus.

    On throughout the range and off at each of the steps before and after it that are asked for; what does not exist
    around a sequence asks nothing. Values are read block by block: memory is the answer's, whatever the corpus.
    """
    checked_question(model, state, (), threshold, off_before, off_after)
    if np.any(np.diff(ranges.start) < 0):
        raise QuestionError("The ranges are not in the order of the corpus; sort them by their start.")
    answer = np.zeros((len(ranges), model.state(state).units), bool)
    if not len(ranges):
        return answer
    bounds = np.append(model.sequence_starts, model.steps)
    sequence = np.clip(np.searchsorted(bounds, ranges.start, "right") - 1, 0, len(bounds) - 2)
    outside = (ranges.start < 0) | (ranges.stop <= ranges.start) | (ranges.stop > bounds[sequence + 1])
    if outside.any():
        index = int(np.flatnonzero(outside)[0])
        raise QuestionError(
            f"Steps {ranges.start[index]:,} to {ranges.stop[index]:,} (half-open) are no range of one sequence."
        )
    low = np.maximum(ranges.start - off_before, bounds[sequence])
    high = np.minimum(ranges.stop + off_after, bounds[sequence + 1])
    for some in _groups(low, high):
        if high[some].max() - low[some.start] > 2 * ROWS:  # one range that is longer than what is held at once
            index = some.start
            edges = (int(steps[index]) for steps in (low, ranges.start, ranges.stop, high))
            answer[index] = _long_range(model, state, threshold, *edges)
            continue
        first = int(low[some].min())
        on = is_on(model.vectors(state, first, int(high[some].max())), threshold)
        answer[some] = _all_within(on, ranges.start[some] - first, ranges.stop[some] - first)
        if off_before:
            answer[some] &= _all_within(~on, low[some] - first, ranges.start[some] - first)
        if off_after:
            answer[some] &= _all_within(~on, ranges.stop[some] - first, high[some] - first)
    return answer


@dataclass(frozen=True)
class Plane:
    """The plane in which vectors differ most: `coordinates` float64[n, 2] of each, `axes` float64[2, units] and the
    shares of the variance that they explain. An axis points to where its largest weight is positive."""

    coordinates: np.ndarray
    axes: np.ndarray
    explained: tuple[float, float]


def plane(vectors: np.ndarray) -> Plane:
    """The first two principal components of bool[n, units], their covariance summed block by block."""
    count, units = vectors.shape
    if count < 2 or units < 2:
        raise QuestionError(f"{count} ranges of {units} units have no plane; at least two of each are needed.")
    mean = vectors.mean(axis=0)
    covariance = np.zeros((units, units))
    blocks = [slice(first, first + ROWS) for first in range(0, count, ROWS)]
    for block in blocks:
        centred = vectors[block] - mean
        covariance += centred.T @ centred
    values, columns = np.linalg.eigh(covariance)
    axes = columns[:, ::-1][:, :2].T
    axes = axes * np.where(axes[np.arange(2), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    total = max(float(values.sum()), np.finfo(float).tiny)
    coordinates = np.concatenate([(vectors[block] - mean) @ axes.T for block in blocks])
    return Plane(coordinates, axes, (float(values[-1]) / total, float(values[-2]) / total))


@dataclass(frozen=True)
class Separation:
    """How well a linear classifier tells the labels apart in the later part of the corpus.

    `correct` of `held_out` ranges, with the interval `low` to `high` (95 %, Wilson); beside it how many the label most
    frequent in training (`majority`) gets right, and a classifier that learned from shuffled labels (`shuffled`).
    `unseen` are the held-out ranges whose words never made a range in training, `unseen_correct` of them right.
    `by_words_correct` and `by_words_unseen_correct` are what a classifier gets right that knows the first and last word
    of each range instead of its units; None where these were not given.
    `table` has a row for each label: label, trained, held_out, correct.
    """

    labels: tuple[str, ...]
    trained: int
    held_out: int
    correct: int
    majority: str
    majority_correct: int
    shuffled_correct: int
    table: pa.Table
    seed: int
    unseen: int = 0
    unseen_correct: int = 0
    by_words_correct: int | None = None
    by_words_unseen_correct: int | None = None

    @property
    def accuracy(self) -> float:
        return self.correct / self.held_out

    @property
    def interval(self) -> tuple[float, float]:
        low, high = wilson(self.correct, self.held_out)
        return float(low), float(high)

    @property
    def note(self) -> str:
        """A sentence with every number and its count."""

        def share(hits: int, of: int) -> str:
            return f"{100 * hits / of:.1f} %"

        low, high = self.interval
        said = (
            f"{share(self.correct, self.held_out)} ({100 * low:.1f} to {100 * high:.1f}) of {self.held_out:,} held-out "
            f"ranges, after training on the {self.trained:,} before them; always {self.majority}: "
            f"{share(self.majority_correct, self.held_out)}; trained on shuffled labels: "
            f"{share(self.shuffled_correct, self.held_out)}."
        )
        if self.by_words_correct is not None:
            said += f" Told the first and last word instead: {share(self.by_words_correct, self.held_out)}."
        if self.unseen:
            said += f" Of the {self.unseen:,} whose words were not in training: "
            said += share(self.unseen_correct, self.unseen)
            if self.by_words_unseen_correct is not None:
                said += f", by first and last word {share(self.by_words_unseen_correct, self.unseen)}"
            said += "."
        return said


def separation(
    vectors: np.ndarray,
    ranges: Ranges,
    *,
    held_out: float = 0.2,
    words: Sequence[str] | None = None,
    ends: np.ndarray | None = None,
    most: int = 50_000,
    seed: int = 0,
) -> Separation:
    """Trains a logistic regression on the first ranges of the corpus and asks it about the last share of `held_out`.

    `vectors` bool[n, units] belong to `ranges`. No step of a held-out range was in training, and none between them. Of
    more than `most` ranges, that many evenly spaced ones are taken (`trained` and `held_out` count them). `words` are
    the texts of the ranges, to tell the unseen ones; `ends` int[n, 2] (`end_words`) are for a classifier that knows
    nothing else. The same input has the same answer. Raises `QuestionError` when there are too few ranges, or one
    label only.
    """
    from sklearn.linear_model import LogisticRegression

    if not 0 < held_out < 1:
        raise QuestionError(f"A share of {held_out} was to be held out; one between 0 and 1 was expected.")
    if len(vectors) != len(ranges):
        raise QuestionError(f"{len(vectors):,} vectors were given for {len(ranges):,} ranges.")
    if len(ranges) > most:
        chosen = np.linspace(0, len(ranges) - 1, most).astype(np.int64)
        vectors, ranges = vectors[chosen], ranges.take(chosen)
        words = None if words is None else [words[index] for index in chosen.tolist()]
        ends = None if ends is None else ends[chosen]
    if len(ranges) < FEWEST:
        raise QuestionError(f"There are {len(ranges)} ranges; a classification needs at least {FEWEST}.")
    cut = len(ranges) - max(1, round(held_out * len(ranges)))
    last = ranges.stop[:cut].max()
    later = np.flatnonzero(ranges.start[cut:] >= last) + cut  # where ranges overlap, those that reach back are dropped
    labels = ranges.label.astype(str)
    known, counts = np.unique(labels[:cut], return_counts=True)
    if len(known) < 2 or not len(later):
        raise QuestionError(
            f"All {cut:,} ranges before the held-out ones are labelled {', '.join(known)}; two labels are needed."
        )

    def told(features: Any, taught: np.ndarray) -> np.ndarray:
        classifier = LogisticRegression(max_iter=1000, random_state=seed)
        return classifier.fit(features[:cut], taught).predict(features[later])

    truth = labels[later]
    on = vectors.astype(np.float32)
    right = told(on, labels[:cut]) == truth
    shuffled = told(on, np.random.default_rng(seed).permutation(labels[:cut])) == truth
    by_words = None if ends is None else told(_one_hot(ends), labels[:cut]) == truth
    majority = str(known[counts.argmax()])
    every = np.unique(np.concatenate([known, truth]))
    table = pa.table(
        {
            "label": pa.array(every.tolist(), pa.string()),
            "trained": [int((labels[:cut] == label).sum()) for label in every],
            "held_out": [int((truth == label).sum()) for label in every],
            "correct": [int(right[truth == label].sum()) for label in every],
        }
    ).sort_by([("held_out", "descending"), ("label", "ascending")])
    unseen = np.zeros(len(later), bool)
    if words is not None:
        seen = set(words[:cut])
        unseen = np.array([words[index] not in seen for index in later.tolist()])
    return Separation(
        labels=tuple(every.tolist()),
        trained=cut,
        held_out=len(later),
        correct=int(right.sum()),
        majority=majority,
        majority_correct=int((truth == majority).sum()),
        shuffled_correct=int(shuffled.sum()),
        table=table,
        seed=seed,
        unseen=int(unseen.sum()),
        unseen_correct=int(right[unseen].sum()),
        by_words_correct=None if by_words is None else int(by_words.sum()),
        by_words_unseen_correct=None if by_words is None else int(by_words[unseen].sum()),
    )


def end_words(model: Model, ranges: Ranges) -> np.ndarray:
    """int32[n, 2]: the ids of the first and the last word of each range."""
    ids = model.word_ids()
    return np.stack([ids[ranges.start], ids[ranges.stop - 1]], axis=1)


def texts(model: Model, ranges: Ranges, longest: int = 12) -> list[str]:
    """The words of each range as one text; of a range longer than `longest` steps its first ones and three dots."""
    joint = "" if model.card.level == "character" else " "
    vocabulary, ids = model.vocabulary, model.word_ids()
    found = []
    for start, stop in zip(ranges.start.tolist(), ranges.stop.tolist(), strict=True):
        end = min(stop, start + longest)
        text = joint.join(vocabulary[index] for index in ids[start:end].tolist())
        found.append(text if end == stop else f"{text}{joint}...")
    return found


def _one_hot(ids: np.ndarray) -> Any:
    """float32[n, words of all columns], sparse: a one at the word of each column of `ids`."""
    from scipy.sparse import csr_matrix

    rows, columns = ids.shape
    width = int(ids.max()) + 1
    at = (ids + np.arange(columns) * width).ravel()
    return csr_matrix(
        (np.ones(rows * columns, np.float32), (np.repeat(np.arange(rows), columns), at)), (rows, width * columns)
    )


def _is_begin_inside(labels: Sequence[str]) -> bool:
    """Whether a track's labels are chunk tags: some begin (`B-x`), all others go on (`I-x`) or are outside."""
    named = [label for label in labels if label not in OUTSIDE]
    return any(label.startswith("B-") for label in named) and all(label[:2] in ("B-", "I-") for label in named)


def _label_blocks(model: Model, track: str) -> Iterator[tuple[int, list[str]]]:
    for first in range(0, model.steps, BLOCK):
        rows = model.annotations([track], first, min(model.steps, first + BLOCK))
        yield first, [label or "" for label in rows["value"].to_pylist()]


def _boundaries(values: list[str], before: str, begin_inside: bool) -> tuple[np.ndarray, list[str]]:
    """bool[n]: where a range, or a stretch outside of any, opens; and the label of the one each step is in."""
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
