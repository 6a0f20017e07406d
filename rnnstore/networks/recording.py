"""A network of the store recorded over a text: its states, gates and predictions at every step, without a framework.

Sequences are read side by side; a long one goes on from span to span with the states that it ended with, so memory does
not grow with the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from rnnstore.errors import QuestionError, StoreError
from rnnstore.networks.checking import keep_agreement
from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.networks.predictions import highest
from rnnstore.networks.saved import SavedNetwork
from rnnstore.networks.tokenising import LONGEST
from rnnstore.store.chunks import Predictions
from rnnstore.store.folder import Store
from rnnstore.store.model import Model
from rnnstore.store.writing import ModelWriter
from rnnstore.threads import one_thread

SPAN = 4096
"""Steps of a sequence that are read before they are written."""


def record(
    model: Model,
    text: str | np.ndarray,
    *,
    sequence_starts: np.ndarray | None = None,
    annotations: Mapping[str, Any] | None = None,
    steps: int | None = None,
    predictions: int = 5,
    gates: bool = True,
    thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,),
    dtype: str = "float16",
    progress: Callable[[int, int], None] | None = None,
    **facts: Any,
) -> Model:
    """Record what the network in a model's folder does over a text; returns the model as it is then.

    `text`: a text, which becomes words as in training, or int[n], the numbers of words, with `sequence_starts` bool[n]
    (the first step alone without it). `annotations`: n values by the name of a track. `steps`: so many of them. A step
    has so many `predictions`, its target and its loss, where the network predicts. `progress(done, steps)` is called on
    the way. `facts` are those of the card. `MissingNetwork` where there is none, `QuestionError` for an empty text.
    """
    network = open_network(model)
    ids, starts = _read(network, text, sequence_starts)
    ids, starts = ids[:steps], starts[:steps]
    if not len(ids):
        raise QuestionError("There is nothing to record: the text holds no word.")
    starts = starts.copy()
    starts[0] = True
    if (ids < 0).any():
        raise StoreError(
            f"{int((ids < 0).sum()):,} words of the text are none of the network's {len(network.words):,}, and it has "
            "no word for unknown ones; leave them out."
        )
    predicts = predictions > 0 and "scores" in network.can and not network.completes and not network.classifier
    total = losses = 0.0
    store = model.folder.parent
    with ModelWriter(store, model.name) as writer, one_thread():
        recorder = writer.record(
            vocabulary=network.words, thresholds=thresholds, dtype=dtype, recorded=facts.pop("recorded", "")
        )
        with recorder:
            for first, series in _spans(network, ids, starts):
                count = len(series[network.head])
                rows = slice(first, first + count)
                found = _predicted(network, series[network.head], ids, starts, first, predictions) if predicts else None
                recorder.add(
                    words=ids[rows],
                    states={name: values for name, values in series.items() if gates or name in network.states},
                    sequence_starts=starts[rows],
                    annotations={name: values[rows] for name, values in annotations.items()} if annotations else None,
                    predictions=found,
                )
                if found is not None:
                    asked = ~np.isnan(found.loss)
                    total, losses = total + float(asked.sum()), losses + float(found.loss[asked].sum())
                if progress:
                    progress(first + count, len(ids))
        if total:
            facts.setdefault("metrics", [("perplexity", "recorded", float(np.exp(losses / total)))])
        writer.describe(**{**_facts(network), **facts})
        if isinstance(network, SavedNetwork):
            keep_agreement(writer)
    return Store(store).model(model.name)


def _read(network: Network, text: str | np.ndarray, given: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """int[n] and bool[n]: the words' numbers and where sequences start."""
    if not isinstance(text, str):
        ids = np.asarray(text)
        starts = np.arange(len(ids)) == 0 if given is None else np.asarray(given, bool)
        if ids.ndim != 1 or ids.dtype.kind not in "iu" or starts.shape != ids.shape:
            raise StoreError(
                f"The words were given as {ids.dtype}{list(ids.shape)} with {len(starts):,} starts; n of each."
            )
        if ids.size and not 0 <= ids.min() <= ids.max() < len(network.words):
            raise StoreError(f"A word's number lies outside the vocabulary of {len(network.words):,} words (from 0).")
        return ids, starts
    found = [network.tokenise(piece) for piece in _pieces(text)]
    how = network.tokenisation
    for tokens in found[1:]:
        if len(tokens) and how is not None and how.starts == "text":
            tokens.starts[0] = False
    if not found:
        return np.zeros(0, np.int32), np.zeros(0, bool)
    return np.concatenate([tokens.ids for tokens in found]), np.concatenate([tokens.starts for tokens in found])


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that are looked at as a whole, cut behind a line."""
    first = 0
    while first < len(text):
        stop = min(first + LONGEST, len(text))
        if stop < len(text):
            stop = text.rfind("\n", first, stop) + 1 or stop
        yield text[first:stop]
        first = stop


def _spans(network: Network, ids: np.ndarray, starts: np.ndarray) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """(first step, float32[n, width] by name) of spans of the text, in order."""
    bounds = [*np.flatnonzero(starts).tolist(), len(ids)]
    sequences = list(pairwise(bounds))
    while sequences:
        first, stop = sequences[0]
        if stop - first > SPAN:
            before = None
            for begin in range(first, stop, SPAN):
                trace = network.run([ids[begin : min(begin + SPAN, stop)]], None, before)
                series = trace.text()
                before = {name: series[name][-1:] for name in network.states}
                yield begin, series
            sequences.pop(0)
            continue
        some = []
        while sequences and sequences[0][1] - first <= SPAN:
            some.append(sequences.pop(0))
        trace = network.run([ids[begin:end] for begin, end in some])
        texts = [trace.text(number) for number in range(len(some))]
        yield first, {name: np.concatenate([each[name] for each in texts]) for name in network.widths}


def _predicted(
    network: Network, hidden: np.ndarray, ids: np.ndarray, starts: np.ndarray, first: int, top: int
) -> Predictions:
    """The predictions after the steps of a span, whose states `head` are `hidden`."""
    steps, top = len(hidden), min(top, len(network.outputs))
    after = np.minimum(np.arange(first, first + steps) + 1, len(ids) - 1)
    targets = np.where(starts[after] | (after == np.arange(first, first + steps)), -1, ids[after]).astype(np.int64)
    word_ids, probabilities = np.empty((steps, top), np.int32), np.empty((steps, top), np.float32)
    loss = np.full(steps, np.nan, np.float32)
    size = max(1, (1 << 21) // len(network.outputs))
    for begin in range(0, steps, size):
        rows = slice(begin, begin + size)
        chances = network.probabilities(hidden[rows])
        best = highest(chances, top)
        word_ids[rows], probabilities[rows] = best, np.take_along_axis(chances, best, 1)
        own = chances[np.arange(len(chances)), np.maximum(targets[rows], 0)]
        loss[rows] = np.where(targets[rows] >= 0, -np.log(np.maximum(own, 1e-38)), np.nan)
    return Predictions(word_ids, probabilities, targets, np.exp(-loss), loss)


def _facts(network: Network) -> dict[str, Any]:
    cells = getattr(network, "cells", [])
    return {
        "cell": " + ".join(dict.fromkeys(cell.kind for cell in cells)),
        "layers": len(cells) or None,
        "units": max((cell.units for cell in cells), default=None),
        "embedding": network.input_width,
        "task": "classifier" if network.classifier else "language model",
        "level": network.tokenisation.level if network.tokenisation else "word",
    }
