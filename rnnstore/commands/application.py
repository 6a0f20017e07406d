"""Starts the application on a store: where its files are, the command that runs it, and waiting until it answers.

The files lie at the top of a checkout, and in `rnnstore/application/` where the package was installed from a wheel.
Streamlit itself runs in a process of its own; nothing here imports it.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable
from pathlib import Path

from rnnstore.errors import StoreError

_PACKAGE = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"


def folder() -> Path:
    """Where `streamlit_app.py` lies; `StoreError` where the application did not come along."""
    for place in (_PACKAGE / "application", _PACKAGE.parent):
        if (place / "streamlit_app.py").exists():
            return place
    raise StoreError("The application's files are not here; install rnnstore from its wheel, or clone the repository.")


def demonstration() -> Path | None:
    """The small store that comes along, beside the application's files; None where it was left out."""
    place = folder() / "demonstration"
    return place if place.is_dir() else None


def missing() -> list[str]:
    """The packages that the application needs and this environment lacks, as pip names them."""
    return [name for name in ("streamlit", "pandas") if importlib.util.find_spec(name) is None]


def free_port(address: str, wanted: int) -> int:
    """The first port from `wanted` on that nobody listens on."""
    for port in range(wanted, wanted + 100):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise StoreError(f"No port from {wanted} to {wanted + 99} is free; name one with --port.")


class Application:
    """A running application. `address` is what a browser opens; `wait` ends when the process does."""

    def __init__(self, store: Path, *, address: str = LOOPBACK, port: int | None = None) -> None:
        lacking = missing()
        if lacking:
            raise StoreError(
                f"The application needs {' and '.join(lacking)}, which this environment lacks: "
                'pip install "rnnstore[app]" brings them.'
            )
        self.port = port or free_port(address, 8501)
        shown = "localhost" if address in (LOOPBACK, "0.0.0.0", "::") else address
        self.address = f"http://{shown}:{self.port}"
        script = folder() / "streamlit_app.py"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", str(script)),
                f"--server.port={self.port}",
                f"--server.address={address}",
                "--server.headless=true",  # this program says the address and opens the browser
                f"--browser.serverAddress={shown}",  # or Streamlit asks a public service for the machine's own
                "--logger.hideWelcomeMessage=true",
                *("--", "--store", str(store.absolute())),
            ],
            env={**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"},
        )

    def wait_until_it_answers(self, patience: float = 120.0) -> None:
        """Returns when the application serves; `StoreError` when it ended or did not within `patience` seconds."""
        latest = time.monotonic() + patience
        while time.monotonic() < latest:
            if self.process.poll() is not None:
                raise StoreError(f"The application ended at once (exit code {self.process.returncode}).")
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise StoreError(f"The application did not answer within {patience:.0f} seconds.")

    def open_browser(self) -> bool:
        """Whether a browser could be asked to show it."""
        try:
            return webbrowser.open(self.address)
        except webbrowser.Error:
            return False

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def run(
    store: Path,
    *,
    address: str = LOOPBACK,
    port: int | None = None,
    browser: bool = True,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Run the application until Control-C, and say where it is; `meanwhile` is called once it answers."""
    application = Application(store, address=address, port=port)
    try:
        application.wait_until_it_answers()
        say(application, browser, shared=address not in (LOOPBACK, "localhost", "::1"))
        meanwhile()
        application.process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        application.stop()


def say(application: Application, browser: bool, shared: bool = False) -> None:
    """One line: the address, and how to end it."""
    opened = browser and application.open_browser()
    hint = "" if opened or not browser else " (no browser could be opened here: open this address in one)"
    others = ", for every machine that reaches this one" if shared else ""
    print(f"rnnstore is at {application.address}{others}{hint}. Control-C ends it.", flush=True)
