"""The store's command line, run as a person runs it."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import rnnstore
from rnnstore.__main__ import app
from tests.support import processes
from tests.support.worlds import record

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path):
    """Eight words with two units, described."""
    record(
        tmp_path / "store", "small", cell="lstm", layers=1, units=2, metrics=[("perplexity", "test", 3.5)],
        description="eight words", annotations={"kind": ["word", "word", "word", "end"] * 2},
        track_sources={"kind": "gold"},
    )  # fmt: skip
    return tmp_path / "store"


def run(*arguments, input: str = "") -> CompletedProcess[str]:
    return processes.run(["-m", "rnnstore", *arguments], ROOT, input=input)


def test_without_a_command_it_explains_itself():
    explained = run().stdout + run().stderr
    for command in app.registered_commands:
        assert (command.name or command.callback.__name__) in explained


def test_list_shows_what_is_known_and_leaves_out_what_is_not(store):
    listed = run("list", "--store", store)
    assert listed.returncode == 0
    heading, _, row = listed.stdout.splitlines()
    assert heading.split() == ["model", "status", "cell", "layers", "units", "perplexity", "(test)", "steps", "size"]
    assert row.split()[:7] == ["small", "recorded", "lstm", "1", "2", "3.5", "8"]


def test_list_of_an_empty_store_says_what_to_do(tmp_path):
    listed = run("list", "--store", tmp_path / "nothing")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "python -m rnnstore demo " in listed.stdout
    assert not (tmp_path / "nothing").exists()


def test_list_names_what_cannot_be_opened(store):
    (store / "model=broken").mkdir()
    listed = run("list", "--store", store)
    assert listed.returncode == 0
    assert "small" in listed.stdout
    assert listed.stderr.startswith("Cannot be opened: model=broken is no model")


def test_list_as_csv_and_json_holds_every_column(store):
    columns = run("list", "--store", store, "--format", "csv").stdout.splitlines()[0].split(",")
    (model,) = json.loads(run("list", "--store", store, "--format", "json").stdout)
    assert list(model) == columns
    assert (model["states"], model["tracks"], model["perplexity (test)"]) == (["hidden (2)"], ["kind"], 3.5)


def test_show_says_all_about_one_model(store):
    shown = run("show", "small", "--store", store).stdout
    for fact in ("eight words", "8 steps", "state hidden: 8 x 2 as float16, -0.5 to 0.875, runs recorded at 0.3",
                 "track kind: discrete, 2 labels, gold", "files of tokens: 8 rows"):  # fmt: skip
        assert fact in shown


def test_an_error_is_one_line_and_exit_code_1(store):
    failed = run("show", "smal", "--store", store)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == f"Error: The store {store} has no model 'smal': did you mean small?\n"


def test_what_a_recording_left_out_is_shown(store):
    card = store / "model=small" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"notes": ["kind covers the first 4 of 8 steps"]}))
    assert "note: Kind covers the first 4 of 8 steps." in run("show", "small", "--store", store).stdout


def test_a_folder_that_is_no_model_is_never_advised_to_be_deleted(store, tmp_path):
    failed = run("copy-in", tmp_path, "--store", store)
    assert failed.returncode == 1
    assert f"{tmp_path} is no model: it holds no card.json. Name the folder" in failed.stderr


def test_rename_delete_and_copy_in(store, tmp_path):
    assert run("rename", "small", "tiny", "--store", store).stdout == "small is now called tiny.\n"
    copied = run("copy-in", store / "model=tiny", "--store", tmp_path / "other", "--name", "copy")
    assert copied.stdout == "copy has been copied in.\n"
    assert run("delete", "tiny", "--store", store, input="n\n").returncode == 1
    assert list(rnnstore.open(store).models) == ["tiny"]
    assert run("delete", "tiny", "--store", store, input="y\n").returncode == 0
    assert list(rnnstore.open(store).models) == []
    assert rnnstore.open(tmp_path / "other").sql("select count(*) n from tokens").to_pylist() == [{"n": 8}]


def test_a_name_with_a_path_in_it_is_refused(store):
    refused = run("rename", "small", "../elsewhere", "--store", store)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: '../elsewhere' cannot name a model")


def test_a_damaged_model_can_be_deleted(store):
    (store / "model=broken").mkdir()
    assert run("delete", "broken", "--yes", "--store", store).returncode == 0
    assert rnnstore.open(store).problems == []


def test_tables_explains_every_column():
    explained = run("tables").stdout
    for table in (rnnstore.store.tables.MODELS, *rnnstore.store.tables.TABLES.values()):
        assert f"{table.name}: one row is {table.row}\n" in explained
        for column in table.columns:
            assert column.meaning in explained


def test_sql_writes_a_table_csv_or_json(store):
    query = "select word, count(*) as n from tokens group by word order by n desc, word limit 2"
    assert run("sql", query, "--store", store).stdout == "word  n\n----  -\n.     2\na     1\n"
    assert run("sql", query, "--store", store, "--format", "csv").stdout == "word,n\n.,2\na,1\n"
    as_json = json.loads(run("sql", query, "--store", store, "--format", "json").stdout)
    assert as_json == [{"word": ".", "n": 2}, {"word": "a", "n": 1}]


def test_sql_says_when_there_are_more_rows_and_only_then(store):
    cut = run("sql", "select t from tokens order by t", "--store", store, "--limit", "7")
    assert len(cut.stdout.splitlines()) == 2 + 7
    assert cut.stderr == "These are the first 7 rows; there are more. --limit 0 gives all.\n"
    for enough in ("8", "0"):
        whole = run("sql", "select t from tokens order by t", "--store", store, "--limit", enough)
        assert (len(whole.stdout.splitlines()), whole.stderr) == (2 + 8, "")


def test_sql_that_is_refused_is_a_sentence(store):
    refused = run("sql", "select wrd from tokens", "--store", store)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: The query was refused: ")
    assert "Traceback" not in refused.stderr


def test_the_store_can_be_named_in_the_environment(store, monkeypatch):
    monkeypatch.setenv("RNNSTORE", str(store))
    assert "small" in run("list").stdout


@pytest.mark.parametrize(
    ("query", "reason"), [("", "is empty"), (" ; ", "is empty"), ("/* nothing */", "has no answer")]
)
def test_a_query_that_asks_nothing_is_one_line(store, query, reason):
    failed = run("sql", query, "--store", store)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"Error: The query {reason}; ask for something") and failed.stderr.count("\n") == 1
