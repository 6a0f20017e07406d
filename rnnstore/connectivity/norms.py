"""Connectivity: how strongly the prediction made at one step depends on the input of every step before it.

The connectivity of an output step t' and an input step t <= t' is the norm of d logit(t') / d x(t), where logit(t') is
the score of one output after step t' (Madsen, "Visualizing memorization in RNNs", 2019; the norm, as the article
defines it). One pass back through the steps carries the cotangents of all outputs side by side, so every pair costs a
row of a matrix product. A gradient says what an infinitesimal change of an input would do; `occlusion` stands beside it
and says what happens when the input is really taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnstore.errors import QuestionError, nearest
from rnnstore.networks.arrays import NUMPY
from rnnstore.networks.network import Network
from rnnstore.networks.reading import Reading
from rnnstore.networks.unrolled import Unrolled

Target = Literal["true", "predicted"]
Scale = Literal["embedding", "one-hot", "times-input"]

LONGEST = 1000
"""Steps of a text at most: the pairs grow with its square."""

Progress = Callable[[float], None]
"""Is told the share of the pairs that are done, once a step; whatever it raises ends the work."""


def untold(share: float) -> None:
    """Progress that nobody wants to know of."""


@dataclass(frozen=True)
class Connectivity:
    """Connectivity of every pair of steps of one text; `n` steps.

    values      float32[n, n], by output step (row) and input step (column); zero after the output step, and NaN in the
                rows of steps that have no target. Norms, or signed where `scale` is "times-input"
    targets     int[n], the output whose score was differentiated; -1 for none
    """

    values: np.ndarray
    targets: np.ndarray
    scale: Scale

    def share_outside(self, first: np.ndarray) -> np.ndarray:
        """float32[n]: of each row's sum, the share at steps before `first[row]`, e.g. before the word being read."""
        sizes = np.abs(self.values)
        before = np.arange(len(sizes)) < np.asarray(first)[:, None]
        return (sizes * before).sum(1) / np.maximum(sizes.sum(1), np.finfo(np.float32).tiny)


def targets_of(network: Network, reading: Reading, target: Target | str | Sequence[int] = "true") -> np.ndarray:
    """int[n]: the output that each step's score is taken of; -1 where there is none.

    "true" is what really came next, "predicted" the most probable; a word is that word at every step; numbers are
    taken as they are. `QuestionError` for a word that the network does not know as an output.
    """
    number_of = {word: number for number, word in enumerate(network.outputs)}
    if not isinstance(target, str):
        return np.asarray(target, np.int64)
    if target not in ("true", "predicted"):
        if target not in number_of:
            raise QuestionError(
                f"{network.name} has no output {target!r}, so nothing can be said of its score: "
                f"{nearest(target, network.outputs)}"
            )
        return np.full(len(reading), number_of[target])
    rows = reading.predictions.filter(reading.predictions["rank"].to_numpy() == 1)
    words = rows["target" if target == "true" else "word"].to_pylist()
    return np.array([number_of.get(word, -1) for word in words], np.int64)


def connectivity(
    network: Network,
    reading: Reading,
    ids: np.ndarray,
    targets: np.ndarray,
    scale: Scale = "embedding",
    progress: Progress = untold,
) -> Connectivity:
    """The connectivity of all pairs of steps of a text that `network` read.

    `ids` int32[n], the words as the network read them (-1: unknown); `targets` as `targets_of` gives them. `scale`: the
    norm with respect to the embedding of the input or to its one-hot vector, or "times-input", the signed product of
    gradient and input. A sequence's start cuts the gradient. `QuestionError` for more than `LONGEST` steps.
    """
    steps = len(reading)
    if steps > LONGEST:
        raise QuestionError(
            f"The text has {steps:,} steps; connectivity is worked out for at most {LONGEST:,}. Choose a part of it."
        )
    known = targets >= 0
    cotangents = np.zeros((steps, 1, network.cells[-1].units), np.float32)
    cotangents[known, 0] = network.output_columns(targets[known])
    embedding, values = network.inputs(ids), np.zeros((steps, steps), np.float32)
    table = network.inputs(np.arange(len(network.words))) if scale == "one-hot" else None
    gram = None if table is None else table.T @ table  # |table x| of a gradient x needs no more than this
    for arrived in unrolled(network, reading, embedding).back(cotangents):
        t, x = arrived.step, arrived.input
        if scale == "times-input":
            values[t:, t] = x @ embedding[t]
        else:
            squares = np.einsum("ij,ij->i", x, x if gram is None else x @ gram)
            values[t:, t] = np.sqrt(np.maximum(squares, 0))
        progress(_pairs(steps - t) / _pairs(steps))
    values[~known] = np.nan
    return Connectivity(values, targets, scale)


def occlusion(
    network: Network, reading: Reading, ids: np.ndarray, targets: np.ndarray, progress: Progress = untold
) -> np.ndarray:
    """float32[n, n]: how much each step's target score falls when an earlier input is taken away.

    By output step (row) and input step (column): the score as it was minus the score with the embedding of that input
    replaced by the mean embedding of the text's inputs. Zero after the output step, NaN in rows without a target.
    Every replaced text is read anew from there on: a truth that costs as much as all gradients together.
    """
    steps, x = len(reading), network.inputs(ids)
    columns = network.output_columns(np.maximum(targets, 0))  # [n, units]
    mean, fallen = x.mean(axis=0), np.zeros((steps, steps), np.float32)
    layers = [(cell, network.layer_weights(number)) for number, cell in enumerate(network.cells, 1)]
    states = [{name: np.zeros((steps, cell.widths[name]), np.float32) for name in cell.states} for cell, _ in layers]
    top = reading.states[f"layer{len(layers)}.h"]
    for t in range(steps):  # row i of a state: the text with step i replaced; rows after t are not replaced yet
        rows = slice(0, t + 1)
        inputs = np.repeat(x[t][None], t + 1, axis=0)
        inputs[t] = mean
        for number, (cell, weights) in enumerate(layers, 1):
            before = {}
            for name, values in states[number - 1].items():
                if t and not reading.starts[t]:
                    values[t] = reading.states[f"layer{number}.{name}"][t - 1]
                else:
                    values[rows] = 0
                before[name] = values[rows]
            after, _ = cell.step(NUMPY, weights, cell.project(weights, inputs), before)
            for name, values in after.items():
                states[number - 1][name][rows] = values
            inputs = after["h"]
        fallen[t, rows] = (top[t] - inputs) @ columns[t]
        progress(_pairs(t + 1) / _pairs(steps))
    for start in np.flatnonzero(reading.starts):
        fallen[start:, :start] = 0
    fallen[targets < 0] = np.nan
    return fallen


def _pairs(steps: int) -> int:
    return steps * (steps + 1) // 2


def unrolled(network: Network, reading: Reading, x: np.ndarray) -> Unrolled:
    """The network at the states and gates of a text that it read, whose inputs were x float32[n, inputs]."""
    series = {**reading.states, **reading.gates}
    layers = [(f"layer{number}.", cell) for number, cell in enumerate(network.cells, 1)]
    return Unrolled(
        network.cells,
        [network.layer_weights(number) for number in range(1, len(layers) + 1)],
        [{name: series[layer + name][:, None] for name in cell.widths} for layer, cell in layers],
        [{name: reading.before[layer + name][None] for name in cell.states} for layer, cell in layers],
        reading.starts[:, None],
        x[:, None],
    )
