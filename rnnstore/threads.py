"""Matrix products on one thread: for a step of a network, others only get in the way.

Reading a sentence is many products of a vector with a matrix, a millisecond each. Shared between threads, each of them
waits for the slowest thread, and where other programs run that is ten times longer than doing it alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

import threadpoolctl


def one_thread() -> AbstractContextManager:
    """While this `with` lasts, NumPy's matrix products use one thread."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()  # looking for the libraries takes some milliseconds, once
