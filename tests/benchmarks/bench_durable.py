"""What it costs that a recording is on the disk before it is seen: with syncing beside without, as a ratio.

    python -m tests.benchmarks.bench_durable
    python -m tests.benchmarks.bench_durable --store FOLDER     on the disk of that folder

Random states of 64 units, of 100,000 and of 1,000,000 steps, and of a few; medians of several, taken in turns. The aim
is at most a tenth more, but for recordings of a few steps, which wait for the disk and nothing else.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np

import rnnstore

UNITS, CHUNK = 64, 20_000


def seconds(folder: Path, steps: int, synced: bool) -> float:
    """What a recording of so many steps takes, from its beginning to its end."""
    random = np.random.default_rng(0)
    values = random.normal(size=(min(steps, CHUNK), UNITS)).astype(np.float32)
    words = random.integers(0, 1000, len(values))
    store = Path(tempfile.mkdtemp(dir=folder, prefix="bench-"))
    try:
        with mock.patch.object(os, "fsync", os.fsync if synced else lambda _: None):
            began = time.perf_counter()
            with rnnstore.open(store).record("bench", vocabulary=[str(word) for word in range(1000)]) as recorder:
                for _ in range(max(1, steps // CHUNK)):
                    recorder.add(words=words, states={"h": values})
            return time.perf_counter() - began
    finally:
        shutil.rmtree(store)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()))
    folder = options.parse_args().store
    for steps, times in ((100, 15), (100_000, 9), (1_000_000, 5)):
        runs = [[seconds(folder, steps, synced) for synced in (False, True)] for _ in range(times)]
        without, with_syncing = (statistics.median(run[k] for run in runs) for k in range(2))
        print(
            f"{steps:>9,} steps x {UNITS} units: {without:.3f} s, synced {with_syncing:.3f} s, "
            f"ratio {with_syncing / without:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
