"""Reading a text with a trained network, step by step in corpus order, and recording what it keeps in its state.

`Reader` runs the network over any stretch of a split and hands out states, hidden vectors and probabilities of the next
word, or of the label, in chunks, so memory is constant in the length of the text. The state is reset where the split
says that a sequence starts and nowhere else: one long stream is one long recurrence with batch 1, and a stretch that
begins inside a sequence is preceded by an unrecorded reading of that sequence from its start. Short sequences are
packed side by side into rows, which is faster and gives the same values.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import tensorflow as tf

import rnnstore
from pipelines.corpora.corpus import Corpus, Split
from pipelines.evaluation import Evaluation
from pipelines.network import RecurrentNetwork
from pipelines.recipe import Recipe
from rnnstore.store.writing import ModelWriter

CHUNK = 2048  # steps of a stream in one call: long enough that a call costs nothing, short enough for any memory
T = TypeVar("T")

ROWS = 16  # short sequences read side by side
SHORT = 512  # longest sequence that is read in rows
ROW = 256  # steps of a row, unless a sequence is longer: then SHORT
LOGITS = 4_000_000  # most scores held at once, 16 MB


@dataclass(frozen=True)
class Stretch:
    """Steps start..stop-1 of a split, as read: hidden float32[steps, units] of the last layer, and the named series."""

    start: int
    stop: int
    hidden: np.ndarray
    series: dict[str, np.ndarray]


_Piece = tuple[int, int, Callable[[tf.Tensor], np.ndarray], tf.Tensor, dict[str, tf.Tensor]]
"""First step, one past the last, what cuts the filling off, and what was read with it."""


def _of_stream(steps: int, values: tf.Tensor) -> np.ndarray:
    return values[0].numpy()[:steps]


def _of_rows(used: np.ndarray, values: tf.Tensor) -> np.ndarray:
    return values.numpy()[used]


class Reader:
    """A network made ready to read: its compiled functions, and the loops around them."""

    def __init__(self, network: RecurrentNetwork) -> None:
        self.network = network
        self.window = tf.function(self._window, jit_compile=True)
        self.probabilities = tf.function(self._probabilities, reduce_retracing=True)  # chunks of any length

    def _window(
        self, word_ids: tf.Tensor, keep: tf.Tensor, state: list[dict[str, tf.Tensor]], names: tuple[str, ...]
    ) -> tuple[tf.Tensor, list[dict[str, tf.Tensor]], dict[str, tf.Tensor]]:
        return self.network.forward(word_ids, keep, state, record=names)

    def read(
        self, split: Split, start: int = 0, stop: int | None = None, names: tuple[str, ...] = ()
    ) -> Iterator[Stretch]:
        """The stretches of start..stop-1 in order, with the named states and gates, each float32[steps, units]."""
        stop = len(split.word_ids) if stop is None else stop
        begins = np.flatnonzero(split.sequence_starts[:stop])
        first = begins[np.searchsorted(begins, start, side="right") - 1]  # the sequence that `start` lies in
        lengths = np.diff(np.append(begins[begins >= first], stop))
        in_rows = len(lengths) > 1 and lengths.max() <= SHORT
        pieces = self._in_rows(split, first, lengths, names) if in_rows else self._as_stream(split, first, stop, names)
        for piece_start, piece_stop, cut, hidden, series in pieces:
            begin = max(start, piece_start)
            if begin < piece_stop:  # else the reading before the stretch, which nobody asked for
                values = {name: cut(value)[begin - piece_start :] for name, value in series.items()}
                yield Stretch(begin, piece_stop, cut(hidden)[begin - piece_start :], values)

    def _as_stream(self, split: Split, start: int, stop: int, names: tuple[str, ...]) -> Iterator[_Piece]:
        """One row, its state carried from chunk to chunk. The last chunk is filled up, and the filling dropped."""
        size = min(CHUNK, stop - start)
        state = self.network.zeros(1)
        for begin in range(start, stop, size):
            steps = min(size, stop - begin)
            word_ids, keep = np.zeros((1, size), np.int32), np.ones((1, size), np.float32)
            word_ids[0, :steps] = split.word_ids[begin : begin + steps]
            keep[0, :steps] = ~split.sequence_starts[begin : begin + steps]
            hidden, state, series = self.window(word_ids, keep, state, names)
            yield begin, begin + steps, partial(_of_stream, steps), hidden, series

    def _in_rows(self, split: Split, start: int, lengths: np.ndarray, names: tuple[str, ...]) -> Iterator[_Piece]:
        """Whole sequences one after another into rows, ROWS rows a call; the rows end where no more sequence fits."""
        size = ROW if lengths.max() <= ROW else SHORT
        zeros = self.network.zeros(ROWS)
        waiting, begin = list(reversed(lengths)), start
        while waiting:
            word_ids, keep = np.zeros((ROWS, size), np.int32), np.ones((ROWS, size), np.float32)
            filled, at = np.zeros(ROWS, int), begin
            for row in range(ROWS):
                while waiting and filled[row] + waiting[-1] <= size:
                    filled[row] += waiting.pop()
                word_ids[row, : filled[row]] = split.word_ids[at : at + filled[row]]
                keep[row, : filled[row]] = ~split.sequence_starts[at : at + filled[row]]
                at += filled[row]
            hidden, _, series = self.window(word_ids, keep, zeros, names)
            used = np.arange(size) < filled[:, None]  # row by row, this is corpus order
            yield begin, at, partial(_of_rows, used), hidden, series
            begin = at

    def _probabilities(self, hidden: tf.Tensor, targets: tf.Tensor, top: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits = self.network.logits(hidden)  # [n, vocabulary]
        word_ids = highest(logits, top)
        probabilities = tf.gather(tf.nn.softmax(logits), word_ids, batch_dims=1)
        # log of the sum of all exp(logits), from the most probable word: no second pass over all words
        total = tf.gather(logits, word_ids[:, 0], batch_dims=1) - tf.math.log(probabilities[:, 0])
        return word_ids, probabilities, total - tf.gather(logits, targets, batch_dims=1)

    def predict(self, split: Split, stretch: Stretch, top: int) -> rnnstore.Predictions:
        """The `top` most probable words or labels after every step, and probability and loss of the right one.

        Where `targets_of` knows no right one, the target is -1, and probability and loss are NaN.
        """
        found = targets_of(split, stretch.start, stretch.stop)
        asked, targets = found >= 0, np.maximum(found, 0)
        top = min(top, self.network.outputs)
        size = max(1, LOGITS // self.network.outputs)
        parts = [
            self.probabilities(tf.constant(stretch.hidden[i : i + size]), tf.constant(targets[i : i + size]), top)
            for i in range(0, len(targets), size)
        ]
        word_ids, probabilities, loss = (np.concatenate([part[k].numpy() for part in parts]) for k in range(3))
        loss = np.where(asked, loss, np.float32("nan"))
        return rnnstore.Predictions(
            word_ids=word_ids,
            probabilities=probabilities,
            targets=found,
            target_probabilities=np.exp(-loss),
            loss=loss,
        )

    def measure(self, split: Split) -> Evaluation:
        """How well the network predicts the whole split, each sequence read from its start to its end."""
        parts = []
        for stretch in self.read(split):
            found = self.predict(split, stretch, 1)
            asked = found.targets >= 0
            parts.append((found.loss[asked], found.word_ids[asked, 0], found.targets[asked]))
        losses, predicted, targets = (np.concatenate(part) for part in zip(*parts, strict=True))
        loss = float(losses.mean(dtype=np.float64)) if len(losses) else 0.0
        if split.labels is None and split.targets is None:
            return Evaluation("language model", loss)
        if split.targets is not None:
            return Evaluation("autocomplete", loss, float((predicted == targets).mean()) if len(targets) else 0.0)
        return Evaluation.of_labels("classifier", loss, predicted, targets)


def targets_of(split: Split, start: int, stop: int) -> np.ndarray:
    """int32[steps]: what ought to be predicted after each of steps start..stop-1, -1 where nobody asks.

    That is what the split names as targets, else the next word, but for a sequence's last step; where sequences have
    labels, it is the label, and only there.
    """
    if split.targets is not None:
        return split.targets[start:stop]
    after = np.minimum(np.arange(start + 1, stop + 1), len(split) - 1)
    ends = split.sequence_starts[after] | (np.arange(start + 1, stop + 1) == len(split))
    if split.labels is None:
        return np.where(ends, -1, split.word_ids[after]).astype(np.int32)
    sequence = np.count_nonzero(split.sequence_starts[:start]) + np.cumsum(split.sequence_starts[start:stop]) - 1
    return np.where(ends, split.labels[sequence], -1).astype(np.int32)


def highest(scores: tf.Tensor, top: int) -> tf.Tensor:
    """int32[n, top]: where the highest of every row are, highest first, the lower place first where they are equal.

    `top_k` looks at each score in turn, which for a large vocabulary costs as much as making the scores. Only groups
    with one of the `top` highest maxima can hold one of the `top` highest scores, and a maximum is quick to find.
    """
    count = scores.shape[1]
    if count < 1000 or top > 20:
        return tf.math.top_k(scores, top).indices
    groups = math.isqrt(count)
    size = -(-count // groups)
    padded = tf.pad(scores, [[0, 0], [0, groups * size - count]], constant_values=-math.inf)
    grouped = tf.reshape(padded, (-1, groups, size))
    chosen = tf.sort(tf.math.top_k(tf.reduce_max(grouped, axis=2), top).indices, axis=1)  # [n, top]
    candidates = tf.reshape(tf.gather(grouped, chosen, batch_dims=1), (-1, top * size))
    best = tf.math.top_k(candidates, top).indices
    return tf.gather(chosen, best // size, batch_dims=1) * size + best % size


def record(
    recipe: Recipe, corpus: Corpus, reader: Reader, writer: ModelWriter, progress: Callable[[int, int], None]
) -> int:
    """Record what the recipe asks for into the store; the number of steps recorded.

    `progress` is called with the steps done and the steps in all. The network reads the next chunk while this one is
    being written.
    """
    wanted, split = recipe.record, corpus.splits[recipe.record.split]
    start = wanted.start
    stop = len(split.word_ids) if wanted.steps is None else min(start + wanted.steps, len(split.word_ids))
    names = series_to_record(recipe, reader.network)

    def stretches() -> Iterator[tuple[Stretch, rnnstore.Predictions | None]]:
        for stretch in reader.read(split, start, stop, names):
            yield stretch, reader.predict(split, stretch, wanted.predictions) if wanted.predictions else None

    with writer.record(
        vocabulary=corpus.vocabulary,
        outputs=corpus.labels,
        thresholds=tuple(wanted.thresholds),
        track_sources=split.track_sources,
        recorded=f"{corpus.name}, {wanted.split} split, steps {start:,} to {stop - 1:,}",
    ) as recorder:
        for stretch, predictions in ahead(stretches()):
            here = slice(stretch.start, stretch.stop)
            recorder.add(
                words=split.word_ids[here],
                states=stretch.series,
                sequence_starts=split.sequence_starts[here],
                annotations={name: values[here] for name, values in split.tracks.items()},
                predictions=predictions,
            )
            progress(stretch.stop - start, stop - start)
    return stop - start


def series_to_record(recipe: Recipe, network: RecurrentNetwork) -> tuple[str, ...]:
    """Names of the states and gates that the recipe asks for: without a list, every cell and hidden vector."""
    wanted = network.state_names if recipe.record.states is None else recipe.record.states
    return tuple(dict.fromkeys([*wanted, *(network.gate_names if recipe.record.gates else [])]))


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in another thread while the one before is being used."""
    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item
