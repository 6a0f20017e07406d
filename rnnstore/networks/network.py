"""A trained network of the store, read with NumPy: what a sentence that a person types does to its state.

A model's folder holds `network/network.json` (sizes, vocabulary, how text becomes words) and `network/weights.npz`
(plain arrays). Both are data: reading them executes nothing, sizes are checked before anything is loaded, and nothing
of TensorFlow, which trained them, is needed. docs/network.md says what stands in them.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pyarrow as pa

from rnnstore.errors import DamagedModel, MissingNetwork, QuestionError
from rnnstore.networks.cells import Cell
from rnnstore.networks.completing import spaced, words_typed
from rnnstore.networks.facts import Facts, read_facts
from rnnstore.networks.reading import Reading
from rnnstore.networks.tokenising import Tokens, tokenise
from rnnstore.networks.weights import Weights
from rnnstore.store.card import MENDING
from rnnstore.store.model import Model
from rnnstore.threads import one_thread

LIMIT = 1000
"""Steps of a typed text that are read, unless another limit is asked for."""

PREDICTIONS = 5
"""Predicted words a step."""

KEPT = 2
"""Networks kept ready in memory: as many as are compared side by side."""

_SCORES = 1 << 21  # held at once, 8 MB


class Network:
    """A trained network: `tokenise` and `read` text. Made by `network`.

    words       the vocabulary; a word's place is its number
    outputs     what a prediction is over: the vocabulary, or a classifier's labels
    classifier  whether it tells labels apart instead of predicting the next word
    completes   whether it reads characters and predicts the whole word that they are part of
    """

    def __init__(self, name: str, facts: Facts, weights: Path) -> None:
        self.name, self._facts = name, facts
        self.words = facts.vocabulary
        self.completes = facts.task == "autocomplete"
        self.classifier = facts.labels is not None and not self.completes
        self.outputs = facts.labels if facts.labels is not None else facts.vocabulary
        self.tokenisation = facts.tokenisation
        self.cells: list[Cell] = []
        width = facts.network.embedding
        for layer in facts.network.layers:
            self.cells.append(layer.built(width))
            width = layer.units
        self._number_of = {word: number for number, word in enumerate(self.words)}
        self._weights = Weights(weights, self.shapes())

    def __repr__(self) -> str:
        return f"Network({self.name!r}, {len(self.words):,} words, states {', '.join(self.states)})"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight by its full name: `embedding`, `layer1.kernel`, ..., `output.kernel`, `output.bias`."""
        sizes = self._facts.network
        shapes = {"embedding": (sizes.vocabulary, sizes.embedding)}
        for number, cell in enumerate(self.cells, 1):
            shapes |= {f"layer{number}.{name}": shape for name, shape in cell.shapes().items()}
        if not sizes.tie:
            shapes["output.kernel"] = (self.cells[-1].units, len(self.outputs))
        return shapes | {"output.bias": (len(self.outputs),)}

    @property
    def states(self) -> list[str]:
        """Every memory and hidden vector, `layer1.c`, `layer1.h`, ..., in order."""
        return [f"layer{number}.{name}" for number, cell in enumerate(self.cells, 1) for name in cell.states]

    @property
    def gates(self) -> list[str]:
        """Every gate, `layer1.i`, ..., in order."""
        return [f"layer{number}.{name}" for number, cell in enumerate(self.cells, 1) for name in cell.gates]

    @property
    def keeping(self) -> dict[str, str]:
        """The gate that says how much of a state is kept, by state: `layer1.f` for an LSTM's `layer1.c`."""
        return {
            f"layer{number}.{gate.keeps}": f"layer{number}.{name}"
            for number, cell in enumerate(self.cells, 1)
            for name, gate in cell.gates.items()
            if gate.keeps
        }

    def tokenise(self, text: str) -> Tokens:
        """The words of a typed text, exactly as in training; every character of it stands in `Tokens.typed`."""
        if self.tokenisation is None:
            raise MissingNetwork(
                f"The network of {self.name!r} does not say how its text was made into words, so no sentence can be "
                "read. `python -m pipelines record` with its recipe writes that down; recorded stretches can be shown."
            )
        tokens = tokenise(text, self.tokenisation, self._number_of)
        return spaced(tokens, self._number_of[" "]) if self.completes and " " in self._number_of else tokens

    def read(
        self,
        tokens: Tokens | str,
        limit: int = LIMIT,
        predictions: int = PREDICTIONS,
        before: dict[str, np.ndarray] | None = None,
    ) -> Reading:
        """What the network did at every step of a text: states, gates and predictions.

        It begins from a state of zero, or from the states `before`, float32[units] by name. At most `limit` steps are
        read, and the reading's notes say when that were not all; `predictions` of the most probable words at each, none
        for 0. `QuestionError` for an empty text.
        """
        if isinstance(tokens, str):
            tokens = self.tokenise(tokens)
        if not len(tokens):
            raise QuestionError(" ".join(["There is nothing to read: type at least one word.", *tokens.notes]))
        steps, notes = min(len(tokens), max(1, limit)), list(tokens.notes)
        if steps < len(tokens):
            notes.append(f"The text has {len(tokens):,} steps; the first {steps:,} of them were read.")
        ids, starts = tokens.ids[:steps], tokens.starts[:steps]
        with one_thread():
            series = self.run(ids, starts, before)
            self._check(*series.values())
            hidden = series[f"layer{len(self.cells)}.h"]
            predicted = self._predict(hidden, tokens, steps, predictions) if predictions > 0 else None
        return Reading(
            words=tokens.words[:steps],
            typed=tokens.typed[:steps],
            unknown=tokens.unknown[:steps],
            starts=starts,
            states={name: series[name] for name in self.states},
            gates={name: series[name] for name in self.gates},
            before=before or {name: np.zeros(series[name].shape[1], np.float32) for name in self.states},
            predictions=predicted,
            source="typed",
            notes=notes,
            classifier=self.classifier,
            keeping=self.keeping,
        )

    def run(self, ids: np.ndarray, starts: np.ndarray, before: dict[str, np.ndarray] | None = None) -> dict:
        """Every state and gate of every layer, by name, float32[steps, units], over words; -1 reads as zeros.

        `before` holds the states before the first step, float32[units] each by name; zero when it is not given.
        """
        x, series = self.inputs(ids), {}
        for number, cell in enumerate(self.cells, 1):
            earlier = before and {name: before[f"layer{number}.{name}"] for name in cell.states}
            found = cell.run(self.layer_weights(number), x, starts, earlier)
            series |= {f"layer{number}.{name}": values for name, values in found.items()}
            x = found["h"]
        return series

    def _check(self, *found: np.ndarray) -> None:
        if not all(np.isfinite(values).all() for values in found):
            raise DamagedModel(f"The network of {self.name!r} gives values that are no numbers. {MENDING}")

    def layer_weights(self, number: int) -> dict[str, np.ndarray]:
        """The weights of a layer's cell, counted from 1, by the cell's names for them."""
        return {name: self._weights[f"layer{number}.{name}"] for name in self.cells[number - 1].shapes()}

    def inputs(self, word_ids: np.ndarray) -> np.ndarray:
        """float32[n, embedding]: what the first layer reads for these words; zeros for an unknown one (-1)."""
        x = self._weights.rows("embedding", np.maximum(word_ids, 0))
        x[word_ids < 0] = 0
        return x

    def output_columns(self, outputs: np.ndarray) -> np.ndarray:
        """float32[n, units]: the weights by which the last layer's h makes the logits of these outputs."""
        if self._facts.network.tie:
            return self._weights.rows("embedding", outputs)
        return self._weights["output.kernel"][:, outputs].T

    def standing(self, hidden: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where one output stands among all at each step: its rank int[n], from 1, and its probability float32[n].

        `hidden` float32[n, units] is the last layer's h, `outputs` int[n] the output that is asked about; for -1 the
        rank is 0 and the probability NaN. Of outputs equally probable, the lower number comes first.
        """
        ranks, chances = np.zeros(len(hidden), np.int64), np.full(len(hidden), np.nan, np.float32)
        asked = np.flatnonzero(outputs >= 0)
        some = max(1, _SCORES // len(self.outputs))
        for first in range(0, len(asked), some):
            steps = asked[first : first + some]
            scores, its = self._scores(hidden[steps]), outputs[steps]
            own = scores[np.arange(len(steps)), its][:, None]
            before = (scores == own) & (np.arange(scores.shape[1]) < its[:, None])
            ranks[steps] = 1 + ((scores > own) | before).sum(axis=1)
            chances[steps] = 1 / np.exp(scores - own).sum(axis=1, dtype=np.float64)
        return ranks, chances

    def chances(self, hidden: np.ndarray) -> np.ndarray:
        """float32[n, outputs]: the probability of every output, from the last layer's h float32[n, units]."""
        scores = self._scores(hidden)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def _scores(self, hidden: np.ndarray) -> np.ndarray:
        """float32[n, outputs]: the logits, from the last layer's h float32[n, units]."""
        kernel = self._weights["embedding"].T if self._facts.network.tie else self._weights["output.kernel"]
        scores = hidden @ kernel + self._weights["output.bias"]
        self._check(scores)
        return scores

    def _predict(self, hidden: np.ndarray, tokens: Tokens, steps: int, top: int) -> pa.Table:
        """The table of a reading's predictions, from the last layer's h float32[steps, units]."""
        top = min(top, len(self.outputs))
        targets = np.full(steps, -1)
        if self.completes:
            words = words_typed(tokens)[:steps]
            number_of = {word: number for number, word in enumerate(self.outputs)}
            targets = np.array([number_of.get(word, -1) for word in words], np.int64)
        elif not self.classifier:
            after = np.arange(1, steps + 1)
            inside = after < len(tokens)
            inside[inside] = ~tokens.starts[after[inside]]
            targets[inside] = tokens.ids[after[inside]]
            words = [tokens.words[t] if here else None for t, here in zip(after, inside, strict=True)]
        else:
            words = [None] * steps
        best, chances, loss = [], [], []
        some = max(1, _SCORES // len(self.outputs))
        for first in range(0, steps, some):
            scores = self._scores(hidden[first : first + some])
            scores -= scores.max(axis=1, keepdims=True)
            total = np.log(np.exp(scores).sum(axis=1, dtype=np.float64))
            places = highest(scores, top)
            best.append(places)
            chances.append(np.exp(np.take_along_axis(scores, places, 1) - total[:, None]))
            target = targets[first : first + some]
            of_step = total - scores[np.arange(len(scores)), target]
            loss.append(np.where(target >= 0, of_step, np.nan))
        best, loss = np.concatenate(best), np.repeat(np.concatenate(loss), top)
        none = np.isnan(loss)
        return pa.table(
            {
                "t": pa.array(np.repeat(np.arange(steps), top), pa.int64()),
                "rank": pa.array(np.tile(np.arange(1, top + 1), steps), pa.int16()),
                "word_id": pa.array(best.ravel(), pa.int32()),
                "word": pa.array([self.outputs[place] for place in best.ravel().tolist()], pa.string()),
                "probability": pa.array(np.concatenate(chances).ravel(), pa.float32()),
                "target": pa.array(words, pa.string()).take(pa.array(np.repeat(np.arange(steps), top))),
                "target_probability": pa.array(np.exp(-loss), pa.float32(), mask=none),
                "loss": pa.array(loss, pa.float32(), mask=none),
            }
        )


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


def network(model: Model) -> Network:
    """The trained network of a model; the last few stay in memory.

    `MissingNetwork` says what is missing: then recorded stretches can be shown, but no sentence can be read.
    `DamagedModel` when its files are not what they say of themselves.
    """
    if model.name in _brought:
        return _brought[model.name]
    files = [model.folder / "network" / name for name in ("network.json", "weights.npz")]
    try:
        found = [os.stat(file) for file in files]
        key = (str(model.folder), *((status.st_ino, status.st_mtime_ns, status.st_size) for status in found))
    except OSError:
        how = (
            "it has not been trained to its end; train it with its recipe"
            if model.folder.joinpath("network").is_dir()
            else "only its states were recorded or imported"
        )
        raise MissingNetwork(
            f"There is no network in the folder of {model.name!r}: {how}. No sentence can be read by it; "
            "stretches of its recording can be shown."
        ) from None
    with _lock:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:  # who asks for another network does not wait for this one
        found = _ready.get(key) or Network(model.name, read_facts(files[0]), files[1])
        with _lock:
            _ready[key] = found
            _ready.move_to_end(key)
            while len(_ready) > KEPT:
                _ready.popitem(last=False)
            _loading.pop(key, None)
    return found


def bring(own: Network) -> None:
    """Let every analysis of this process read the model of `own`'s name by `own`: a network that no file describes."""
    _brought[own.name] = own


_brought: dict[str, Network] = {}
_ready: OrderedDict[tuple, Network] = OrderedDict()
_loading: dict[tuple, threading.Lock] = {}
_lock = threading.Lock()
