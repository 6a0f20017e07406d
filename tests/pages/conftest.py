"""The screens' harness: small stores, the application on a free port, and a real browser.

`serve(folder)` starts the application on a store and gives its address; `application` is the one on the small store.
`page` is a fresh browser window of 1280 x 720; `visit(page, address)` opens an address and waits until all is drawn.
Without Chromium the browser tests are skipped, and fail where CI is set: there it must be installed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.support import stores

ROOT = Path(__file__).parents[2]

PATIENCE = 90
"""Seconds that anything is waited for at most: starting, the first page of a process with all that it imports, drawing,
on a machine that has more to do. It is the one such number; what is there goes on at once."""

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch):
    """What AppTest leaves behind is put back: caches, which would show the store of the test before, and the main
    module, which processes started later would run."""
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr("streamlit.runtime.scriptrunner.script_runner._mpa_v1", _run_main_script)


def _run_main_script(path: str) -> None:
    """What AppTest runs: it forgets before each run that the application called `st.navigation`, a session does not."""
    exec(compile(Path(path).read_text("utf-8"), path, "exec"), {"__name__": "__main__", "__file__": path})


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch):
    """The application is offered to the public."""
    before = st.get_option("client.showErrorDetails")
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    yield
    st.set_option("client.showErrorDetails", before)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """run(store, page, model=..., state=...) -> a page as drawn on a store, without a browser."""

    def start(store: Path, page: str = "pages/overview.py", /, **address: str) -> AppTest:
        monkeypatch.setenv("RNNSTORE", str(store))
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENCE)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        if page != "pages/overview.py":
            app.switch_page(page).run()
        assert not app.exception, app.exception
        return app

    return start


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stores.small_store(tmp_path_factory.mktemp("small") / "store")


@pytest.fixture(scope="session")
def damaged_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stores.damaged_store(tmp_path_factory.mktemp("damaged") / "store")


@pytest.fixture(scope="session")
def crowded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stores.crowded_store(tmp_path_factory.mktemp("crowded") / "store")


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty") / "store"


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


@pytest.fixture(scope="session")
def serve() -> Iterator[Serving]:
    serving = Serving()
    yield serving
    serving.stop()


def start_application(store: Path, script: str = "streamlit_app.py") -> tuple[subprocess.Popen[bytes], str]:
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
    address = f"http://127.0.0.1:{port}"
    latest = time.monotonic() + PATIENCE
    while time.monotonic() < latest:
        if process.poll() is not None:
            raise RuntimeError(f"The application ended at once with exit code {process.returncode}.")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return process, address
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"The application did not answer within {PATIENCE} seconds.")


@pytest.fixture(scope="session")
def application(serve: Serving, small_store: Path) -> str:
    """Address of the application on the small store."""
    return serve(small_store)


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


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    path = find_browser()
    if path is None:
        sentence = "No Chromium was found: install it (apt-get install chromium), or name it in CHROMIUM."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def profile(browser):
    """What all windows share: the files of Streamlit itself, which take longer to load and compile than a page."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def page(profile):
    """A window of 1280 x 720, in which nothing is kept that another test has left."""
    opened = profile.new_page()
    opened.set_default_timeout(PATIENCE * 1000)
    yield opened
    with suppress(Exception):  # on a page that never opened
        opened.evaluate("localStorage.clear()")
    for each in profile.pages:
        each.close()
    profile.clear_cookies()


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
