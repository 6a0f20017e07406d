"""Queries answered by processes of their own: what comes back, what is cut, what ends them, and how they are shared."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import rnnstore
from rnnstore.errors import StoreError
from rnnstore.sql.answers import Crowded, Stopped
from rnnstore.sql.catalogue import macros, tables
from rnnstore.sql.examples import examples
from rnnstore.sql.limits import Limits, missing
from rnnstore.sql.opening import opening
from rnnstore.sql.pool import Pool
from rnnstore.store.sql_errors import QueryError
from tests.support.stores import record_batches, record_brackets
from tests.support.waiting import until
from tests.support.worlds import record

LIMITS = Limits(seconds=20, rows=100, bytes=300_000)
ENDLESS = "select count(*) from range(10000000000) a, range(1000) b where hash(a.range) % 7 = hash(b.range) % 11"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A store of two models whose states differ in units and in the kind of number."""
    path = tmp_path_factory.mktemp("asked") / "a store, é"
    record_brackets(rnnstore.open(path), steps=500)
    record(path, "small", dtype="float32", thresholds=(0.5,))
    record_batches(rnnstore.open(path), "brackets")
    return path


@pytest.fixture
def store(path):
    return rnnstore.open(path)


@pytest.fixture(scope="module")
def pool():
    found = Pool(LIMITS, ahead=2)
    yield found
    found.close()


def test_answers_are_those_of_the_store(pool, store):
    for query in (
        "select * exclude (created, settings, metrics) from models order by model",
        "select * from tokens where t < 20 order by model, t",
        "select * from annotations where track = 'nesting' and t between 3 and 9 order by t",
        "select model, state, t, u0, u1, u23 from states where t in (0, 7) order by all",
        "select state, count(*) as n, min(u1) as low from states where model = 'brackets' group by state order by 1",
        "select model, unit, start, stop from on_states where start > 100 and unit < 4 order by all limit 90",
        "select word, round(loss, 4) as loss from predictions where rank = 1 and word = '(' order by t limit 5",
        "from words_of('brackets', 'layer1.c', 0.3, 1)",
        "from ranked_matches('brackets', 'layer1.c', 0.3, [0, 1])  limit 20",
        "from largest_gradients('brackets')",
    ):
        answer, expected = pool.ask(store, query).answer(), store.sql(query)
        assert answer.table.to_pylist() == expected.to_pylist(), query
        assert answer.cut == "" and expected.num_rows, query


def test_every_example_is_answered(pool, store):
    found = examples(store.model("brackets"), "layer1.c")
    assert len(found) >= 10
    for example in found[1:]:
        assert pool.ask(store, example.query).answer().table.num_rows, example.question


def test_a_cut_is_known(pool, store):
    assert pool.ask(store, "select * from range(100)").answer().summary == "100 rows."
    more = pool.ask(store, "select * from range(101)").answer()
    assert (more.table.num_rows, more.cut) == (100, "rows") and "there are more" in more.summary
    wide = pool.ask(store, "select repeat('x', 20000) as x from range(90)").answer()
    assert wide.cut == "bytes" and 0 < wide.table.num_rows < 20 and wide.table.nbytes <= LIMITS.bytes
    with pytest.raises(QueryError, match="first row of the answer alone takes"):
        pool.ask(store, "select repeat('x', 400000)").answer()


def test_columns_are_of_kinds_that_every_reader_knows(pool, store):
    query = """
    select 1 as a, 2 as a, 'x'::blob as b, interval 2 days as c, map {'k': 1} as d, {'e': [1, 2]} as e,
           date '2020-01-02' as f, 12345678901234567890::hugeint as g, '(', union_value(k := 1) as u
    """
    (row,) = pool.ask(store, query).answer().table.to_pylist()
    assert (row["a"], row["a_1"], row["e"], row["f"]) == (1, 2, {"e": [1, 2]}, "2020-01-02")
    assert all(isinstance(row[name], str) for name in "bcdu") and row["g"] == pytest.approx(1.2345678901234567e19)


def test_sentences_say_where_and_what_is_near(pool, store):
    with pytest.raises(QueryError) as error:
        pool.ask(store, "select t,\n  wrod\nfrom tokens").answer()
    assert (error.value.line, error.value.column) == (2, 3) and "did you mean word?" in str(error.value)
    for query, said in {
        "select 1; select 2": "These are 2 queries; ask one at a time",
        "  -- nothing": "The query is empty",
        "drop view tokens": "it would drop",
        "select * from 'x.csv'": "files cannot be read or written here",
        "select 'x' || '" + "y" * 200_000 + "'": "200,016 characters; up to 100,000 are read",
    }.items():
        with pytest.raises(StoreError, match=said):
            pool.ask(store, query).answer()


def test_an_empty_answer_names_what_is_misspelt(pool, store):
    said = {
        "select * from tokens where model = 'bracket'": "no model 'bracket': did you mean brackets?",
        "select * from states where state = 'layer1.x'": "no state 'layer1.x'",
        "from runs_of('brackets', 'layer1.c', 0.4, 1)": "recorded at the thresholds 0.3, 0.5",
        "select * from tokens where false": "",
    }
    for query, hint in said.items():
        answer = pool.ask(store, query).answer()
        assert answer.table.num_rows == 0 and hint in answer.hint and bool(hint) == bool(answer.hint)


