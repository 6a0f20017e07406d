"""Bad circumstances of a machine: killed, no room, no right, no home, odd paths, a clock set back, others writing.

Each ends in a sentence, and what the store held stays as it was.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from rnnstore.integrity import packing, unpacking
from rnnstore.integrity.checking import check, seal
from rnnstore.integrity.packing import pack
from rnnstore.integrity.unpacking import unpack
from rnnstore.store import layout
from tests.support.damage import ROOT, environment, full_model, process, run, sentence
from tests.support.kills import changes_until_once, kill_at_each_of, spread, working
from tests.support.processes import interruptible
from tests.support.screens import ENTRY, page_file
from tests.support.waiting import PATIENCE
from tests.support.worlds import record


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return full_model(tmp_path_factory.mktemp("here"))


@pytest.fixture
def store(model, tmp_path):
    shutil.copytree(model, tmp_path / "store" / "model=full")
    return tmp_path / "store"


def whole(store) -> bool:
    return check(store / "model=full").findings == ()


# Killed


def pack_for_ever(once, folder: Path, file: Path) -> None:
    for module in (packing, unpacking):
        module.AT_ONCE = 4096  # many pieces, so that a moment lies between two of them
    store = rnnstore.open(folder)
    while True:
        file.unlink(missing_ok=True)
        pack(folder / "model=full", file)
        for name in ("one", "two"):
            unpack(store, file, name)
            check(folder / f"model={name}")
            seal(store, name)
            store.delete(name)
        once()


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_killed_while_packing_unpacking_checking_and_sealing(store, tmp_path, kills):
    """kill -9 at changes to files: every model in the store and every packed file that has its name is whole."""
    outbox, seen = tmp_path / "outbox", 0
    outbox.mkdir()
    work = pack_for_ever, store, outbox / "x.zip"
    with working(*work) as told:
        changes = changes_until_once(told)
    (outbox / "x.zip").unlink(missing_ok=True)
    for change in kill_at_each_of(spread(kills, changes), *work):
        opened = rnnstore.open(store)
        assert opened.problems == [] and "full" in opened.models, change
        for name in opened.models:
            assert not check(store / f"model={name}").damaged, change
        assert [entry.name for entry in outbox.iterdir()] in ([], ["x.zip"])
        if (outbox / "x.zip").exists():
            assert unpack(opened, outbox / "x.zip", "back") == "back"
            opened.delete("back")
            seen += 1
        for name in ("one", "two"):
            if name in opened.models:
                opened.delete(name)
    assert seen > kills // 3, "the processes were killed before they packed anything: this test shows nothing"
    record(store, "other")
    assert {entry.name for entry in store.iterdir()} == {".locks", "model=full", "model=other"}


STOPPED = """
import itertools, signal
from rnnstore.__main__ import main
from rnnstore.commands.progress import Line
from rnnstore.integrity import packing

class Destroyed:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)  # what is raised here, Python drops

def __call__(self, *_, calls=itertools.count()):
    if next(calls) == 1000:
        {pressed}

