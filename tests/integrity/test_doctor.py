"""What `doctor` says of a machine, that every command explains itself, and what a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import typer

import pipelines.__main__
import rnnstore.__main__
from rnnstore.integrity import doctor
from tests.support.damage import run
from tests.support.worlds import record

ROOT = Path(__file__).parents[2]


def facts(store) -> dict[str, doctor.Fact]:
    return {fact.what: fact for fact in doctor.facts(store)}


def test_what_is_installed_is_told_with_what_is_needed(tmp_path):
    found = facts(tmp_path)
    assert found["numpy"].value == f"{metadata.version('numpy')} (>=2.1 for the application)"
    assert found["python"].good and found["numpy"].good and found["store"].good
    assert found["tensorflow"].needed is False and "training" in found["tensorflow"].value


def test_what_is_missing_or_too_old_is_told_with_the_command_that_brings_it(tmp_path, monkeypatch):
    versions = {"duckdb": "1.4.2", "scipy": None, "tensorflow": None}
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: versions[name] if name in versions else real(name))
    found = facts(tmp_path)
    assert [(found[name].good, found[name].needed) for name in versions] == [
        (False, True),
        (False, True),
        (False, False),
    ]
    assert found["duckdb"].value == "1.4.2 (>=2.0,<3 for the application)"
    assert found["scipy"].mending.endswith("-m pip install -r requirements.txt")
    assert found["tensorflow"].mending.endswith("-m pip install -r requirements-pipelines.txt")
    done = run("doctor", "--store", tmp_path)
    assert done.returncode == 1 and "MISSING  scipy" in done.stdout and "\n-        tensorflow" in done.stdout


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ("2.0", ">=2.0,<3", True), ("2.0.0.post1", ">=2.0,<3", True), ("3.0.1", ">=2.0,<3", False),
        ("1.99", ">=2.0,<3", False), ("2.10", ">=2.9", True), ("0.17.5", ">=0.9", True), ("24.0.0", ">=24", True),
        ("2.1.0+cpu", ">=2.1,<=2.1", True), ("5", "==5", True), ("6", "==5", False), ("7", "", True),
    ],
)  # fmt: skip
def test_versions_are_compared_by_number(found, wanted, expected):
    assert doctor.satisfies(found, wanted) is expected


def test_a_store_that_wants_looking_after_is_told(tmp_path):
    record(tmp_path, "good")
    (tmp_path / "model=bad").mkdir()
    found = facts(tmp_path)
    assert (found["store"].good, found["store"].mending) == (False, "python -m rnnstore check")
    assert "1 model, 1 that cannot be opened" in found["store"].value
    (tmp_path / "file").write_text("")
    assert "is a file; a store is a folder" in facts(tmp_path / "file")["store"].value


def test_nothing_private_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "somebody"))
    monkeypatch.setenv("RNNSTORE_CORPORA", str(tmp_path / "home" / "somebody" / "corpora"))
    monkeypatch.setenv("API_KEY", "secret")
    said = run("doctor", "--store", tmp_path / "home" / "somebody" / "store").stdout
    assert "~/store is not there yet" in said and "~/corpora" in said
    assert "somebody" not in said and "secret" not in said and "API_KEY" not in said


def test_doctor_imports_neither_tensorflow_nor_streamlit(tmp_path):
    code = (
        "import sys; from pathlib import Path; from rnnstore.integrity import doctor; doctor.facts(Path(sys.argv[1]));"
        "print(sorted({'streamlit', 'tensorflow', 'keras', 'nltk', 'playwright'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("module", [rnnstore.__main__, pipelines.__main__])
def test_every_command_and_option_explains_itself(module):
    for name, command in typer.main.get_command(module.app).commands.items():
        assert command.help and command.help.strip().split("\n")[0].endswith((".", "?", ":")), name
        for parameter in command.params:
            assert getattr(parameter, "help", ""), f"{name} {parameter.name}"
    for name, command in typer.main.get_command(rnnstore.__main__.app).commands.items():
        assert f"\nExample: python -m rnnstore {name}" in command.help, name


def completed(program: str, words: str, **environment: str) -> list[str]:
    """What a shell offers behind `words`, asked as bash asks."""
    asked = {f"_{program.upper()}_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = f"import sys; sys.argv = [{program!r}]; from {program}.__main__ import main; main()"  # as a console script
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked, **environment}, capture_output=True, text=True,
        check=False, cwd=ROOT,
    )  # fmt: skip
    return done.stdout.split()


def test_a_shell_completes_models_states_and_recipes(tmp_path):
    store = record(tmp_path, "small", states={"layer1.c": [[0.0]] * 8, "layer1.h": [[0.0]] * 8})
    store.copy_in(tmp_path / "model=small", "other")
    where = {"RNNSTORE": str(tmp_path)}
    assert completed("rnnstore", "rnnstore show ", **where) == ["other", "small"]
    assert completed("rnnstore", "rnnstore cluster small layer1.", **where) == ["layer1.c", "layer1.h"]
    assert completed("pipelines", "pipelines run demo-python", **where) == ["demo-python-gru", "demo-python-lstm"]
    assert completed("rnnstore", "rnnstore show ", RNNSTORE=str(tmp_path / "nowhere")) == []
