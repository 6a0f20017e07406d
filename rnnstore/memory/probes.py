"""Probes: can a linear classifier distinguish classes of words by their embeddings at all?

Asked before a property is followed (Verwimp et al. 2018, section 4.3): where the classes are not separable in the
embedding, the difference of their means says little. Accuracy is on words held out, beside that of always saying the
most frequent class, and beside a control task: the same words with their labels shuffled, which a probe can only learn
by heart (Hewitt and Liang 2019, "Designing and interpreting probes with control tasks").
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnstore.errors import QuestionError
from rnnstore.memory.properties import check_classes, embeddings
from rnnstore.memory.word_classes import class_words
from rnnstore.networks.opening import open_network
from rnnstore.store.model import Model

FOLDS = 5


@dataclass(frozen=True)
class Probe:
    """Accuracies over all words, each by a classifier that did not see it; `words` of each class, `low` and `high`
    Wilson's 95 % interval of the accuracy."""

    name: str
    words: tuple[int, ...]
    accuracy: float
    low: float
    high: float
    majority: float
    control: float


def probe(model: Model, name: str, classes: Sequence[str], seed: int = 0) -> Probe:
    """Logistic regression on the embeddings of classes, each as `rnnstore.memory.word_classes` writes them.

    `QuestionError` for fewer than two classes, too few words, or words in two classes.
    """
    if len(classes) < 2:
        raise QuestionError(f"{name!r} names {len(classes)} class; a probe tells two or more apart.")
    found = open_network(model)
    known = set(found.words)
    sides = [[word for word in class_words(model, text) if word in known] for text in classes]
    for first in range(len(sides)):
        for second in range(first + 1, len(sides)):
            check_classes(name, [sides[first], sides[second]])
    x = np.concatenate([embeddings(found, side) for side in sides])
    y = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
    shuffled = np.random.default_rng(seed).permutation(y)
    accuracy, control = held_out(x, y, seed), held_out(x, shuffled, seed)
    low, high = _interval(accuracy, len(y))
    return Probe(name, tuple(map(len, sides)), accuracy, low, high, float(np.bincount(y).max() / len(y)), control)


def held_out(x: np.ndarray, y: np.ndarray, seed: int = 0, folds: int = FOLDS) -> float:
    """The share of rows whose class is predicted rightly by a classifier that was trained on the other folds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(min(folds, int(np.bincount(y).min())), shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        told = cross_val_predict(model, x, y, cv=folds)
    return float((told == y).mean())


def _interval(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of `count`."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return float(middle - half), float(middle + half)
