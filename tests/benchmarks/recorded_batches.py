"""A training of which a hundred thousand batches were recorded, the same every time: what the page is measured on.

The numbers are made up, the sizes are those of the paper's network recorded at every step: 25 characters a batch and
all 325 pairs of steps, 2.5 million words and 32.5 million parts of gradients. Parts fade with the lag, less so as the
training goes on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

import rnnstore
from rnnstore.store.schema import Lifetime
from rnnstore.store.tables import named

WINDOW = 25
CHUNK = 2000
TEXT = "static int read_block(struct inode *node, char *buf)\n{\n\tif (!node)\n\t\treturn -EBADF;\n"
VERSION = 1
"""Raised when the generator changes, so that a cached store is made anew."""


def recorded_batches(folder: Path, batches: int) -> rnnstore.Model:
    """The model with so many recorded batches in the store `folder`, made when it is not there yet."""
    name, description = f"batches-{batches}", f"made-up batches, version {VERSION}"
    store = rnnstore.open(folder)
    if name not in store.models or store.models[name].card.description != description:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {name} in {folder} ...", flush=True)
        _record(store, name, description, batches)
        store = rnnstore.open(folder)
    return store.models[name]


def _record(store: rnnstore.Store, name: str, description: str, batches: int) -> None:
    generator = np.random.default_rng(3)
    with store.writer(name) as writer:
        writer.keep_before(named(Lifetime.BATCHES), 0)
        settings = {"name": name, "training": {"epochs": 1}}
        writer.describe(task="benchmark", cell="vanilla", layers=1, units=100, corpus="made up", settings=settings)
        for first in range(0, batches, CHUNK):
            steps = np.arange(first, min(first + CHUNK, batches))
            writer.append(dict(zip(named(Lifetime.BATCHES), _rows(steps, batches, generator), strict=True)))
        rows = np.linspace(1, batches, 2000).astype(np.int64)
        loss = 1.5 + 2.5 * np.exp(-5 * rows / batches) + generator.normal(0, 0.2, len(rows))
        curve = {"step": rows, "epoch": rows / batches, "loss": loss, "validation_loss": pa.nulls(2000, pa.float64())}
        curve |= {name: np.full(2000, value) for name, value in (("learning_rate", 1e-3), ("tokens_per_second", 3e4))}
        writer.replace("training", pa.table(curve | {"gradient_norm": generator.lognormal(3, 0.4, len(rows))}))
        writer.describe(description=description)


def _rows(steps: np.ndarray, batches: int, generator: np.random.Generator) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The rows of `gradient_horizons`, `itemized_gradients` and `training_batches` of some batches."""
    count, done = len(steps), steps / batches
    t, j = np.nonzero(np.tri(WINDOW, dtype=bool))
    fade = 0.3 + 0.4 * (1 - np.exp(-8 * done))  # what is left of a part from one lag to the next
    high = 2 + 8 * (1 - np.exp(-6 * done))
    of_loss = generator.exponential(1, (count, WINDOW)) * high[:, None]
    magnitude = (of_loss[:, t] * fade[:, None] ** (t - j)).astype(np.float32)
    share = magnitude * generator.choice(np.float32([1, 1, 1, 0.5, -0.25]), magnitude.shape)
    lags = {name: np.ceil(np.log(under) / np.log(fade)) for name, under in (("half_life", 0.5), ("horizon", 0.01))}
    wrong = of_loss > high[:, None]
    text = np.array(list(TEXT))
    read = (steps[:, None] * WINDOW + np.arange(WINDOW)) % len(text)
    position = np.tile(np.arange(WINDOW), count)
    label = text[(read + 1) % len(text)].ravel()
    numbers = {"step": np.repeat(steps, len(t)), "layer": np.ones(magnitude.size, np.int32)}
    return (
        pa.table(
            {"step": steps, "layer": np.ones(count, np.int32), "loss": 1 + of_loss.mean(axis=1) / high}
            | {"maximum": magnitude.max(axis=1), "mean": magnitude.mean(axis=1)}
            | {name: np.where(values < WINDOW, values, np.nan) for name, values in lags.items()}
        ),
        pa.table(
            numbers
            | {"t": np.tile(t, count), "j": np.tile(j, count), "magnitude": magnitude.ravel(), "share": share.ravel()}
        ),
        pa.table(
            {"step": np.repeat(steps, WINDOW), "sequence": np.zeros(read.size, np.int32), "position": position}
            | {"input": text[read].ravel(), "label": label, "predicted": np.where(wrong.ravel(), "e", label)}
            | {"probability": np.full(read.size, 0.5, np.float32)}
            | {"label_probability": np.where(wrong, 0.05, 0.5).astype(np.float32).ravel()}
            | {"loss": np.where(wrong, 3.0, 0.7).astype(np.float32).ravel()}
        ),
    )
