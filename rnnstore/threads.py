"""BLAS on one thread, for products so small that threads slow them down.

A network reads a sentence as many products of a vector with a matrix, a millisecond each. Split between threads, each
product waits for the slowest thread; on a busy machine that takes ten times as long as one thread alone.
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

    The limit holds for the whole process, and several threads enter at once: the first one in sets it and the last
    one out lifts it. If each restored what it found, the second would restore the limit, for good.
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
                assert _limit is not None
                _owner().submit(_limit.__exit__, None, None, None).result()


@cache
def _owner() -> ThreadPoolExecutor:
    """The thread that sets and lifts the limit: OpenBLAS lets only the thread that set it lift it."""
    return ThreadPoolExecutor(1, "one_thread")


@cache
def _controller() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()  # looking for the libraries takes some milliseconds, once
