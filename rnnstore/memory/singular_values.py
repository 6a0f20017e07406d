"""How much a state keeps of a word, delay by delay, read from the table `state_gradients`.

A curve needs singular values alone, so the matrices, which are large, stay in the file (`directions` reads them).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

MEASURES = {
    "sigma_1": "largest singular value",
    "total": "sum of singular values",
    "ratio": "largest / sum",
    "effective_rank": "effective rank",
    "mean_norm": "mean norm of single words'",
}

UNITS = {
    "sigma_1": "state per embedding",
    "total": "state per embedding",
    "ratio": "share",
    "effective_rank": "number of directions",
    "mean_norm": "state per embedding",
}
"""What each measure is counted in: a gradient is a change of the state for a change of the embedding by 1."""

SCALARS = (
    "word_class", "delay", "count", "singular_values", "sigma_1_error", "mean_sigma_1", "mean_sigma_1_error", "sampled",
    "mean_norm",
)  # fmt: skip

SCHEMA = pa.schema(
    [
        ("model", pa.string()), ("state", pa.string()), ("word_class", pa.string()), ("delay", pa.int32()),
        ("count", pa.int64()), *((name, pa.float64()) for name in MEASURES), ("sigma_1_error", pa.float64()),
        ("mean_sigma_1", pa.float64()), ("mean_sigma_1_error", pa.float64()), ("sampled", pa.int64()),
    ]
)  # fmt: skip


def effective_rank(singular_values: np.ndarray) -> float:
    """exp(-sum p log p) with p = sigma / sum of sigma: how many directions are kept, 1 for a single one.

    Roy and Vetterli 2007, "The effective rank". NaN where all are zero.
    """
    total = float(np.sum(singular_values))
    if not total > 0:
        return float("nan")
    shares = np.asarray(singular_values, float) / total
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def has_memory(model: Model) -> list[str]:
    """The states of a model whose gradients are in the store."""
    return [key.partition("/")[2] for key in model.card.files if key.startswith("state_gradients/")]


def command_for(model: Model, state: str | None = None) -> str:
    """The command that computes what is missing."""
    return f"python -m rnnstore memory {model.name}" + (f" --state {state}" if state else "")


def curves(model: Model, state: str) -> pa.Table:
    """The rows of `state_gradients` of a state without matrices: model, state, word_class, delay, count, the
    `MEASURES`, sigma_1_error, mean_sigma_1 with its error, and sampled.

    `QuestionError` says which command computes them where they are not there.
    """
    rows = model.state_gradients(state, SCALARS)
    if not rows.num_rows:
        there = has_memory(model)
        raise QuestionError(
            f"{model.name!r} has no state gradients of {state}{f', but of {chr(44).join(there)}' if there else ''}. "
            f"`{command_for(model, state)}` computes them."
        )
    return measured(rows, model.name, state)


def measured(rows: pa.Table, model: str, state: str) -> pa.Table:
    """What `curves` gives, from the `SCALARS` of a state."""
    values = [np.array(each, float) for each in rows["singular_values"].to_pylist()]
    totals = [float(each.sum()) for each in values]
    found = {
        "model": pa.array([model] * len(values), pa.string()),
        "state": pa.array([state] * len(values), pa.string()),
        "sigma_1": [float(each[0]) for each in values],
        "total": totals,
        "ratio": [float(each[0]) / total if total else None for each, total in zip(values, totals, strict=True)],
        "effective_rank": pa.array([effective_rank(each) for each in values], pa.float64(), from_pandas=True),
    }
    found |= {name: rows[name] for name in SCALARS if name != "singular_values"}
    return pa.table(found).select(SCHEMA.names).cast(SCHEMA)


def of_classes(parts: Sequence[pa.Table], classes: Sequence[str]) -> pa.Table:
    """Curves one below another, of these classes in their order, with the column `series`: what distinguishes each from
    the others."""
    of_each = [part.filter(pc.equal(part["word_class"], name)) for name in dict.fromkeys(classes) for part in parts]
    table = pa.concat_tables([SCHEMA.empty_table(), *of_each])
    columns = [table[name].to_pylist() for name in ("model", "state", "word_class")]
    telling = [column for column in columns if len(set(column)) > 1] or columns[2:]
    series = [": ".join(parts) for parts in zip(*telling, strict=True)]
    return table.append_column("series", pa.array(series, pa.string()))
