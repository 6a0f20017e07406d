"""Power lost at any moment: what was there before is there, or what replaces it, whole; and then all goes on."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from rnnstore.hypotheses import storage
from rnnstore.integrity.packing import pack
from rnnstore.integrity.unpacking import unpack
from rnnstore.store import disk
from tests.support.power import build, recorded, remains
from tests.support.worlds import record

CHOICES = ("none", "all", "but one", "one", "some")
COLUMNS = ("step", "epoch", "loss", "validation_loss", "learning_rate", "gradient_norm", "tokens_per_second")


def version(store, name="m"):
    """The version that all tables of a model agree on; None where there is no model."""
    assert store.problems == []
    if name not in store.models:
        return None
    model = store.model(name)
    (found,) = {
        *map(int, model.words(0, model.steps)["word"].to_pylist()),
        *model.vectors("s", 0, model.steps).ravel().tolist(),
        *model.unit_values("s", [0, 1]).ravel().tolist(),
        *model.annotations(["a"], 0, model.steps)["number"].to_pylist(),
        *model.expected_responses("s", columns=["count"])["count"].to_pylist(),
        int(model.card.description),
    }
    return found


def write(path, number, name="m"):
    """Record `number` steps that all say `number`."""
    values = np.full((number, 2), float(number))
    record(path, name, words=[str(number)] * number, states={"s": values}, annotations={"a": values[:, 0]},
           description=str(number))  # fmt: skip


def replay(history, folder, look, least: int, every: bool = False, most: int = 10_000, seed: int = 0) -> int:
    """Build what may be left at `least` moments of a history, or at `every` one (`most` of them), and look at each.

    Returns how many different ones there were.
    """
    random, seen = np.random.default_rng(seed), set()
    moments = range(len(history) + 1)
    chosen = [(upto, choice) for upto in moments for choice in CHOICES]
    if not every:
        chosen = [chosen[place] for place in random.choice(len(chosen), least, replace=False)] + [
            (len(history), "none")
        ]
    for upto, choice in chosen:
        left = remains(history, upto, choice, random)
        mark = hash(frozenset(left.items()))
        if mark not in seen:
            seen.add(mark)
            build(folder, left)
            try:
                look(folder, upto == len(history))
            except BaseException as error:
                error.add_note(f"after {upto} of {len(history)} moments, of unsynced names {choice}")
                raise
            shutil.rmtree(folder)
    return len(seen)


@pytest.fixture
def one_thread(monkeypatch):
    """Files are synced one after the other, so that the tree can be looked at in between."""
    monkeypatch.setattr(disk, "_AT_ONCE", 1)


@pytest.fixture(params=[pytest.param(False, id="some"), pytest.param(True, id="every", marks=pytest.mark.long)])
def every(request):
    return request.param


@pytest.mark.parametrize("before", [None, 2])
def test_a_recording(tmp_path, one_thread, every, before):
    store = tmp_path / "store"
    store.mkdir()
    if before:
        write(store, before)
    history = recorded(store, lambda: write(store, 3))

    def look(left, done):
        assert version(rnnstore.open(left)) in ((3,) if done else (before, 3))
        if every or done:
            write(left, 4)
            assert version(rnnstore.open(left)) == 4

    assert replay(history, tmp_path / "left", look, 24, every) > 10


def test_parts_and_their_commit(tmp_path, one_thread, every):
    """A part is done, or to be written again; all of them are the recording, or the one before stands."""
    store = tmp_path / "store"
    write(store, 2)

    def part(path, index):
        with rnnstore.open(path).writer("m").part(index, of=2) as recorder:
            steps = 2 + index
            values = np.full((steps, 2), 5.0)
            recorder.add(words=["5"] * steps, states={"s": values}, annotations={"a": values[:, 0]})

    def work():
        for index in range(2):
            part(store, index)
        rnnstore.open(store).writer("m").commit(description="5")

    def look(left, done):
        opened = rnnstore.open(left)
        found = version(opened)
        assert found in ((5,) if done else (2, 5))
        if found != 5 and (every or len(opened.writer("m").status().done)):
            for index in set(range(2)) - set(opened.writer("m").status().done):
                for beat in left.glob(".parts-m/.writing-*/beat-*"):
                    beat.unlink()
                part(left, index)
            opened.writer("m").commit(description="5")
            assert version(opened) == 5 and opened.model("m").steps == 5

    assert replay(recorded(store, work), tmp_path / "left", look, 24, every, most=30) > 10


def test_a_table_that_grows(tmp_path, one_thread, every):
    """What a training wrote before stays, and each flush is there whole, or not at all."""
    store = tmp_path / "store"
    write(store, 2)

    def grow():
        with rnnstore.open(store).writer("m") as writer:
            for step in range(4):
                writer.append({"training": pa.table({name: [step] for name in COLUMNS})})

    def look(left, done):
        opened = rnnstore.open(left)
        assert version(opened) == 2
        steps = opened.model("m").table("training")["step"].to_pylist()
        assert steps == list(range(4 if done else len(steps)))

    assert replay(recorded(store, grow), tmp_path / "left", look, 24, every) > 10


def test_unpacking_and_copying_in(tmp_path, one_thread, every):
    store = tmp_path / "store"
    write(tmp_path / "other", 3, "n")
    write(store, 2)
    packed = pack(tmp_path / "other" / "model=n", tmp_path / "n.zip")

    def bring():
        opened = rnnstore.open(store)
        unpack(opened, packed, "unpacked")
        opened.copy_in(tmp_path / "other" / "model=n", "copied")
        opened.delete("m")
        opened.rename("copied", "m")

    def look(left, done):
        opened = rnnstore.open(left)
        found = {name: version(opened, name) for name in ("m", "unpacked", "copied")}
        assert found["m"] in (2, 3, None) and found["unpacked"] in (3, None) and found["copied"] in (3, None)
        assert not done or found == {"m": 3, "unpacked": 3, "copied": None}

    assert replay(recorded(store, bring), tmp_path / "left", look, 24, every, most=150) > 10


def test_files_beside_the_tables_that_a_card_lists(tmp_path, one_thread, every):
    store = tmp_path / "store"
    write(store, 2)

    def weigh():
        with rnnstore.open(store).writer("m") as writer:
            (writer.folder("network") / "weights").write_bytes(bytes(range(100)))

    def look(left, done):
        opened = rnnstore.open(left)
        assert version(opened) == 2
        listed = opened.model("m").card.own_files
        assert len(listed) == 1 or not done
        for file in listed:
            assert (left / "model=m" / file.path).read_bytes() == bytes(range(100))

    replay(recorded(store, weigh), tmp_path / "left", look, 15, every)


def test_a_saved_hypothesis(tmp_path, one_thread, every):
    store = tmp_path / "store"
    write(store, 2)
    opened = rnnstore.open(store)
    first = storage.Hypothesis(
        name="h", note="1", model="m", state="s", start=0, stop=1, words=("2",), threshold=1, units=(0,)
    )
    storage.save(opened, first)
    again = first.model_copy(update={"note": "2"})
    history = recorded(store, lambda: storage.save(opened, again, replace=True))

    def look(left, done):
        saved = storage.saved(rnnstore.open(left))
        assert not saved.problems and saved.hypotheses["h"].note in (("2",) if done else ("1", "2"))

    replay(history, tmp_path / "left", look, 15, every)


def test_what_is_not_synced_is_lost_here(tmp_path, one_thread, monkeypatch):
    """The replay sees it when data are not synced, or only the folders are not."""
    for forgotten in ("sync_files", "sync_folders"):
        store = tmp_path / forgotten
        with monkeypatch.context() as patched:
            patched.setattr(disk, forgotten, lambda _: None)
            history = recorded(_new(store), lambda store=store: write(store, 3))

        def look(left, done):
            assert version(rnnstore.open(left)) in ((3,) if done else (None, 3))

        with pytest.raises((AssertionError, rnnstore.StoreError)):
            replay(history, tmp_path / "left", look, 200)
        shutil.rmtree(tmp_path / "left")


def _new(folder):
    folder.mkdir()
    return folder
