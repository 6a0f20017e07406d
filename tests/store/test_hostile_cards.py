"""A card that means harm makes its own model a row with a sentence, and the others go on: in Python, SQL, commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnnstore
from rnnstore.sql.limits import Limits
from rnnstore.sql.pool import Pool
from rnnstore.store.card import Card, text_of
from rnnstore.store.overview import notes, overview
from tests.support.damage import run
from tests.support.worlds import record

METRIC = {"name": "loss", "split": "test", "value": 1.0}
STATE = {"name": "hidden", "units": 2, "dtype": "float16", "minimum": -0.5, "maximum": 0.875, "thresholds": [0.3]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A store of two models, one of which has a track."""
    path = tmp_path_factory.mktemp("hostile")
    record(path, "honest")
    record(path, "hostile", annotations={"kind": list("abababab")}, settings={"seed": 1})
    return path


@pytest.fixture
def change(recorded):
    """change(**fields): the card of `hostile` with other fields, until the test ends."""
    file = recorded / "model=hostile" / "card.json"
    before = file.read_bytes()

    def changed(card: object = None, **fields) -> None:
        file.write_text(json.dumps({**json.loads(before), **fields} if card is None else card))

    yield changed
    file.write_bytes(before)


def block(recorded: Path, **fields) -> dict:
    """The files of `hostile` with other facts about its tokens."""
    files = json.loads((recorded / "model=hostile" / "card.json").read_text())["files"]
    return files | {"tokens": [files["tokens"][0] | fields]}


FAULTS = {
    "more steps than there is room for": ({"steps": 10**30}, "it must be less than"),
    "steps that are no number of JSON": ({"steps": float("inf")}, "steps is"),
    "more steps than its files hold": ({"steps": 10**9}, "hold 8 steps, and it says 1,000,000,000"),
    "fewer steps than none": ({"steps": -1}, "it must be at least 0"),
    "more predictions than there is room for": ({"predictions_per_step": 10**30}, "it must be less than"),
    "predictions of which it has no file": ({"predictions_per_step": 2}, "it lists no files of predictions"),
    "a lone surrogate": ({"description": "\ud800"}, "half a character"),
    "a lone surrogate in a list": ({"notes": ["good", "\udfff"]}, "half a character"),
    "a lone surrogate in its settings": ({"settings": {"a": [{"b\ud800": 1}]}}, "half a character"),
    "NUL": ({"corpus": "a\0b"}, "NUL"),
    "no tokens": ({"files": {}}, "it lists no files of tokens"),
    "settings that are no mapping": ({"settings": [1]}, "settings is a list of 1; expected settings"),
    "settings without an end": ({"settings": {"a": list(range(100_001))}}, "more than 100,000 values"),
    "two thousand results": ({"metrics": [METRIC] * 2000}, "metrics is too long; at most 100"),
    "a million units": ({"states": {"hidden": STATE | {"units": 10**6}}}, "it must be at most 131072"),
    "2^62 units": ({"states": {"hidden": STATE | {"units": 2**62}}}, "it must be at most 131072"),
    "more units than its files hold": ({"states": {"hidden": STATE | {"units": 5000}}}, "is too small for 8 steps"),
    "a state with two names": ({"states": {"hidden": STATE | {"name": "other"}}}, "is called other in another place"),
    "a state that is a path": ({"states": {"../x": STATE}}, "cannot name a state or track"),
    "no extremes": ({"states": {"hidden": STATE | {"minimum": float("nan")}}}, "minimum"),
    "a text of a megabyte": ({"description": "x" * 1_000_000}, "is longer than 100,000 letters"),
    "a heading of a thousand letters": ({"level": "x" * 1000}, "level is too long; at most 200"),
    "no creation": ({"created": 5}, "created is 5"),
    "a format of four thousand digits": ({"format": 10**4000}, "has format a number of more than 300 digits"),
    "a card that is a list": (None, "is no card of a model"),
}

