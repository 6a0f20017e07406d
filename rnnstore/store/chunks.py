"""A chunk of a recording, checked: what a caller hands to the recorder, as arrays of which every later step is sure.

A chunk is a dict of columns, each with a row a step: `ids`, `starts`, `("state", name)`, `("track", name)`, and the
columns of predictions. Whatever does not fit is a `StoreError` that names it, its shape and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.errors import StoreError, suggest
from rnnstore.store.runs import all_finite

Chunk = dict[Any, np.ndarray]

BY_STEP = ("targets", "target_probabilities", "loss")
"""Fields of `Predictions` with one value a step."""


@dataclass(frozen=True)
class Predictions:
    """What a model expected after each of n steps, and what came.

    `word_ids` int[n, k] and `probabilities` float[n, k]: the k most probable next words, the most probable first.
    `targets` int[n]: the word that came next, -1 after the last step of a sequence; `target_probabilities` and `loss`
    float[n]: what the model gave it and the cross entropy in nats, NaN where there is no target. Of a classifier, ids
    are of labels, and the target is the label where it is asked for, -1 elsewhere.
    """

    word_ids: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray
    target_probabilities: np.ndarray
    loss: np.ndarray


def _array(what: str, given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except Exception as error:  # whatever another framework raises
        raise StoreError(
            f"{what} cannot be read as a NumPy array ({error}); hand one over, from PyTorch by "
            "tensor.detach().cpu().numpy()."
        ) from error


def _encodable(word: str) -> str:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise StoreError(f"{word!r} is no text that can be stored: read its source with the right encoding.") from None
    return word


class Vocabulary:
    """Words and their ids: given beforehand, or numbered as they first appear."""

    def __init__(self, words: Sequence[str] | None) -> None:
        if words is not None and (isinstance(words, Mapping) or not hasattr(words, "__len__")):
            raise StoreError(
                f"The vocabulary was given as {type(words).__name__}; a list was expected, with the word of id 0 first."
            )
        self.fixed = words is not None
        self.all = [_encodable(str(word)) for word in words] if words is not None else []
        self._ids = {} if self.fixed else {word: index for index, word in enumerate(self.all)}

    def __len__(self) -> int:
        return len(self.all)

    def ids(self, words: Any) -> np.ndarray:
        if self.fixed:
            ids = _array("The words", words)
            if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
                raise StoreError(
                    f"Words were given as {ids.dtype}{list(ids.shape)}; with a vocabulary, a list of ids is expected."
                )
            if ids.size and not 0 <= ids.min() <= ids.max() < len(self.all):
                wrong = ids[(ids < 0) | (ids >= len(self.all))][0]
                raise StoreError(f"Word id {wrong} is outside the vocabulary of {len(self.all):,} words (from 0).")
            return ids.astype(np.int32)
        if isinstance(words, str):
            raise StoreError("Words were given as one string; a list of words is expected (list(text) by character).")
        words = list(words)
        for word in words:
            if not isinstance(word, str):
                raise StoreError(
                    f"The word {word!r} is no string; give a vocabulary to record ids. Of an input that is numbers, "
                    "the words are labels (times, say) and the numbers are tracks: annotations={'input': numbers}."
                )
            if word not in self._ids:
                _encodable(word)
                self._ids[word] = len(self.all)
                self.all.append(word)
        return np.fromiter((self._ids[word] for word in words), np.int32, len(words))

    def column(self, ids: np.ndarray) -> pa.DictionaryArray:
        """The words of `ids` (-1: null), with a dictionary of only those that occur."""
        present, codes = np.unique(ids, return_inverse=True)
        dictionary = pa.array([self.all[index] if index >= 0 else "" for index in present], pa.string())
        missing = ids < 0 if len(present) and present[0] < 0 else None
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=missing), dictionary)


def sequence_starts(given: Any, steps: int) -> np.ndarray:
    """bool[steps] from what was given; nothing given means that the running sequence goes on."""
    starts = np.zeros(steps, bool) if given is None else _array("sequence_starts", given)
    if starts.dtype != bool and not np.isin(starts, (0, 1)).all():
        raise StoreError("sequence_starts holds something else than true and false; a mask was expected, not steps.")
    starts = starts.astype(bool)
    if starts.shape != (steps,):
        raise StoreError(
            f"sequence_starts has shape {list(starts.shape)}; one for each of the {steps} words was expected."
        )
    return starts


def state_values(name: str, values: Any, steps: int, first: int, dtype: np.dtype) -> np.ndarray:
    """dtype[steps, units]: the values of a state as they are stored; `first` is the chunk's first step."""
    given = _array(f"State {name!r}", values)
    if given.ndim != 2 or len(given) != steps or not given.shape[1]:
        raise StoreError(
            f"State {name!r} has shape {list(given.shape)}; [{steps}, units] was expected: a row for each of the "
            f"{steps} words."
        )
    if given.dtype.kind not in "fiu":
        raise StoreError(f"State {name!r} holds {given.dtype}; real numbers were expected (float32, say).")
    with np.errstate(over="ignore"):
        stored = given.astype(dtype)
    if not all_finite(stored):
        row, unit = np.argwhere(~np.isfinite(stored))[0]
        advice = " (too large for float16: record with dtype='float32')" if np.isfinite(given[row, unit]) else ""
        raise StoreError(
            f"State {name!r}, unit {unit}, is {given[row, unit]} at step {first + row}; a finite number was "
            f"expected{advice}."
        )
    return stored


