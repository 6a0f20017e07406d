"""A model in which groups of words and units are planted, the same every time: what co-clusters are measured and tried
out on.

Every unit belongs to one of ten or twenty groups and every word, too; a word moves the units of a group by what is
planted for both groups, times a strength of its own, and by some noise. 10,000 made-up words are drawn by Zipf's law.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import rnnstore

WORDS = 10_000
CHUNK = 1 << 14
SYLLABLES = re.findall("..", "bacedifoguhajekilomunaperosutavewixozuarenilorum")
VERSION = 1
"""Raised when the generator changes, so that a cached store is made anew."""


def planted_store(folder: Path, units: int, steps: int = 60_000) -> rnnstore.Model:
    """The model with so many units in the store `folder`, made when it is not there yet."""
    name, description = f"planted-{units}", f"planted groups, version {VERSION}, {steps:,} steps"
    store = rnnstore.open(folder)
    if name not in store.models or store.models[name].card.description != description:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {name} in {folder} ...", flush=True)
        _record(store, name, description, units, steps)
        store = rnnstore.open(folder)
    return store.models[name]


def _record(store: rnnstore.Store, name: str, description: str, units: int, steps: int) -> None:
    generator = np.random.default_rng(5)
    groups = 20 if units > 1000 else 10
    of_word = generator.integers(0, groups, WORDS)
    of_unit = generator.choice(groups, units, p=generator.dirichlet(np.full(groups, 2.0)))
    planted = generator.normal(0, 0.25, (groups, groups)) * (generator.random((groups, groups)) < 0.4)
    planted += np.diag(generator.choice([-0.9, 0.9], groups))
    strength = generator.uniform(0.2, 1, (WORDS, 1))
    mean = (0.6 * planted[of_word][:, of_unit] * strength).astype(np.float32)
    often = 1 / np.arange(1, WORDS + 1)
    ids = np.concatenate([np.arange(WORDS), generator.choice(WORDS, steps - WORDS, p=often / often.sum())])
    generator.shuffle(ids)
    with store.writer(name) as writer:
        writer.describe(task="benchmark", cell="none", layers=1, units=units, corpus="planted groups", level="word")
        with writer.record(vocabulary=[_made_up(number) for number in range(WORDS)], thresholds=()) as recorder:
            for first in range(0, steps, CHUNK):
                here = ids[first : first + CHUNK]
                values = mean[here] + generator.normal(0, 0.12, (len(here), units)).astype(np.float32)
                kinds = np.array([f"group {group}" for group in of_word[here]], dtype=object)
                recorder.add(words=here, states={"layer1.c": values}, annotations={"group": kinds})
        writer.describe(description=description)


def _made_up(number: int) -> str:
    """A word for each number: two syllables and more, the frequent ones short."""
    text = ""
    number += len(SYLLABLES)
    while number:
        number, syllable = divmod(number, len(SYLLABLES))
        text += SYLLABLES[syllable]
    return text
