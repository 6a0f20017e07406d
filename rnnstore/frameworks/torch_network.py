"""PyTorch: a module as network files, as far as its layers allow, found by what it did over a batch and not by names.

What the lowest recurrent layer read must follow from the word alone, what each other layer read must be what the one
below gave, and the scores must be a linear function of the top layer's h. Each is compared on the first batch; where it
does not hold, a sentence says so, and the views that need it are not offered.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from rnnstore.frameworks.steps import Steps
from rnnstore.frameworks.torch_hooks import Calls
from rnnstore.frameworks.torch_layers import Found, as_float32
from rnnstore.frameworks.torch_outputs import Scores
from rnnstore.frameworks.torch_states import BatchStates

ROWS = 500
"""Steps of the first batch that are compared."""

PASSES = 300
"""Times that the module is asked what it reads for words, at most."""


class NoNetwork(Exception):
    """Why a module is no network of the files that there are: a sentence."""


@dataclass(frozen=True)
class FirstBatch:
    """What a module did over the first batch: what it was called with, and the recorded steps of it.

    `calls` are its hooks, which are still there, so that it can be asked again.
    """

    calls: Calls
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    given: Any
    ids: np.ndarray | None
    steps: Steps
    states: Mapping[Found, BatchStates]
    scores: Scores | None


@dataclass(frozen=True)
class Converted:
    """The arguments of `rnnstore.networks.write`, and why there is no output layer, where there is none."""

    layers: list[dict[str, Any]]
    names: list[str]
    embedding: np.ndarray | None
    output: tuple[np.ndarray, np.ndarray] | None
    note: str = field(default="")


def converted(module: Any, first: FirstBatch, words: Sequence[str] | None, outputs: int | None) -> Converted:
    """The network that a module is; `NoNetwork` says why it is none."""
    if words is None or first.ids is None:
        raise NoNetwork("It reads numbers, and network files have words.")
    chain = _chain(first)
    parts = [(found, number, layer) for found in chain for number, layer in enumerate(found.restated())]
    for found, _, layer in parts:
        if found.directions == 2:
            raise NoNetwork(
                f"{found.path or 'It'} reads in both directions, so no step can be read before the last one."
            )
        if layer.projection is not None:
            raise NoNetwork(f"{found.path or 'It'} has a projection of h, which network files do not have.")
    layers = [
        {"cell": layer.cell.kind, "units": layer.cell.units, **layer.cell.options.model_dump(), **layer.weights}
        for _, _, layer in parts
    ]
    table = _embedding(module, first, chain[0], words)
    head, note = None, ""
    if first.scores is None or outputs is None:
        note = "It predicts nothing that was recorded, so the network has no output layer."
    else:
        top = parts[-1][2]
        head = _output(module, first, chain[-1], f"{top.name}.h", outputs)
        if head is None:
            note = f"Its scores are no linear function of {top.name}.h, so the network has no output layer."
    return Converted(layers, [layer.name for _, _, layer in parts], table, head, note)


def _rows(first: FirstBatch, found: Found) -> np.ndarray:
    states = first.states[found]
    return first.steps.rows(states.layout, states.order)[:ROWS]


def _chain(first: FirstBatch) -> list[Found]:
    """The recurrent modules from the input upwards, each reading what the one below gives."""
    left = list(first.states)
    read = {found: first.states[found].read[_rows(first, found)] for found in left}
    gives = {
        found: states.series[f"{found.name(found.layers - 1, found.directions - 1)}.h"][_rows(first, found)]
        for found, states in first.states.items()
    }
    below = {
        found: [other for other in left if other is not found and _same(read[found], gives[other])] for found in left
    }
    lowest = [found for found in left if not below[found]]
    if len(lowest) > 1:
        names = " and ".join(found.path or "itself" for found in lowest)
        raise NoNetwork(f"{names} do not read one another's h alone; network files have layers on top of one another.")
    chain = lowest
    while len(chain) < len(left):
        above = [found for found in left if chain[-1] in below[found]]
        if len(above) != 1:
            raise NoNetwork(f"Not one layer reads what {chain[-1].path or 'the lowest'} gives.")
        chain = [*chain, above[0]]
    return chain


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-4, atol=1e-5))


def _embedding(module: Any, first: FirstBatch, lowest: Found, words: Sequence[str]) -> np.ndarray | None:
    """float32[words, numbers]: what the lowest layer reads for each word; None where that is a one and zeros."""
    assert first.ids is not None
    ids, read = first.ids[:ROWS], first.states[lowest].read[_rows(first, lowest)]
    for part in module.modules():
        if isinstance(part, nn.Embedding) and part.num_embeddings >= len(words) and part.embedding_dim == read.shape[1]:
            table = as_float32(part.weight)[: len(words)]
            if _same(table[ids], read):
                return table
    if read.shape[1] == len(words) and _same(np.eye(len(words), dtype=np.float32)[ids], read):
        return None
    _, one, group = np.unique(ids, return_index=True, return_inverse=True)
    if not _same(read[one][group], read):
        raise NoNetwork(
            f"What {lowest.path or 'its lowest layer'} reads does not follow from the word at that step alone."
        )
    return _asked(module, first, lowest, len(words))


def _asked(module: Any, first: FirstBatch, lowest: Found, words: int) -> np.ndarray:
    """float32[words, inputs]: what the lowest layer reads for each word, asked of the module itself."""
    steps, states = first.steps, first.states[lowest]
    if words > PASSES * len(steps) or not first.args or not isinstance(first.given, torch.Tensor):
        raise NoNetwork("What it reads for each word takes too many batches to ask; give larger ones.")
    rows, table = steps.rows(states.layout, states.order), None
    for begin in range(0, words, len(steps)):
        some = np.arange(begin, min(begin + len(steps), words))
        first.calls.clear()
        module(_with_ids(first, some, words), *first.args[1:], **first.kwargs)
        read = np.concatenate([as_float32(call.x) for call in first.calls.by_path[lowest.path]])
        if table is None:
            table = np.zeros((words, read.shape[1]), np.float32)
        table[some] = read[rows[: len(some)]]
    assert table is not None
    return table


def _with_ids(first: FirstBatch, ids: np.ndarray, words: int) -> Any:
    """The input of the first batch with other words at its first recorded steps."""
    given = first.given.clone()
    at = torch.as_tensor(first.steps.flat[: len(ids)], device=given.device)
    values = torch.as_tensor(ids, device=given.device)
    if given.is_floating_point() or (given.shape[-1:] == (words,) and given.dim() == 3):
        flat = given.reshape(-1, words)
        flat[at] = nn.functional.one_hot(values, words).to(given.dtype)
        return flat.reshape(given.shape)
    flat = given.reshape(-1)
    flat[at] = values.to(given.dtype)
    return flat.reshape(given.shape)


def _output(
    module: Any, first: FirstBatch, top: Found, name: str, outputs: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Kernel [units, outputs] and bias [outputs] of a linear layer, or of two, that makes the scores of h."""
    assert first.scores is not None
    states = first.states[top]
    asked = np.flatnonzero(first.scores.rows >= 0)[:ROWS]
    if not len(asked):
        return None
    hidden = states.series[name][first.steps.rows(states.layout, states.order)[asked]]
    index = torch.as_tensor(first.scores.rows[asked], device=first.scores.values.device)
    scores = torch.log_softmax(first.scores.values[index].float(), 1).cpu().numpy()
    for kernel, bias in _linear(module, hidden.shape[1], outputs):
        own = hidden @ kernel + bias
        own -= own.max(axis=1, keepdims=True)
        own -= np.log(np.exp(own).sum(axis=1, keepdims=True))
        if np.allclose(own, scores, rtol=1e-3, atol=2e-2 if np.abs(scores).max() > 50 else 2e-3):
            return kernel, bias
    return None


def _linear(module: Any, width: int, outputs: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Kernels and biases of the linear layers from `width` to `outputs`, and of two of them, one after the other."""
    found = [part for part in module.modules() if isinstance(part, nn.Linear)]

    def arrays(part: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
        bias = np.zeros(part.out_features, np.float32) if part.bias is None else as_float32(part.bias)
        return as_float32(part.weight).T, bias

    for part in found:
        if (part.in_features, part.out_features) == (width, outputs):
            yield arrays(part)
    for lower, upper in itertools.permutations(found, 2):
        if lower.in_features == width and lower.out_features == upper.in_features and upper.out_features == outputs:
            (a, b), (c, d) = arrays(lower), arrays(upper)
            yield a @ c, b @ c + d
