"""Encoding and writing the runs of 1M steps x 300 units, as recording does it, and asking SQL for those of a few.

    python -m tests.benchmarks.bench_runs

The aim is about a second to write them all. Beside it: pandas-style encoding (a group for every run of equal values,
by comparing each step with the one before) of one unit in a hundred, times a hundred.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas

import rnnstore
from rnnstore.store.runs import is_on
from rnnstore.store.series import StateSeries, Target
from rnnstore.store.staging import Staging
from tests.benchmarks.large_store import large_store

STEPS, UNITS, THRESHOLD = 1_000_000, 300, 0.3
BLOCK = 3 << 14


def blocks(model: rnnstore.Model, state: str):
    """(first step, values [units, steps], sequence starts) of the blocks in which recording encodes runs."""
    starts = model.sequence_starts
    for first in range(0, STEPS, BLOCK):
        stop = min(first + BLOCK, STEPS)
        values = np.ascontiguousarray(model.vectors(state, first, stop).T)
        yield first, values, starts[slice(*np.searchsorted(starts, [first, stop]))]


def written(waiting, folder: Path) -> tuple[float, int]:
    """Seconds for encoding and writing all runs, and how many there are."""
    with Staging(folder) as staging, ThreadPoolExecutor(2) as pool:
        series = StateSeries(Target(staging, pool), "state", UNITS, np.dtype("float16"), (THRESHOLD,), 1)
        began, runs = time.perf_counter(), 0
        for first, values, starts in waiting:
            found = series._encoders[0].encode(values, first, starts)
            series._write_runs(series._encoders[0], found, first)
            runs += len(found[0])
        series._runs.close()
        return time.perf_counter() - began, runs


def by_pandas(model: rnnstore.Model, state: str) -> float:
    """Seconds for the runs of all units, from those of three, by grouping equal neighbours; nothing is written."""
    columns = [is_on(model.unit_values(state, [unit])[0], THRESHOLD) for unit in (0, 100, 200)]
    t = pandas.Series(np.arange(STEPS))
    began = time.perf_counter()
    for on in columns:
        on = pandas.Series(on)
        t[on].groupby((on != on.shift()).cumsum()[on]).agg(["first", "last"])
    return (time.perf_counter() - began) * UNITS / len(columns)


def main() -> None:
    model = large_store(Path("bench-stores"), STEPS, UNITS)
    state = next(iter(model.states))
    waiting = list(blocks(model, state))
    with TemporaryDirectory() as folder:
        took, runs = min(written(waiting, Path(folder)) for _ in range(3))
    other = by_pandas(model, state)
    print(f"{runs:,} runs of {STEPS:,} steps x {UNITS} units encoded and written: {took:.2f} s")
    print(f"grouped by pandas, not written: {other:.0f} s, ratio {other / took:.0f}")
    store = rnnstore.open("bench-stores")
    query = "select unit, start, stop from on_states where model = $1 and unit < 8"
    store.sql(query, [model.name])
    began = time.perf_counter()
    rows = store.sql(query, [model.name]).num_rows
    print(f"SQL for the {rows:,} runs of 8 units: {1000 * (time.perf_counter() - began):.0f} ms")


if __name__ == "__main__":
    main()
