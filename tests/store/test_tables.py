"""A table is one entry: a new one is known everywhere, and an entry that forgets a fact is none."""

from __future__ import annotations

import dataclasses
from functools import reduce

import pyarrow as pa
import pytest

import rnnstore
from rnnstore.integrity.checking import check, drop_damaged
from rnnstore.sql import catalogue
from rnnstore.sql.opening import opening
from rnnstore.store import tables
from rnnstore.store.schema import ANY, Column, Lifetime, Repair, Table, View
from tests.support.worlds import record

FIXED_POINTS = Table(
    "fixed_points",
    "a point that the state map leaves where it is",
    (
        tables.STATE,
        Column("number", pa.int32(), "number of the point, from 0", (0, 2**31)),
        Column("speed", pa.float64(), "distance that one step moves it", (0, 1)),
    ),
    folder="state",
    order=("number",),
    lifetime=Lifetime.DERIVED,
    maker="`python -m rnnstore fixed-points`",
    droppable=True,
    repair="Leave the table out: {drop}, then look again: python -m rnnstore fixed-points {model} {folder}.",
    shown_by="rnnstore.Model.table",
)

GROWTH = Table(
    "growth",
    "a training step",
    (Column("step", pa.int64(), "optimiser steps done", (0, 2**62)),),
    order=("step",),
    lifetime=Lifetime.TRAINING,
    maker="the training",
    droppable=True,
    repair=Repair.DROP,
    shown_by="rnnstore.Model.table",
)


def rows(*points: tuple[int, float]) -> pa.Table:
    return pa.table({"number": [number for number, _ in points], "speed": [speed for _, speed in points]})


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store whose program knows two tables more."""
    monkeypatch.setitem(tables.TABLES, "fixed_points", FIXED_POINTS)
    monkeypatch.setitem(tables.TABLES, "growth", GROWTH)
    return record(tmp_path)


def findings(store: rnnstore.Store) -> dict[str, str]:
    """What a check says of damage, and how to mend it."""
    return {each.sentence: each.mending for each in check(store.path / "model=small").findings if each.damage}


def test_a_new_table_is_written_read_and_seen_by_sql(store):
    with store.writer("small") as writer:
        writer.replace("fixed_points", rows((0, 0.5), (1, 0.25)), "s")
        writer.append({"growth": pa.table({"step": [1, 2]})})
        writer.append({"growth": pa.table({"step": [3]})})
        with pytest.raises(
            rnnstore.StoreError, match=r"no rows of fixed_points.*Its columns are number \(int32\), speed"
        ):
            writer.replace("fixed_points", pa.table({"number": [1]}), "s")
        with pytest.raises(rnnstore.StoreError, match="'fixed_points' is a table of the store"):
            writer.folder("fixed_points")
    store.refresh()
    model = store.model("small")
    assert model.table("fixed_points", "s").to_pylist() == rows((0, 0.5), (1, 0.25)).to_pylist()
    assert model.table("growth")["step"].to_pylist() == [1, 2, 3]
    assert store.sql("select model, state, speed from fixed_points where number = 1").to_pylist() == [
        {"model": "small", "state": "s", "speed": 0.25}
    ]
    assert "fixed_points" in store.script()
    assert [entry.filled for entry in catalogue.tables(store) if entry.name in ("fixed_points", "growth")] == [True] * 2
    limits = rnnstore.sql.limits.Limits()
    assert {table["name"] for table in opening(store, limits)["tables"]} >= {"fixed_points", "growth"}
    with pytest.raises(
        rnnstore.UnknownName, match=r"no table 'fixed_point' to read by folder: did you mean fixed_points"
    ):
        model.table("fixed_point", "s")


def test_a_recording_takes_a_derived_table_with_it_and_leaves_one_that_grows(store):
    with store.writer("small") as writer:
        writer.replace("fixed_points", rows((0, 0.5)), "s")
        writer.append({"growth": pa.table({"step": [1]})})
    store = record(store.path)
    assert {"fixed_points/s", "growth"} & set(store.model("small").card.files) == {"growth"}
    assert store.model("small").table("fixed_points", "s").num_rows == 0


def test_a_check_knows_its_bounds_order_columns_and_repair(store):
    with store.writer("small") as writer:
        writer.replace("fixed_points", rows((0, 0.5), (1, 2.0)), "s")
    advice = (
        "Leave the table out: python -m rnnstore check small --drop, then look again: python -m rnnstore fixed-points "
        "small s."
    )
    assert findings(store) == {"Row 1: speed is 2.0; 0 to 1 was expected.": advice}
    with store.writer("small") as writer:
        writer.replace("fixed_points", rows((3, 0.5), (2, 0.5)), "s")
    assert findings(store) == {"Row 1: number is 2; no less than before was expected.": advice}
    path = next((store.path / "model=small" / "fixed_points").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    store.refresh()
    drop_damaged(store, check(store.path / "model=small"))
    assert findings(store) == {} and "fixed_points/s" not in store.model("small").card.files


def test_the_page_about_the_tables_shows_it(store):
    page = tables.document()
    assert "## fixed_points\n\nOne row is a point that the state map leaves where it is.\n" in page
    assert "derived from the recording, gone with the next one" in page.split("## fixed_points")[1].split("##")[0]
    assert "`python -m rnnstore fixed-points`" in page and "| `speed` | float64 | distance that one step" in page


@pytest.mark.parametrize(
    "fact", [field.name for field in dataclasses.fields(Table) if field.default is dataclasses.MISSING]
)
def test_an_entry_that_forgets_a_fact_is_none(fact):
    facts = {field.name: getattr(FIXED_POINTS, field.name) for field in dataclasses.fields(Table)}
    del facts[fact]
    with pytest.raises(TypeError, match=fact):
        Table(**facts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order": ("place",)}, "ordered by place"),
        ({"maker": ""}, "does not say who makes it"),
        ({"shown_by": "somewhere"}, "what of rnnstore shows it"),
        ({"repair": ""}, "does not say how it is repaired"),
        ({"repair": "{drop} the {table}"}, "does not say how it is repaired"),
        ({"repair": Repair.AGAIN}, "its repair must offer the same"),
        ({"droppable": False}, "its repair must offer the same"),
        ({"droppable": False, "repair": Repair.AGAIN}, "so a model can be read without it"),
        ({"lifetime": Lifetime.TRAINING}, "its rows ascend by step"),
        ({"folder": "track"}, "none called 'track'"),
    ],
)
def test_facts_that_do_not_fit_each_other_are_an_error(changes, words):
    with pytest.raises(TypeError, match=words):
        dataclasses.replace(FIXED_POINTS, **changes)


def test_a_column_of_numbers_says_its_bounds():
    with pytest.raises(TypeError, match="give its bounds, or ANY"):
        Column("speed", pa.float64(), "how fast")
    with pytest.raises(TypeError, match="has no bounds"):
        Column("word", pa.string(), "a word", ANY)
    assert View("x", "a row", (Column("speed", pa.float64(), "how fast", ANY),)).schema.names == ["speed"]


def test_what_shows_a_table_is_there():
    for table in tables.TABLES.values():
        assert callable(reduce(getattr, table.shown_by.split(".")[1:], rnnstore)), table.name
