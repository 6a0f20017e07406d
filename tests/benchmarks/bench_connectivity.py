"""Connectivity of every pair of 198 characters through 2 x 600 units, beside GradientTape row by row, in one run.

    python -m tests.benchmarks.bench_connectivity [--rows 8]

Ours is one pass back for all rows on one thread; the tape differentiates one row after the other, as the published
visualization did, through the same network unrolled in a compiled function. The tape's time is that of `--rows` rows,
spread over the text, times what is missing, because all of them take minutes. The aim is 3 s. On a machine that does
other things, too, the times of the processor are the ones to compare. Weights are random.
"""

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from pipelines.network import RecurrentNetwork
from rnnstore.connectivity.norms import connectivity, targets_of
from rnnstore.networks import open_network
from rnnstore.networks.tokenising import Tokens
from rnnstore.threads import one_thread

WORDS, EMBEDDING, STEPS = list("abcdefghijklmnopqrstuvwxyz ."), 600, 198
CELLS = {"GRU": {"cell": "gru", "units": 600}, "LSTM": {"cell": "lstm", "units": 600}}


def taped(drawn: RecurrentNetwork):
    """A compiled function from embedded inputs, a step and an output to the gradient of its score."""

    @tf.function
    def gradient(x: tf.Tensor, step: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            state = drawn.zeros(1)
            hidden = tf.zeros([1, drawn.cells[-1].units])
            t = tf.constant(0)
            while t <= step:
                below, after = x[:, t], []
                for layer, before in zip(drawn.layers, state, strict=True):
                    now, _ = layer.step(below, before)
                    after.append(now)
                    below = now["h"]
                state, hidden, t = after, below, t + 1
            score = drawn.logits(hidden)[0, output]
        return tape.gradient(score, x)

    return gradient


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=8, help="rows that the tape works out (8)")
    rows = options.parse_args().rows
    random = np.random.default_rng(0)
    ids = random.integers(0, len(WORDS), STEPS).astype(np.int32)
    words = [WORDS[number] for number in ids]
    starts = np.arange(STEPS) == 0
    for name, layer in CELLS.items():
        drawn = RecurrentNetwork(len(WORDS), EMBEDDING, [layer, layer])
        drawn.assign({key: random.normal(0, 0.04, shape) for key, shape in drawn.shapes().items()})
        with TemporaryDirectory() as folder:
            drawn.save(Path(folder) / "network", settings="", level="character", vocabulary=WORDS)
            reader = open_network(SimpleNamespace(name=name, folder=Path(folder)))
            began, worked = time.perf_counter(), time.process_time()
            reading = reader.read(Tokens(words, ids, words, np.zeros(STEPS, bool), starts, []))
            targets = targets_of(reader, reading, "predicted")
            with one_thread():
                found = connectivity(reader, reading, targets)
            ours, processor = time.perf_counter() - began, time.process_time() - worked
        x = tf.gather(tf.cast(drawn.weights["embedding"], tf.float32), ids)[None]
        gradient = taped(drawn)
        steps = np.linspace(0, STEPS - 1, rows).astype(int)
        gradient(x, tf.constant(1), tf.constant(int(targets[1])))  # compiled
        began, worked, apart = time.perf_counter(), time.process_time(), 0.0
        for step in steps:
            row = np.linalg.norm(gradient(x, tf.constant(int(step)), tf.constant(int(targets[step])))[0], axis=1)
            apart = max(apart, float(np.abs(row - found.values[step]).max() / row.max()))
        share = STEPS / rows
        tape, taped_processor = (time.perf_counter() - began) * share, (time.process_time() - worked) * share
        print(
            f"2 x 600 {name}: all {STEPS * (STEPS + 1) // 2:,} pairs in {ours:.2f} s, {processor:.2f} s of processor; "
            f"row by row on a tape {tape:.1f} s, {taped_processor:.1f} s of processor (from {rows} rows): "
            f"{taped_processor / processor:.0f} times as much; largest difference {apart:.0e} of the row's largest"
        )


if __name__ == "__main__":
    main()
