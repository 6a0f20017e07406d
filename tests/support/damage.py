"""A model with everything that a model can hold, and the commands as a person runs them."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa

import rnnstore
from rnnstore.store.tables import TABLES
from tests.support import stores

ROOT = Path(__file__).parents[2]


def full_model(path: Path, name: str = "full", steps: int = 400) -> Path:
    """The folder of a model of two states with tracks, predictions, runs, responses, training, batches and network."""
    store = rnnstore.open(path)
    stores.record_brackets(store, name, steps)
    stores.record_batches(store, name)
    vocabulary = ["(", ")", *(str(level) for level in range(stores.LEVELS + 1))]
    stores.keep_network(store, name, vocabulary, {"level": "character"}, layer="of another recording")
    clusters = [
        {"method": "signed", "k": 2, "kind": kind, "id": number, "cluster": number % 2, "weight": 1.0, "sign": 1}
        for kind, many in (("unit", 24), ("word", 7))
        for number in range(many)
    ]
    with store.writer(name) as writer:
        rows = pa.Table.from_pylist(clusters, TABLES["co_clusters"].schema)
        writer.replace("co_clusters", rows, "layer1.c")
    return path / f"model={name}"


def run(*arguments, module: str = "rnnstore") -> subprocess.CompletedProcess[str]:
    """A command line as `python -m` runs it, but in this process: a new one takes a second to start."""
    main = importlib.import_module(f"{module}.__main__").main
    out, error, code, argv = io.StringIO(), io.StringIO(), 0, sys.argv
    sys.argv = [module, *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            main()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = argv
    return subprocess.CompletedProcess(sys.argv, code, out.getvalue(), error.getvalue())


def process(*arguments, module: str = "rnnstore", **options) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, from this project's folder."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 240, **options}
    return subprocess.run(command, **options)


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with some variables changed, or taken away where None."""
    changed = {**os.environ, "PYTHONPATH": str(ROOT)} | {name: value for name, value in changes.items() if value}
    return {name: value for name, value in changed.items() if changes.get(name, value) is not None}


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed said: one line, no traceback, exit code 1."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("Error: ").strip()
