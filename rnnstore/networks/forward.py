"""Derivatives forward through a stack of cells: words followed side by side, a group of them to a thread.

As many tangents as the input has numbers are taken through the merged matrices of each step, which many words share.
Several words that follow one another are one matrix product for each layer; each word's tangents go to the callback
right after they are there, while they are near the processor, and the matrices of the next steps are made meanwhile.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnstore.networks.cells.base import InPlaceJvp
from rnnstore.threads import one_thread

if TYPE_CHECKING:
    from rnnstore.networks.cell_network import CellNetwork
    from rnnstore.networks.interface import Visit

_SOURCES = 32  # words followed between two looks at progress

_AHEAD = 3  # such groups are begun before the first of them is done, so that no thread waits for the others at its end

_TOGETHER = 5  # words that a thread follows side by side: their products are one

Found = Callable[[str, int], None]


@dataclass(frozen=True)
class Step:
    """One step of the layer `name`: what takes tangents through it, and the gates asked for with their residuals."""

    name: str
    jvp: InPlaceJvp
    ready: Any
    gates: Sequence[str]
    residuals: Mapping[str, np.ndarray]


def follow(
    network: CellNetwork,
    text: np.ndarray,
    starts: np.ndarray,
    names: Sequence[str],
    delays: int,
    visit: Visit,
    before: Mapping[str, np.ndarray] | None,
    sources: np.ndarray | None,
    progress: Callable[[int, int], None] | None,
    threads: int | None,
) -> None:
    """What `Network.jvp` is asked for."""
    followed = np.ones(len(text), bool) if sources is None else np.asarray(sources, bool)
    end = sequence_ends(starts)
    needed = _needed(followed, end, delays)
    with one_thread(), ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        begun: deque[tuple[list[Future[None]], int]] = deque()
        for first, steps in _windows(network, text, starts, names, delays, before, needed):
            if len(begun) == _AHEAD:
                _finish(*begun.popleft(), progress, len(text))
            stop = min(first + _SOURCES, len(text))
            work = partial(_follow, steps=steps, first=first, end=end, names=names, delays=delays, visit=visit)
            begun.append(([pool.submit(work, group) for group in _groups(followed, first, stop)], stop))
        for each in begun:
            _finish(*each, progress, len(text))


def sequence_ends(starts: np.ndarray) -> np.ndarray:
    """int64[n]: one past the last step of the sequence that each step lies in."""
    begins = np.append(np.flatnonzero(starts), len(starts))
    return begins[np.searchsorted(begins, np.arange(len(starts)), "right")]


class _Tangents:
    """Tangents of `many` words, float32[many, inputs, width] by the name of a state or gate in `tangents`.

    `step` is any one step, a `Step` a layer; `names` are those that are wanted.
    """

    def __init__(self, step: Sequence[Step], many: int, names: Sequence[str]) -> None:
        self.inputs = step[0].jvp.cell.inputs
        self.states: list[dict[str, np.ndarray]] = []  # per layer, rows of all words
        self.workspaces: list[Any] = []
        self.wanted: list[list[str]] = []
        self.tangents: dict[str, np.ndarray] = {}
        for layer in step:
            cell = layer.jvp.cell
            own = {
                name: np.empty((many, self.inputs, cell.widths[name]), np.float32)
                for name in (*cell.states, *layer.gates)
            }
            self.states.append({name: own[name].reshape(many * self.inputs, -1) for name in cell.states})
            self.workspaces.append(layer.jvp.workspace(many * self.inputs))
            self.tangents |= {f"{layer.name}.{name}": values for name, values in own.items()}
            self.wanted.append([name for name in (f"{layer.name}.{state}" for state in cell.states) if name in names])

    def advance(self, step: Sequence[Step], low: int, high: int, begins: bool, found: Found) -> None:
        """One step on for the words low..high-1, and the first for that at `high` if it `begins`.

        `found` is called with the name of a state or gate and a word as soon as its tangents are there.
        """
        rows, x = slice(low * self.inputs, (high + begins) * self.inputs), None
        for number, (layer, states) in enumerate(zip(step, self.states, strict=True)):
            if begins:
                for values in states.values():
                    values[high * self.inputs : rows.stop] = 0
            here = {name: values[rows] for name, values in states.items()}
            before = {name: values.copy() for name, values in here.items()} if layer.gates else {}
            done = partial(self._done, self.wanted[number], low, found)
            if number:
                layer.jvp.advance(layer.ready, here, self.workspaces[number], x, done)
            else:
                self._read(layer, low, high, begins, done)
            if layer.gates:
                read = x if number else self._word(begins, high + 1 - low)
                self._gates(layer, before, here, read, low, found)
            x = here["h"]

    def _read(self, layer: Step, low: int, high: int, begins: bool, done: Callable[[int], None]) -> None:
        """A step of the first layer: no word but the one that is read now changes what it reads."""
        if high > low:
            rows = slice(low * self.inputs, high * self.inputs)
            here = {name: values[rows] for name, values in self.states[0].items()}
            layer.jvp.advance(layer.ready, here, self.workspaces[0], None, done)
        if begins:
            rows = slice(high * self.inputs, (high + 1) * self.inputs)
            layer.jvp.begin(layer.ready, {name: values[rows] for name, values in self.states[0].items()})
            done(high - low)

    def _word(self, begins: bool, words: int) -> np.ndarray | None:
        """float32[rows, inputs]: the tangents of what the first layer reads, None where no word begins."""
        if not begins:
            return None
        x = np.zeros((words, self.inputs, self.inputs), np.float32)
        x[-1] = np.eye(self.inputs)
        return x.reshape(-1, self.inputs)

    def _gates(
        self,
        layer: Step,
        before: Mapping[str, np.ndarray],
        after: Mapping[str, np.ndarray],
        x: np.ndarray | None,
        low: int,
        found: Found,
    ) -> None:
        cell, weights = layer.jvp.cell, layer.jvp.weights
        for gate, values in cell.gate_tangents(layer.gates, weights, layer.residuals, before, after, x).items():
            name, words = f"{layer.name}.{gate}", len(values) // self.inputs
            self.tangents[name][low : low + words] = values.reshape(words, self.inputs, -1)
            for word in range(low, low + words):
                found(name, word)

    @staticmethod
    def _done(names: Sequence[str], low: int, found: Found, word: int) -> None:
        for name in names:
            found(name, low + word)


def _groups(followed: np.ndarray, first: int, stop: int) -> Iterator[np.ndarray]:
    """The steps first..stop-1 that are followed, in groups that follow one another without a gap."""
    places = first + np.flatnonzero(followed[first:stop])
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        for at in range(0, len(run), _TOGETHER):
            yield run[at : at + _TOGETHER]


def _needed(followed: np.ndarray, end: np.ndarray, delays: int) -> np.ndarray:
    """bool[n]: the steps that some followed word is taken through."""
    places = np.flatnonzero(followed)
    change = np.zeros(len(followed) + 1, np.int64)
    np.add.at(change, places, 1)
    np.add.at(change, np.minimum(places + delays, end[places]), -1)
    return np.cumsum(change)[:-1] > 0


def _finish(work: list[Future[None]], done: int, progress: Callable[[int, int], None] | None, everything: int) -> None:
    for each in work:
        each.result()
    if work and progress:
        progress(done, everything)


def _follow(
    sources: np.ndarray,
    steps: Sequence[Sequence[Step] | None],
    first: int,
    end: np.ndarray,
    names: Sequence[str],
    delays: int,
    visit: Visit,
) -> None:
    """Take the words at `sources`, some that follow one another, through the later steps."""
    many, last = len(sources), np.minimum(delays, end[sources] - sources)  # delays that each has
    start = steps[int(sources[0]) - first]
    assert start is not None
    held = _Tangents(start, many, names)
    ends, finished = np.arange(many) + last, 0  # when each is done: rising, as those of one sequence end alike
    # Gradients that grow beyond all numbers are found by whoever sums them, with the delay from which on.
    with np.errstate(over="ignore", invalid="ignore"), visit(sources) as callback:
        for at in range(int(ends.max())):
            while finished < many and ends[finished] <= at:
                finished += 1
            step = steps[int(sources[0]) - first + at]
            assert step is not None

            def found(name: str, word: int, at: int = at) -> None:
                callback(name, word, at - word, held.tangents[name][word])

            held.advance(step, finished, min(at, many), at < many, found)


def _windows(
    network: CellNetwork,
    text: np.ndarray,
    starts: np.ndarray,
    names: Sequence[str],
    delays: int,
    before: Mapping[str, np.ndarray] | None,
    needed: np.ndarray,
) -> Iterator[tuple[int, list[list[Step] | None]]]:
    """(first source, the steps from it on that its group of sources needs), each step made once."""
    steps: list[list[Step] | None] = []
    done, kept = 0, (_AHEAD + 1) * _SOURCES + delays
    layers = []
    for number, cell in enumerate(network.cells, 1):
        layer = network.layers[number - 1]
        gates = [gate for gate in cell.gates if f"{layer}.{gate}" in names]
        weights = cell.by_gate(network.layer_weights(number))
        layers.append((layer, cell.in_place(weights, kept, network.input_width), gates))
    for first in range(0, len(text), _SOURCES):
        stop = min(first + _SOURCES + delays - 1, len(text))
        if stop > done:
            one = before and {name: values[None] for name, values in before.items()}
            trace = network.run([text[done:stop]], [starts[done:stop]], one)
            steps = steps + _made(layers, trace.text(), before, starts[done:stop], trace.x[:, 0], done, needed)
            before, done = {name: trace.series[name][-1, 0] for name in network.states}, stop
        yield first, steps
        steps = steps[_SOURCES:]


def _made(
    layers: Sequence[tuple[str, InPlaceJvp, Sequence[str]]],
    series: Mapping[str, np.ndarray],
    before: Mapping[str, np.ndarray] | None,
    starts: np.ndarray,
    x: np.ndarray,
    first: int,
    needed: np.ndarray,
) -> list[list[Step] | None]:
    """The steps from `first` on that `series` holds; None for those that no word is taken through."""
    known = []
    for layer, jvp, gates in layers:
        cell, earlier = jvp.cell, {}
        own = {name: series[f"{layer}.{name}"] for name in cell.widths}
        for name in cell.states:
            one = np.zeros_like(own[name][:1]) if before is None else before[f"{layer}.{name}"][None]
            earlier[name] = np.concatenate([one, own[name][:-1]])
            earlier[name][starts] = 0
        of_gates = cell.gate_residuals(jvp.weights, earlier, own, x) if gates else {}
        known.append((layer, jvp, cell.residuals(jvp.weights, earlier, own, x), gates, of_gates))
        x = own["h"]
    return [
        [
            Step(layer, jvp, jvp.ready(first + t, _at(of_states, t)), gates, _at(of_gates, t))
            for layer, jvp, of_states, gates, of_gates in known
        ]
        if needed[first + t]
        else None
        for t in range(len(starts))
    ]


def _at(residuals: Mapping[str, np.ndarray], t: int) -> dict[str, np.ndarray]:
    return {name: values[t] for name, values in residuals.items()}
