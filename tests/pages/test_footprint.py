"""What the application costs: memory of its process, and the time until a first page is drawn."""

import time

import psutil
import pytest

from tests.support.screens import settle, start_application, visit

pytestmark = pytest.mark.browser


def test_the_process_stays_under_400_megabytes(page, small_store):
    """A process of its own: one that served other tests keeps their answers, up to the bound of its shelf."""
    application, address = start_application(small_store)
    try:
        for path in ("/", "/matching?model=brackets", "/matching?model=sentences", "/"):
            visit(page, address + path)
        process = psutil.Process(application.pid)
        used = process.memory_info().rss + sum(child.memory_info().rss for child in process.children(recursive=True))
    finally:
        application.terminate()
        application.wait()
    assert used < 400e6


def test_a_first_page_is_drawn_within_three_seconds(browser, application):
    """The better of three new browsers: a machine that is busy with other tests is not what is measured."""
    seconds = []
    for _ in range(3):
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        page = context.new_page()
        began = time.monotonic()
        page.goto(application)
        page.locator(".st-key-card-brackets").wait_for()
        seconds.append(time.monotonic() - began)
        settle(page)
        context.close()
    assert min(seconds) < 3
