"""Opening, asking, changing a store; and everything that can be wrong with a folder, each told by name."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from rnnstore.store import card, commit, folder, leases, tables
from tests.support.worlds import WORDS, record


def problems(path: Path) -> dict[str, str]:
    return {problem.name: problem.sentence for problem in rnnstore.open(path).problems}


def change_card(model: Path, **changes) -> None:
    card = json.loads((model / "card.json").read_text())
    (model / "card.json").write_text(json.dumps({**card, **changes}))


def test_a_missing_folder_is_an_empty_store_and_is_not_created(tmp_path):
    store = rnnstore.open(tmp_path / "none")
    assert (store.models, store.problems) == ({}, [])
    for table in (tables.MODELS, *tables.TABLES.values()):
        assert store.sql(f"select * from {table.name}").num_rows == 0
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(rnnstore.StoreError, match="is a file; a store is a folder"):
        rnnstore.open(tmp_path / "file")


def test_describe_shows_every_column_of_the_description_with_its_meaning(tmp_path):
    record(tmp_path, annotations={"x": [1] * 8})
    store = rnnstore.open(tmp_path)
    for table in (tables.MODELS, *tables.TABLES.values()):
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


@pytest.mark.parametrize("above", ["runs/t=5", "model=other", "state=x,track=y"])
def test_folders_above_the_store_are_not_taken_for_columns(tmp_path, above):
    record(tmp_path / above, annotations={"x": ["a"] * 8})
    store = rnnstore.open(tmp_path / above)
    assert store.sql("select model, state, t, u0 from states where t = 1").to_pylist() == [
        {"model": "small", "state": "hidden", "t": 1, "u0": 0.125}
    ]
    assert store.sql("select model, track, count(*) as n from annotations group by all").to_pylist() == [
        {"model": "small", "track": "x", "n": 8}
    ]


def test_characters_of_patterns_in_a_path_are_only_characters(tmp_path):
    record(tmp_path / "s[ab]*?", "here")
    record(tmp_path / "sax", "elsewhere")
    store = rnnstore.open(tmp_path / "s[ab]*?")
    assert store.sql("select distinct model from tokens").to_pylist() == [{"model": "here"}]
    assert store.model("here").words(0, 1)["word"].to_pylist() == ["the"]


def test_a_relative_path_means_the_folder_that_it_meant_when_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record(Path("store"))
    store = rnnstore.open("store")
    monkeypatch.chdir("/")
    assert store.sql("select count(*) as n from tokens").to_pylist() == [{"n": 8}]


def test_a_model_opened_as_a_store_is_a_sentence(tmp_path):
    record(tmp_path)
    with pytest.raises(rnnstore.StoreError, match=r"is a model, not a store\. Name the folder that holds it"):
        rnnstore.open(tmp_path / "model=small")


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


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", "a\\b", "/root", ".hidden", "end.", "x" * 101, "語" * 70, "a\0b", "a=b", "_a"]
)
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


def test_what_cannot_be_copied_in_is_a_sentence(tmp_path, monkeypatch):
    store = record(tmp_path / "here")
    with pytest.raises(rnnstore.StoreError, match="is no folder; name the folder of a model"):
        store.copy_in(tmp_path / "nowhere")

    def full(source, *_, **__):
        raise shutil.Error([(source, "there", f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}")])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(rnnstore.DiskFull, match="The disk is full"):
        rnnstore.open(tmp_path / "there").copy_in(tmp_path / "here" / "model=small")


def test_deleting_a_model_that_is_a_link_leaves_what_it_points_to(tmp_path):
    record(tmp_path / "elsewhere")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "model=m").symlink_to(tmp_path / "elsewhere" / "model=small")
    store = rnnstore.open(tmp_path / "store")
    assert store.model("m").steps == 8
    store.delete("m")
    assert [entry.name for entry in (tmp_path / "store").iterdir()] == [".locks"]
    assert rnnstore.open(tmp_path / "elsewhere").model("small").steps == 8


def test_a_damaged_model_can_be_deleted_and_recorded_anew_as_its_sentence_says(tmp_path):
    store = record(tmp_path)
    (tmp_path / "model=small" / "card.json").write_text("{")
    with pytest.raises(rnnstore.DamagedModel, match="or delete it and record it anew"):
        record(tmp_path)
    store.delete("small")
    assert record(tmp_path).model("small").steps == 8


def test_each_kind_of_damage_is_told_by_name_and_the_rest_opens(tmp_path):
    for name in ("good", "truncated", "emptied", "zeroed", "lost", "newer", "torn", "text", "escapes", "numbers"):
        record(tmp_path, name)
    (tmp_path / "model=foreign").mkdir()
    (tmp_path / "notes").mkdir()
    tokens = {
        name: next((tmp_path / f"model={name}" / "tokens").iterdir())
        for name in ("truncated", "emptied", "zeroed", "lost")
    }
    os.truncate(tokens["truncated"], 100)
    os.truncate(tokens["emptied"], 0)
    tokens["zeroed"].write_bytes(bytes(tokens["zeroed"].stat().st_size))
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
    assert told.keys() == {
        "truncated",
        "emptied",
        "zeroed",
        "lost",
        "newer",
        "torn",
        "text",
        "escapes",
        "numbers",
        "foreign",
    }
    for name, words in {
        "truncated": "100 bytes instead of",
        "emptied": "0 bytes instead of",
        "zeroed": "is no Parquet file any more",
        "lost": "lacks the file tokens/",
        "newer": "has format 99, and this program reads up to 1",
        "torn": "cannot be read",
        "text": "says no format",
        "escapes": "outside the model's folder",
        "numbers": "is damaged: steps is",
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


def test_the_key_of_a_model_changes_with_it_alone(tmp_path):
    store = record(tmp_path, "a")
    keys = [store.model("a").key, rnnstore.open(tmp_path).model("a").key]
    assert keys[0] == keys[1] and hash(keys[0]) == hash(keys[1])
    opened = store.model("a")
    record(tmp_path, "b")
    store.refresh()
    assert store.model("a").key == keys[0] != store.model("b").key  # another model changes nothing
    with store.writer("a") as writer:
        writer.describe(description="another")
    assert opened.key == keys[0]  # what was opened reads what it read
    store.refresh()
    keys.append(store.model("a").key)
    record(tmp_path, "a")  # the same values in new files
    store.refresh()
    keys.append(store.model("a").key)
    shutil.copytree(tmp_path / "model=a", tmp_path / "model=c")
    store.refresh()
    keys.append(store.model("c").key)
    assert len(set(keys)) == 4


def test_two_writers_of_one_model_get_a_sentence_and_the_first_goes_on(tmp_path):
    store = record(tmp_path, "m")
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


def test_a_model_replaced_while_the_store_opens_is_not_called_damaged(tmp_path, monkeypatch):
    record(tmp_path)
    real = card.card_alone

    def replaced_right_after(folder):
        monkeypatch.setattr(leases, "card_alone", real)
        seen = real(folder)
        record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
        return seen

    monkeypatch.setattr(leases, "card_alone", replaced_right_after)
    store = rnnstore.open(tmp_path)
    assert (store.problems, store.model("small").steps) == ([], 1)


def test_a_model_deleted_while_the_store_opens_is_no_problem(tmp_path, monkeypatch):
    store = record(tmp_path)
    monkeypatch.setattr(leases, "card_alone", lambda folder: (shutil.rmtree(folder), card.card_alone(folder))[1])
    store.refresh()
    assert (store.models, store.problems) == ({}, [])


def test_what_was_opened_is_read_until_the_store_is_looked_at_anew(tmp_path):
    """Another process records the model anew: its old files stay for who opened them, and go with the next writer."""
    store = record(tmp_path)
    model, count = store.model("small"), "select count(*) as n from tokens"
    assert store.sql(count).to_pylist() == [{"n": 8}]
    for _ in range(2):
        record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
        assert store.sql(count).to_pylist() == [{"n": 8}] and model.words(0, 8)["word"].to_pylist() == list(WORDS)
        assert (model.vectors("hidden", 0, 8)[:, 0] == np.arange(8) / 8).all() and model.steps == 8
        assert (model.unit_values("hidden", [0])[0] == np.arange(8) / 8).all()
    store.refresh()
    assert store.sql(count).to_pylist() == [{"n": 1}] and model.words(0, 1).num_rows == 1
    old = next((tmp_path / "model=small").rglob(Path(model.card.files["tokens"][0].path).name))
    del model
    with store.writer("small"):
        assert not old.exists()
    assert len(list((tmp_path / "model=small" / "tokens").iterdir())) == 1


def test_a_store_of_many_models_holds_those_that_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LEASES", 1)
    for name in "ab":
        record(tmp_path, name)
    store = rnnstore.open(tmp_path)
    model = store.model("b")
    for name in "ab":
        record(tmp_path, name, words=["a"], states={"hidden": [[1.0]]})
    assert model.words(0, 8).num_rows == store.model("a").words(0, 8).num_rows == 8


def test_without_locks_replaced_files_stay_for_some_time(tmp_path, monkeypatch):
    """Some network folders know none, so that nobody can be seen to read."""
    model = record(tmp_path).model("small")

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(leases.fcntl, "flock", no_locks)
    monkeypatch.setattr(commit, "lock", lambda *_: Unlocked())
    record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
    assert model.words(0, 8).num_rows == 8
    monkeypatch.setattr(leases, "GRACE", 0)
    record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
    with pytest.raises(rnnstore.StoreError, match=r"changed or was deleted while it was being read; open the store"):
        model.words(0, 8)


class Unlocked:
    """The lock of a model, held by nobody else."""

    is_locked = True

    def release(self):
        pass


def test_views_can_be_asked_while_the_store_is_looked_at_anew(tmp_path):
    store, wrong = record(tmp_path), []
    done = threading.Event()

    def ask():
        try:
            while not done.is_set():
                store.sql("select count(*) from tokens")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        store.refresh()
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_model_deleted_while_it_is_read_gives_a_sentence(tmp_path):
    store = record(tmp_path)
    model = store.model("small")
    store.delete("small")
    for question in (
        lambda: model.words(0, 2),
        lambda: model.words_at([1]),
        lambda: model.vectors("hidden", 0, 2),
        lambda: model.unit_values("hidden", [0]),
    ):
        with pytest.raises(rnnstore.StoreError, match="changed or was deleted while it was being read") as raised:
            question()
        assert str(tmp_path) not in str(raised.value)


def test_a_file_damaged_after_the_store_was_opened_is_told(tmp_path):
    model = record(tmp_path).model("small")
    tokens = next((tmp_path / "model=small" / "tokens").iterdir())
    tokens.write_bytes(bytes(tokens.stat().st_size))
    for question in (lambda: model.words(0, 1), lambda: model.words_at([1]), model.word_ids):
        with pytest.raises(rnnstore.DamagedModel, match="A file of model 'small' is damaged"):
            question()


def test_facts_are_checked(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        with pytest.raises(rnnstore.StoreError, match=r"no fact 'layer': did you mean layers"):
            writer.describe(layer=2)
        with pytest.raises(
            rnnstore.StoreError, match="cannot be facts of model 'm': layers is 'two'; expected a whole number"
        ):
            writer.describe(layers="two")
        with pytest.raises(rnnstore.StoreError, match="is a table of the store"):
            writer.folder("tokens")
        with pytest.raises(rnnstore.StoreError, match="is -1; it must be at least 0"):
            writer.describe(units=-1)
        with pytest.raises(rnnstore.StoreError, match=r"cannot be facts of model 'm': metrics\[0\]\.value is"):
            writer.describe(metrics=[("perplexity", "test")])
        with pytest.raises(rnnstore.StoreError, match=r"no rows of training.*Its columns are step \(int64\), epoch"):
            writer.replace("training", pa.table({"step": [1]}))
        with pytest.raises(rnnstore.StoreError, match="cannot be replaced as a whole"):
            writer.replace("states", pa.table({}))


def test_a_diverged_training_and_settings_from_numpy_can_be_written_down(tmp_path):
    facts = {"metrics": [("perplexity", "test", float("nan")), ("loss", "test", float("inf"))], "layers": np.int64(2)}
    store = record(tmp_path, settings={"rate": np.float32(0.5), "folder": tmp_path, "sizes": np.arange(2)}, **facts)
    assert store.problems == []
    model = store.model("small")
    assert [str(metric.value) for metric in model.card.metrics] == ["nan", "inf"]
    assert (model.card.layers, model.card.settings) == (2, {"rate": 0.5, "folder": str(tmp_path), "sizes": [0, 1]})
    json.loads((model.folder / "card.json").read_text(), parse_constant=pytest.fail)
    assert store.sql("select metrics[2].value as loss from models").to_pylist() == [{"loss": float("inf")}]


def test_a_writer_outside_its_with_changes_nothing(tmp_path):
    store = record(tmp_path)
    with pytest.raises(rnnstore.StoreError, match="not open; use it inside `with"):
        store.writer("small").describe(description="x")
    store.refresh()
    assert store.model("small").steps == 8


def test_a_model_that_was_not_recorded_says_so(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.writer("m") as writer:
        (writer.folder("network") / "weights").write_text("w")
    store.refresh()
    model = store.model("m")
    assert (model.steps, model.states, model.table("training").num_rows) == (0, {}, 0)
    for question in (lambda: model.words(0, 0), lambda: model.words_at([])):
        with pytest.raises(rnnstore.QuestionError, match="has not been recorded"):
            question()


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
