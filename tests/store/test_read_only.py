"""A store opened for reading: every way to change it is refused, and not a byte of it differs afterwards."""

import hashlib
from pathlib import Path

import pytest

import rnnstore
from rnnstore import ReadOnly, hypotheses
from rnnstore.co_clusters import clusterings, expected
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.hypotheses import storage
from rnnstore.matching.selection import Selection
from tests.support import stores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = stores.small_store(tmp_path / "store")
    store = rnnstore.open(folder)
    hypotheses.save(
        store, hypotheses.from_selection(store.model("brackets"), Selection("layer1.c", 44, 47, 0.3), "deep")
    )
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def keep_another(store):
    hypotheses.save(
        store, hypotheses.from_selection(store.model("brackets"), Selection("layer1.c", 44, 47, 0.3), "deeper")
    )


def save_a_clustering(store):
    responses = expected.expected_responses(store.model("brackets"), "layer1.c")
    clusterings.save_clustering(store, responses, decompose(responses, 5).clusters(2))


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.rename("brackets", "braces"),
        lambda store: store.delete("brackets"),
        lambda store: store.copy_in(store.path / "model=brackets", "again"),
        lambda store: store.writer("brackets").__enter__(),
        lambda store: store.record("new").__enter__(),
        keep_another,
        lambda store: storage.rename(store, "deep", "deeper"),
        lambda store: storage.delete(store, "deep"),
        save_a_clustering,
    ],
    ids=["rename", "delete", "copy in", "write", "record", "keep", "rename kept", "delete kept", "keep a clustering"],
)
def test_a_store_opened_for_reading_is_not_changed(folder, change):
    before = contents(folder)
    store = rnnstore.open(folder, read_only=True)
    with pytest.raises(ReadOnly, match="can only be read here"):
        change(store)
    assert contents(folder) == before
    assert list(store.models) == list(rnnstore.open(folder).models)
