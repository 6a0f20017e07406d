"""State gradients beside GradientTape, in one run.

    python -m tests.benchmarks.bench_state_gradients

An LSTM of 256 units on an embedding of 64, 31 delays, c and h together, as in the published experiment. Asked: 3 ms a
step on two cores. The tape is `tape.jacobian` of one state (c) in a compiled `tf.function`, vectorised, for one step at
all 31 delays. Beside the clock stands the processor's time, which other programs disturb less: on two quiet cores, half
of it is what the clock would show. Fixed costs (a network's start, decompositions of the means at the end) are apart.
"""

import os
import time

import numpy as np

from rnnstore.memory.gradients import gradients_of_words
from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.cells.lstm import LSTM

EMBEDDING, UNITS, DELAYS, VOCABULARY = 64, 256, 31, 1000
SHORT, LONG = 320, 960
TAPE_STEPS = 5


class Random(CellNetwork):
    """A network of one LSTM with random weights."""

    name, words, outputs = "random", (), ()

    def __init__(self):
        random = np.random.default_rng(0)
        self.describe([LSTM(EMBEDDING, UNITS)])
        shapes = self.cells[0].shapes()
        self.weights = {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
        self.embedding = random.normal(0, 0.1, (VOCABULARY, EMBEDDING)).astype(np.float32)

    def layer_weights(self, number):
        return self.weights

    def embed(self, ids):
        return self.embedding[ids]

    def output_weights(self):
        raise NotImplementedError


def measured(call, times=3):
    """(seconds, processor seconds), the least of `times` each."""
    took = []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        call()
        took.append((time.perf_counter() - began, time.process_time() - worked))
    return np.min(took, axis=0)


def ours(network):
    """(seconds, processor seconds) a step, fixed costs taken away by measuring two lengths."""
    ids = np.random.default_rng(1).integers(0, VOCABULARY, LONG).astype(np.int32)

    def of(steps):
        starts = np.arange(steps) == 0
        return measured(lambda: gradients_of_words(network, ids[:steps], starts, delays=DELAYS))

    return (of(LONG) - of(SHORT)) / (LONG - SHORT)


def by_tape(network):
    """(seconds, processor seconds) a step of the tape, and its matrix of c at the longest delay."""
    import tensorflow as tf

    weights = {name: tf.constant(value) for name, value in network.weights.items()}

    @tf.function
    def jacobians(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            c = h = tf.zeros((UNITS,))
            for t in range(DELAYS):
                gates = tf.linalg.matvec(weights["kernel"], x[t], transpose_a=True) + weights["bias"]
                gates += tf.linalg.matvec(weights["recurrent"], h, transpose_a=True)
                i, f, g, o = tf.split(gates, 4)
                c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
                h = tf.sigmoid(o) * tf.tanh(c)
        return tape.jacobian(c, x)

    x = tf.constant(network.embedding[np.arange(DELAYS)])
    first = jacobians(x).numpy()[:, 0]
    took = measured(lambda: [jacobians(x).numpy() for _ in range(TAPE_STEPS)], times=2)
    return took / TAPE_STEPS, first


def main() -> None:
    network = Random()
    cores = os.cpu_count()
    print(f"E={EMBEDDING}, D={UNITS}, {DELAYS} delays; milliseconds a step, clock (processor); {cores} cores")
    seconds, worked = ours(network)
    print(f"c and h, all words: {seconds * 1e3:.2f} ({worked * 1e3:.2f}); on 2 quiet cores {worked * 500:.2f}")
    tape, expected = by_tape(network)
    ids, starts = np.arange(DELAYS, dtype=np.int32), np.arange(DELAYS) == 0
    found = gradients_of_words(network, ids, starts, states=["layer1.c"], delays=DELAYS).to_pylist()[-1]
    error = np.abs(np.reshape(found["matrix"], expected.shape) - expected).max() / np.abs(expected).max()
    print(f"tape.jacobian in a tf.function, c alone: {tape[0] * 1e3:.1f} ({tape[1] * 1e3:.1f})")
    print(f"ratio of processor times {tape[1] / worked:.0f}; largest difference at delay {DELAYS - 1} {error:.1e}")


if __name__ == "__main__":
    main()
