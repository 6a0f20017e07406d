"""How fast, how exact and how large matching is, beside the published method, on stores of full size.

    python -m tests.benchmarks.bench_matching                       1M x 300 and 10M x 100
    python -m tests.benchmarks.bench_matching --sizes 200000x300    another size
    python -m tests.benchmarks.bench_matching --stores FOLDER       where the made-up stores are kept (bench-stores)

An answer is the 50 best matches with ten words on either side and the number of selected units on at each of them.
Cold is the first answer of a new process after its files were dropped from the system's cache, warm the median of five
more. Memory is the peak above what the process held before, having read one word of the model as any page does.
Recall is the share of the true 50 best ranges (of those that cannot grow; found here by walking over all steps, with no
code in common) for which the method lists one as good: same overlap, union and length.

The made-up stores and the published method's files take about 11 GB of disk and are made once, in some five minutes.
The aims are 0.15 s warm for five to ten units at 1M x 300, 0.4 s for 44, ten times that at 10M x 100, and 150 MB.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

import rnnstore
from tests.benchmarks import original_matching
from tests.benchmarks.large_store import large_store

STATE, THRESHOLD, LIMIT, AROUND = "layer1.c", 0.3, 50, 10
METHODS = ("ours", "precise", "fast")


def questions(model):
    """Selections of 5 to 10 units for all four limits and of about 44 without: the first that a fixed draw meets."""
    generator = np.random.default_rng(5)
    wanted = [(before, after, 5, 10) for before in (0, 1) for after in (0, 1)] + [(0, 0, 42, 46)]
    found = {}
    for _ in range(100_000):
        start, length = int(generator.integers(100, model.steps - 100)), int(generator.integers(1, 7))
        for before, after, least, most in wanted:
            try:
                selection = rnnstore.Selection(STATE, start, start + length, THRESHOLD, before, after)
                units = rnnstore.select(model, selection).units
            except rnnstore.QuestionError:
                break  # it would reach into another sequence
            if least <= len(units) <= most:
                found.setdefault((before, after, most), (before, after, units.tolist()))
        if len(found) == len(wanted):
            break
    return [found[before, after, most] for before, after, _, most in wanted if (before, after, most) in found]


# One method in a process of its own


def measure(method, folder, name, before, after, units):
    """Prints what one method answers and what it takes, as JSON."""
    model = rnnstore.open(folder).model(name)
    units = np.array(units)
    model.words_at([0])
    if method == "ours":
        files = [model.folder / file.path for files in model.card.files.values() for file in files]

        def answer():
            matches = rnnstore.match(model, STATE, units, THRESHOLD, before, after, limit=LIMIT)
            rows = [
                tuple(row[key] for key in ("start", "stop", "overlap", "union")) for row in matches.table.to_pylist()
            ]
            steps = np.unique(
                np.concatenate([np.arange(max(0, row[0] - AROUND), min(model.steps, row[1] + AROUND)) for row in rows])
            )
            words = model.words_at(steps)["word"].to_pylist()
            counts = (model.vectors_at(STATE, steps)[:, units] >= np.float16(THRESHOLD)).sum(axis=1)
            return rows, words, counts

        close = None
    else:
        import h5py

        files = [original_file(folder, name)]
        close = h5py.File(files[0])
        states, ids, vocabulary = close["states"], close["words"], model.vocabulary

        def answer():
            rows = original_matching.match(
                states, units, THRESHOLD, before, after, precise=method == "precise", limit=LIMIT
            )
            words, counts = [], []
            for start, stop, _, _ in rows:
                around = slice(max(0, start - AROUND), stop + AROUND)
                words.append([vocabulary[number] for number in ids[around]])
                counts.append((states[around][:, units] >= THRESHOLD).sum(axis=1))
            return rows, words, counts

    for file in files:
        with open(file, "rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    idle = reset_peak()
    times = []
    for _ in range(6):
        began = time.perf_counter()
        rows, _, _ = answer()
        times.append(time.perf_counter() - began)
    memory = peak() - idle
    if method == "ours":  # the list with overlapping ranges, which the published method gives too
        table = rnnstore.match(model, STATE, units, THRESHOLD, before, after, limit=LIMIT, overlapping=True).table
        rows = [tuple(row[key] for key in ("start", "stop", "overlap", "union")) for row in table.to_pylist()]
    print(json.dumps({"cold": times[0], "warm": statistics.median(times[1:]), "memory": memory, "rows": rows}))


def reset_peak():
    """Megabytes this process holds now; its peak is counted from here on where the system allows it."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")


def peak():
    return _status("VmHWM")


def _status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(key)) / 1024


# The truth, and the published method's file


