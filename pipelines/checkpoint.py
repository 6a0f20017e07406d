"""What a training leaves on disk while it runs, so that it can be killed at any moment and go on later.

A checkpoint is one file of plain arrays that appears whole or not at all; reading it executes no code. It belongs to
one recipe on one text, and says so.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.corpora.corpus import Corpus
from pipelines.network import read_arrays, write_arrays
from pipelines.recipe import Recipe
from pipelines.vectors import Vectors
from rnnstore.store.tables import TABLES


@dataclass
class Progress:
    """How far a training has come."""

    step: int = 0  # optimiser steps done
    seconds: float = 0.0  # spent training, over all runs
    best: float = math.inf  # lowest validation loss
    best_epoch: int = 0
    finished: bool = False


@dataclass
class Row:
    """A row of the table `training`; the loss is the mean since the row before, in nats a word or text.

    `gradients` has an entry a weight: norm and largest entry of its gradient, its own norm, shares by `DECADES`.
    """

    step: int
    epoch: float
    loss: float
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    gradients: list[list[float]] = field(default_factory=list)


@dataclass
class Checkpoint:
    """All that changes during a training: weights, optimiser and carried state in `values`, the best weights, rows."""

    settings: str  # `settings_key` of the training that it belongs to
    done: Progress
    rows: list[Row]
    values: list[np.ndarray]
    best: list[np.ndarray]


def settings_key(recipe: Recipe, corpus: Corpus, vectors: Vectors | None = None) -> str:
    """Changes with anything in the recipe, its text or its word vectors that changes what is learned; defaults do not
    count."""
    parts = recipe.model_dump(
        mode="json",
        include={"corpus": True, "network": True, "training": True},
        exclude={"training": {"itemize"}},
        exclude_defaults=True,
    )
    digest = hashlib.sha256(json.dumps([parts, corpus.vocabulary], sort_keys=True).encode())
    digest.update(corpus.splits["train"].word_ids.tobytes())
    if vectors is not None:
        digest.update(vectors.values.astype("<f4").tobytes())
    if corpus.labels is not None:
        digest.update(json.dumps(corpus.labels).encode())
        asked = corpus.splits["train"].labels if corpus.task == "classifier" else corpus.splits["train"].targets
        assert asked is not None  # a corpus with labels asks for them
        digest.update(asked.astype("<i4").tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint as one file of arrays, which appears whole or not at all."""
    facts = {
        "settings": checkpoint.settings,
        "done": vars(checkpoint.done),
        "rows": [vars(row) for row in checkpoint.rows],
    }
    arrays = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    arrays |= {f"value{i}": value for i, value in enumerate(checkpoint.values)}
    arrays |= {f"best{i}": value for i, value in enumerate(checkpoint.best)}
    write_arrays(path, arrays)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in a file; None when there is none, or none that can be read."""
    arrays = read_arrays(path)
    if arrays is None or "facts" not in arrays:
        return None
    facts = json.loads(arrays["facts"].tobytes())
    values, best = ([arrays[f"{p}{i}"] for i in range(sum(k.startswith(p) for k in arrays))] for p in ("value", "best"))
    return Checkpoint(facts["settings"], Progress(**facts["done"]), [Row(**row) for row in facts["rows"]], values, best)


def training_table(rows: list[Row]) -> pa.Table:
    """The rows as the store's `training` table."""
    types = {"step": pa.int64()}
    names = [column.name for column in fields(Row) if column.name != "gradients"]
    return pa.table({n: pa.array([getattr(row, n) for row in rows], types.get(n, pa.float64())) for n in names})


def gradients_table(rows: list[Row], weights: list[str]) -> pa.Table:
    """What the rows say of every weight's gradient, as the store's `training_gradients` table."""
    found = [
        (row.step, weight, norm, largest, weight_norm, shares)
        for row in rows
        for weight, (norm, largest, weight_norm, *shares) in zip(weights, row.gradients, strict=False)
    ]
    schema = TABLES["training_gradients"].schema
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in found], schema)
