"""Connectivity: how strongly the prediction made at one step depends on the input of every step before it.

The connectivity of an output step t' and an input step t <= t' is the norm of d logit(t') / d x(t), where logit(t') is
the score of one output after step t' (Madsen, "Visualizing memorization in RNNs", 2019; the norm, as the article
defines it). One pass back through the steps carries the cotangents of all outputs side by side, so every pair costs a
row of a matrix product. A gradient is the effect of an infinitesimal change of an input; `occlusion`, as a check, is
the effect of taking the input away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rnnstore.errors import QuestionError, suggest
from rnnstore.networks.forward import sequence_ends
from rnnstore.networks.interface import Network, Trace
from rnnstore.networks.reading import Reading

Target = Literal["true", "predicted"]
Scale = Literal["embedding", "one-hot", "times-input"]

_TOGETHER = 64  # texts with one input replaced that are read side by side

LONGEST = 1000
"""Steps of a text at most: the pairs grow with its square."""

Progress = Callable[[float], None]
"""Called once per step with the share of the pairs that are done; an exception that it raises ends the computation."""


def no_progress(share: float) -> None:
    """The default: progress is not reported."""


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

    "true" is the word that came next, "predicted" the most probable one; a word is that word at every step; numbers of
    outputs are used as they are. Raises `QuestionError` for a word that is no output of the network.
    """
    number_of = {word: number for number, word in enumerate(network.outputs)}
    if not isinstance(target, str):
        return np.asarray(target, np.int64)
    if target not in ("true", "predicted"):
        if target not in number_of:
            raise QuestionError(
                f"{network.name} has no output {target!r}, so nothing can be said of its score: "
                f"{suggest(target, network.outputs)}"
            )
        return np.full(len(reading), number_of[target])
    if reading.predictions is None:
        raise QuestionError(f"{network.name} makes no predictions, so its outputs have no targets.")
    rows = reading.predictions.filter(reading.predictions["rank"].to_numpy() == 1)
    words = rows["target" if target == "true" else "word"].to_pylist()
    return np.array([number_of.get(word, -1) for word in words], np.int64)


def connectivity(
    network: Network,
    reading: Reading,
    targets: np.ndarray,
    scale: Scale = "embedding",
    progress: Progress = no_progress,
) -> Connectivity:
    """The connectivity of all pairs of steps of a text that `network` read.

    `targets` as `targets_of` gives them. `scale`: the norm with respect to the embedding of the input or to its one-hot
    vector, or "times-input", the signed product of gradient and input. A sequence's start cuts the gradient.
    `QuestionError` for more than `LONGEST` steps.
    """
    steps = len(reading)
    if steps > LONGEST:
        raise QuestionError(
            f"The text has {steps:,} steps; connectivity is worked out for at most {LONGEST:,}. Choose a part of it."
        )
    network.need("scores", "gradients")
    trace, known = _trace(reading), targets >= 0
    hidden, embedding = reading.states[network.head], trace.x[:, 0]
    cotangents = np.zeros_like(hidden)
    cotangents[known] = network.score_gradients(hidden[known], targets[known])
    values = np.zeros((steps, steps), np.float32)
    table = network.embed(np.arange(len(network.words))) if scale == "one-hot" else None
    gram = None if table is None else table.T @ table  # |table x| of a gradient x needs no more than this
    for t, x in network.vjp_each(trace, cotangents):
        if scale == "times-input":
            values[t:, t] = x @ embedding[t]
        else:
            squares = np.einsum("ij,ij->i", x, x if gram is None else x @ gram)
            values[t:, t] = np.sqrt(np.maximum(squares, 0))
        progress(_pairs(steps - t) / _pairs(steps))
    values[~known] = np.nan
    return Connectivity(values, targets, scale)


def _trace(reading: Reading) -> Trace:
    if reading.trace is None:
        raise QuestionError("A recorded span has no derivatives; let the network read its words.")
    return reading.trace


def occlusion(network: Network, reading: Reading, targets: np.ndarray, progress: Progress = no_progress) -> np.ndarray:
    """float32[n, n]: how much each step's target score falls when an earlier input is taken away.

    By output step (row) and input step (column): the score as it was minus the score with the embedding of that input
    replaced by the mean embedding of the text's inputs. Zero after the output step, NaN in rows without a target.
    Every changed text is read again from there on, which costs as much as all gradients together.
    """
    network.need("scores")
    steps, x, known = len(reading), _trace(reading).x[:, 0], targets >= 0
    outputs = np.maximum(targets, 0)
    score = network.score_of(reading.states[network.head], outputs)
    mean, fallen = x.mean(axis=0), np.zeros((steps, steps), np.float32)
    lengths = sequence_ends(reading.starts) - np.arange(steps)  # of the rest of its sequence, from each step on
    for first in range(0, steps, _TOGETHER):
        here = np.arange(first, min(first + _TOGETHER, steps))
        done, own = lengths[:first].sum(), lengths[here]

        def watch(name: str, step: int, values: np.ndarray, done: int = done, own: np.ndarray = own) -> np.ndarray:
            if name == network.head:
                progress((done + np.minimum(own, step + 1).sum()) / lengths.sum())
            return values

        trace = network.run(
            [np.concatenate([mean[None], x[step + 1 : step + lengths[step]]]) for step in here],
            before={
                name: np.stack([_before(reading, name, step) for step in here.tolist()]) for name in network.states
            },
            edit=watch if "edits" in network.can else None,
            keep=[network.head],
        )
        for row, step in enumerate(here.tolist()):
            rest = slice(step, step + int(lengths[step]))
            hidden = trace.series[network.head][: int(lengths[step]), row]
            fallen[rest, step] = score[rest] - network.score_of(hidden, outputs[rest])
    fallen[~known] = np.nan
    return fallen


def _before(reading: Reading, name: str, step: int) -> np.ndarray:
    """A state before a step."""
    if reading.starts[step]:
        return np.zeros_like(reading.before[name])
    return reading.states[name][step - 1] if step else reading.before[name]


def _pairs(steps: int) -> int:
    return steps * (steps + 1) // 2
