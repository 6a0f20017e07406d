"""State gradients: how long a network's state keeps a word, and which directions of its embedding.

G(t, delay) = d h(t) / d x(t - delay) is a matrix, float32[units, embedding], of any state or gate h. Its mean over many
steps, for each delay and each class of source words, is taken apart by a singular value decomposition: right vectors
are the directions of the embedding that are kept best, singular values how strongly, left vectors where in the state
(Verwimp, Van hamme and Renkens, "State Gradients for RNN Memory Analysis", 2018). A mean of signed matrices can cancel,
so means of what single tokens have (the largest singular value, the Frobenius norm) stand beside it.

Every word is followed forward: as many tangents as the embedding has dimensions, through the merged matrices of each
step, which many words share. Several words are followed side by side and added up while they are near the processor,
and the matrices of the next words are made meanwhile. Only sums are kept, so memory does not grow with the text.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, nearest
from rnnstore.memory.following import Followed, Layer
from rnnstore.networks.network import Network
from rnnstore.store.tables import TABLES
from rnnstore.threads import one_thread

ALL = "all words"
"""The class of every word."""

BLOCKS = 8
"""Contiguous parts of the text whose means of all words give the standard error of sigma_1 (jackknife)."""

SAMPLE = 200
"""Tokens of a class whose own largest singular value is taken, at most; evenly spread over the text."""

_SOURCES = 32  # followed between two looks at progress

_AHEAD = 3  # such groups are begun before the first of them is done, so that no thread waits for the others at its end

_TOGETHER = 5  # words that a thread follows side by side: their products are one


class _Sums:
    """What is added up, by state: matrices and moments by class (after the classes the blocks) and delay."""

    def __init__(self, network: Network, states: Sequence[str], classes: int, delays: int):
        units = {
            f"layer{number}.{name}": width
            for number, cell in enumerate(network.cells, 1)
            for name, width in cell.widths.items()
        }
        width = network.cells[0].inputs
        self.matrix = {name: np.zeros((classes + BLOCKS, delays, width, units[name]), np.float32) for name in states}
        self.norm = {name: np.zeros((classes + BLOCKS, delays)) for name in states}
        self.count = np.zeros((classes + BLOCKS, delays), np.int64)
        self.sigma = {name: np.zeros((classes + 1, delays, 2)) for name in states}  # sum, sum of squares
        self.sampled = np.zeros((classes + 1, delays), np.int64)
        self.locks = [threading.Lock() for _ in range(delays)]
        self.lock = threading.Lock()


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
    there = [*network.states, *network.gates]
    for name in states:
        if name not in there:
            raise QuestionError(f"{network.name!r} has no state or gate {name!r}: {nearest(name, there)}")
    for name, members in classes.items():
        if not np.asarray(members).any():
            raise QuestionError(f"No word of the text belongs to the class {name!r}, so it has no mean.")
    follow = np.ones(len(ids), bool) if sources is None else np.asarray(sources, bool)
    if not follow.any() or delays < 1:
        raise QuestionError("State gradients need at least one word and at least the delay 0.")
    threads = threads or os.cpu_count() or 1
    end = _ends(starts)  # one past the last step of each word's sequence
    block = np.arange(len(ids)) * BLOCKS // len(ids)
    rows = np.stack([*(np.asarray(each, bool) for each in classes.values()), *(block == k for k in range(BLOCKS))])
    rows &= follow
    sampled = _sample([*rows[: len(classes)], follow])
    needed = _within(follow, end, delays)
    sums = _Sums(network, states, len(classes), delays)
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        begun = deque()
        for first, steps in _windows(network, ids, starts, states, delays, before, needed):
            if len(begun) == _AHEAD:
                _finish(*begun.popleft(), progress, len(ids))
            stop = min(first + _SOURCES, len(ids))
            given = (steps, first, sums, end, rows, sampled)
            begun.append(([pool.submit(_followed, group, *given) for group in _groups(follow, first, stop)], stop))
        for each in begun:
            _finish(*each, progress, len(ids))
        return _table(sums, network.name, states, list(classes), delays)


def _groups(follow, first, stop) -> Iterator[np.ndarray]:
    """The steps first..stop-1 that are followed, in groups that follow one another without a gap."""
    places = first + np.flatnonzero(follow[first:stop])
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        for at in range(0, len(run), _TOGETHER):
            yield run[at : at + _TOGETHER]


def _within(follow, end, delays) -> np.ndarray:
    """bool[n]: the steps that some followed word is carried through."""
    places = np.flatnonzero(follow)
    change = np.zeros(len(follow) + 1, np.int64)
    np.add.at(change, places, 1)
    np.add.at(change, np.minimum(places + delays, end[places]), -1)
    return np.cumsum(change)[:-1] > 0


def _finish(work, done, progress, everything) -> None:
    for each in work:
        each.result()
    if work and progress:
        progress(done, everything)


def _followed(*given) -> None:
    with np.errstate(over="ignore", invalid="ignore"):  # said at the end, with the delay from which on
        _follow(*given)


def _follow(sources, steps, first, sums, end, rows, sampled) -> None:
    """Add what the words at `sources`, some that follow one another, do to later states."""
    delays, wanted = sums.count.shape[1], list(sums.matrix)
    many, members = len(sources), [np.flatnonzero(column) for column in rows[:, sources].T]
    last = np.minimum(delays, end[sources] - sources)  # delays that each source has
    held = Followed(steps[int(sources[0]) - first], many, wanted)
    norms = {name: np.zeros((many, delays)) for name in wanted}
    ends, finished = np.arange(many) + last, 0  # when each source is done: rising, as those of one sequence end alike

    def add(at: int, name: str, source: int) -> None:
        values, delay = held.tangents[name][source], at - source
        norms[name][source, delay] = math.sqrt(np.vdot(values, values))
        with sums.locks[delay]:
            for row in members[source]:
                total = sums.matrix[name][row, delay]
                np.add(total, values, out=total)

    for at in range(int(ends.max())):
        while finished < many and ends[finished] <= at:
            finished += 1
        step = steps[int(sources[0]) - first + at]
        held.carry(step, finished, min(at, many), at < many, partial(add, at))
        for source in range(finished, min(many, at + 1)):
            if (place := int(sources[source])) in sampled:
                _sample_sigma(sums, {name: held.tangents[name][source] for name in wanted}, sampled[place], at - source)
    belongs = rows[:, sources].astype(float)
    with sums.lock:
        sums.count += (belongs @ (np.arange(delays) < last[:, None])).astype(np.int64)
        for name in wanted:
            sums.norm[name] += belongs @ norms[name]


def _sample_sigma(sums, tangents, members, delay) -> None:
    squares = {name: _largest(values) ** 2 for name, values in tangents.items()}
    with sums.lock:
        sums.sampled[members, delay] += 1
        for name, square in squares.items():
            sums.sigma[name][members, delay] += (np.sqrt(square), square)


def _largest(matrix: np.ndarray) -> float:
    """The largest singular value."""
    if not np.isfinite(matrix).all():
        return np.inf
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0)))


def _windows(network, ids, starts, states, delays, before, needed) -> Iterator[tuple[int, list[list[Layer] | None]]]:
    """(first source, the steps from it on that its group of sources needs), each step made once."""
    steps, done, kept = [], 0, (_AHEAD + 1) * _SOURCES + delays
    layers = []
    for number, cell in enumerate(network.cells, 1):
        weights = cell.by_gate(network.layer_weights(number))
        wanted = [gate for gate in cell.gates if f"layer{number}.{gate}" in states]
        layers.append((cell.in_place(weights, kept, network.cells[0].inputs), wanted))
    for first in range(0, len(ids), _SOURCES):
        stop = min(first + _SOURCES + delays - 1, len(ids))
        if stop > done:
            series = network.run(ids[done:stop], starts[done:stop], before)
            x = network.inputs(ids[done:stop]) if network.cells[0].reads_input else None
            steps = steps + _made(layers, series, before, starts[done:stop], x, done, needed)
            before, done = {name: series[name][-1] for name in network.states}, stop
        yield first, steps
        steps = steps[_SOURCES:]


def _made(layers, series, before, starts, x, first, needed) -> list[list[Layer] | None]:
    """The steps from `first` on that `series` holds; None for those that no word is carried through."""
    known = []
    for number, (each, gates) in enumerate(layers, 1):
        cell, earlier = each.cell, {}
        own = {name: series[f"layer{number}.{name}"] for name in cell.widths}
        for name in cell.states:
            one = np.zeros_like(own[name][:1]) if before is None else before[f"layer{number}.{name}"][None]
            earlier[name] = np.concatenate([one, own[name][:-1]])
            earlier[name][starts] = 0
        of_gates = cell.gate_residuals(each.weights, earlier, own, x) if gates else {}
        known.append((each, cell.residuals(each.weights, earlier, own, x), gates, of_gates))
        x = own["h"]
    return [
        [
            Layer(each, each.ready(first + t, _at(residuals, t)), gates, _at(of_gates, t))
            for each, residuals, gates, of_gates in known
        ]
        if needed[first + t]
        else None
        for t in range(len(starts))
    ]


def _at(residuals, t):
    return {name: values[t] for name, values in residuals.items()}


def _ends(starts: np.ndarray) -> np.ndarray:
    """int64[n]: one past the last step of the sequence that each step lies in."""
    begins = np.append(np.flatnonzero(starts), len(starts))
    return begins[np.searchsorted(begins, np.arange(len(starts)), "right")]


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
                spread = max(squares / sampled - mean**2, 0) / (sampled - 1) if sampled > 1 else None
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
                        "mean_sigma_1_error": None if spread is None else float(np.sqrt(spread)),
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
    left_out = [_largest((whole - blocks[k]) / (everyone - counts[k])) for k in used]
    return float(np.sqrt((len(used) - 1) / len(used) * np.sum((left_out - np.mean(left_out)) ** 2)))