def true_ranges(model, before, after, units):
    """(overlap, union, length) of the 50 best ranges that cannot grow, walking from every step that can start one."""
    bounds = np.append(model.sequence_starts, model.steps)
    on = model.unit_values(STATE, units) >= np.float16(THRESHOLD) if model.steps <= 1 << 20 else _in_parts(model, units)
    is_first = np.zeros(model.steps + 1, bool)
    is_first[bounds] = True
    counts = on.sum(axis=0, dtype=np.int16)
    begins = np.zeros(model.steps, np.int16)
    for row in on:
        begins += row & (is_first[:-1] | np.concatenate([[True], ~row[:-1]]))
    can_start = begins if before else np.where(begins > 0, counts, 0)
    for least in range(len(units), 0, -1):
        found = set()
        for start in np.flatnonzero(can_start >= least).tolist():
            these = on[:, start].copy()
            if before and not is_first[start]:
                these &= ~on[:, start - 1]
            stop = start + 1
            while these.sum() >= least:
                at_end = is_first[stop]
                longer = these & on[:, stop] if not at_end else np.zeros_like(these)
                shared = these & ~longer if after else these
                grows_right = not after and longer.sum() == these.sum()
                grows_left = not before and not is_first[start] and (on[:, start - 1] | ~shared).all()
                if shared.sum() >= least and not grows_right and not grows_left:
                    found.add((start, stop, int(shared.sum())))
                if at_end:
                    break
                these, stop = longer, stop + 1
        if len(found) >= LIMIT or least == 1:
            break
    rows = []
    for start, stop, overlap in found:
        low, high = start - (not is_first[start]), stop + (not is_first[stop])
        all_on = model.vectors(STATE, low, high) >= np.float16(THRESHOLD)
        follows = all_on[start - low : stop - low].all(axis=0)
        if before and low < start:
            follows &= ~all_on[0]
        if after and high > stop:
            follows &= ~all_on[-1]
        rows.append((overlap, len(units) + int(follows.sum()) - overlap, stop - start))
    return sorted(rows, key=lambda row: (-row[0], row[1], -row[2]))[:LIMIT]


def _in_parts(model, units):
    parts = range(0, model.steps, 1 << 20)
    return np.concatenate(
        [
            model.unit_values(STATE, units, at, min(model.steps, at + (1 << 20))) >= np.float16(THRESHOLD)
            for at in parts
        ],
        axis=1,
    )


def original_file(folder, name):
    return Path(folder) / f"original-{name}.h5"


def write_original_file(folder, model):
    """The same states as the published program keeps them: float32[steps, units] in HDF5."""
    path = original_file(folder, model.name)
    if path.exists():
        return
    import h5py

    print(f"making {path} ...", flush=True)
    unfinished = path.with_suffix(".part")
    with h5py.File(unfinished, "w") as file:
        states = file.create_dataset("states", (model.steps, model.states[STATE].units), "f4")
        for at in range(0, model.steps, 1 << 15):
            stop = min(model.steps, at + (1 << 15))
            states[at:stop] = model.vectors(STATE, at, stop).astype(np.float32)
        file.create_dataset("words", data=model.word_ids())
    unfinished.rename(path)


# The table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", default="bench-stores", type=Path)
    methods = METHODS if importlib.util.find_spec("h5py") else METHODS[:1]
    if len(methods) == 1:
        print("h5py is not installed (TensorFlow brings it), so the published method is left out.")
    parser.add_argument("--sizes", nargs="+", default=["1000000x300", "10000000x100"])
    options = parser.parse_args()
    for size in options.sizes:
        model = large_store(options.stores, *(int(number) for number in size.split("x")))
        if "precise" in methods:
            write_original_file(options.stores, model)
        width = model.states[STATE].units
        print(f"\n{model.steps:,} steps x {width} units, threshold {THRESHOLD}, top {LIMIT} with words and counts")
        print("limits     units  method     cold s   warm s   times ours   memory MB   recall")
        for before, after, units in questions(model):
            truth = Counter(true_ranges(model, before, after, units))
            ours = None
            for method in methods:
                asked = [method, str(options.stores), model.name, before, after, units]
                told = subprocess.run(
                    [sys.executable, "-m", __spec__.name, "--measure", json.dumps(asked)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                got = json.loads(told.stdout)
                ours = ours or got
                rows = Counter((overlap, union, stop - start) for start, stop, overlap, union in got["rows"])
                recall = (rows & truth).total() / truth.total()
                limits = {(0, 0): "none", (1, 0): "left", (0, 1): "right", (1, 1): "both"}[before, after]
                print(
                    f"{limits:<9} {len(units):>6}  {method:<8} {got['cold']:>8.3f} {got['warm']:>8.3f} "
                    f"{got['warm'] / ours['warm']:>12.1f} {got['memory']:>11.0f} {recall:>8.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*json.loads(sys.argv[2]))
    else:
        main()
