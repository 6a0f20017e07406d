"""Processes killed at changes to files, and a disk that fills up: the store opens, whole, and the next run is clean."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess

import numpy as np
import pytest

import rnnstore
from tests.support.kills import changes_until_once, kill_at_each_of, spread, working
from tests.support.worlds import record

STEPS = 12_000


def write_for_ever(once, path: str) -> None:
    """Record, replace, copy, rename and delete models, each recording filled with a version of its own.

    `once` is called every time that all of it has been done.
    """
    store = rnnstore.open(path)
    first = 1 + max((version_of(store, name) or 0 for name in store.models), default=0)
    for number in itertools.count(first):
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
        once()


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


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.long)])
def test_a_store_survives_kills(tmp_path, kills):
    """kill -9 at changes to files in recording, replacing, copying, renaming, deleting; the next process goes on."""
    with working(write_for_ever, str(tmp_path)) as told:
        changes = changes_until_once(told)
    version, seen = 0, set()
    for change in kill_at_each_of(spread(kills, changes), write_for_ever, str(tmp_path)):
        store = rnnstore.open(tmp_path)
        assert store.problems == [], change
        for name in store.models:
            found = version_of(store, name)
            if name == "m" and found is not None:
                assert found >= version, change
                version = found
                seen.add(found)
    assert len(seen) > kills // 3, "the processes were killed before they wrote anything: this test shows nothing"
    record(tmp_path, "m")
    record(tmp_path, "n")
    left = [
        path for path in tmp_path.rglob("*") if path.is_dir() and path.name.startswith((".new", ".trash", ".writing"))
    ]
    assert left == []


def test_a_lock_dies_with_its_process(tmp_path):
    with working(write_for_ever, str(tmp_path)) as told:
        changes_until_once(told)
        while "model=m" not in told.recv():
            pass
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
