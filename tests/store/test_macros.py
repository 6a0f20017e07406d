"""Macros of SQL: each answers what the program's own modules answer, or what a loop over a drawing does."""

import duckdb
import numpy as np
import pytest

import rnnstore
from rnnstore import Selection
from rnnstore.errors import QuestionError
from rnnstore.matching.matches import match
from rnnstore.matching.selection import select
from rnnstore.store.macros import MACROS
from rnnstore.store.sql_errors import QueryError, marked
from tests.support.stores import record_batches
from tests.support.worlds import random_world, record

UNITS = (0, 1, 3)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A random world of 400 steps and five units in several sequences, with its runs at 0."""
    words, values, starts = random_world(3, steps=400, units=5)
    path = tmp_path_factory.mktemp("macros") / "store"
    smooth = (values + np.roll(values, 1, axis=0) + np.roll(values, 2, axis=0)).astype(np.float16)
    record(path, "world", words=words, states={"s": smooth}, sequence_starts=starts, thresholds=(0.0,))
    opened = rnnstore.open(path)
    record_batches(opened, "trained")
    opened.refresh()
    return opened


def rows(table):
    return list(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))


@pytest.mark.parametrize("at_least", [1, 2, 3])
def test_matches_by_overlap_are_those_of_the_page(store, at_least):
    found = store.sql(f"from ranked_matches('world', 's', 0.0, {list(UNITS)}, at_least := {at_least})")
    ours = match(store.model("world"), "s", UNITS, 0.0, limit=100_000, overlapping=True).table
    expected = [row for row in rows(ours.select(["start", "stop", "length", "overlap", "union"])) if row[3] >= at_least]
    assert len(expected) > 20
    assert rows(found) == expected
    plain = store.sql(f"from matches('world', 's', 0.0, {list(UNITS)}, at_least := {at_least})")
    assert sorted(rows(plain)) == sorted(row[:4] for row in expected)


def test_without_at_least_all_units_are_on(store):
    found = store.sql("from matches('world', 's', 0.0, [0, 3])")
    assert found.num_rows and set(found["overlap"].to_pylist()) == {2}


def test_units_on_are_those_of_a_selection(store):
    for start in range(0, 60, 7):
        try:
            selected = select(store.model("world"), Selection("s", start, start + 2, 0.0)).units.tolist()
        except QuestionError:  # the two steps lie in two sequences
            continue
        assert store.sql(f"from units_on('world', 's', 0.0, {start}, {start + 2})")["unit"].to_pylist() == selected


def test_words_of_a_unit_are_counted_step_by_step(store):
    model = store.model("world")
    on = model.unit_values("s", [2])[0] >= 0
    words = np.array(model.words(0, model.steps)["word"].to_pylist())
    found = {row[0]: row[1:] for row in rows(store.sql("from words_of('world', 's', 0.0, 2)"))}
    assert set(found) == set(words)
    for word, (steps_on, steps, share, lift) in found.items():
        here = words == word
        assert (steps_on, steps) == (on[here].sum(), here.sum())
        assert share == pytest.approx(on[here].mean())
        assert lift == pytest.approx(on[here].mean() / on.mean())


def test_runs_stand_with_their_words(store):
    model = store.model("world")
    found = store.sql("from runs_of('world', 's', 0.0, 1)").to_pylist()
    ours = model.on_states("s", 0.0, [1])
    assert sorted((row["start"], row["stop"]) for row in found) == sorted(rows(ours.select(["start", "stop"])))
    assert [row["length"] for row in found] == sorted((row["length"] for row in found), reverse=True)
    first = found[0]
    words = model.words(first["start"], min(first["stop"], first["start"] + 20))["word"].to_pylist()
    assert first["words"] == " ".join(words)


def test_a_passage_takes_columns_of_the_query_around_it(store):
    model = store.model("world")
    found = store.sql(
        "select t, passage(model, t, t + 3) as text from tokens where t in (5, 50) order by t"
    ).to_pylist()
    assert found == [{"t": t, "text": " ".join(model.words(t, t + 3)["word"].to_pylist())} for t in (5, 50)]


def test_expected_responses_of_a_unit_are_those_of_the_table(store):
    ours = store.model("world").expected_responses("s", columns=["word", "response"]).to_pylist()
    found = {row["word"]: row["response"] for row in store.sql("from responses_of('world', 's', 4)").to_pylist()}
    assert found == {row["word"]: row["response"][4] for row in ours}


def test_batches_stand_by_their_largest_gradient_and_fall_by_lag(store):
    found = store.sql("from largest_gradients('trained')").to_pylist()
    assert [row["step"] for row in found] == [500, 400, 300, 200, 100, 0]
    assert found[0]["largest"] == 6 and found[0]["reads"] == "a b c d e f g h"
    lags = store.sql("from by_lag('trained', 500, 1)").to_pylist()
    assert [(row["lag"], row["pairs"]) for row in lags] == [(lag, 8 - lag) for lag in range(8)]
    assert [row["magnitude"] for row in lags] == pytest.approx([6 * 0.5**lag for lag in range(8)])


def test_every_macro_is_explained_and_answers_its_columns(store):
    filled = {"model": "'world'", "state": "'s'", "threshold": 0.0, "unit": 1, "units": "[0, 1]", "batch": 0}
    for macro in MACROS:
        answer = store.sql(macro.example.format(**filled))
        if macro.columns:
            assert answer.column_names == [name for name, _ in macro.columns], macro.name
    explained = store.sql("select function_name as name, comment from duckdb_functions() where comment is not null")
    assert {macro.name: macro.meaning for macro in MACROS}.items() <= dict(rows(explained)).items()


def test_the_script_gives_another_duckdb_the_same_answers(store):
    connection = duckdb.connect()
    connection.execute(store.script())
    for query in (
        "select model, steps, states, metrics from models order by model",
        "select * from states where t < 5 order by t",
        "from words_of('world', 's', 0.0, 2)",
    ):
        assert connection.sql(query).to_arrow_table().to_pylist() == store.sql(query).to_pylist()


def test_the_script_of_an_empty_store_runs(tmp_path):
    connection = duckdb.connect()
    connection.execute(rnnstore.open(tmp_path / "none").script())
    assert connection.sql("select * from models").fetchall() == []


@pytest.mark.parametrize(
    ("query", "line", "column", "said"),
    [
        ("select wrod from tokens", 1, 8, "no column 'wrod' (line 1, column 8); did you mean word?"),
        ("select *\nfrom tokns", 2, 6, "no table 'tokns' (line 2, column 6); did you mean tokens?"),
        ("select 'é', unit\nfrom tokens", 1, 13, "on_states has one."),
        ("from macthes('m', 's', 0, [1])", 1, 6, "did you mean matches?"),
        ("from matches('m')", 0, 0, "matches(model, state, threshold, units, at_least := null)"),
        ("select 1 +", 1, 10, 'syntax error at or near "+"'),
        ("select sum(word) from tokens", 1, 8, "'sum(VARCHAR)'"),
        ("select nofun(t) from tokens", 1, 8, "no scalar function 'nofun'"),
    ],
)
def test_a_refused_query_says_where_and_what_is_near(store, query, line, column, said):
    with pytest.raises(QueryError) as error:
        store.sql(query)
    assert said in str(error.value)
    assert (error.value.line, error.value.column) == (line, column)


def test_a_place_is_pointed_at():
    assert marked("select *\nfrom tokns", 2, 6) == "from tokns\n     ^"
    long = marked("select " + "x" * 300 + " wrod", 1, 309)
    assert long.splitlines()[0].endswith("wrod") and long.splitlines()[1].index("^") == long.index("wrod")
    assert marked("select 1", 0, 0) == ""
