"""What an LSTMVis folder is made of, as sources of values for any span of steps: words, states, tracks, predictions.

A source checks the shape of its dataset when it is made, and its values whenever it reads them, so that looking
through all of them once (`project.read`) is the check, and the recording asks the same sources for the same values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipelines.lstmvis import datasets
from pipelines.lstmvis.datasets import Dataset
from pipelines.lstmvis.description import LstmvisError
from pipelines.lstmvis.dictionary import Dictionary

TRANSFORMS = ("tanh", "none", "sigmoid", "tanh_abs")

HALF = float(np.finfo(np.float16).max)
SMALLEST_HALF = float(np.finfo(np.float16).smallest_normal)

NEARLY = 1e-4
"""How far rounding may carry a probability beyond 0 or 1."""


@dataclass(frozen=True)
class Words:
    """The word ids of the corpus, as the folder numbers them."""

    dataset: Dataset
    dictionary: Dictionary | None  # None until all ids were looked at, where the folder has no dict file

    @property
    def known(self) -> Dictionary:
        assert self.dictionary is not None  # `project.read` numbers the words where there is none
        return self.dictionary

    def ids(self, start: int, stop: int) -> np.ndarray:
        """int64[n]: ids of the steps start..stop-1. Raises `LstmvisError` when one is in no dictionary."""
        ids = whole_numbers(self.dataset, datasets.read(self.dataset, start, stop), start, "word ids")
        if self.dictionary is not None:
            known(self.dataset, self.dictionary, ids, start)
        return ids


@dataclass(frozen=True)
class State:
    """One series of vectors, and what is done to its values. `stated`: whether lstm.yml or the caller chose that."""

    name: str
    dataset: Dataset
    transform: str
    stated: bool
    unsigned: bool
    minimum: float = np.nan  # of the values in the file; known once all were looked at
    maximum: float = np.nan

    @property
    def units(self) -> int:
        return self.dataset.shape[1]

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value after the transform."""
        low, high = (float(each) for each in transformed(np.array([self.minimum, self.maximum]), self.transform))
        if self.transform == "tanh_abs":
            return (0.0 if self.minimum < 0 < self.maximum else min(low, high)), max(low, high)
        return low, high

    @property
    def beyond_half(self) -> str:
        """Why these values cannot be kept in half precision; empty when they can."""
        largest = max(map(abs, self.range))
        if largest > HALF:
            return f"reach {largest:,.4g}, beyond the {HALF:,.0f} of half precision"
        if 0 < largest < SMALLEST_HALF:
            return f"stay below {largest:.2g}, too small for half precision"
        return ""

    def raw(self, start: int, stop: int) -> np.ndarray:
        """float[n, units]: the values in the file. Raises `LstmvisError` when one is no finite number."""
        values = datasets.read(self.dataset, start, stop)
        if values.dtype == np.float16:  # whose smallest and largest take NumPy six times as long
            values = values.astype(np.float32)
        if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
            row, unit = np.argwhere(~np.isfinite(values))[0]
            raise LstmvisError(
                f"{self.dataset} is {values[row, unit]} at step {start + row}, unit {unit}; finite numbers were "
                "expected."
            )
        return values

    def values(self, start: int, stop: int) -> np.ndarray:
        """float[n, units]: the values as they are recorded, transformed."""
        return transformed(self.raw(start, stop), self.transform)


def transformed(values: np.ndarray, transform: str) -> np.ndarray:
    """`values` in at least single precision, after the transform of that name."""
    exact = values.astype(np.result_type(values.dtype, np.float32), copy=False)
    if transform == "none":
        return exact
    if transform == "sigmoid":
        return 0.5 * np.tanh(0.5 * exact) + 0.5  # exp() would overflow
    squashed = np.tanh(exact)
    return np.abs(squashed) if transform == "tanh_abs" else squashed


@dataclass(frozen=True)
class Track:
    """An annotation: numbers, or labels (by a dictionary, or as written), by step or by word."""

    name: str
    kind: str  # discrete | scalar
    dataset: Dataset
    dictionary: Dictionary | None
    by_word: np.ndarray | None = None  # the value of each word id, where rows are word ids

    @property
    def source(self) -> str:
        """Where it comes from, for the card."""
        rows = ", by word" if self.by_word is not None else ""
        return f"{self.dataset.file.name}, {self.dataset.path}{rows}"

    def values(self, start: int, stop: int, word_ids: np.ndarray) -> np.ndarray:
        """float64[n], or object[n] of labels; NaN or an empty label past the end of the track."""
        if self.by_word is not None:
            outside = (word_ids < 0) | (word_ids >= len(self.by_word))
            if outside.any():
                at = int(np.argmax(outside))
                raise LstmvisError(
                    f"{self.dataset} has a row for each of the word ids 0 to {len(self.by_word) - 1}, but the word at "
                    f"step {start + at} has the id {word_ids[at]}."
                )
            return self.by_word[word_ids]
        values = self.decoded(datasets.read(self.dataset, start, stop), start)
        missing = stop - start - len(values)
        nothing = np.nan if self.kind == "scalar" else ""
        return np.append(values, np.full(missing, nothing, values.dtype)) if missing else values

    def decoded(self, values: np.ndarray, start: int) -> np.ndarray:
        """Numbers or labels of what stands in the dataset from row `start` on."""
        if self.kind == "scalar":
            infinite = np.isinf(values)
            if infinite.any():
                at = int(np.argmax(infinite))
                raise LstmvisError(f"{self.dataset} is {values[at]} at row {start + at}; finite numbers were expected.")
            return values.astype(np.float64)
        if self.dataset.is_text:
            return values.astype(object)
        ids = whole_numbers(self.dataset, values, start, "labels' ids" if self.dictionary else "labels")
        if self.dictionary is None:
            different, places = np.unique(ids, return_inverse=True)
            return np.array([str(each) for each in different.tolist()], object)[places]
        return np.array(self.dictionary.words, object)[known(self.dataset, self.dictionary, ids, start)]


