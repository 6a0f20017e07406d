"""A small recorded model with a network whose gradients can be found by hand: an LSTM of 3 units over 24 words.

Words `n0`..`n9` are singular (NN) and `s0`..`s9` plural (NNS), the rest verbs (VB) and prepositions (IN); in the first
dimension of the embedding plurals are larger. Sequences have 50 steps.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import rnnstore
from rnnstore.networks import open_network

EMBEDDING, UNITS, STEPS, LENGTH = 4, 3, 200, 50
WORDS = [*(f"n{i}" for i in range(10)), *(f"s{i}" for i in range(10)), "be", "do", "of", "in"]
TAGS = ["NN"] * 10 + ["NNS"] * 10 + ["VB", "VB", "IN", "IN"]


def arrays(scale: float = 0.6) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    shapes = {
        "embedding": (len(WORDS), EMBEDDING), "layer1.kernel": (EMBEDDING, 4 * UNITS),
        "layer1.recurrent": (UNITS, 4 * UNITS), "layer1.bias": (4 * UNITS,), "output.kernel": (UNITS, len(WORDS)),
        "output.bias": (len(WORDS),),
    }  # fmt: skip
    drawn = {name: random.normal(0, scale, shape).astype(np.float32) for name, shape in shapes.items()}
    drawn["embedding"][10:20, 0] += 4
    return drawn


def store_with_memory(path: Path, name: str = "tiny", steps: int = STEPS) -> rnnstore.Store:
    """A store with the model `name`, recorded, without state gradients yet."""
    store = rnnstore.open(path)
    with store.writer(name) as writer:
        folder = writer.folder("network")
    np.savez(folder / "weights.npz", **arrays())
    layer = {"cell": "lstm", "units": UNITS, "peepholes": False}
    sizes = {"vocabulary": len(WORDS), "embedding": EMBEDDING, "layers": [layer], "tie": False, "dropout": 0.0}
    facts = {"format": 1, "network": sizes, "level": "word", "vocabulary": WORDS, "tokenisation": {"level": "word"}}
    (folder / "network.json").write_text(json.dumps(facts), "utf-8")
    store.refresh()
    ids, starts = text(steps)
    found = open_network(store.model(name))
    series = found.run([ids], [starts]).text()
    with store.record(name, vocabulary=WORDS, cell="lstm") as recorder:
        recorder.add(
            words=ids,
            states={state: series[state] for state in found.states},
            sequence_starts=starts,
            annotations={"pos": [TAGS[index] for index in ids], "depth": np.arange(steps, dtype=float)},
        )
    return store


def text(steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """int32[steps] words and bool[steps] where sequences start."""
    return np.random.default_rng(4).integers(0, len(WORDS), steps).astype(np.int32), np.arange(steps) % LENGTH == 0


def by_complex_steps(source: int, delays: int, state: str) -> list[np.ndarray]:
    """float64[units, embedding] for each delay: the derivative of a state by the word at `source`, exact.

    The LSTM is written out here once more; an imaginary step of 1e-30 in one dimension of the embedding comes out as
    the derivative in the imaginary part.
    """
    weights = {name: value.astype(np.float64) for name, value in arrays().items()}
    ids, _ = text()
    first = source - source % LENGTH
    last = min(source + delays, first + LENGTH)
    found = [np.zeros((UNITS, EMBEDDING)) for _ in range(last - source)]
    for dimension in range(EMBEDDING):
        c = h = np.zeros(UNITS, complex)
        for t in range(first, last):
            x = weights["embedding"][ids[t]].astype(complex)
            if t == source:
                x[dimension] += 1e-30j
            gates = x @ weights["layer1.kernel"] + h @ weights["layer1.recurrent"] + weights["layer1.bias"]
            i, f, g, o = np.split(gates, 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            if t >= source:
                found[t - source][:, dimension] = (c if state.endswith("c") else h).imag / 1e-30
    return found
