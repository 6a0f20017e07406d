"""What the application costs in memory; what it costs in time is measured by `make bench`."""

import psutil
import pytest

from tests.support.screens import start_application, visit


@pytest.mark.long
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
