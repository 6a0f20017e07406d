"""The predictions of a network at every step of a text, as a table like the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rnnstore.networks.completing import words_typed
from rnnstore.networks.tokenising import Tokens

if TYPE_CHECKING:
    from rnnstore.networks.interface import Network

_SCORES = 1 << 21  # held at once, 8 MB


def predictions_of(network: Network, hidden: np.ndarray, tokens: Tokens, top: int) -> pa.Table:
    """The `top` most probable outputs at each step: t, rank, word_id, word, probability, target, target_probability,
    loss; from the state `head` at the first steps of a text, float32[steps, width].

    The target is what comes next in the text, or the word that a character is part of; a classifier has none.
    """
    steps, top = len(hidden), min(top, len(network.outputs))
    words, targets = _targets(network, tokens, steps)
    best, chances, loss = [], [], []
    some = max(1, _SCORES // len(network.outputs))
    for first in range(0, steps, some):
        scores = network.scores(hidden[first : first + some])
        scores -= scores.max(axis=1, keepdims=True)
        total = np.log(np.exp(scores).sum(axis=1, dtype=np.float64))
        places = highest(scores, top)
        best.append(places)
        chances.append(np.exp(np.take_along_axis(scores, places, 1) - total[:, None]))
        target = targets[first : first + some]
        of_step = total - scores[np.arange(len(scores)), target]
        loss.append(np.where(target >= 0, of_step, np.nan))
    word_ids, losses = np.concatenate(best).ravel(), np.repeat(np.concatenate(loss), top)
    none = np.isnan(losses)
    return pa.table(
        {
            "t": pa.array(np.repeat(np.arange(steps), top), pa.int64()),
            "rank": pa.array(np.tile(np.arange(1, top + 1), steps), pa.int16()),
            "word_id": pa.array(word_ids, pa.int32()),
            "word": pa.array([network.outputs[place] for place in word_ids.tolist()], pa.string()),
            "probability": pa.array(np.concatenate(chances).ravel(), pa.float32()),
            "target": pa.array(words, pa.string()).take(pa.array(np.repeat(np.arange(steps), top))),
            "target_probability": pa.array(np.exp(-losses), pa.float32(), mask=none),
            "loss": pa.array(losses, pa.float32(), mask=none),
        }
    )


def _targets(network: Network, tokens: Tokens, steps: int) -> tuple[list[str | None], np.ndarray]:
    """What ought to be predicted after each of the first steps: the word, and its number; None and -1 for nothing."""
    targets = np.full(steps, -1)
    if network.completes:
        completed = words_typed(tokens)[:steps]
        number_of = {word: number for number, word in enumerate(network.outputs)}
        return completed, np.array([-1 if word is None else number_of.get(word, -1) for word in completed], np.int64)
    if network.classifier:
        return [None] * steps, targets
    after = np.arange(1, steps + 1)
    inside = after < len(tokens)
    inside[inside] = ~tokens.starts[after[inside]]
    targets[inside] = tokens.ids[after[inside]]
    return [tokens.words[t] if here else None for t, here in zip(after, inside, strict=True)], targets


def highest(scores: np.ndarray, top: int) -> np.ndarray:
    """int[n, top]: where the highest of every row are, highest first, the lower place first where they are equal."""
    count = scores.shape[1]
    if top >= count:
        return np.argsort(-scores, axis=1, kind="stable")
    least = -np.partition(-scores, top - 1, axis=1)[:, top - 1]
    found = np.empty((len(scores), top), np.int64)
    for row, (values, edge) in enumerate(zip(scores, least, strict=True)):
        places = np.flatnonzero(values >= edge)
        found[row] = places[np.argsort(-values[places], kind="stable")[:top]]
    return found
