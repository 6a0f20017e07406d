"""Small worlds for tests: recordings and models of a few steps whose every number can be followed by eye."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

import rnnstore
from rnnstore.errors import UnknownName
from rnnstore.store.card import Card, State

WORDS = ("the", "cat", "sat", ".", "a", "dog", "ran", ".")


def record(path: Path, name: str = "small", *, words=WORDS, states=None, **recording):
    """Record a model of a few steps at once; `states` defaults to two units that count and alternate."""
    steps = len(words)
    if states is None:
        states = {"hidden": np.stack([np.arange(steps) / 8, np.arange(steps) % 2 - 0.5], axis=1)}
    own = {key: recording.pop(key) for key in ("sequence_starts", "annotations", "predictions") if key in recording}
    store = rnnstore.open(path)
    with store.record(name, **recording) as recorder:
        recorder.add(words=words, states=states, **own)
    return store


def random_world(seed: int, steps: int = 500, units: int = 4, vocabulary: int = 7, chance_of_start: float = 0.02):
    """(words, values float16-representable [steps, units], sequence_starts) of a random recording."""
    random = np.random.default_rng(seed)
    words = [f"w{index}" for index in random.integers(0, vocabulary, steps)]
    values = random.normal(size=(steps, units)).astype(np.float16)
    starts = random.random(steps) < chance_of_start
    starts[0] = True
    return words, values, starts


class ArrayModel:
    """What a `Model` answers about one state "s", from float[steps, units] and the steps at which sequences start."""

    name = "world"
    card = SimpleNamespace(cell="")

    def __init__(self, values, sequence_starts=(0,)):
        self.values = np.asarray(values)
        self.steps, units = self.values.shape
        self.sequence_starts = np.array(sequence_starts if self.steps else [], np.int64)
        self.states = {"s": State(name="s", units=units, dtype=self.values.dtype.name, minimum=-1, maximum=1)}

    def state(self, name):
        if name not in self.states:
            raise UnknownName(f"Model {self.name!r} has no state {name!r}.")
        return self.states[name]

    def unit_values(self, state, units, start=0, stop=None):
        return np.ascontiguousarray(self.values[start:stop, list(units)].T)

    def vectors(self, state, start, stop):
        assert 0 <= start <= stop <= self.steps
        return self.values[start:stop].copy()

    def vectors_at(self, state, steps):
        return self.values[steps]


def drawn(*rows: str, sequence_starts=(0,)) -> ArrayModel:
    """A model from a drawing: a row a unit, a character a step, `#` on (1.0) and anything else off (0.0)."""
    on = np.array([[character == "#" for character in row] for row in rows])
    return ArrayModel(on.T.astype(np.float16), sequence_starts)


class TextModel:
    """What a `Model` answers about its words, from a list of them and the steps at which sequences start."""

    name = "world"

    def __init__(self, words, sequence_starts=(0,), level="word"):
        self.all = list(words)
        self.steps = len(self.all)
        self.vocabulary = sorted(set(self.all))
        self.sequence_starts = np.array(sequence_starts if self.steps else [], np.int64)
        self.card = Card(created="", level=level, steps=self.steps)

    def word_ids(self, start=0, stop=None):
        return np.array([self.vocabulary.index(word) for word in self.all[start:stop]], np.int32)

    def words_at(self, steps):
        return pa.table({"t": steps, "word": pa.array([self.all[step] for step in steps], pa.string())})
