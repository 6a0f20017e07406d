"""What every test shares: the number of threads, stores made once, the application without and in a browser.

`run(store, page)` draws a page without a browser; `serve(store)` starts the application on a store and gives its
address, `application` is the one on the small store; `page` is a fresh browser window of 1280 x 720. Without Chromium
the browser tests are skipped. Where CI is set, a test that is skipped for a reason that is not in `EXCUSES` fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

# Before NumPy and TensorFlow are imported, for what tests start, too. Two runners share two cores: more threads than
# one each only wait for one another. XLA compiles without optimising, which would take longer than the small networks
# of the tests do; benchmarks are measured as a user has it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1")

from tests.support import screens, stores, waiting  # noqa: E402

EXCUSES = (
    "needs the right to mount",  # a small disk, a folder that can only be read: not in every container
    "needs the right to give up rights",
    "the limits of processes are those of Linux and macOS",
    "reads /proc",
    "one processor has one thread",
)
"""Reasons why a test may be skipped where CI is set, besides corpora where no folder of them is named."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a window needs a browser, which `-m "not browser"` does without."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    return inexcusable(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    report = yield
    return inexcusable(report)


def inexcusable(report):
    """A report of a skipped test, or file, failed where CI is set and its reason is none of `EXCUSES`."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        excuses = EXCUSES if "RNNSTORE_CORPORA" in os.environ else (*EXCUSES, "set RNNSTORE_CORPORA")
        if not any(excuse in reason for excuse in excuses):
            report.outcome, report.longrepr = "failed", f"{reason}\nNothing may be missing where CI is set."
    return report


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """What AppTest leaves behind is put back: caches, which would show the store of the test before, and the main
    module, which processes started later would run."""
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def run(fresh, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """run(store, page, model=..., state=...) -> a page as drawn on a store, without a browser."""
    from streamlit.testing.v1 import AppTest

    def start(store: Path, page: str = "pages/overview.py", /, **address: str) -> AppTest:
        monkeypatch.setenv("RNNSTORE", str(store))
        app = AppTest.from_file(screens.ENTRY, default_timeout=waiting.PATIENCE)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        if page != "pages/overview.py":
            app.switch_page(screens.page_file(page)).run()
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


@pytest.fixture(scope="session")
def serve() -> Iterator[screens.Serving]:
    """serve(store) -> address of the application on that store, started once for each store."""
    serving = screens.Serving()
    yield serving
    serving.stop()


@pytest.fixture(scope="session")
def application(serve: screens.Serving, small_store: Path) -> str:
    """Address of the application on the small store."""
    return serve(small_store)


@pytest.fixture(scope="session")
def browser():
    """A running Chromium."""
    path = screens.find_browser()
    if path is None:
        pytest.skip("No Chromium was found: install it (apt-get install chromium), or name it in CHROMIUM.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=screens.FLAGS)
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
    opened.set_default_timeout(waiting.PATIENCE * 1000)
    yield opened
    with suppress(Exception):  # on a page that never opened
        opened.evaluate("localStorage.clear()")
    for each in profile.pages:
        each.close()
    profile.clear_cookies()
