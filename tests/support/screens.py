"""The application as a process of its own on a free port, a browser, and what tests do on a screen.

`visit(page, address)` opens an address and waits until all is drawn. The fixtures that use these are in
`tests/conftest.py`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.waiting import until

ROOT = Path(__file__).parents[2]

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


ENTRY = str(ROOT / "tests" / "support" / "entry" / "application.py")
"""The script by which AppTest runs the application; a page is switched to by `page_file`."""


def page_file(page: str) -> str:
    """The path of a page's file, "pages/matching.py"."""
    return str(ROOT / page)


class Serving:
    """serving(store) -> address of the application on that store, started once for each store."""

    def __init__(self) -> None:
        self.running: dict[Path, tuple[subprocess.Popen[bytes], str]] = {}

    def __call__(self, store: Path) -> str:
        if store not in self.running:
            self.running[store] = start_application(store)
        return self.running[store][1]

    def process(self, store: Path) -> subprocess.Popen[bytes]:
        """The process that serves a store."""
        return self.running[store][0]

    def stop(self) -> None:
        for process, _ in self.running.values():
            process.terminate()
        for process, _ in self.running.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # a thread of it still computes; nothing is lost with it
                process.kill()
                process.wait()


def start_application(store: Path, script: str = "streamlit_app.py") -> tuple[subprocess.Popen[bytes], str]:
    """The process that serves a store, and its address, once it answers there itself."""
    for _ in range(5):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = ["streamlit", "run", script, f"--server.port={port}", "--server.address=127.0.0.1"]
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--server.headless=true", "--", "--store", str(store)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _serves(process, port):
            return process, f"http://127.0.0.1:{port}"
    raise RuntimeError(f"The application ended at once, at five ports, with exit code {process.returncode}.")


def _serves(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until a process answers at a port; False where it ends, as it does where another one was there first."""

    def listens() -> bool:
        with suppress(OSError, psutil.Error):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
            return any(each.laddr and each.laddr.port == port for each in psutil.Process(process.pid).net_connections())
        return False

    try:
        until(lambda: process.poll() is not None or listens())
    except AssertionError:
        process.kill()
        raise
    return process.poll() is None


def find_browser() -> str | None:
    """The path of a Chromium: CHROMIUM, one installed by the system, Playwright's own; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    candidates = [os.environ.get("CHROMIUM"), "/usr/bin/chromium", *map(shutil.which, names)]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return candidate
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def visit(page, address: str) -> None:
    """Open an address of the application and wait until it is drawn."""
    page.goto(address)
    settle(page)


def settle(page) -> None:
    """Wait until the application has nothing left to do: the script ran to its end and the charts are drawn."""
    app = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    for _ in range(2):  # a choice reaches the server a moment after the click
        page.wait_for_timeout(150)
        app.wait_for()
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stSkeleton\"]')")


@contextmanager
def changing(page) -> Iterator[None]:
    """What is done in it changes the address: waits until it has, and all is drawn."""
    before = page.url
    yield
    page.wait_for_function("before => location.href !== before", arg=before)
    settle(page)


def assert_fits_both(page) -> None:
    """`assert_fits`, in a window of 1280 and in one of 1920 pixels."""
    before = page.viewport_size
    for width in {1280, 1920} - {before["width"]}:
        page.set_viewport_size({**before, "width": width})
        settle(page)
        assert_fits(page)
    page.set_viewport_size(before)
    settle(page)
    assert_fits(page)


def assert_fits(page) -> None:
    """No exception on the page, and nothing wider than the window."""
    assert page.locator('[data-testid="stException"]').count() == 0, page.locator("body").inner_text()
    wider = page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
            .filter(e => e && e.scrollWidth > e.clientWidth + 1).map(e => `${e.scrollWidth} > ${e.clientWidth}`)"""
    )
    assert wider == []