PATHS = {
    "NUL": ("tokens/a\0b.parquet", "NUL"),
    "a lone surrogate": ("tokens/\ud800.parquet", "half a character"),
    "a way out": ("tokens/../../secret", "lies outside"),
    "an absolute path": ("/etc/passwd", "lies outside"),
    "another table's folder": ("states/state=hidden/x.parquet", "is not at tokens/<file>.parquet"),
    "every file of a folder": ("tokens/*.parquet", "cannot name a file on every operating system"),
    "a class of letters": ("tokens/[a-z].parquet", "is not at tokens/<file>.parquet"),
    "a name that Windows cannot have": ("tokens/CON.parquet", "cannot name a file on every operating system"),
    "a name that reads backwards": ("tokens/\u202egnp.parquet", "cannot name a file on every operating system"),
    "a name that ends in a blank": ("tokens /a.parquet", "cannot name a file on every operating system"),
}


def assert_the_others_go_on(path: Path, sentence: str) -> None:
    """Python, SQL, its worker and the commands know the honest model, and one sentence about the other."""
    store = rnnstore.open(path)
    (problem,) = store.problems
    assert problem.name == "hostile" and sentence in problem.sentence, problem.sentence
    assert problem.sentence.isprintable() and len(problem.sentence) < 1000
    assert list(store.models) == ["honest"] == overview(store)["model"].to_pylist()
    assert store.sql("select model, count(*) as steps from tokens group by model").to_pylist() == [
        {"model": "honest", "steps": 8}
    ]
    assert store.sql("select model from models")["model"].to_pylist() == ["honest"]
    with pytest.raises(rnnstore.DamagedModel):
        store.model("hostile")
    listed = run("list", "--store", path)
    assert "honest" in listed.stdout and "Traceback" not in listed.stderr, listed.stderr
    checked = run("check", "hostile", "--store", path)
    assert checked.returncode == 1 and "hostile" in checked.stdout + checked.stderr


@pytest.mark.parametrize("fault", FAULTS)
def test_a_card_with(fault, recorded, change):
    fields, sentence = FAULTS[fault]
    if fields is None:
        change(card=[1, 2])
    else:
        change(**fields)
    assert_the_others_go_on(recorded, sentence)


@pytest.mark.parametrize("path", PATHS)
def test_a_file_of_a_table_is_called(path, recorded, change):
    where, sentence = PATHS[path]
    change(files=block(recorded, path=where))
    assert_the_others_go_on(recorded, sentence)


def test_sql_worker_answers_without_the_hostile_model(recorded, change):
    change(steps=10**30)
    pool = Pool(Limits(seconds=20, rows=100, bytes=300_000), ahead=1)
    try:
        answer = pool.ask(rnnstore.open(recorded), "select model from models").answer()
        assert answer.table["model"].to_pylist() == ["honest"]
    finally:
        pool.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes on this system")
@pytest.mark.parametrize("which", ["card.json", "tokens"])
def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path, which):
    record(tmp_path, "honest")
    record(tmp_path, "hostile")
    folder = tmp_path / "model=hostile"
    file = folder / which if which == "card.json" else next((folder / which).iterdir())
    file.unlink()
    os.mkfifo(file)
    assert_the_others_go_on(tmp_path, "no plain file")


@pytest.mark.parametrize("name", ["link", "pipe", "CON", "a.", "-a", "\u202egnp.exe", "a\x1b"])
def test_what_no_model_holds_is_not_copied_in(name, tmp_path):
    record(tmp_path / "theirs", "hostile")
    (tmp_path / "secret").write_text("secret")
    own = tmp_path / "theirs" / "model=hostile" / "network"
    own.mkdir()
    if name == "link":
        (own / name).symlink_to(tmp_path / "secret")
    elif name == "pipe":
        os.mkfifo(own / name)
    else:
        (own / name).write_text("")
    store = rnnstore.open(tmp_path / "ours")
    with pytest.raises(rnnstore.DamagedModel, match="hostile was not copied in") as error:
        store.copy_in(own.parent)
    assert str(error.value).isprintable() and not store.models


@pytest.mark.parametrize("name", ["CON", "nul.txt", "com1", "a.", "a ", "-a", "\u202ea", "a\0", "../a", ""])
def test_no_model_is_called(name, tmp_path):
    with pytest.raises(rnnstore.StoreError, match="cannot name a model"):
        rnnstore.open(tmp_path).writer(name)