def track_values(name: str, values: Any, steps: int, numbers: bool = False) -> np.ndarray:
    """float64[steps] of numbers (NaN: says nothing) or object[steps] of labels (empty: says nothing).

    `numbers` says that the track had numbers before, so that a chunk in which it says nothing has them too.
    """
    array = _array(f"Track {name!r}", values)
    if array.dtype.kind in "US" and isinstance(values, list | tuple):
        array = np.array(values, object)  # NumPy would make the label "nan" of a missing value
    if array.shape != (steps,):
        raise StoreError(
            f"Track {name!r} has shape {list(array.shape)}; one value for each of the {steps} words was expected."
        )
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    values = array.tolist()
    try:
        column = pa.array(values, from_pandas=True)
    except (ValueError, OverflowError):  # of several types
        column = pa.array([None if value is None else _encodable(str(value)) for value in values], pa.string())
    silent = column.null_count == len(column)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or (numbers and silent):
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return column.cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)


def prediction_columns(given: Predictions, steps: int, vocabulary: int) -> dict[str, np.ndarray]:
    predicted = _array("Predictions' word_ids", given.word_ids)
    probabilities = _array("Predictions' probabilities", given.probabilities)
    if predicted.ndim != 2 or len(predicted) != steps or probabilities.shape != predicted.shape:
        raise StoreError(
            f"Predictions have shapes {list(predicted.shape)} and {list(probabilities.shape)}; [{steps}, k] was "
            "expected of both."
        )
    by_step = {name: _array(f"Predictions' {name}", getattr(given, name)) for name in BY_STEP}
    for name, column in by_step.items():
        if column.shape != (steps,):
            raise StoreError(f"Predictions' {name} has shape {list(column.shape)}; [{steps}] was expected.")
    for ids in (predicted, by_step["targets"]):
        if ids.size and ids.dtype.kind not in "iu":
            raise StoreError(f"Predicted words and targets were given as {ids.dtype}; ids were expected.")
        if ids.size and not -1 <= ids.min() <= ids.max() < vocabulary:
            raise StoreError(f"A predicted word or target lies outside the vocabulary of {vocabulary:,} words.")
    return {
        "predicted": predicted.astype(np.int32),
        "probabilities": probabilities.astype(np.float32),
        "targets": by_step["targets"].astype(np.int32),
        "target_probabilities": by_step["target_probabilities"].astype(np.float32),
        "losses": by_step["loss"].astype(np.float32),
    }


def shape_of(chunk: Chunk) -> dict[Any, Any]:
    """What must be the same in every chunk: the width of each column, and whether a track has numbers or labels."""
    return {
        key: value.dtype.kind if isinstance(key, tuple) and key[0] == "track" else value.shape[1:]
        for key, value in chunk.items()
    }


def difference(given: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
    """A sentence about the first thing in which a chunk differs from the first one."""

    def called(key: Any) -> str:
        return f"{key[0]} {key[1]!r}" if isinstance(key, tuple) else str(key)

    for key in expected:
        if key not in given:
            return f"This chunk lacks {called(key)}, which the first one had; every chunk brings the same."
    for key in given:
        if key not in expected:
            names = [known[1] for known in expected if isinstance(known, tuple) and known[0] == key[0]]
            return f"This chunk brings {called(key)}, which the first one had not: {suggest(str(key[-1]), names)}"
    key = next(key for key in given if given[key] != expected[key])
    if key[0] == "track":
        return f"Track {key[1]!r} brings {'numbers' if given[key] == 'f' else 'labels'}, unlike the first chunk."
    return f"{called(key)} has width {list(given[key])} here and {list(expected[key])} in the first chunk."
