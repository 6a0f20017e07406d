"""State gradients: how long a network's state keeps a word, and which directions of its embedding.

G(t, delay) = d h(t) / d x(t - delay) is a matrix, float32[units, embedding], of any state or gate h. Its mean over many
steps, for each delay and each class of source words, is taken apart by a singular value decomposition: right vectors
are the directions of the embedding that are kept best, singular values how strongly, left vectors where in the state
(Verwimp, Van hamme and Renkens, "State Gradients for RNN Memory Analysis", 2018). A mean of signed matrices can cancel,
so means of what single tokens have (the largest singular value, the Frobenius norm) stand beside it.

The network takes every word's tangents forward (`Network.jvp`); here they are added up, in its threads, while they are
near the processor. Only sums are kept, so memory does not grow with the text.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.networks.forward import sequence_ends
from rnnstore.networks.interface import Callback, Network
from rnnstore.store.tables import TABLES
from rnnstore.threads import one_thread

ALL = "all words"
"""The class of every word."""

BLOCKS = 8
"""Contiguous parts of the text whose means of all words give the standard error of sigma_1 (jackknife)."""

SAMPLE = 200
"""Tokens of a class whose own largest singular value is taken, at most; evenly spread over the text."""


class _Sums:
    """What is added up, by state: matrices and moments by class (after the classes the blocks) and delay."""

    def __init__(
        self,
        network: Network,
        states: Sequence[str],
        classes: Mapping[str, np.ndarray],
        starts: np.ndarray,
        follow: np.ndarray,
        delays: int,
    ) -> None:
        steps, width, count = len(starts), network.input_width, len(classes)
        block = np.arange(steps) * BLOCKS // steps
        members = [*(np.asarray(each, bool) for each in classes.values()), *(block == k for k in range(BLOCKS))]
        self.rows = np.stack(members) & follow
        self.end, self.delays = sequence_ends(starts), delays
        self.sample = _sample([*self.rows[:count], follow])
        self.matrix = {
            name: np.zeros((count + BLOCKS, delays, width, network.widths[name]), np.float32) for name in states
        }
        self.norm = {name: np.zeros((count + BLOCKS, delays)) for name in states}
        self.count = np.zeros((count + BLOCKS, delays), np.int64)
        self.sigma = {name: np.zeros((count + 1, delays, 2)) for name in states}  # sum, sum of squares
        self.sampled = np.zeros((count + 1, delays), np.int64)
        self.locks = [threading.Lock() for _ in range(delays)]
        self.lock = threading.Lock()

    @contextmanager
    def visit(self, sources: np.ndarray) -> Iterator[Callback]:
        """Add what the words at `sources` do to later states: see `Network.jvp`."""
        places = [(np.flatnonzero(self.rows[:, place]), self.sample.get(place)) for place in sources.tolist()]
        norms = {name: np.zeros((len(sources), self.delays)) for name in self.matrix}

        def add(name: str, number: int, delay: int, values: np.ndarray) -> None:
            members, sample = places[number]
            norms[name][number, delay] = math.sqrt(np.vdot(values, values))
            with self.locks[delay]:
                for row in members:
                    total = self.matrix[name][row, delay]
                    np.add(total, values, out=total)
            if sample is not None:
                largest = _largest(values)
                with self.lock:
                    self.sigma[name][sample, delay] += (largest, largest**2)

        yield add
        last = np.minimum(self.delays, self.end[sources] - sources)  # delays that each has
        belongs = self.rows[:, sources].astype(float)
        with self.lock:
            self.count += (belongs @ (np.arange(self.delays) < last[:, None])).astype(np.int64)
            for name, values in norms.items():
                self.norm[name] += belongs @ values
            for (_, sample), delays in zip(places, last.tolist(), strict=True):
                if sample is not None:
                    self.sampled[sample, :delays] += 1


def gradients_of_words(
    network: Network,
    ids: np.ndarray,
    starts: np.ndarray,
    *,
    states: Sequence[str] | None = None,
    delays: int = 50,
    classes: Mapping[str, np.ndarray] | None = None,
    before: Mapping[str, np.ndarray] | None = None,
    sources: np.ndarray | None = None,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> pa.Table:
    """The rows of the table `state_gradients` for a text of n words.

    `ids` int32[n] and `starts` bool[n] (a sequence starts) are the text; `states` the names of states and gates, None
    for every memory and hidden vector; `delays` 0 to delays - 1; `classes` bool[n] by name, which words belong to each;
    `before` every state before the first step, zero where it is not given. After every few words `progress` is called
    with how many were followed and how many there are; with `sources`, bool[n], only those are followed and are `all
    words`. Pairs across a sequence's start are no pairs. `QuestionError` for an unknown state, a class without words,
    or gradients that grow beyond all numbers.
    """
    classes = dict(classes or {})
    states = list(network.states if states is None else states)
    network.need("gradients")
    network.known(states)
    for name, members in classes.items():
        if not np.asarray(members).any():
            raise QuestionError(f"No word of the text belongs to the class {name!r}, so it has no mean.")
    follow = np.ones(len(ids), bool) if sources is None else np.asarray(sources, bool)
    if not follow.any() or delays < 1:
        raise QuestionError("State gradients need at least one word and at least the delay 0.")
    sums = _Sums(network, states, classes, starts, follow, delays)
    network.jvp(
        ids, starts, states, delays, sums.visit, before=before, sources=follow, progress=progress, threads=threads
    )
    with one_thread():
        return _table(sums, network.name, states, list(classes), delays)


def _largest(matrix: np.ndarray) -> float:
    """The largest singular value."""
    if not np.isfinite(matrix).all():
        return np.inf
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0)))


def _sample(classes: Sequence[np.ndarray]) -> dict[int, list[int]]:
    """Which classes, bool[n] each, every sampled step stands for."""
    found: dict[int, list[int]] = {}
    for number, members in enumerate(classes):
        places = np.flatnonzero(members)
        for step in places[:: max(1, -(-len(places) // SAMPLE))].tolist():
            found.setdefault(step, []).append(number)
    return found


def _table(sums: _Sums, model: str, states: Sequence[str], classes: Sequence[str], delays: int) -> pa.Table:
    rows = []
    for name in states:
        grown = np.flatnonzero(
            ~np.isfinite(sums.matrix[name]).all(axis=(0, 2, 3)) | ~np.isfinite(sums.norm[name]).all(0)
        )
        if len(grown):
            raise QuestionError(
                f"The gradients of {name} of {model} are no numbers any more from delay {grown[0]} on: they grow at "
                f"every step, or its weights are damaged. Ask for {grown[0]} delays or fewer."
                if grown[0]
                else f"The gradients of {name} of {model} are no numbers; its weights are damaged. Train it again."
            )
        blocks = sums.matrix[name][len(classes) :]
        for index, word_class in enumerate([*classes, ALL]):
            everyone = word_class == ALL and index == len(classes)
            for delay in range(delays):
                part = slice(len(classes), None) if everyone else slice(index, index + 1)
                count = int(sums.count[part, delay].sum())
                if not count:
                    continue
                matrix = sums.matrix[name][part, delay].sum(axis=0, dtype=np.float64) / count
                sampled = int(sums.sampled[index, delay])
                total, squares = sums.sigma[name][index, delay]
                mean = total / sampled if sampled else None
                variance = max(squares / sampled - (total / sampled) ** 2, 0) / (sampled - 1) if sampled > 1 else None
                rows.append(
                    {
                        "state": name,
                        "word_class": word_class,
                        "delay": delay,
                        "count": count,
                        "matrix": matrix.T.ravel().astype(np.float32),  # row-major [units, embedding]
                        "singular_values": np.linalg.svd(matrix, compute_uv=False).astype(np.float32),
                        "sigma_1_error": _jackknife(blocks[:, delay], sums.count[part, delay]) if everyone else None,
                        "mean_sigma_1": mean,
                        "mean_sigma_1_error": None if variance is None else float(np.sqrt(variance)),
                        "sampled": sampled,
                        "mean_norm": float(sums.norm[name][part, delay].sum()) / count,
                    }
                )
    columns = TABLES["state_gradients"].columns
    return pa.Table.from_pylist(rows, pa.schema([(column.name, column.type) for column in columns]))


def _jackknife(blocks: np.ndarray, counts: np.ndarray) -> float | None:
    """Standard error of the largest singular value of the mean, from leaving out one block at a time."""
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return None
    whole, everyone = blocks[used].sum(axis=0, dtype=np.float64), counts[used].sum()
    left_out = np.array([_largest((whole - blocks[k]) / (everyone - counts[k])) for k in used])
    return float(np.sqrt((len(used) - 1) / len(used) * np.sum((left_out - np.mean(left_out)) ** 2)))
