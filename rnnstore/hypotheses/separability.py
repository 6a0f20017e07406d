"""Separation: do the units distinguish labelled ranges of words? The question of LSTMVis's figure 9, with a score.

A track labels ranges: chunks written as B-NP, I-NP, or runs of equal labels. For every range the units that are on
throughout it are one vector of bits, exactly the selection that a person would get by brushing it (`selection`). A
plane through these vectors (principal components) shows what is there; a linear classifier, trained on the earlier part
of the corpus and tested on the later one, measures how far it goes, beside the most frequent label and a classifier
that learned from shuffled labels.

A range's words say much about its label by themselves (a phrase that begins with "the" is a noun phrase), and the
units know the words they just read. A high score therefore says that the label can be read off the units, not that
they hold it apart from the words. Two things stand beside it: the score of ranges whose words were never seen in
training, and that of a classifier that is given the first and last word of a range and nothing of the units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.hypotheses.ranges import ROWS, Ranges
from rnnstore.statistics import wilson

FEWEST = 20
"""Ranges that a classification needs at least."""


@dataclass(frozen=True)
class Plane:
    """The plane in which vectors differ most: `coordinates` float64[n, 2] of each, `axes` float64[2, units] and the
    shares of the variance that they explain. An axis points to where its largest weight is positive."""

    coordinates: np.ndarray
    axes: np.ndarray
    explained: tuple[float, float]


def plane(vectors: np.ndarray) -> Plane:
    """The first two principal components of bool[n, units], their covariance summed a piece at a time."""
    count, units = vectors.shape
    if count < 2 or units < 2:
        raise QuestionError(f"{count} ranges of {units} units have no plane; at least two of each are needed.")
    mean = vectors.mean(axis=0)
    covariance = np.zeros((units, units))
    pieces = [slice(first, first + ROWS) for first in range(0, count, ROWS)]
    for piece in pieces:
        centred = vectors[piece] - mean
        covariance += centred.T @ centred
    values, columns = np.linalg.eigh(covariance)
    axes = columns[:, ::-1][:, :2].T
    axes = axes * np.where(axes[np.arange(2), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    total = max(float(values.sum()), np.finfo(float).tiny)
    coordinates = np.concatenate([(vectors[piece] - mean) @ axes.T for piece in pieces])
    return Plane(coordinates, axes, (float(values[-1]) / total, float(values[-2]) / total))


@dataclass(frozen=True)
class Separation:
    """How well a linear classifier distinguishes the labels in the later part of the corpus.

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
        note = (
            f"{share(self.correct, self.held_out)} ({100 * low:.1f} to {100 * high:.1f}) of {self.held_out:,} held-out "
            f"ranges, after training on the {self.trained:,} before them; always {self.majority}: "
            f"{share(self.majority_correct, self.held_out)}; trained on shuffled labels: "
            f"{share(self.shuffled_correct, self.held_out)}."
        )
        if self.by_words_correct is not None:
            note += f" Told the first and last word instead: {share(self.by_words_correct, self.held_out)}."
        if self.unseen:
            note += f" Of the {self.unseen:,} whose words were not in training: "
            note += share(self.unseen_correct, self.unseen)
            if self.by_words_unseen_correct is not None:
                note += f", by first and last word {share(self.by_words_unseen_correct, self.unseen)}"
            note += "."
        return note


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
    the texts of the ranges, to tell the unseen ones; `ends` int[n, 2] (`Ranges.end_words`) are for a classifier that
    knows nothing else. The same input has the same answer. Raises `QuestionError` when there are too few ranges, or one
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

    def predicted(features: Any, taught: np.ndarray) -> np.ndarray:
        classifier = LogisticRegression(max_iter=1000, random_state=seed)
        return classifier.fit(features[:cut], taught).predict(features[later])

    truth = labels[later]
    on = vectors.astype(np.float32)
    right = predicted(on, labels[:cut]) == truth
    shuffled = predicted(on, np.random.default_rng(seed).permutation(labels[:cut])) == truth
    by_words = None if ends is None else predicted(_one_hot(ends), labels[:cut]) == truth
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


def _one_hot(ids: np.ndarray) -> Any:
    """float32[n, words of all columns], sparse: a one at the word of each column of `ids`."""
    from scipy.sparse import csr_matrix

    rows, columns = ids.shape
    width = int(ids.max()) + 1
    at = (ids + np.arange(columns) * width).ravel()
    return csr_matrix(
        (np.ones(rows * columns, np.float32), (np.repeat(np.arange(rows), columns), at)), (rows, width * columns)
    )
