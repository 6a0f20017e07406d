"""`app` and `demo`: the application where it was asked for, models that come along, a training beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

import rnnstore
from rnnstore import demonstration, hypotheses
from rnnstore.commands import application, installing
from rnnstore.hypotheses import storage
from tests.support import processes, worlds

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_demonstration(tmp_path, monkeypatch):
    """The store that comes along, of two models."""
    folder = tmp_path / "demonstration"
    for name in ("first", "second"):
        worlds.record(folder, name)
    monkeypatch.setattr(application, "demonstration", lambda: folder)
    return folder


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rnnstore", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=processes.interruptible,
    )


def test_app_says_its_address_answers_there_alone_and_ends_with_control_c(tmp_path):
    process = start("app", str(tmp_path / "store"), "--no-browser")
    said = process.stdout.readline()
    address = said.split("rnnstore is at ")[1].split()[0].rstrip(".")
    assert "Control-C ends it" in said
    with urllib.request.urlopen(f"{address}/_stcore/health") as answer:
        assert answer.status == 200
    port = int(address.rsplit(":", 1)[1])
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):  # this machine's name has an address that others reach
        with socket.socket() as other, pytest.raises(OSError):
            other.connect((own, port))
    process.send_signal(signal.SIGINT)
    process.wait()
    assert process.returncode == 0 and "Traceback" not in process.stderr.read()
    with socket.socket() as gone, pytest.raises(OSError):
        gone.connect(("127.0.0.1", port))


def test_a_port_that_is_taken_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert application.free_port("127.0.0.1", port) > port


def test_models_that_come_along_are_copied_once_and_nothing_is_replaced(tmp_path, small_demonstration):
    store = tmp_path / "store"
    worlds.record(store, "second", words=list("mine"))
    mine = rnnstore.open(store).model("second").steps
    assert demonstration.bring(store) == ["first"]
    assert demonstration.bring(store) == []
    opened = rnnstore.open(store)
    assert sorted(opened.models) == ["first", "second"]
    assert opened.model("second").steps == mine == 4


def test_without_models_that_come_along_nothing_is_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(application, "demonstration", lambda: None)
    assert demonstration.bring(tmp_path / "store") == []


def test_hypotheses_come_along_with_their_model_and_one_of_the_same_name_stays(tmp_path, small_demonstration):
    theirs = rnnstore.open(small_demonstration)
    model = theirs.model("first")
    selection = rnnstore.Selection(next(iter(model.states)), 0, 1, 0.0)
    for title, note in (("new", "theirs"), ("same", "theirs")):
        hypotheses.save(theirs, hypotheses.from_selection(model, selection, title, note))
    store = rnnstore.open(tmp_path / "store")
    worlds.record(store.path, "mine")
    store.refresh()
    hypotheses.save(store, hypotheses.from_selection(store.model("mine"), selection, "same", "mine"))
    demonstration.bring(store.path)
    assert {name: each.note for name, each in storage.saved(store).hypotheses.items()} == {
        "new": "theirs",
        "same": "mine",
    }


def test_what_is_being_done_is_read_by_the_application_and_anything_else_is_nothing(tmp_path, monkeypatch):
    file = tmp_path / "activity.json"
    monkeypatch.setenv(demonstration.ACTIVITY, str(file))
    assert demonstration.current_activity() is None
    file.write_text(json.dumps({"message": "A small model is being trained here.", "model": "trained-here"}))
    expected = demonstration.Activity("A small model is being trained here.", "trained-here")
    assert demonstration.current_activity() == expected
    for text in ("", "{", "[]", json.dumps({"message": "without a model"})):
        file.write_text(text)
        assert demonstration.current_activity() is None


def test_packages_that_cannot_be_installed_are_reported_and_the_application_goes_on(tmp_path, monkeypatch, capfd):
    requirements, reported = tmp_path / "needs.txt", []
    requirements.write_text("--no-index\nno-such-package-anywhere\n")
    monkeypatch.setattr(demonstration, "TRAINING_NEEDS", ("no_such_package_anywhere",))
    demonstration.train(tmp_path / "store", requirements, reported.append)
    assert reported[-1].message == (
        "What training needs could not be installed; the terminal says why. All else works."
    )
    assert "could not be installed. Is there a network" in capfd.readouterr().err


@pytest.mark.long
def test_the_demonstration_trains_beside_the_application_and_ends_with_control_c(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "rnnstore", "demo", str(tmp_path), "--no-browser", "--train", os.devnull],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=processes.interruptible,
    )
    lines = iter(process.stdout.readline, "")
    address = next(line for line in lines if "rnnstore is at " in line).split("rnnstore is at ")[1].split()[0]
    with urllib.request.urlopen(address.rstrip(".")) as answer:
        assert answer.status == 200
    assert any(line.startswith("trained-here is trained and recorded.") for line in lines)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0 and "Traceback" not in process.stderr.read()
    opened = rnnstore.open(tmp_path)
    assert opened.model("trained-here").steps > 0 and "demo-parentheses" in opened.models


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Collecting streamlit<2,>=1.67 (from -r requirements.txt (line 2))", "looking for streamlit"),
        ("  Downloading six-1.17.0-py2.py3-none-any.whl.metadata (1.7 kB)", None),
        ("  Downloading numpy-2.4.6-cp311-cp311-manylinux.whl (16.9 MB)", "downloading numpy 2.4.6 (16.9 MB)"),
        ("  Using cached scikit_learn-1.8-cp311-cp311-x.whl (9.6 MB)", "downloading scikit-learn 1.8 (9.6 MB)"),
        ("Installing collected packages: pytz, six", "installing 2 packages"),
        ("Requirement already satisfied: six in ./lib", None),
    ],
)
def test_a_line_of_pip_becomes_a_message(line, message):
    assert installing.message_of(line) == message


@pytest.mark.long
def test_a_wheel_holds_the_application_and_runs_it_elsewhere(tmp_path):
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, ROOT], check=True, cwd=tmp_path)
    (wheel,) = wheels.glob("rnnstore-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    worlds.record(tmp_path / "store", "mine")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "rnnstore", "app", str(tmp_path / "store"), "--no-browser"],
        cwd=tmp_path,
        env={**processes.os.environ, "PYTHONPATH": str(site)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=processes.interruptible,
    )
    address = process.stdout.readline().split("rnnstore is at ")[1].split()[0].rstrip(".")
    with urllib.request.urlopen(address) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0


def test_what_the_application_needs_is_said_alike_to_pip_and_to_a_hosted_copy():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    needed = sorted(line for line in lines if line and not line.startswith("#"))
    assert needed == sorted([*project["dependencies"], *project["optional-dependencies"]["app"]])
