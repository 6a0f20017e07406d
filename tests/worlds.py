"""Small worlds for tests: stores of a few steps whose every number can be followed by eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import rnnstore


def record(path: Path, name: str = "small", *, words="the cat sat . a dog ran .".split(), states=None, **recording):
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
