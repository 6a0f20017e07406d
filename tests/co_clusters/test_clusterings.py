"""Clusterings kept in the store: what SQL says of them, what replaces what, and the command that writes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import rnnstore
from rnnstore.__main__ import app
from rnnstore.co_clusters import clusterings
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses
from tests.support.worlds import random_world, record


@pytest.fixture
def store(tmp_path):
    words, values, starts = random_world(1, 300, units=6, vocabulary=12)
    return record(tmp_path, words=words, states={"s": values, "r": values[:, ::-1]}, sequence_starts=starts)


def test_sql_gives_what_was_clustered(store):
    expected = expected_responses(store.model("small"), "s")
    found = decompose(expected).clusters(3)
    clusterings.save_clustering(store, expected, found)
    rows = store.sql("select * from co_clusters order by kind desc, id").to_pylist()
    assert {(row["model"], row["state"], row["method"], row["k"]) for row in rows} == {("small", "s", "signed", 3)}
    of_word = dict(zip(expected.word_ids[found.rows].tolist(), found.word_cluster.tolist(), strict=True))
    assert {row["id"]: row["cluster"] for row in rows if row["kind"] == "word"} == of_word
    units = [row for row in rows if row["kind"] == "unit"]
    assert [row["cluster"] for row in units] == found.unit_cluster.tolist()
    np.testing.assert_allclose([row["weight"] for row in units], found.unit_weight)
    assert {row["sign"] for row in rows} == {1}


def test_sql_lists_the_members_of_clusters(store):
    expected = expected_responses(store.model("small"), "s")
    found = decompose(expected).clusters(3)
    clusterings.save_clustering(store, expected, found)
    wanted = {}
    names = [expected.words[row] for row in found.rows]
    for kind, of, weights, called in (
        ("word", found.word_cluster, found.word_weight, names),
        ("unit", found.unit_cluster, found.unit_weight, [str(unit) for unit in range(6)]),
    ):
        for cluster in set(of.tolist()):
            members = np.flatnonzero(of == cluster)
            order = members[np.argsort(-weights[members], kind="stable")]
            wanted[kind, cluster] = (len(members), [called[each] for each in order])
    told = store.sql("from members_of_clusters('small', 's', 3)").to_pylist()
    assert {(row["kind"], row["cluster"]): (row["members"], row["nearest"]) for row in told} == wanted
    assert store.sql("from members_of_clusters('small', 's', 2)").num_rows == 0


def test_a_clustering_replaces_its_like_and_a_recording_all(store, tmp_path):
    count = "select state, method, k, count(*) as rows from co_clusters group by all order by all"
    for state, k, words in (("s", 3, 12), ("s", 2, 12), ("r", 3, 12), ("s", 3, 5)):
        expected = expected_responses(store.model("small"), state)
        clusterings.save_clustering(store, expected, decompose(expected, words).clusters(k))
    assert [tuple(row.values()) for row in store.sql(count).to_pylist()] == [
        ("r", "signed", 3, 18),
        ("s", "signed", 2, 18),
        ("s", "signed", 3, 11),
    ]
    record(tmp_path, words=["a", "b"], states={"s": np.eye(2)})
    assert rnnstore.open(tmp_path).sql(count).num_rows == 0


def test_the_command_says_what_it_did_and_what_it_left_out(store):
    def run(*options):
        return CliRunner().invoke(app, ["cluster", "small", "s", "--store", str(store.path), *options])

    done = run("--k", "3", "--method", "mirrored", "--words", "5")
    assert done.exit_code == 0, done.output
    assert "5 words and 6 units of s are in 3 clusters each (mirrored)" in done.output
    assert "note: 5 of 12 words are clustered" in done.output
    kept = rnnstore.open(store.path).sql("select count(*) as rows from co_clusters where method = 'mirrored'")
    assert kept["rows"].to_pylist() == [11]
    assert "there can be 1 to 6" in str(run("--k", "7").exception)


def test_only_folders_of_tables_that_have_them_are_replaced(store):
    with store.writer("small") as writer:
        for table, folder in (("co_clusters", ""), ("training", "s"), ("states", "s")):
            with pytest.raises(rnnstore.StoreError, match="cannot be replaced"):
                writer.replace(table, pa.table({}), folder)
        with pytest.raises(rnnstore.StoreError, match="no rows of co_clusters"):
            writer.replace("co_clusters", pa.table({"k": [1]}), "s")
