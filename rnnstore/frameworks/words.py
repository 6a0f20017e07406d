"""What a network reads, as words: ids and one-hot rows by a vocabulary, and of numbers a label a step beside tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.frameworks.batches import as_array, described, is_floating

CHANNELS = 16
"""Channels of a signal that are recorded as tracks."""


def vocabulary_list(given: Any) -> list[str] | None:
    """The words by id, from a list or from the id of each word; `StoreError` where ids are missing or given twice."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        by_id = {int(number): str(word) for word, number in given.items()} if given else {}
        if all(isinstance(key, int) for key in given) and given:
            by_id = {int(number): str(word) for number, word in given.items()}
        if sorted(by_id) != list(range(len(given))):
            raise StoreError(
                f"The vocabulary was given as a dict of {len(given):,} words whose ids are not 0 to "
                f"{len(given) - 1:,}, each once."
            )
        return [by_id[number] for number in range(len(by_id))]
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = list(given) if not isinstance(given, str) and hasattr(given, "__iter__") else given
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise StoreError(
            f"The vocabulary was given as {type(given).__name__}; a list was expected, with the word of id 0 first."
        )
    words = [str(word) for word in given]
    if len(set(words)) < len(words):
        seen: set[str] = set()
        twice = next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
        raise StoreError(f"The vocabulary has {twice!r} twice; every word has one id. Give a list without repetitions.")
    return words


def usual_tokenisation(words: Sequence[str]) -> dict[str, Any]:
    """How typed text becomes words where nobody says it: characters where all words are such, else words between white
    space, in lower case where no word has another."""
    unknown = next((word for word in ("<unk>", "[UNK]", "<UNK>", "UNK", "unk", "<oov>") if word in words), None)
    special = [word for word in words if word.startswith(("<", "[")) and len(word) > 2]
    plain = [word for word in words if word not in special and word != unknown]
    if plain and all(len(word) <= 1 for word in plain):
        return {"level": "character", "unknown": unknown}
    return {"level": "word", "unknown": unknown, "lower": not any(word != word.lower() for word in plain)}


@dataclass(frozen=True)
class Input:
    """What a batch's input is.

    ids    int64 in the shape of the steps; None for numbers
    values  float in the shape of the steps and channels; None for ids
    """

    ids: np.ndarray | None
    values: np.ndarray | None

    @property
    def channels(self) -> int:
        return 0 if self.values is None else int(self.values.shape[-1])


def input_of(given: Any, words: Sequence[str] | None) -> Input:
    """The ids, or the numbers, of an input; `StoreError` where ids do not fit the vocabulary."""
    array = as_array(given)
    if array.ndim and words is not None and array.shape[-1] == len(words) and array.ndim >= 2 and _one_hot(array):
        return Input(array.argmax(axis=-1).astype(np.int64), None)
    if is_floating(given):
        if words is not None:
            raise StoreError(
                f"The input is {described(given)}, numbers that are no rows of a one and zeros over the {len(words):,} "
                "words of the vocabulary. Leave vocabulary out where numbers are read."
            )
        return Input(None, array.astype(np.float32))
    if words is None:
        raise StoreError(
            f"The input is ids up to {int(array.max(initial=0)):,}; give vocabulary=, the list of words by id."
        )
    return Input(array.astype(np.int64), None)


def check_ids(ids: np.ndarray, words: Sequence[str]) -> None:
    """`StoreError` for an id that the vocabulary has not."""
    if ids.size and not 0 <= ids.min() <= ids.max() < len(words):
        wrong = int(ids.max()) if ids.max() >= len(words) else int(ids.min())
        raise StoreError(
            f"Word id {wrong:,} is outside the vocabulary of {len(words):,} words (from 0): it is too short, or "
            "another part of the batch holds the words (inputs=). Nothing was recorded."
        )


def _one_hot(array: np.ndarray) -> bool:
    if array.dtype.kind not in "fiub" or array.shape[-1] < 2:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())


def tracks_of(values: np.ndarray, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The channels of float[n, channels] as tracks, float64[n] each: `input`, or `input1`, `input2`, ..."""
    channels = values.shape[1]
    if names is None:
        names = ["input"] if channels == 1 else [f"input{number}" for number in range(1, channels + 1)]
    return {name: values[:, place].astype(np.float64) for place, name in enumerate(names[:CHANNELS])}
