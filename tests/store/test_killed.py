"""Processes killed at random moments, and a disk that fills up: the store opens, whole, and the next run is clean."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import shutil
import subprocess
import time

import numpy as np
import pytest

import rnnstore
from tests.support.worlds import record

KILLS = 30
STEPS = 12_000


def write_for_ever(path: str, version: int, progress) -> None:
    """Record, replace, copy, rename and delete models, each recording filled with its own version.

    `progress` is a pipe that hears of the start, and of every time that all of it has been done once.
    """
    store = rnnstore.open(path)
    progress.send("started")
    for number in itertools.count(version):
        for name in ("m", "n"):
            with store.record(name, description=str(number)) as recorder:
                for _ in range(4):
                    recorder.add(
                        words=[f"v{number}"] * (STEPS // 4),
                        states={"s": np.full((STEPS // 4, 5), number % 1000), "t": np.full((STEPS // 4, 2), 1.0)},
                        annotations={"version": np.full(STEPS // 4, number)},
                    )
        for change in (
            lambda: store.copy_in(f"{path}/model=m", "copied"),
            lambda: store.rename("copied", "renamed"),
            lambda: store.delete("renamed"),
        ):
            try:
                change()
            except rnnstore.StoreError:
                for name in ("copied", "renamed"):
                    if os.path.exists(f"{path}/model={name}"):
                        store.delete(name)
        progress.send("done once")


def started(path, version: int):
    """A process that writes for ever, once it has begun, and the pipe on which it tells its progress."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rnnstore", "tests.store.test_killed"])
    progress, far_end = context.Pipe()
    process = context.Process(target=write_for_ever, args=(str(path), version, far_end))
    process.start()
    far_end.close()  # so that a process that ends before it has begun is heard of, and not waited for
    assert progress.recv() == "started"
    return process, progress


def version_of(store: rnnstore.Store, name: str) -> int | None:
    """The version that every table of a model agrees on; None before the first recording."""
    if name not in store.models or store.models[name].steps == 0:
        return None
    (told,) = store.sql(
        """
        select
            (select list(distinct word) from tokens where model = $1) as words,
            (select count(*) from tokens where model = $1) as steps,
            (select list(distinct number) from annotations where model = $1) as versions,
            (select count(*) from annotations where model = $1) as annotated,
            (select list(distinct u0) from states where model = $1 and state = 's') as states,
            (select count(*) from states where model = $1) as state_steps,
            (select list(distinct count) from expected_responses where model = $1) as counts
        """,
        [name],
    ).to_pylist()
    version = int(told["versions"][0])
    assert told == {
        "words": [f"v{version}"],
        "steps": STEPS,
        "versions": [float(version)],
        "annotated": STEPS,
        "states": [float(version % 1000)],
        "state_steps": 2 * STEPS,
        "counts": [STEPS],
    }
    assert (store.models[name].vectors("s", 0, STEPS) == version % 1000).all()
    return version


def test_a_store_survives_thirty_kills(tmp_path):
    """kill -9 at a random moment of recording, replacing, copying, renaming, deleting; the next process goes on."""
    moments = random.Random(1)
    version, seen = 0, set()
    for kill in range(KILLS):
        process, progress = started(tmp_path, 1000 + 100 * kill)  # never as many recordings until it is killed
        if kill == 0:
            begun = time.monotonic()
            assert progress.recv() == "done once"
            once = time.monotonic() - begun
        time.sleep(moments.uniform(0, 1.2 * once))
        process.kill()
        process.join()
        store = rnnstore.open(tmp_path)
        assert store.problems == []
        for name in store.models:
            found = version_of(store, name)
            if name == "m" and found is not None:
                assert found >= version
                version = found
                seen.add(found)
    assert len(seen) > 5, "the processes were killed before they wrote anything: this test shows nothing"
    record(tmp_path, "m")
    record(tmp_path, "n")
    left = [
        path for path in tmp_path.rglob("*") if path.is_dir() and path.name.startswith((".new", ".trash", ".writing"))
    ]
    assert left == []


def test_a_lock_dies_with_its_process(tmp_path):
    process, _ = started(tmp_path, 1)
    while not (tmp_path / "model=m").exists():
        time.sleep(0.01)
    process.kill()
    process.join()
    record(tmp_path, "m")
    assert rnnstore.open(tmp_path).model("m").steps == 8


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_is_a_sentence_and_loses_nothing(small_disk):
    store = record(small_disk, "m")
    noise = np.random.default_rng(0).normal(size=(20_000, 50))
    with (
        pytest.raises(
            rnnstore.DiskFull, match=r"The disk is full \(recording m.*\)\. What the store held before is untouched"
        ),
        store.record("m") as recorder,
    ):
        for _ in range(10):
            recorder.add(words=["a"] * len(noise), states={"s": noise})
    store = rnnstore.open(small_disk)
    assert store.problems == []
    assert store.model("m").words(0, 2)["word"].to_pylist() == ["the", "cat"]
    record(small_disk, "m", words=["again"], states={"s": [[1.0]]})
    assert rnnstore.open(small_disk).model("m").words(0, 1)["word"].to_pylist() == ["again"]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "store").write_text("a file where the store should be made")
    with pytest.raises(rnnstore.StoreError, match="a store is a folder"):
        rnnstore.open(tmp_path / "store")
    with pytest.raises(rnnstore.StoreError, match="cannot be written"):
        record("/proc/nowhere")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the right to give up rights")
def test_a_folder_of_somebody_else_is_a_sentence(tmp_path):
    """Without the right to write the model, or to make one, or to look into the store at all."""
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    store = record(tmp_path, "m")
    (tmp_path / ".locks").chmod(0o777)
    for lock in (tmp_path / ".locks").iterdir():
        lock.chmod(0o666)
    os.seteuid(65534)
    try:
        for name in ("m", "new"):
            with pytest.raises(rnnstore.StoreError, match=r"cannot be written \(.*\): Permission denied"):
                record(tmp_path, name)
        for change in (lambda: store.delete("m"), lambda: store.rename("m", "n")):
            with pytest.raises(rnnstore.StoreError, match=r"cannot be moved \(Permission denied\)"):
                change()
        os.seteuid(0)
        tmp_path.chmod(0o700)
        os.seteuid(65534)
        with pytest.raises(rnnstore.StoreError, match=r"cannot be read \(Permission denied\)"):
            rnnstore.open(tmp_path)
    finally:
        os.seteuid(0)
    assert store.model("m").steps == 8
