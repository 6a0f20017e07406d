"""`app`: the application where it was asked for, from a checkout and from a wheel; what pip does in one line."""

import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from rnnstore.commands import application, installing
from tests.support import processes, worlds

ROOT = Path(__file__).parents[2]


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
