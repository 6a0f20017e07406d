"""Waiting for what another process or thread will do."""

import time
from collections.abc import Callable

PATIENCE = 90
"""Seconds that anything is waited for at most: starting, the first page of a process with all that it imports, drawing,
on a machine that has more to do. It is the one such number; what is there goes on at once."""


def until(condition: Callable[[], object], pause: float = 0.02) -> None:
    """Wait until a condition holds, and look at it every `pause` seconds; an AssertionError where it never does."""
    latest = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < latest, f"waited for {PATIENCE} seconds"
        time.sleep(pause)
