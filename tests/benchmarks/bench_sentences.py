"""A typed sentence of 20 words through 2 x 600 LSTM units and a softmax over 10,000 words, without TensorFlow.

    python -m tests.benchmarks.bench_sentences

The aim is well under a second the first time, weights and all, and 0.3 s from then on. The weights are random.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import rnnstore
from rnnstore.networks import open_network

WORDS, UNITS = 10_000, 600
SENTENCE = " ".join(f"w{number}" for number in range(0, 9500, 500))  # and the end of the sentence: 20 steps


def save(store: Path) -> None:
    """A store whose one model is nothing but a network."""
    random, layer = np.random.default_rng(0), {"cell": "lstm", "units": UNITS, "peepholes": False}
    shapes = {"embedding": (WORDS, UNITS), "output.kernel": (UNITS, WORDS), "output.bias": (WORDS,)}
    for number in (1, 2):
        own = {"kernel": (UNITS, 4 * UNITS), "recurrent": (UNITS, 4 * UNITS), "bias": (4 * UNITS,)}
        shapes |= {f"layer{number}.{name}": shape for name, shape in own.items()}
    facts = {
        "format": 1,
        "network": {"vocabulary": WORDS, "embedding": UNITS, "layers": [layer, layer]},
        "vocabulary": ["<eos>", *(f"w{number}" for number in range(WORDS - 1))],
        "tokenisation": {"level": "word", "end": "<eos>"},
    }
    with rnnstore.open(store).writer("large") as writer:
        folder = writer.folder("network")
        np.savez(folder / "weights.npz", **{n: random.normal(0, 0.05, s).astype("f4") for n, s in shapes.items()})
        (folder / "network.json").write_text(json.dumps(facts), encoding="utf-8")


def resident() -> float:
    """Memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def read(store: str) -> None:
    """In a process of its own: seconds of the first reading, of each of ten more, and the memory they take."""
    import pandas  # noqa: F401  (which Streamlit has imported by then, and Arrow imports when it is there)

    model, before = rnnstore.open(store).model("large"), resident()
    seconds = []
    for _ in range(11):
        began = time.perf_counter()
        reading = open_network(model).read(SENTENCE)
        seconds.append(time.perf_counter() - began)
    assert len(reading) == 20
    print(*seconds, resident() - before)


def main() -> None:
    with TemporaryDirectory() as folder:
        save(Path(folder))
        runs = []
        for _ in range(3):
            command = [sys.executable, "-c", f"from tests.benchmarks.bench_sentences import read; read({folder!r})"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append([float(number) for number in done.stdout.split()])
    first = statistics.median(run[0] for run in runs)
    later = statistics.median(seconds for run in runs for seconds in run[1:-1])
    print(f"first reading {first:.2f} s, then {later:.3f} s; {runs[0][-1]:.0f} MB of memory (weights: 71 MB)")


if __name__ == "__main__":
    main()
