"""One thread for matrix products, asked for by several visitors at once, in a process that may use two."""

import os
import subprocess
import sys

import pytest

VISITORS = """
import threading
import numpy
import threadpoolctl
from rnnstore.threads import one_thread

def now():
    return max(each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas")

entered, leave = threading.Event(), threading.Event()

def second():
    with one_thread():
        entered.set()
        leave.wait(20)
        print("second", now())

def first():
    with one_thread():
        print("first", now())
        visitor.start()
        entered.wait(20)

print("before", now())
visitor, other = threading.Thread(target=second), threading.Thread(target=first)
other.start()
other.join()
print("between", now())
leave.set()
visitor.join()
print("after", now())
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has one thread")
def test_the_limit_ends_with_the_last_visitor_though_the_first_has_left():
    said = subprocess.run(
        [sys.executable, "-c", VISITORS],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.split()
    assert said == ["before", "2", "first", "1", "between", "1", "second", "1", "after", "2"]
