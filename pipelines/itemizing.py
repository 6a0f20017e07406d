"""Itemized gradients of every n-th training batch, written to the store while the training runs.

What a batch's loss tells the recurrent weights is taken apart by the step of the loss and the step whose copy of the
weights it passes (`training.itemized`). The compiled part runs the window once more with the weights that are about to
be changed, and hands out every state and gate and the gradient of each step's loss at the top layer's h, dropout and
all factors as in `training.compiled_step`; the rest is NumPy. The parts of a layer therefore sum to the gradient of its
recurrent weights that the optimiser takes, before clipping.

Rows wait in memory for a few seconds and are then appended, so that a page can follow a training that still runs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from pipelines.corpora.corpus import Corpus
from pipelines.network import RecurrentNetwork
from pipelines.recipe import Training
from pipelines.windows import Window
from rnnstore.networks.unrolled import Unrolled
from rnnstore.store import tables
from rnnstore.store.schema import Lifetime
from rnnstore.store.writing import ModelWriter
from rnnstore.threads import one_thread
from rnnstore.training.itemization import ItemizedGradient, itemize

FLUSH_EVERY = 4.0  # seconds between appends, at least
SHARE = 0.002  # of the processor's time that appends may take, at most
TOGETHER = 1 << 24  # bytes of batches that are taken apart in one go, at most
HALF, HUNDREDTH = 0.5, 0.01  # of the magnitude at lag 0: where the half-life and the horizon are


@dataclass(frozen=True)
class Batch:
    """A recorded batch before it is rows: of each layer its itemized gradient; of words float32[batch, steps] each."""

    step: int
    layers: dict[int, ItemizedGradient]
    words: np.ndarray
    targets: np.ndarray
    asked: np.ndarray  # bool: a target is there
    predicted: np.ndarray
    probability: np.ndarray
    target_probability: np.ndarray
    losses: np.ndarray


class Itemizing:
    """Records batches of a training by its setting `itemize`; `state` are the variables carried between windows."""

    def __init__(
        self,
        network: RecurrentNetwork,
        corpus: Corpus,
        settings: Training,
        writer: ModelWriter,
        state: list[tf.Variable],
    ) -> None:
        assert settings.itemize is not None
        self.corpus, self.writer = corpus, writer
        self.every, self.lags = settings.itemize.every, settings.itemize.lags
        self.compiled = compiled_look(network, settings, state)
        self.cells = network.cells
        self.seen: list[tuple[Window, int, Any]] = []  # windows with what was computed of each
        self.bytes = 0  # of them
        self.waiting: list[Batch] = []
        self.flushed, self.worked, self.cost = time.monotonic(), time.process_time(), 0.0

    def begin(self, step: int) -> None:
        """Drop what was recorded from `step` on: a training that was killed does these steps once more."""
        self.writer.keep_before(tables.named(Lifetime.BATCHES), step)

    def due(self, step: int) -> bool:
        """Whether the batch after `step` optimiser steps is recorded."""
        return step % self.every == 0

    @property
    def late(self) -> bool:
        """Whether it is time to append what waits: often enough to be followed, within its `SHARE` of the work."""
        waited, worked = time.monotonic() - self.flushed, time.process_time() - self.worked
        return waited > FLUSH_EVERY and worked > self.cost / SHARE

    def look(self, window: Window, step: int) -> None:
        """Record the window that is about to be trained on, after `step` optimiser steps."""
        self.seen.append((window, step, self.compiled(window, step)))
        self.bytes += sum(array.nbytes for array in tf.nest.flatten(self.seen[-1][-1]) if array is not None)
        if self.bytes > TOGETHER:
            self.take_apart()

    def take_apart(self) -> None:
        """Take apart the batches that were only looked at so far: many in a row, while the code for it is at hand."""
        with one_thread(), np.errstate(all="ignore"):  # where a training breaks down there are no numbers to take apart
            for window, step, found in self.seen:
                unrolled, cotangents, of_words = self.unroll(window, found)
                layers = itemize(unrolled, cotangents, self.lags)
                self.waiting.append(Batch(step, layers, window.words, window.targets, window.weigh > 0, *of_words))
        self.seen, self.bytes = [], 0

    def unroll(self, window: Window, found: Any) -> tuple[Unrolled, np.ndarray, list[np.ndarray]]:
        """The network over a window, the gradients of its losses at the top, and what is said of every word.

        `found` is what `compiled` gives of it.
        """
        packed, cotangents, x, dropped, of_words, before, weights = found
        series, at = [], 0
        for cell in self.cells:
            ends = np.cumsum([at, *cell.widths.values()])
            blocks = [packed[..., first:last] for first, last in pairwise(ends)]
            series.append(dict(zip(cell.widths, blocks, strict=True)))
            at = ends[-1]
        return Unrolled(self.cells, weights, series, before, window.keep.T == 0, x, dropped), cotangents, of_words

    def look_where_it_broke(self, window: Window, step: int) -> None:
        """Record the window at which the loss or the gradient is no number, where that was not done before."""
        if not self.due(step):
            self.look(window, step)

    def flush(self) -> None:
        """Append what waits to the store."""
        self.take_apart()
        began = time.thread_time()
        if self.waiting:
            self.writer.append(
                {
                    "gradient_horizons": horizon_rows(self.waiting),
                    "itemized_gradients": gradient_rows(self.waiting),
                    "training_batches": word_rows(self.waiting, self.corpus),
                }
            )
            self.waiting = []
        self.flushed, self.worked, self.cost = time.monotonic(), time.process_time(), time.thread_time() - began


def compiled_look(
    network: RecurrentNetwork, settings: Training, state: list[tf.Variable]
) -> Callable[[Window, int], Any]:
    """A function of a window and a step: all states and gates side by side float32[steps, batch, all], gradients of the
    losses at the top layer's h float32[steps, batch, units], what the first layer read (None where its cell does not
    ask), what dropout multiplied each layer's input by, of every word float32[batch, steps] the predicted one, its
    probability, the target's probability and the loss; the states before the window; the weights of every cell.

    For a small network most of a call's time is TensorFlow's: finding out which compiled function fits the arguments,
    and handing out one array after another. So that is found out once for each length of window, and all is handed out
    by one call."""
    names = tuple(f"layer{n}.{name}" for n, cell in enumerate(network.cells, 1) for name in cell.widths)
    top = f"layer{len(network.cells)}.h"
    layout = network.zeros(settings.batch)
    widths = {n: cell.inputs for n, cell in enumerate(network.cells, 1) if n > 1 and network.dropout}

    @tf.function(jit_compile=True)
    def run(words: tf.Tensor, targets: tf.Tensor, weigh: tf.Tensor, keep: tf.Tensor, step: tf.Tensor) -> Any:
        drop_seed = tf.stack([settings.seed, step])
        before = tf.nest.pack_sequence_as(layout, [tf.convert_to_tensor(variable) for variable in state])
        _, _, series = network.forward(words, keep, before, record=names, drop_seed=drop_seed)
        with tf.GradientTape() as tape:
            tape.watch(series[top])
            hidden = network.dropped(series[top], drop_seed, 0)
            logits = network.logits(tf.reshape(hidden, (-1, hidden.shape[-1])))
            flat = tf.reshape(targets, (-1,))
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(flat, logits)
            loss = tf.reduce_sum(each * tf.reshape(weigh, (-1,))) / settings.batch
        cotangents = tf.transpose(tape.gradient(loss, series[top]), (1, 0, 2))
        probabilities = tf.nn.softmax(logits)
        predicted = tf.argmax(logits, -1, output_type=tf.int32)
        of_words = (
            predicted,
            tf.reduce_max(probabilities, -1),
            tf.gather(probabilities, flat, batch_dims=1),
            each,
        )
        dropped = {
            n: tf.transpose(network.dropped(tf.ones((*words.shape, width)), drop_seed, n), (1, 0, 2))
            for n, width in widths.items()
        }
        x = None
        if network.cells[0].reads_input:
            x = tf.transpose(network.dropped(tf.gather(network.weights["embedding"], words), drop_seed, 1), (1, 0, 2))
        packed = tf.transpose(tf.concat([series[name] for name in names], -1), (1, 0, 2))
        weights = [
            {name: tf.convert_to_tensor(weight) for name, weight in layer.weights.items()} for layer in network.layers
        ]
        return packed, cotangents, x, dropped, [tf.reshape(values, words.shape) for values in of_words], before, weights

    fitting: dict[tuple[int, ...], Any] = {}

    def call(window: Window, step: int) -> Any:
        given = [tf.constant(each) for each in (window.words, window.targets, window.weigh, window.keep, step)]
        if window.words.shape not in fitting:
            fitting[window.words.shape] = run.get_concrete_function(*given)
        found = fitting[window.words.shape](*given)
        return tf.nest.map_structure(lambda tensor: None if tensor is None else tensor.numpy(), found)

    return call


def horizon_rows(batches: list[Batch]) -> pa.Table:
    """The rows of `gradient_horizons`."""
    rows = []
    for batch in batches:
        loss = float(batch.losses[batch.asked].mean()) if batch.asked.any() else None
        for layer, items in batch.layers.items():
            values = items.magnitude[items.pairs]
            known = [None if np.isnan(lag) else lag for lag in items.horizon(HALF, HUNDREDTH)]
            rows.append((batch.step, layer, loss, float(values.max()), float(values.mean()), *known))
    names = ("step", "layer", "loss", "maximum", "mean", "half_life", "horizon")
    return pa.table(dict(zip(names, map(pa.array, zip(*rows, strict=True)), strict=True)))


def gradient_rows(batches: list[Batch]) -> pa.Table:
    """The rows of `itemized_gradients`, by batch, layer, t and j."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("step", "layer", "t", "j", "magnitude", "share")}
    for batch in batches:
        for layer, items in batch.layers.items():
            t, j = items.pairs
            where = (np.full(len(t), batch.step), np.full(len(t), layer, np.int32), t, j)
            amounts = (items.magnitude[t, j], items.share[t, j])
            for column, values in zip(columns.values(), (*where, *amounts), strict=True):
                column.append(values)
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    return pa.table(joined | {name: joined[name].astype(np.int32) for name in ("t", "j")})