@dataclass(frozen=True)
class TopWords:
    """The k most probable next words at each step, and their scores where there are any.

    `scale` says what the scores are: probability, logarithm (of a probability), or other.
    """

    name: str
    ids: Dataset
    scores: Dataset | None
    dictionary: Dictionary
    scale: str = ""

    @property
    def k(self) -> int:
        return self.ids.shape[1]

    def places(self, start: int, stop: int) -> np.ndarray:
        """int64[n, k]: place in the dictionary of each word, as the file orders them; -1 past its end."""
        ids = whole_numbers(self.ids, datasets.read(self.ids, start, stop), start, "word ids")
        return self._to_the_end(known(self.ids, self.dictionary, ids, start), start, stop, -1)

    def raw_scores(self, start: int, stop: int) -> np.ndarray:
        """float64[n, k]: scores as they stand in the file; NaN past its end."""
        if self.scores is None:
            return np.full((stop - start, self.k), np.nan)
        values = datasets.read(self.scores, start, stop).astype(np.float64)
        if np.isnan(values).any():
            row, column = np.argwhere(np.isnan(values))[0]
            raise LstmvisError(f"{self.scores} is nan at step {start + row}, column {column}; a score was expected.")
        return self._to_the_end(values, start, stop, np.nan)

    def ranked(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """(places int64[n, k], probabilities float64[n, k]), the best word first, NaN where it is not known."""
        places, scores = self.places(start, stop), self.raw_scores(start, stop)
        if self.scores is not None:
            order = np.argsort(-scores, axis=1, kind="stable")
            places, scores = np.take_along_axis(places, order, 1), np.take_along_axis(scores, order, 1)
        if self.scale == "logarithm":
            scores = np.exp(scores)
        elif self.scale == "other":
            scores = np.full_like(scores, np.nan)
        return places, scores.clip(0, 1)

    def _to_the_end(self, values: np.ndarray, start: int, stop: int, nothing: float) -> np.ndarray:
        missing = np.full((stop - start - len(values), self.k), nothing, values.dtype)
        return np.concatenate([values, missing]) if len(missing) else values


@dataclass
class ScoreRange:
    """The range of scores seen so far, and what such scores are."""

    low: float = field(default=np.inf)
    high: float = field(default=-np.inf)

    def add(self, scores: np.ndarray) -> None:
        scores = scores[~np.isnan(scores)]
        self.low = min(self.low, float(scores.min(initial=np.inf)))
        self.high = max(self.high, float(scores.max(initial=-np.inf)))

    @property
    def scale(self) -> str:
        if self.low >= -NEARLY and self.high <= 1 + NEARLY:
            return "probability"
        return "logarithm" if self.high <= NEARLY else "other"


def whole_numbers(dataset: Dataset, values: np.ndarray, start: int, what: str) -> np.ndarray:
    """int64: the values, which may be floats (Torch writes ids so) but must be whole."""
    if values.dtype.kind in "iub":
        return values.astype(np.int64)
    whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53)
    if not whole.all():
        place = np.argwhere(~whole)[0]
        raise LstmvisError(
            f"{dataset} is {values[tuple(place)]} at row {start + place[0]}; whole numbers were expected as {what}."
        )
    return values.astype(np.int64)


def known(dataset: Dataset, dictionary: Dictionary, ids: np.ndarray, start: int) -> np.ndarray:
    """The place of each id in the dictionary. Raises `LstmvisError` naming the first that is not there."""
    places, there = dictionary.find(ids)
    if not there.all():
        place = np.argwhere(~there)[0]
        raise LstmvisError(
            f"{dataset} has the id {ids[tuple(place)]} at row {start + place[0]}, which is not in the dictionary: "
            f"{dictionary.about()}."
        )
    return places


def of_shape(dataset: Dataset, expected: str, dimensions: int, text: bool = False) -> None:
    """Raises `LstmvisError` when a dataset has another number of dimensions, holds nothing, or text unawares."""
    if len(dataset.shape) != dimensions or 0 in dataset.shape or (dataset.is_text and not text):
        raise LstmvisError(f"{dataset} holds {dataset.form}; {expected} was expected.")