def test_what_takes_too_long_is_stopped_and_what_is_cancelled_ends_at_once(store):
    pool = Pool(replace(LIMITS, seconds=0.5), ahead=1)
    try:
        with pytest.raises(Stopped, match=r"stopped after 0\.5 seconds"):
            pool.ask(store, ENDLESS).answer()
        pool.limits = replace(LIMITS, seconds=60)
        question = pool.ask(store, ENDLESS)
        assert not question.done(0.3)
        question.cancel()
        with pytest.raises(Stopped, match="cancelled"):
            question.answer()
        assert pool.ask(store, "select 1 as x").answer().table.to_pylist() == [{"x": 1}]
    finally:
        pool.close()


def test_a_visitor_has_one_place_and_the_queue_an_end(store):
    pool = Pool(replace(LIMITS, seconds=60), at_once=1, waiting=2, ahead=1)
    try:
        first = pool.ask(store, ENDLESS, "ann")
        assert not first.done(0.2)
        waiting = [pool.ask(store, "select 1 as x", visitor) for visitor in ("bob", "cem")]
        with pytest.raises(Crowded, match=r"1 queries are being answered and 2 wait"):
            pool.ask(store, "select 1", "dan")
        assert not waiting[0].done(0.7) and waiting[1].before >= 1
        again = pool.ask(store, "select 2 as x", "ann")  # ends her first, whose place she gives up for this
        with pytest.raises(Stopped):
            first.answer()
        assert [each.answer().table["x"].to_pylist() for each in (*waiting, again)] == [[1], [1], [2]]
    finally:
        pool.close()


def test_a_model_recorded_anew_is_seen_by_the_next_query(tmp_path):
    record(tmp_path / "store", "first", words=["a", "b"], states={"s": np.zeros((2, 1))})
    store, pool = rnnstore.open(tmp_path / "store"), Pool(LIMITS)
    try:
        pool.prepare(store)
        count = "select model, count(*) as n from tokens group by model order by model"
        assert pool.ask(store, count).answer().table.to_pylist() == [{"model": "first", "n": 2}]
        record(tmp_path / "store", "first", words=["a"] * 5, states={"s": np.zeros((5, 1))})
        record(tmp_path / "store", "second", words=["a"], states={"s": np.zeros((1, 3))})
        found = pool.ask(store, count).answer().table.to_pylist()
        assert found == [{"model": "first", "n": 5}, {"model": "second", "n": 1}]
        store.delete("first")
        assert pool.ask(store, count).answer().table.to_pylist() == [{"model": "second", "n": 1}]
    finally:
        pool.close()


def test_an_empty_store_can_be_asked(tmp_path):
    pool = Pool(LIMITS)
    try:
        store = rnnstore.open(tmp_path / "none")
        assert pool.ask(store, "select count(*) as n from states").answer().table.to_pylist() == [{"n": 0}]
    finally:
        pool.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_knows_no_secret_and_dies_with_its_parent(path):
    code = """
import os, sys, time, rnnstore
from rnnstore.sql.limits import Limits
from rnnstore.sql.pool import Pool
os.environ["SECRET_TOKEN"] = "abc"
store, pool = rnnstore.open(sys.argv[1]), Pool(Limits())
pool.prepare(store)
question = pool.ask(store, sys.argv[2])
while question._worker is None: time.sleep(0.01)
time.sleep(0.3)
print(question._worker.process.pid, *(worker.process.pid for worker in pool._spares), flush=True)
os._exit(1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), ENDLESS], capture_output=True, text=True, timeout=100, check=False
    )
    workers = [int(pid) for pid in done.stdout.split()]
    assert workers, done.stderr
    until(lambda: not any(map(_lives, workers)))


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_is_given_no_secret_and_every_limit(pool, store, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    question = pool.ask(store, ENDLESS, "limited")
    until(lambda: question._worker)
    place = f"/proc/{question._worker.process.pid}"
    with open(f"{place}/environ", "rb") as file:
        assert b"SECRET_TOKEN" not in file.read()
    with open(f"{place}/limits", encoding="ascii") as file:
        limits = {line[:26].strip(): line[26:].split()[0] for line in file}
    question.cancel()
    assert limits["Max file size"] == limits["Max processes"] == limits["Max core file size"] == "0"
    assert int(limits["Max open files"]) == LIMITS.open_files
    assert int(limits["Max address space"]) < 10_000_000_000 and int(limits["Max cpu time"]) < 60


def test_a_worker_is_told_files_and_no_folder(store):
    told = opening(store, LIMITS)
    states = next(table for table in told["tables"] if table["name"] == "states")
    assert len(states["files"]) == 3 and {named["state"] for _, named in states["files"]} == {
        "layer1.c", "layer1.h", "hidden",
    }  # fmt: skip
    limits = told["limits"]
    assert limits["seconds"] == LIMITS.seconds and limits["processor_seconds"] > limits["seconds"]


def test_the_catalogue_has_every_table_and_says_what_the_store_has(store):
    found = {entry.name: entry for entry in tables(store)}
    assert found["tokens"].filled and found["itemized_gradients"].filled and not found["co_clusters"].filled
    assert dict(found["on_states"].columns)["unit"].startswith("number of the unit")
    assert dict(found["states"].columns)["u23"]
    assert {entry.written for entry in macros()} >= {
        "words_of(model, state, threshold, unit)",
        "known_characters(model)",
    }


def test_limits_are_said():
    assert "20 seconds" in LIMITS.sentence and "100 rows" in LIMITS.sentence
    assert (missing() == "") == sys.platform.startswith("linux")
