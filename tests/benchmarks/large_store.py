"""A large store that looks like a recorded network, the same every time, for measuring and for trying out the screens.

Units follow hidden factors of different inertia and some noise of their own, squashed into -1..1; their scale is such
that at threshold 0.3 a unit is on a third of the time in about 90 runs in 1,000 steps (27 million runs in
1M steps x 300 units). Words are drawn by Zipf's law from 10,000; sequences are 200 to 4,000 steps long; there is a
track of labels that follows one factor, a track of numbers, and the three most probable next words.
Written through the public recorder in chunks, as any framework would.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

import rnnstore

WORDS = 10_000
FACTORS = 24
CHUNK = 1 << 15
LABELS = np.array(["noun", "verb", "adjective", "adverb", "pronoun", "preposition", "other"], dtype=object)
VERSION = 1
"""Raised when the generator changes, so that a cached store is made anew."""


def large_store(folder: Path, steps: int, units: int) -> rnnstore.Model:
    """The model of this size in the store `folder`, made when it is not there yet (about a minute for 300M values)."""
    name = f"large-{steps}x{units}"
    store = rnnstore.open(folder)
    description = f"synthetic, version {VERSION}"
    if name not in store.models or store.models[name].card.description != description:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < 6 * steps * units:
            raise SystemExit(
                f"{folder} has too little room for {name}: about {6 * steps * units / 1e9:.1f} GB are needed."
            )
        print(f"making {name} in {folder} ...", flush=True)
        _record(store, name, description, steps, units)
        store = rnnstore.open(folder)
    return store.models[name]


def _record(store: rnnstore.Store, name: str, description: str, steps: int, units: int) -> None:
    vocabulary = ["the", "of", "and", "to", "in", *(_made_up(number) for number in range(WORDS - 5))]
    with store.writer(name) as writer:
        writer.describe(task="benchmark", cell="none", layers=1, units=units, corpus="synthetic", level="word")
        with writer.record(vocabulary=vocabulary, thresholds=(0.3,), track_sources={"label": "synthetic"}) as recorder:
            for chunk in _chunks(steps, units):
                recorder.add(**chunk)
        writer.describe(description=description)


def _chunks(steps: int, units: int):
    generator = np.random.default_rng(20)
    loading = generator.standard_normal((FACTORS, units), np.float32)
    loading *= generator.random((FACTORS, units)) < 0.15  # each unit listens to a few factors
    own = np.float32(0.8)  # share of noise of its own
    scale = generator.uniform(0.55, 1.1, units).astype(np.float32)
    offset = generator.uniform(-0.1, 0.1, units).astype(np.float32)
    norm = np.sqrt((loading**2).sum(axis=0) + own**2)
    slow = np.geomspace(1.5, 40, FACTORS).astype(np.float32)  # inertia of the factors, in steps
    factors = _Inert(np.exp(-1 / slow))
    noise = _Inert(np.full(units, 0.765, np.float32))
    zipf = np.cumsum(1 / np.arange(1, WORDS + 1))
    left = 0
    for first in range(0, steps, CHUNK):
        n = min(CHUNK, steps - first)
        latent = factors.next(generator.standard_normal((n, FACTORS), np.float32))
        values = latent @ loading
        values += own * noise.next(generator.standard_normal((n, units), np.float32))
        values *= scale / norm
        values += offset
        np.tanh(values, out=values)
        starts = np.zeros(n, bool)
        while left < n:
            starts[left] = True
            left += int(generator.integers(200, 4000))
        left -= n
        ids = np.searchsorted(zipf, generator.random(n) * zipf[-1]).astype(np.int32)
        predicted = np.stack([np.roll(ids, -1), (ids * 7 + 1) % WORDS, (ids * 13 + 2) % WORDS], axis=1)
        certain = (1 / (1 + np.exp(-latent[:, 1]))).astype(np.float32)
        probability = np.stack([0.7 * certain, 0.2 * certain, 0.1 * certain], axis=1)
        yield {
            "words": ids,
            "states": {"layer1.c": values},
            "sequence_starts": starts,
            "annotations": {
                "label": LABELS[np.clip((latent[:, 5] * 1.5 + 3.5).astype(int), 0, len(LABELS) - 1)],
                "depth": np.clip(np.rint(latent[:, -1] * 2 + 3), 0, 8),
            },
            "predictions": rnnstore.Predictions(
                word_ids=predicted,
                probabilities=probability,
                targets=np.roll(ids, -1),
                target_probabilities=probability[:, 0],
                loss=-np.log(probability[:, 0]),
            ),
        }


class _Inert:
    """Series of unit variance in which each value keeps a share `keep` of the one before (an autoregression)."""

    def __init__(self, keep: np.ndarray):
        self._keep = keep.astype(np.float32)
        self._last: np.ndarray | None = None

    def next(self, shocks: np.ndarray) -> np.ndarray:
        """Turn independent shocks float32[n, series] (in place) into the next n values."""
        shocks *= np.sqrt(1 - self._keep**2)
        last = shocks[0] / np.sqrt(1 - self._keep**2) if self._last is None else self._last
        for row in shocks:
            last = row + self._keep * last
            row[:] = last
        self._last = last
        return shocks


def _made_up(number: int) -> str:
    """A pronounceable word that no other number has."""
    word = ""
    number += 100
    while number:
        number, syllable = divmod(number, 80)
        word += "bdfgklmnprstvzhj"[syllable // 5] + "aeiou"[syllable % 5]
    return word
