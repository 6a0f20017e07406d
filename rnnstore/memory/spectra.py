"""Which directions of the embedding a state keeps at one delay, and the words and units that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.errors import QuestionError, UnknownName, suggest
from rnnstore.memory.gradients import ALL
from rnnstore.memory.singular_values import curves
from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.networks.recorded import network_ids
from rnnstore.store.model import Model


@dataclass(frozen=True)
class Directions:
    """The spectrum of one mean gradient: `singular_values` float[r], largest first, with their vectors.

    `right` float[r, embedding] are directions of the embedding, `left` float[r, units] where they go in the state. A
    pair is turned so that the largest entry of its left vector is positive; either sign is as good.
    """

    model: str
    state: str
    word_class: str
    delay: int
    count: int
    singular_values: np.ndarray
    right: np.ndarray
    left: np.ndarray

    def strongest_units(self, number: int, many: int = 8) -> list[tuple[int, float]]:
        """The units of left vector `number` (from 0) by falling size of their entry, with it."""
        values = self.left[number]
        return [(int(unit), float(values[unit])) for unit in np.argsort(-np.abs(values), kind="stable")[:many]]


def matrix(model: Model, state: str, word_class: str, delay: int) -> tuple[np.ndarray, int]:
    """float32[units, embedding], the mean gradient of a class at a delay, and the pairs that it is over."""
    rows = model.state_gradients(state, ["matrix", "count"], word_class, delay)
    if not rows.num_rows:
        known = model.state_gradients(state, ["word_class", "delay"])
        classes = list(dict.fromkeys(known["word_class"].to_pylist()))
        if classes and word_class not in classes:
            raise UnknownName(
                f"{model.name!r} has no state gradients of the class {word_class!r}: {suggest(word_class, classes)}"
            )
        if not classes:
            curves(model, state)  # says what is missing
        raise QuestionError(f"Delays up to {max(known['delay'].to_pylist())} were computed, not {delay}.")
    values = rows["matrix"].combine_chunks().values.to_numpy()
    return values.reshape(-1, open_network(model).input_width), int(rows["count"][0].as_py())


def directions(model: Model, state: str, word_class: str = ALL, delay: int = 0) -> Directions:
    """The singular value decomposition of the mean gradient of a class at a delay."""
    values, count = matrix(model, state, word_class, delay)
    left, sigma, right = np.linalg.svd(values.astype(np.float64), full_matrices=False)
    left = left.T
    turn = np.sign(left[np.arange(len(left)), np.abs(left).argmax(axis=1)])
    return Directions(model.name, state, word_class, delay, count, sigma, right * turn[:, None], left * turn[:, None])


def nearest_words(found: Network, direction: np.ndarray, many: int = 8, among: np.ndarray | None = None) -> list:
    """(word, cosine) of the words whose embeddings lie nearest to a direction, first those along it, then against it.

    The mean embedding is taken away first: else what all words have in common decides. `among` are the numbers of the
    words that are looked at, all where it is None.
    """
    numbers = np.arange(len(found.words)) if among is None else np.asarray(among)
    centred = found.embed(numbers).astype(np.float64)
    centred -= centred.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.nan_to_num(centred @ direction / (np.linalg.norm(centred, axis=1) * np.linalg.norm(direction)))
    order = np.argsort(-cosine, kind="stable")
    many = min(many, len(order) // 2)
    along, against = order[:many], order[::-1][:many]
    return [[(found.words[numbers[place]], float(cosine[place])) for place in side] for side in (along, against)]


def read_words(model: Model, found: Network, minimum: int = 5) -> np.ndarray:
    """The network's numbers of the words that the recording has at least `minimum` times."""
    counts = np.bincount(model.word_ids(), minlength=len(model.vocabulary))
    ids = network_ids(model, found)
    return np.sort(ids[(counts >= minimum) & (ids >= 0)])
