"""Opening, asking, changing a store; and everything that can be wrong with a folder, each told by name."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pyarrow as pa
import pytest

import rnnstore
from rnnstore import tables
from tests.worlds import record


def problems(path: Path) -> dict[str, str]:
    return {problem.name: problem.sentence for problem in rnnstore.open(path).problems}


def change_card(model: Path, **changes) -> None:
    card = json.loads((model / "card.json").read_text())
    (model / "card.json").write_text(json.dumps({**card, **changes}))


def test_a_missing_folder_is_an_empty_store_and_is_not_created(tmp_path):
    store = rnnstore.open(tmp_path / "none")
    assert (store.models, store.problems) == ({}, [])
    for table in (tables.MODELS, *tables.TABLES):
        assert store.sql(f"select * from {table.name}").num_rows == 0
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(rnnstore.StoreError, match="is a file; a store is a folder"):
        rnnstore.open(tmp_path / "file")


def test_describe_shows_every_column_of_the_description_with_its_meaning(tmp_path):
    record(tmp_path, annotations={"x": [1] * 8})
    store = rnnstore.open(tmp_path)
    for table in (tables.MODELS, *tables.TABLES):
        expected = list(dict.fromkeys(["model", *(column.name for column in table.columns)]))
        expected += ["u0", "u1"] if table.wide else []
        assert store.sql(f"describe {table.name}")["column_name"].to_pylist() == expected
        comments = dict(
            zip(
                *store.sql(
                    "select column_name, comment from duckdb_columns() where table_name = $1", [table.name]
                ).columns,
                strict=True,
            )
        )
        for column in table.columns:
            assert str(comments[pa.scalar(column.name)]) == column.meaning


def test_models_are_rows_with_their_facts(tmp_path):
    facts = {"task": "language model", "cell": "lstm", "layers": 2, "parameters": 12, "corpus": "mine"}
    store = record(tmp_path, metrics=[("perplexity", "test", 115.5)], settings={"seed": 1}, **facts)
    (row,) = store.sql("select * from models").to_pylist()
    assert {name: row[name] for name in facts} == facts
    assert row["metrics"] == [{"name": "perplexity", "split": "test", "value": 115.5}]
    assert (row["model"], row["steps"], row["states"], row["settings"]) == ("small", 8, ["hidden"], '{"seed": 1}')


def test_models_of_different_widths_share_the_views(tmp_path):
    record(tmp_path, "one", states={"s": [[float(t)] for t in range(8)]})
    record(tmp_path, "two", states={"s": [[0.0, float(t)] for t in range(8)]})
    store = rnnstore.open(tmp_path)
    assert store.sql("select model, u0, u1 from states where t = 7 order by model").to_pylist() == [
        {"model": "one", "u0": 7.0, "u1": None},
        {"model": "two", "u0": 0.0, "u1": 7.0},
    ]


def test_names_that_look_like_numbers_or_hold_quotes_stay_text(tmp_path):
    folder = tmp_path / "it's a store ü"
    record(folder, "2020")
    assert rnnstore.open(folder).sql("select distinct model from tokens").to_pylist() == [{"model": "2020"}]


def test_an_unknown_model_is_told_with_the_nearest_name(tmp_path):
    store = record(tmp_path, "python-lstm")
    with pytest.raises(rnnstore.UnknownModel, match=r"no model 'pyton-lstm': did you mean python-lstm\?"):
        store.model("pyton-lstm")
    with pytest.raises(rnnstore.UnknownName, match="no state 'c'"):
        store.model("python-lstm").vectors("c", 0, 1)
    with pytest.raises(rnnstore.UnknownName, match="no track 'pos'"):
        store.model("python-lstm").annotations(["pos"], 0, 1)
    with pytest.raises(rnnstore.UnknownName, match="units 0 to 1, none 2"):
        store.model("python-lstm").unit_values("hidden", [2])
    with pytest.raises(rnnstore.QuestionError, match="Steps 5 to 9"):
        store.model("python-lstm").words(5, 9)


def test_a_wrong_query_is_a_sentence(tmp_path):
    with pytest.raises(rnnstore.QuestionError, match="The query was refused"):
        rnnstore.open(tmp_path).sql("selct 1")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", "/root", ".hidden", "end.", "x" * 101, "a\0b", "a=b"])
def test_a_model_cannot_be_named_like_a_path(tmp_path, name):
    with pytest.raises(rnnstore.StoreError, match="cannot name a model"), rnnstore.open(tmp_path).writer(name):
        pass
    assert list(tmp_path.iterdir()) == []


def test_rename_delete_and_copy_in(tmp_path):
    store = record(tmp_path / "here", "a")
    store.rename("a", "b")
    assert list(store.models) == ["b"]
    assert store.sql("select distinct model from tokens").to_pylist() == [{"model": "b"}]
    other = rnnstore.open(tmp_path / "there")
    assert other.copy_in(tmp_path / "here" / "model=b") == "b"
    assert other.copy_in(tmp_path / "here" / "model=b", "c") == "c"
    assert other.model("c").words(0, 1).to_pylist() == store.model("b").words(0, 1).to_pylist()
    with pytest.raises(rnnstore.StoreError, match="There is a model 'b' already"):
        other.copy_in(tmp_path / "here" / "model=b")
    with pytest.raises(rnnstore.StoreError, match="There is a model 'c' already"):
        other.rename("b", "c")
    other.delete("b")
    assert list(other.models) == ["c"]
    with pytest.raises(rnnstore.UnknownModel):
        other.delete("b")
    assert sorted(entry.name for entry in (tmp_path / "there").iterdir()) == [".locks", "model=c"]


def test_copying_in_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(rnnstore.DamagedModel, match=r"folder is no model: it holds no card\.json"):
        rnnstore.open(tmp_path / "store").copy_in(tmp_path / "folder")


def test_each_kind_of_damage_is_told_by_name_and_the_rest_opens(tmp_path):
    for name in ("good", "truncated", "emptied", "lost", "newer", "torn", "text", "escapes", "numbers"):
        record(tmp_path, name)
    (tmp_path / "model=foreign").mkdir()
    (tmp_path / "notes").mkdir()
    tokens = {
        name: next((tmp_path / f"model={name}" / "tokens").iterdir()) for name in ("truncated", "emptied", "lost")
    }
    os.truncate(tokens["truncated"], 100)
    os.truncate(tokens["emptied"], 0)
    tokens["lost"].unlink()
    change_card(tmp_path / "model=newer", format=99)
    (tmp_path / "model=torn" / "card.json").write_text('{"format": 1, "crea')
    (tmp_path / "model=text" / "card.json").write_text('"hello"')
    change_card(tmp_path / "model=escapes", files={"tokens": [{"path": "../../secret", "bytes": 1, "rows": 1}]})
    change_card(tmp_path / "model=numbers", steps="many")
    store = rnnstore.open(tmp_path)
    assert list(store.models) == ["good"]
    assert store.sql("select distinct model from tokens").to_pylist() == [{"model": "good"}]
    told = problems(tmp_path)
    assert told.keys() == {"truncated", "emptied", "lost", "newer", "torn", "text", "escapes", "numbers", "foreign"}
    for name, words in {
        "truncated": "100 bytes instead of",
        "emptied": "0 bytes instead of",
        "lost": "lacks the file tokens/",
        "newer": "has format 99, and this program reads up to 1",
        "torn": "cannot be read",
        "text": "says no format",
        "escapes": "outside the model's folder",
        "numbers": "is damaged at steps",
        "foreign": "holds no card.json",
    }.items():
        assert words in told[name]
        with pytest.raises(rnnstore.DamagedModel):
            store.model(name)


def test_a_card_of_a_later_program_with_more_facts_still_opens(tmp_path):
    record(tmp_path)
    change_card(tmp_path / "model=small", colour="blue")
    assert problems(tmp_path) == {}


def test_the_fingerprint_changes_with_every_model_and_only_then(tmp_path):
    seen = [rnnstore.fingerprint(tmp_path)]
    store = record(tmp_path, "a")
    seen.append(rnnstore.fingerprint(tmp_path))
    with store.writer("a") as writer:
        writer.describe(description="another")
    seen.append(rnnstore.fingerprint(tmp_path))
    store.rename("a", "b")
    seen.append(rnnstore.fingerprint(tmp_path))
    store.delete("b")
    seen.append(rnnstore.fingerprint(tmp_path))
    assert len(set(seen)) == 4 and seen[0] == seen[-1] == rnnstore.fingerprint(tmp_path)


def test_two_writers_of_one_model_get_a_sentence_and_the_first_goes_on(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.record("m") as recorder:
        recorder.add(words=["a"], states={"s": [[1.0]]})
        for change in (
            lambda: store.writer("m").__enter__(),
            lambda: store.rename("m", "n"),
            lambda: store.delete("m"),
        ):
            with pytest.raises(rnnstore.Busy, match="being written by another process"):
                change()
        with store.record("other") as other:
            other.add(words=["a"], states={"s": [[1.0]]})
    assert rnnstore.open(tmp_path).model("m").steps == 1


def test_a_model_replaced_while_it_is_read_gives_a_sentence(tmp_path):
    model = record(tmp_path).model("small")
    record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
    for question in (
        lambda: model.words(0, 2),
        lambda: model.words_at([1]),
        lambda: model.vectors("hidden", 0, 2),
        lambda: model.unit_values("hidden", [0]),
    ):
        with pytest.raises(rnnstore.StoreError, match="changed or was deleted while it was being read"):
            question()


def test_facts_are_checked(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        with pytest.raises(rnnstore.StoreError, match=r"no fact 'layer': did you mean layers"):
            writer.describe(layer=2)
        with pytest.raises(rnnstore.StoreError, match="The fact layers of model 'm' cannot be 'two'"):
            writer.describe(layers="two")
        with pytest.raises(rnnstore.StoreError, match="is a table of the store"):
            writer.folder("tokens")
        with pytest.raises(rnnstore.StoreError, match="cannot be replaced as a whole"):
            writer.replace("states", pa.table({}))


def test_a_model_that_was_not_recorded_says_so(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.writer("m") as writer:
        (writer.folder("network") / "weights").write_text("w")
    store.refresh()
    model = store.model("m")
    assert (model.steps, model.states, model.training().num_rows) == (0, {}, 0)
    with pytest.raises(rnnstore.QuestionError, match="has not been recorded"):
        model.words(0, 0)


def test_many_threads_ask_one_store(tmp_path):
    store = record(tmp_path)
    wrong = []

    def ask():
        try:
            for _ in range(20):
                assert store.sql("select count(*) as n from tokens").to_pylist() == [{"n": 8}]
                assert store.model("small").vectors("hidden", 0, 8).shape == (8, 2)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_read_only_store_opens(tmp_path):
    record(tmp_path)
    shutil.rmtree(tmp_path / ".locks")
    before = sorted(path for path in tmp_path.rglob("*"))
    store = rnnstore.open(tmp_path)
    store.sql("select count(*) from states")
    store.model("small").vectors("hidden", 0, 8)
    assert sorted(path for path in tmp_path.rglob("*")) == before