Line.__call__, packing.AT_ONCE = __call__, 16
main()
"""


@pytest.mark.parametrize("pressed", ["signal.raise_signal(signal.SIGINT)", "Destroyed()"])
def test_stopped_by_the_keyboard_is_no_traceback(store, tmp_path, pressed):
    """Control-C in the middle of packing, also where it cannot be raised: exit code 130, no file."""
    record(store, "large", words=["a"] * 40_000, states={"s": np.random.default_rng(0).normal(size=(40_000, 400))})
    code = STOPPED.format(pressed=pressed)
    done = subprocess.run(
        [sys.executable, "-c", code, "pack", "large", tmp_path / "x.zip", "--store", store],
        cwd=ROOT, capture_output=True, text=True, preexec_fn=interruptible, timeout=240, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


# No room


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def test_a_full_disk_while_packing_unpacking_describing_and_copying(model, small_disk, tmp_path, monkeypatch):
    record(
        tmp_path / "large", "large", words=["a"] * 9000, states={"s": np.random.default_rng(0).normal(size=(9000, 60))}
    )
    large = tmp_path / "large" / "model=large"
    shutil.copytree(model, small_disk / "model=full")
    store = rnnstore.open(small_disk)
    packed = pack(large, tmp_path / "x.zip")
    untouched = sorted(small_disk.rglob("*"))
    full = "The disk is full"
    assert sentence(run("pack", "large", small_disk / "x.zip", "--store", large.parent)).startswith(full)
    assert sentence(run("unpack", packed, "--store", small_disk)).startswith(full)
    monkeypatch.setattr(unpacking, "_fits", lambda *_: None)  # the room goes while it unpacks
    assert sentence(run("unpack", packed, "--store", small_disk)).startswith(full)
    assert sentence(run("copy-in", large, "--store", small_disk)).startswith(full)
    assert sorted(path for path in small_disk.rglob("*") if ".locks" not in path.parts) == untouched
    with open(small_disk / "rest", "wb", buffering=0) as rest, pytest.raises(OSError, match="No space"):
        while True:
            rest.write(bytes(4096))
    with pytest.raises(rnnstore.DiskFull, match=r"writing the card of full"), store.writer("full") as writer:
        writer.describe(settings={"much": "x" * 100_000})
    with pytest.raises(rnnstore.DiskFull, match=r"writing training"), store.writer("full") as writer:
        writer.append({"training": pa.table({"step": np.arange(9000)} | {n: np.random.random(9000) for n in NUMBERS})})
    assert whole(small_disk)


NUMBERS = ("epoch", "loss", "validation_loss", "learning_rate", "gradient_norm", "tokens_per_second")


def test_a_limit_on_the_size_of_files_is_a_sentence(store, tmp_path):
    """Where no small disk can be mounted, and besides: a quota that the system sets on every file."""

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    done = process("pack", "full", tmp_path / "x.zip", "--store", store, preexec_fn=limited)
    assert "larger than this system allows" in sentence(done)
    packed = pack(store / "model=full", tmp_path / "y.zip")
    done = process("unpack", packed, "--name", "two", "--store", store, preexec_fn=limited)
    assert "larger than this system allows" in sentence(done)
    assert whole(store) and not (tmp_path / "x.zip").exists() and list(rnnstore.open(store).models) == ["full"]


# No right


def test_a_store_that_can_only_be_read_is_read(store, tmp_path):
    """A read-only mount, which root obeys, too: everything can be asked, and what would write says that it cannot."""
    packed = pack(store / "model=full", tmp_path / "x.zip")
    bound = (
        shutil.which("mount")
        and not subprocess.run(["mount", "--bind", store, store], capture_output=True, check=False).returncode
    )
    if not bound:
        pytest.skip("needs the right to mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", store], check=True, capture_output=True)
        for question in (["list"], ["show", "full"], ["sql", "select count(*) from tokens"], ["check"]):
            done = run(*question, "--store", store)
            assert (done.returncode, done.stderr) == (0, ""), done
        assert run("pack", "full", tmp_path / "y.zip", "--store", store).returncode == 0
        assert "the folder can only be read" in run("doctor", "--store", store).stdout
        for change in (
            ["delete", "full", "--yes"],
            ["rename", "full", "x"],
            ["unpack", packed, "--name", "x"],
            ["copy-in", store / "model=full", "--name", "x"],
            ["cluster", "full", "layer1.c", "--k", "2"],
            ["pack", "full", store / "z.zip"],
        ):
            assert "Read-only file system" in sentence(run(*change, "--store", store)), change
        with pytest.raises(rnnstore.StoreError, match="Read-only file system"):
            record(store, "new")
    finally:
        subprocess.run(["umount", "-l", store], check=False)
    assert whole(store) and list(rnnstore.open(store).models) == ["full"]


# No home, odd paths


def test_without_a_home_folder(store, tmp_path):
    """HOME may be missing, or name a folder that is not there, as under a service."""
    asked = ["sql", "select count(*) as n from states", "--format", "csv"]
    for home, module, question in (
        (None, "rnnstore", asked),
        ("/nowhere", "rnnstore", ["doctor"]),
        (None, "pipelines", ["recipes"]),
    ):
        done = process(*question, module=module, env=environment(HOME=home, RNNSTORE=str(store)))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize(
    "name", ["a b", "Größe 語", 'it\'s "quoted"', "$(x) `y` &;", "a[b]*?{c}", "100 %", "-x", "a=b"]
)
def test_any_path_is_only_a_path(model, tmp_path, name):
    folder = tmp_path / name / "store"
    shutil.copytree(model, folder / "model=full")
    assert "full" in run("list", "--store", folder).stdout
    asked = run(
        "sql", "select count(*) as n from states where state = 'layer1.c'", "--format", "csv", "--store", folder
    )
    assert asked.stdout == "n\n400\n", asked.stderr
    assert run("check", "--store", folder).returncode == 0
    packed = tmp_path / name / f"{name}.zip"
    assert run("pack", "full", packed.absolute(), "--store", folder).returncode == 0
    assert run("unpack", packed.absolute(), "--name", "Größe 2", "--store", folder).returncode == 0
    record(folder, "ein Modell")
    assert run("show", "ein Modell", "--store", folder).returncode == 0
    assert run("check", "--store", folder).returncode == 0


# The clock


def test_a_clock_set_back_hides_no_change(store):
    """A new card of the same size and an older time is another file, so the application looks anew."""
    before = rnnstore.fingerprint(store)
    card = store / "model=full" / "card.json"
    status = card.stat()
    with rnnstore.open(store).writer("full") as writer:
        writer.describe(corpus="brackets up to four DEEP")
    os.utime(card, ns=(status.st_atime_ns, status.st_mtime_ns - 10**12))
    assert card.stat().st_size == status.st_size
    assert rnnstore.fingerprint(store) != before
    os.utime(card, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert rnnstore.fingerprint(store) != before  # not even with the very time that it had


def test_what_is_written_after_the_clock_was_set_back_comes_behind(tmp_path, monkeypatch):
    """Files are named by the time, and listed by the card: the order of rows is not that of the names."""
    store = record(tmp_path)
    with store.writer("small") as writer:
        for number, year in enumerate((2030, 2020, 2025, 1999)):
            monkeypatch.setattr(layout, "datetime", Clock(year))
            rows = {"step": [number * 2**14 + step for step in range(2**14 - number)]}
            writer.append({"training": pa.table(rows | {name: [0.5] * (2**14 - number) for name in NUMBERS})})
    store.refresh()
    steps = store.sql("select step from training")["step"].to_pylist()
    assert len(steps) == 4 * 2**14 - 6 and steps == sorted(steps)
    assert store.model("small").table("training")["step"].to_pylist() == steps
    assert not check(tmp_path / "model=small").damaged


class Clock:
    def __init__(self, year):
        self.year = year

    def now(self, zone):
        return datetime(self.year, 1, 1, tzinfo=UTC)


# Others


def test_two_that_write_one_model(store, tmp_path):
    """The second one is told so at once, whatever it wants to do; reading and packing go on."""
    packed = pack(store / "model=full", tmp_path / "x.zip")
    with rnnstore.open(store).writer("full"):
        for change in (
            ["delete", "full", "--yes"],
            ["rename", "full", "x"],
            ["cluster", "full", "layer1.c", "--k", "2"],
        ):
            assert "is being written by another process" in sentence(run(*change, "--store", store))
        assert run("pack", "full", tmp_path / "y.zip", "--store", store).returncode == 0
        assert run("check", "--store", store).returncode == 0
    with rnnstore.open(store).writer("new"):
        assert "being written" in sentence(run("unpack", packed, "--name", "new", "--store", store))
    assert whole(store) and (tmp_path / "y.zip").read_bytes() == packed.read_bytes()


def test_a_model_that_is_recorded_anew_while_it_is_checked_and_packed(store, tmp_path, monkeypatch):
    """A check looks at the new one, packing packs the old one to its end, but of a folder copied by hand:
    nobody holds its old files."""
    other = shutil.copytree(store, tmp_path / "other")

    def once(*_):
        if not done:
            done.append(True)
            record(other, "full", words=["a", "b"], states={"s": [[0.5], [0.25]]})

    done = []
    report = check(other / "model=full", progress=once)
    assert done and report.steps == 2 and not report.damaged, report
    other, done = store, []
    with pytest.raises(rnnstore.StoreError, match=r"was written or deleted while it was being packed"):
        pack(store / "model=full", tmp_path / "x.zip", progress=once)
    assert not (tmp_path / "x.zip").exists() and check(store / "model=full").steps == 2
    before, done, other = tmp_path / "before", [], tmp_path / "made"
    record(other, "full", states={"s": np.arange(8.0)[:, None]})
    shutil.copytree(other / "model=full", before / "model=full")
    packed = pack(other / "model=full", tmp_path / "y.zip", progress=once)
    assert done and check(other / "model=full").steps == 2
    assert packed.read_bytes() == pack(before / "model=full", tmp_path / "z.zip").read_bytes()


def test_a_file_system_without_locks_is_a_sentence(store, monkeypatch):
    """Some network folders know none."""
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(rnnstore.StoreError, match=r"cannot be written \(No locks available\)"):
        record(store, "new")
    assert run("list", "--store", store).returncode == 0 and whole(store)


@pytest.mark.long
def test_a_model_deleted_while_its_page_is_open(fresh, store, monkeypatch):
    """Every page, run once more after the model went: the store that is left, or a sentence, never an error."""
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("RNNSTORE", str(store))
    pages = sorted(path.name for path in (ROOT / "pages").glob("*.py") if path.name[0] != "_")
    assert len(pages) > 5
    packed = pack(store / "model=full", store.parent / "x.zip")
    app = AppTest.from_file(ENTRY, default_timeout=PATIENCE)
    app.run()
    for page in pages:
        app.query_params["model"] = "full"
        app.switch_page(page_file(f"pages/{page}")).run()
        assert not app.exception, (page, app.exception)
        rnnstore.open(store).delete("full")
        app.run()
        assert not app.exception, (page, app.exception)
        unpack(rnnstore.open(store), packed)
        app.run()
        assert not app.exception, (page, app.exception)
