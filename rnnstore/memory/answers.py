"""What a state remembers, read from the table `state_gradients`: curves over the delay, and directions at one delay.

A curve needs singular values alone, so the matrices, which are large, stay in the file until a delay is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError, UnknownName, nearest
from rnnstore.memory.recording import network_ids
from rnnstore.memory.state_gradients import ALL, state_gradients
from rnnstore.networks.network import Network, network
from rnnstore.store.model import Model

MEASURES = {
    "sigma_1": "largest singular value",
    "total": "sum of singular values",
    "ratio": "largest / sum",
    "effective_rank": "effective rank",
}

SCALARS = (
    "word_class", "delay", "count", "singular_values", "sigma_1_error", "mean_sigma_1", "mean_sigma_1_error", "sampled",
    "mean_norm",
)  # fmt: skip

OCCURRENCES = 30
"""Places of one word that are followed for its own curve, at most; evenly spread over the recording."""

WARM_UP = 100
"""Steps that the network reads before each of them, to come into its state."""

_SCHEMA = pa.schema(
    [
        ("model", pa.string()), ("state", pa.string()), ("word_class", pa.string()), ("delay", pa.int32()),
        ("count", pa.int64()), *((name, pa.float64()) for name in MEASURES), ("sigma_1_error", pa.float64()),
        ("mean_sigma_1", pa.float64()), ("mean_sigma_1_error", pa.float64()), ("sampled", pa.int64()),
        ("mean_norm", pa.float64()),
    ]
)  # fmt: skip


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
    """The rows of `state_gradients` of a state without matrices: model, state, word_class, delay, count, the four
    `MEASURES`, sigma_1_error, mean_sigma_1 with its error, sampled and mean_norm.

    `QuestionError` says which command computes them where they are not there.
    """
    rows = model.state_gradients(state, SCALARS)
    if not rows.num_rows:
        there = has_memory(model)
        raise QuestionError(
            f"{model.name!r} has no state gradients of {state}{f', but of {chr(44).join(there)}' if there else ''}. "
            f"`{command_for(model, state)}` computes them."
        )
    return _measured(rows, model.name, state)


def _measured(rows: pa.Table, model: str, state: str) -> pa.Table:
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
    return pa.table(found).select(_SCHEMA.names).cast(_SCHEMA)


def matrix(model: Model, state: str, word_class: str, delay: int) -> tuple[np.ndarray, int]:
    """float32[units, embedding], the mean gradient of a class at a delay, and the pairs that it is over."""
    rows = model.state_gradients(state, ["matrix", "count"], word_class, delay)
    if not rows.num_rows:
        known = model.state_gradients(state, ["word_class", "delay"])
        classes = list(dict.fromkeys(known["word_class"].to_pylist()))
        if classes and word_class not in classes:
            raise UnknownName(
                f"{model.name!r} has no state gradients of the class {word_class!r}: {nearest(word_class, classes)}"
            )
        if not classes:
            curves(model, state)  # says what is missing
        raise QuestionError(f"Delays up to {max(known['delay'].to_pylist())} were computed, not {delay}.")
    values = rows["matrix"].combine_chunks().values.to_numpy()
    return values.reshape(-1, network(model).cells[0].inputs), int(rows["count"][0].as_py())


def directions(model: Model, state: str, word_class: str = ALL, delay: int = 0) -> Directions:
    """The singular value decomposition of the mean gradient of a class at a delay."""
    values, count = matrix(model, state, word_class, delay)
    left, sigma, right = np.linalg.svd(values.astype(np.float64), full_matrices=False)
    left = left.T
    turn = np.sign(left[np.arange(len(left)), np.abs(left).argmax(axis=1)])
    turn[turn == 0] = 1
    return Directions(model.name, state, word_class, delay, count, sigma, right * turn[:, None], left * turn[:, None])


def nearest_words(found: Network, direction: np.ndarray, many: int = 8, among: np.ndarray | None = None) -> list:
    """(word, cosine) of the words whose embeddings lie nearest to a direction, first those along it, then against it.

    The mean embedding is taken away first: else what all words have in common decides. `among` are the numbers of the
    words that are looked at, all where it is None.
    """
    numbers = np.arange(len(found.words)) if among is None else np.asarray(among)
    centred = found.inputs(numbers).astype(np.float64)
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


@dataclass(frozen=True)
class WordCurve:
    """`table` as `curves` for one word's own occurrences; `occurrences` were followed of `of`."""

    table: pa.Table
    word: str
    occurrences: int
    of: int


def word_curve(
    model: Model, state: str, word: str, delays: int = 30, occurrences: int = OCCURRENCES, threads: int | None = None
) -> WordCurve:
    """The memory of one word, from an even sample of its occurrences, computed now.

    The network reads `WARM_UP` steps before each of them. Raises `UnknownName` for a word that was never read.
    """
    found = network(model)
    if word not in model.vocabulary or not word:
        raise UnknownName(f"{model.name!r} never read {word!r}: {nearest(word, model.vocabulary)}")
    places = np.flatnonzero(model.word_ids() == model.vocabulary.index(word))
    chosen = places[np.linspace(0, len(places) - 1, min(occurrences, len(places))).astype(int)]
    begins, ids = model.sequence_starts, network_ids(model, found)
    own = np.searchsorted(begins, chosen, "right")
    texts, starts, sources = [], [], []
    for place, number in zip(chosen.tolist(), own.tolist(), strict=True):
        first = max(int(begins[number - 1]), place - WARM_UP)
        last = min(int(begins[number]) if number < len(begins) else model.steps, place + delays)
        texts.append(ids[model.word_ids(first, last)])
        starts.append(np.arange(last - first) == 0)
        sources.append(np.arange(first, last) == place)
    table = state_gradients(
        found,
        np.concatenate(texts),
        np.concatenate(starts),
        states=[state],
        delays=delays,
        sources=np.concatenate(sources),
        threads=threads,
    )
    rows = _measured(table.select(SCALARS), model.name, state)
    named = rows.set_column(
        rows.schema.get_field_index("word_class"), "word_class", pa.array([f"“{word}”"] * rows.num_rows)
    )
    return WordCurve(named.cast(_SCHEMA), word, len(chosen), len(places))


def of_classes(parts: Sequence[pa.Table], classes: Sequence[str]) -> pa.Table:
    """Curves one below another, of these classes, with the column `series`: what tells each from the others."""
    table = pa.concat_tables([_SCHEMA.empty_table(), *parts])
    table = table.filter(pc.is_in(table["word_class"], pa.array(list(classes), pa.string())))
    models, kinds = (set(table[column].to_pylist()) for column in ("model", "word_class"))
    rows = zip(table["model"].to_pylist(), table["word_class"].to_pylist(), strict=True)
    series = [
        f"{model}: {kind}" if len(models) > 1 and len(kinds) > 1 else model if len(models) > 1 else kind
        for model, kind in rows
    ]
    return table.append_column("series", pa.array(series, pa.string()))