def test_what_a_card_may_say_a_writer_may_say(tmp_path):
    store = record(tmp_path)
    with store.writer("small") as writer:
        for facts, sentence in (
            ({"description": "\ud800"}, "half a character"),
            ({"settings": {"a": "\0"}}, "NUL"),
            ({"metrics": [("m", "test", float(value)) for value in range(101)]}, "at most 100"),
        ):
            with pytest.raises(rnnstore.StoreError, match=sentence):
                writer.describe(**facts)
    store.refresh()
    assert list(store.models) == ["small"]


def test_list_and_show_send_no_sequence_to_the_terminal(recorded, change):
    texts = ("description", "task", "cell", "corpus", "level", "recorded", "created")
    change(**dict.fromkeys(texts, "\x1b]0;evil\x07\u202e"), notes=["\x1b[2J"], metrics=[METRIC | {"name": "\x1b[2J"}])
    for command in (("list",), ("show", "hostile")):
        done = run(*command, "--store", recorded)
        assert done.returncode == 0 and "�" in done.stdout
        assert all(line.isprintable() for line in done.stdout.splitlines())


def test_notes_of_any_kind_are_read(tmp_path):
    model = record(tmp_path, settings={"a": {"notes": 5}, "b": {"notes": ["left out"]}}).model("small")
    assert notes(model) == ["Left out."]


# Tables that are not what they should be


def rewrite(model: Path, change) -> None:
    """Put other tokens in place of a model's, with the right size and no checksum."""
    card = json.loads((model / "card.json").read_text())
    (entry,) = card["files"]["tokens"]
    file = model / entry["path"]
    pq.write_table(change(pq.read_table(file)), file)
    card["files"]["tokens"] = [entry | {"bytes": file.stat().st_size}]
    (model / "card.json").write_text(json.dumps(card))


WORD_IDS = {
    "as large as a number can be": pa.array([2**31 - 1] * 8, pa.int32()),
    "negative": pa.array([-1] * 8, pa.int32()),
    "no whole numbers": pa.array([0.5] * 8, pa.float64()),
    "texts": pa.array(["0"] * 8),
    "nothing": pa.array([None] * 8, pa.int32()),
}


@pytest.mark.parametrize("kind", WORD_IDS)
def test_word_ids_that_are(kind, tmp_path):
    record(tmp_path)
    rewrite(tmp_path / "model=small", lambda table: table.set_column(3, "word_id", WORD_IDS[kind]))
    model = rnnstore.open(tmp_path).model("small")
    for read in (lambda: model.vocabulary, model.word_ids):
        with pytest.raises(rnnstore.DamagedModel, match="small"):
            read()


@pytest.mark.parametrize("change", [lambda table: table.slice(1), lambda table: table.drop_columns(["position"])])
def test_tokens_that_lack_a_row_or_a_column(change, tmp_path):
    record(tmp_path)
    rewrite(tmp_path / "model=small", change)
    with pytest.raises(rnnstore.DamagedModel, match="small"):
        _ = rnnstore.open(tmp_path).model("small").sequence_starts


# Any card

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(
        [10**30, 2**62, -1, "", "\ud800", "\0", "../x", "hidden", "tokens", "\u202e", "{x}", "1e999"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def places(card: object, here: tuple = ()):
    """Every place in a card at which something stands."""
    for key, value in card.items() if isinstance(card, dict) else enumerate(card):
        yield (*here, key)
        if isinstance(value, dict | list):
            yield from places(value, (*here, key))


@pytest.fixture(scope="module")
def written(recorded) -> str:
    return (recorded / "model=hostile" / "card.json").read_text()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_card_opens_or_says_why(data, recorded, change, written):
    card = json.loads(written)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(places(card))))
        there = card
        for key in way:
            there = there[key]
        if data.draw(st.booleans()):
            there[last] = data.draw(values)
        else:
            del there[last]
    change(card=card)
    store = rnnstore.open(recorded)
    assert len(store.models) + len(store.problems) == 2
    for problem in store.problems:
        assert problem.sentence.isprintable()
    for model in store.models.values():
        assert text_of(Card.model_validate(model.card.model_dump()))
        model.words(0, model.steps)
    assert "honest" in store.sql("select model from models")["model"].to_pylist()
    assert overview(store).num_rows == len(store.models)
