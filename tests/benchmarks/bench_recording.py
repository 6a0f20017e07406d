"""What recording costs, beside the bare forward pass of the same network on the same chunks, and its peak memory.

    python -m tests.benchmarks.bench_recording            cost, and memory for 1M and 4M steps
    python -m tests.benchmarks.bench_recording 10000000   memory for 1M and 10M steps

The forward pass is all that yields the probabilities of all words, with nothing kept. Recording adds the top five
words, every cell and hidden vector in both layouts, their runs, expected responses and a track. The aim is a ratio of
at most 2, and memory that does not grow with the number of steps. Run it on a machine that does nothing else: recording
writes on one core while the network reads on the other.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pipelines.__main__ import quiet

# Name, vocabulary, embedding, layers, steps of the text, steps of a sequence (None: one stream).
NETWORKS = (
    ("language model, 2 x 200 LSTM, one stream", 10_000, 200, [("lstm", 200)] * 2, 100_000, None),
    ("language model, 2 x 200 LSTM, sentences", 10_000, 200, [("lstm", 200)] * 2, 100_000, 24),
    ("characters, 1 x 128 GRU, one stream", 100, 24, [("gru", 128)], 200_000, None),
    ("characters, 1 x 300 LSTM, one stream", 100, 24, [("lstm", 300)], 100_000, None),
)


def a_corpus(vocabulary: int, steps: int, length: int | None):
    from pipelines.corpora import Corpus, Split

    words = np.random.default_rng(0).zipf(1.3, steps).clip(1, vocabulary).astype(np.int32) - 1
    starts = np.arange(steps) % length == 0 if length else np.arange(steps) == 0
    split = Split(words, starts, {"nesting": np.arange(steps) % 5})
    return Corpus("made up", "word", [f"word{i}" for i in range(vocabulary)], {"train": split})


def a_network(vocabulary: int, embedding: int, layers):
    from pipelines.network import RecurrentNetwork

    network = RecurrentNetwork(vocabulary, embedding, [{"cell": cell, "units": units} for cell, units in layers])
    network.initialise(1, 0.1 if vocabulary > 1000 else 0.5)
    return network


def recipe(steps: int):
    wanted = dict(split="train", start=0, steps=steps, states=None, gates=False, thresholds=[0.3], predictions=5)
    return SimpleNamespace(record=SimpleNamespace(**wanted))


def seconds() -> np.ndarray:
    """The clock, and the processor time that this process has used."""
    return np.array([time.perf_counter(), time.process_time()])


def forward(network, split) -> np.ndarray:
    """What the bare forward pass takes: seconds, and seconds of processor time."""
    import tensorflow as tf

    from pipelines.recording import LOGITS, Reader

    reader = Reader(network)
    softmax = tf.function(lambda hidden: tf.nn.softmax(network.logits(hidden)))
    size = max(1, LOGITS // network.vocabulary)

    def once():
        for stretch in reader.read(split):
            for i in range(0, len(stretch.hidden), size):
                softmax(tf.constant(stretch.hidden[i : i + size]))

    once()  # compiles
    began = seconds()
    once()
    return seconds() - began


def record(network, corpus, steps: int) -> np.ndarray:
    """What recording takes, up to the published model."""
    import rnnstore
    from pipelines import recording

    reader, folder = recording.Reader(network), Path(tempfile.mkdtemp(prefix="bench-"))
    for stretch in reader.read(corpus.splits["train"], 0, 4096, tuple(network.state_names)):  # compiles
        reader.predict(corpus.splits["train"], stretch, 5)
    try:
        with rnnstore.open(folder).writer("bench") as writer:
            began = seconds()
            recording.record(recipe(steps), corpus, reader, writer, lambda *_: None)
            return seconds() - began
    finally:
        shutil.rmtree(folder)


def memory(steps: int) -> None:
    """Record so many steps of a small network and print the peak memory of this process, in MB."""
    network, corpus = a_network(50, 8, [("gru", 64)]), a_corpus(50, steps, None)
    took = record(network, corpus, steps)[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = (corpus.splits["train"].word_ids.nbytes + steps * 9) / 2**20
    print(f"{steps:>12,} steps x 64 units: {took:6.1f} s, peak {peak:,.0f} MB, of which the text {held:,.0f} MB")


def main() -> None:
    for name, vocabulary, embedding, layers, steps, length in NETWORKS:
        network, corpus = a_network(vocabulary, embedding, layers), a_corpus(vocabulary, steps, length)
        runs = [(forward(network, corpus.splits["train"]), record(network, corpus, steps)) for _ in range(3)]
        bare, full = (np.min([run[k] for run in runs], axis=0) for k in range(2))
        print(
            f"{name}: forward {bare[0] / steps * 1e6:.1f} us a step, recording {full[0] / steps * 1e6:.1f} us, "
            f"ratio {full[0] / bare[0]:.2f} (in processor time {full[1] / bare[1]:.2f})",
            flush=True,
        )
    for steps in (1_000_000, int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000):
        subprocess.run([sys.executable, "-m", __spec__.name, "--memory", str(steps)], check=True)


if __name__ == "__main__":
    with quiet():
        import tensorflow  # noqa: F401
    if "--memory" in sys.argv:
        memory(int(sys.argv[-1]))
    else:
        main()
