"""Itemized gradients of a batch beside a loop over a tape, and what recording every 100th batch costs a training.

    python -m tests.benchmarks.bench_itemized

The aims are 1 ms for all pairs of 25 steps through 100 units, 0.25 s for 128 steps of an LSTM of 512, and less than 2 %
of a training's time. Times are those of the processor, so that other programs do not count. The tape takes one
gradient for every pair of a loss and a copy of the weights, on one batch; of the large one, of a few pairs.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
from rich.console import Console

import rnnstore
from pipelines import recipe as recipes
from pipelines import training
from pipelines.corpora import load
from pipelines.itemizing import Itemizing
from pipelines.tensors import TensorLayer
from rnnstore.networks.cells import build
from rnnstore.networks.unrolled import Unrolled
from rnnstore.threads import one_thread
from rnnstore.training.itemization import itemize

RECIPE = """
name: bench
corpus: {{kind: parentheses, symbols: 300000}}
network: {{embedding: 100, layers: [{{cell: vanilla, units: 100}}]}}
training: {{epochs: 1, batch: 1, unroll: 25, learning_rate: 0.001{itemize}}}
"""
PAIRS = 12  # of the large batch, that the tape is asked for


def a_batch(kind: str, steps: int, units: int):
    """A layer with weights, its inputs, the gradients at the top, and all it did: (states, gates)."""
    rng = np.random.default_rng(1)
    cell = build(kind, units, units)
    layer = TensorLayer(cell, {n: tf.constant(w) for n, w in cell.initial_weights(rng, None).items()})
    x = tf.constant(rng.normal(size=(steps, 1, units)).astype(np.float32))
    cotangents = rng.normal(size=(steps, 1, units)).astype(np.float32)
    return layer, x, cotangents


def unrolled(layer, x, copies):
    """h of every step with a copy of the weights each, and every state and gate, float32[steps, 1, units]."""
    state, tops, series = layer.zeros(1), [], {name: [] for name in layer.cell.widths}
    for t in range(len(x)):
        layer.weights = {**layer.weights, "recurrent": copies[t]}
        state, gates = layer.step(x[t], state)
        tops.append(state["h"])
        for name, value in {**state, **gates}.items():
            series[name].append(value.numpy())
    return tops, {name: np.stack(values) for name, values in series.items()}


def of_batch(kind: str, steps: int, units: int, repeats: int) -> None:
    """Print both times and their ratio."""
    layer, x, cotangents = a_batch(kind, steps, units)
    copies = [tf.identity(layer.weights["recurrent"]) for _ in range(steps)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(copies)
        tops, series = unrolled(layer, x, copies)
        losses = [tf.reduce_sum(top * seed) for top, seed in zip(tops, cotangents, strict=True)]
    pairs = [(t, j) for t in range(steps) for j in range(t + 1)]
    asked = pairs if len(pairs) < 400 else pairs[:: len(pairs) // PAIRS]
    began = time.process_time()
    norms = [float(tf.norm(tape.gradient(losses[t], copies[j]))) for t, j in asked]
    other = (time.process_time() - began) * len(pairs) / len(asked)

    plain = {name: value.numpy() for name, value in layer.weights.items()}
    before = {name: np.zeros((1, units), np.float32) for name in layer.states}
    took = []
    for _ in range(repeats):
        began = time.process_time()
        with one_thread():
            found = itemize(
                Unrolled([layer.cell], [plain], [series], [before], np.zeros((steps, 1), bool)), cotangents
            )[1]
        took.append(time.process_time() - began)
    far = max(abs(found.magnitude[t, j] - norm) for (t, j), norm in zip(asked, norms, strict=True))
    print(
        f"{kind}, {steps} steps, {units} units, {len(pairs):,} pairs: {1000 * min(took):.2f} ms "
        f"(median {1000 * np.median(took):.2f}); tape {1000 * other:,.0f} ms"
        f"{'' if len(asked) == len(pairs) else f' from {len(asked)} pairs'}, ratio {other / min(took):,.0f}; "
        f"largest difference of a norm {far:.1e}"
    )


def of_training(itemize: str) -> tuple[float, float]:
    """Processor seconds a step of a training, and of those what recording took, compiling left out."""
    recipe = recipes.parse(RECIPE.format(itemize=itemize))
    corpus = load(recipe.corpus)
    marks, spent, originals = [], [], (training.compiled_step, Itemizing.look, Itemizing.flush)

    def watched(*arguments):
        call = originals[0](*arguments)

        def marked(*given):
            marks.append(time.process_time())
            return call(*given)

        return marked

    def timed(method):
        def run(self, *given):
            began = time.process_time()
            found = method(self, *given)
            if len(marks) > 200:
                spent.append(time.process_time() - began)
            return found

        return run

    training.compiled_step, Itemizing.look, Itemizing.flush = watched, timed(originals[1]), timed(originals[2])
    try:
        with TemporaryDirectory() as folder, rnnstore.open(Path(folder)).writer("bench") as writer:
            training.train(recipe, corpus, writer.folder("network"), writer, Console(quiet=True))
    finally:
        training.compiled_step, Itemizing.look, Itemizing.flush = originals
    steps = len(marks) - 201
    return (marks[-1] - marks[200]) / steps, sum(spent) / steps


def main() -> None:
    of_batch("vanilla", 25, 100, 200)
    of_batch("lstm", 25, 100, 100)
    of_batch("lstm", 128, 512, 5)
    plain = min(of_training("")[0] for _ in range(3))
    recorded, spent = min(of_training(", itemize: {every: 100}") for _ in range(3))
    print(
        f"a step of 25 characters through 100 vanilla units: {1000 * plain:.3f} ms, with every 100th batch recorded "
        f"{1000 * recorded:.3f} ms, of which recording and writing take {1000 * spent:.4f} ms: "
        f"{100 * spent / plain:.1f} % slower"
    )


if __name__ == "__main__":
    main()
