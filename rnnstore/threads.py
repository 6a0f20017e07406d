"""Matrix products on one thread: for a step of a network, others only get in the way.

Reading a sentence is many products of a vector with a matrix, a millisecond each. Shared between threads, each of them
waits for the slowest thread, and where other programs run that is ten times longer than doing it alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache

import threadpoolctl

_lock = threading.Lock()
_inside = 0
_limit: AbstractContextManager | None = None


@contextmanager
def one_thread() -> Iterator[None]:
    """While this `with` lasts, NumPy's matrix products use one thread.

    The limit is the whole process's, and several visitors ask at once: the first who comes sets it and the last who
    leaves takes it away. If each restored what was found, whoever came second would restore the limit, for good.
    """
    global _inside, _limit
    with _lock:
        if not _inside:
            limit = _owner().submit(_controller().limit, limits=1, user_api="blas").result()
            _limit = _owner().submit(limit.__enter__).result()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _owner().submit(_limit.__exit__, None, None, None).result()


@cache
def _owner() -> ThreadPoolExecutor:
    """The thread that sets the limit: OpenBLAS's is taken away only by the thread that set it."""
    return ThreadPoolExecutor(1, "one_thread")


@cache
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()  # looking for the libraries takes some milliseconds, once
