"""State gradients: how long a network's state keeps a word, and which directions of its embedding.

G(t, delay) = d h(t) / d x(t - delay) is a matrix, float32[units, embedding]. Its mean over many steps, for each delay
and each class of source words, is taken apart by a singular value decomposition: right vectors are the directions of
the embedding that are kept best, singular values how strongly, left vectors where in the state (Verwimp, Van hamme and
Renkens, "State Gradients for RNN Memory Analysis", 2018). A mean of signed matrices can cancel, so means of what single
tokens have (the largest singular value, the Frobenius norm) stand beside it.

Every word is followed forward: as many tangents as the embedding has dimensions, through the merged matrices of each
step, which many words share. Only sums are kept, so memory does not grow with the text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.derivatives import Derivative, derivative
from rnnstore.errors import QuestionError, nearest
from rnnstore.network import Network
from rnnstore.tables import BY_NAME
from rnnstore.threads import one_thread

ALL = "all words"
"""The class of every word."""

BLOCKS = 8
"""Contiguous parts of the text whose means of all words give the standard error of sigma_1 (jackknife)."""

SAMPLE = 200
"""Tokens of a class whose own largest singular value is taken, at most; evenly spread over the text."""

_SOURCES = 64  # followed between two looks at progress; with the delays, so many steps' matrices are held


@dataclass(frozen=True)
class _Step:
    """What carries tangents through one step, per layer: derivative, merged matrices and factors."""

    layers: list[tuple[Derivative, Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]


class _Sums:
    """What one thread adds up, by state: matrices and moments by class (last axis of classes: the blocks) and delay."""

    def __init__(self, network: Network, states: Sequence[str], classes: int, delays: int):
        units = {name: network.cells[int(name.split(".")[0].removeprefix("layer")) - 1].units for name in states}
        width = network.cells[0].inputs
        self.matrix = {name: np.zeros((classes + BLOCKS, delays, width, units[name]), np.float32) for name in states}
        self.norm = {name: np.zeros((classes + BLOCKS, delays)) for name in states}
        self.count = np.zeros((classes + BLOCKS, delays), np.int64)
        self.sigma = {name: np.zeros((classes + 1, delays, 2)) for name in states}  # sum, sum of squares
        self.sampled = np.zeros((classes + 1, delays), np.int64)

    def __iadd__(self, other: _Sums) -> _Sums:
        for name in self.matrix:
            self.matrix[name] += other.matrix[name]
            self.norm[name] += other.norm[name]
            self.sigma[name] += other.sigma[name]
        self.count += other.count
        self.sampled += other.sampled
        return self


def state_gradients(
    network: Network,
    ids: np.ndarray,
    starts: np.ndarray,
    *,
    states: Sequence[str] | None = None,
    delays: int = 50,
    classes: Mapping[str, np.ndarray] | None = None,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> pa.Table:
    """The rows of the table `state_gradients` for a text of n words.

    `ids` int32[n] and `starts` bool[n] (a sequence starts) are the text; `states` the names of states, None for every
    memory and hidden vector; `delays` 0 to delays - 1; `classes` bool[n] by name, which words belong to each. After
    every few words `progress` is called with how many were followed and how many there are. Pairs across a sequence's
    start are no pairs. `QuestionError` for an unknown state or a class without words.
    """
    classes = dict(classes or {})
    states = list(network.states if states is None else states)
    for name in states:
        if name not in network.states:
            raise QuestionError(f"{network.name} has no state {name!r}: {nearest(name, network.states)}")
    for name, members in classes.items():
        if not np.asarray(members).any():
            raise QuestionError(f"No word of the text belongs to the class {name!r}, so it has no mean.")
    if len(ids) < 1 or delays < 1:
        raise QuestionError("State gradients need at least one word and at least the delay 0.")
    threads = threads or os.cpu_count() or 1
    end = _ends(starts)  # one past the last step of each word's sequence
    belongs = np.stack([*(np.asarray(members, bool) for members in classes.values()), np.zeros(len(ids), bool)])
    member = [np.flatnonzero(column) for column in belongs.T]
    sampled = _sample(classes, len(ids))
    sums = [_Sums(network, states, len(classes), delays) for _ in range(threads)]
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        for first, steps in _windows(network, ids, starts, delays):
            stop = min(first + _SOURCES, len(ids))
            work = [
                pool.submit(
                    _follow,
                    range(first + k, stop, threads),
                    steps,
                    first,
                    sums[k],
                    states,
                    delays,
                    end,
                    member,
                    sampled,
                )
                for k in range(threads)
            ]
            for each in work:
                each.result()
            if progress:
                progress(stop, len(ids))
        for other in sums[1:]:
            sums[0] += other
        return _table(sums[0], states, list(classes), delays)


def _follow(sources, steps, first, sums, states, delays, end, member, sampled):
    """Add what the words at `sources` do to later states."""
    blocks = len(sums.count) - BLOCKS
    for source in sources:
        into = [*member[source], blocks + source * BLOCKS // len(end)]
        tangents = None
        for delay in range(min(delays, end[source] - source)):
            tangents = _push(steps[source - first + delay], tangents)
            sums.count[into, delay] += 1
            for name in states:
                values = tangents[name]  # float32[embedding, units]
                norm = float(np.sqrt(np.vdot(values, values)))
                for index in into:
                    sums.matrix[name][index, delay] += values
                    sums.norm[name][index, delay] += norm
            if source in sampled:
                _sample_sigma(sums, tangents, states, sampled[source], delay)


def _sample_sigma(sums, tangents, states, members, delay):
    sums.sampled[members, delay] += 1
    for name in states:
        values = tangents[name]
        gram = values @ values.T if values.shape[0] <= values.shape[1] else values.T @ values
        square = max(float(np.linalg.eigvalsh(gram)[-1]), 0.0)
        sums.sigma[name][members, delay] += (np.sqrt(square), square)


def _push(step: _Step, tangents: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """Tangents of every state one step on; None stands for those before the word is read."""
    after, x = {}, None
    for number, (slope, merged, factors) in enumerate(step.layers, 1):
        if tangents is None:
            rows = step.layers[0][0].cell.inputs if x is None else len(x)
            x = np.eye(rows, dtype=np.float32) if x is None else x
            before = {name: np.zeros((rows, slope.cell.units), np.float32) for name in slope.states}
        else:
            before = {name: tangents[f"layer{number}.{name}"] for name in slope.states}
        moved = slope.push(merged, factors, before, x)
        after |= {f"layer{number}.{name}": values for name, values in moved.items()}
        x = moved["h"]
    return after


def _windows(network, ids, starts, delays) -> Iterator[tuple[int, list[_Step]]]:
    """(first source, the steps from it on that its group of sources needs), each step made once."""
    made, steps, before, done = [], [], None, 0
    slopes = [derivative(cell) for cell in network.cells]
    blocks = [slope.by_gate(network.layer_weights(number)) for number, slope in enumerate(slopes, 1)]
    for first in range(0, len(ids), _SOURCES):
        stop = min(first + _SOURCES + delays - 1, len(ids))
        if stop > done:
            series = network.run(ids[done:stop], starts[done:stop], before)
            made = _made(network, slopes, blocks, series, before, starts[done:stop])
            before, done = {name: series[name][-1] for name in network.states}, stop
            steps = steps + made
        yield first, steps
        steps = steps[_SOURCES:]


def _made(network, slopes, blocks, series, before, starts) -> list[_Step]:
    layers = []
    for number, (slope, weights) in enumerate(zip(slopes, blocks, strict=True), 1):
        own = {name: series[f"layer{number}.{name}"] for name in (*slope.states, *slope.cell.gates)}
        earlier = {}
        for name in slope.states:
            first = np.zeros_like(own[name][:1]) if before is None else before[f"layer{number}.{name}"][None]
            earlier[name] = np.concatenate([first, own[name][:-1]])
            earlier[name][starts] = 0
        layers.append((slope, weights, slope.factors(weights, earlier, own)))
    return [
        _Step(
            [
                _merged(slope, weights, {name: value[t] for name, value in known.items()})
                for slope, weights, known in layers
            ]
        )
        for t in range(len(starts))
    ]


def _merged(slope, weights, factors):
    return slope, slope.merge(weights, factors), factors


def _ends(starts: np.ndarray) -> np.ndarray:
    """int64[n]: one past the last step of the sequence that each step lies in."""
    begins = np.append(np.flatnonzero(starts), len(starts))
    return begins[np.searchsorted(begins, np.arange(len(starts)), "right")]


def _sample(classes: Mapping[str, np.ndarray], steps: int) -> dict[int, list[int]]:
    """Which classes each sampled step stands for; the last is that of all words."""
    found: dict[int, list[int]] = {}
    for number, members in enumerate([*classes.values(), np.ones(steps, bool)]):
        places = np.flatnonzero(members)
        for step in places[:: max(1, -(-len(places) // SAMPLE))].tolist():
            found.setdefault(step, []).append(number)
    return found


def _table(sums: _Sums, states: Sequence[str], classes: Sequence[str], delays: int) -> pa.Table:
    rows = []
    for name in states:
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
    columns = BY_NAME["state_gradients"].columns
    return pa.Table.from_pylist(rows, pa.schema([(column.name, column.type) for column in columns]))


def _jackknife(blocks: np.ndarray, counts: np.ndarray) -> float | None:
    """Standard error of the largest singular value of the mean, from leaving out one block at a time."""
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return None
    whole, everyone = blocks[used].sum(axis=0, dtype=np.float64), counts[used].sum()
    left_out = [np.linalg.norm((whole - blocks[k]) / (everyone - counts[k]), 2) for k in used]
    return float(np.sqrt((len(used) - 1) / len(used) * np.sum((left_out - np.mean(left_out)) ** 2)))