def word_rows(batches: list[Batch], corpus: Corpus) -> pa.Table:
    """The rows of `training_batches`, by batch, sequence and position."""

    def each(of: Callable[[Batch], np.ndarray]) -> np.ndarray:
        return np.concatenate([of(batch).ravel() for batch in batches])

    asked = each(lambda b: b.asked)
    return pa.table(
        {
            "step": each(lambda b: np.full(b.words.shape, b.step)),
            "sequence": each(lambda b: np.indices(b.words.shape, np.int32)[0]),
            "position": each(lambda b: np.indices(b.words.shape, np.int32)[1]),
            "input": named(each(lambda b: b.words), corpus.vocabulary),
            "label": named(each(lambda b: b.targets), corpus.outputs, asked),
            "predicted": named(each(lambda b: b.predicted), corpus.outputs),
            "probability": each(lambda b: b.probability),
            "label_probability": pa.array(each(lambda b: b.target_probability), mask=~asked),
            "loss": pa.array(each(lambda b: b.losses), mask=~asked),
        }
    )


def named(numbers: np.ndarray, words: list[str], asked: np.ndarray | None = None) -> pa.DictionaryArray:
    """The words of these numbers, null where `asked` is false; only those that occur are kept beside them."""
    used, places = np.unique(numbers, return_inverse=True)
    mask = None if asked is None else ~asked
    places = pa.array(places.ravel().astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(places, pa.array([words[i] for i in used.tolist()], pa.string()))
