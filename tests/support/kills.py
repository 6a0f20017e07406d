"""Processes that name each change to a file before they make it, and are killed at one that was counted.

A moment that is measured in seconds lies elsewhere on every machine; the n-th change to a file is the same everywhere.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from tests.support.processes import forked

CHANGES = {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
"""What Python announces besides files that are opened for writing."""

ONCE = "done once"
"""What a process says when it has done all of its work one time."""


@contextlib.contextmanager
def working(work: Callable[..., None], *arguments: object, held_at: int = 0) -> Iterator[Connection]:
    """The pipe on which a process names its changes, and says ONCE, that does `work(once, *arguments)` for ever.

    At change number `held_at`, from 1, it waits; `once()` is to be called each time that all is done. Behind the `with`
    it was killed.
    """
    told, tell = Pipe(duplex=False)
    process = forked(_work, work, arguments, tell, held_at)
    tell.close()  # so that a process that ends by itself is heard of, and not waited for
    try:
        yield told
    finally:
        process.kill()
        process.join()
        told.close()


def _work(work: Callable[..., None], arguments: tuple, tell: Connection, held_at: int) -> None:
    changes, one_at_a_time = itertools.count(1), threading.Lock()

    def hook(event: str, about: tuple) -> None:
        writes = event == "open" and isinstance(about[2], int) and about[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            with one_at_a_time:
                tell.send(f"{event} {about[0]}")
                if next(changes) == held_at:
                    signal.pause()

    sys.addaudithook(hook)
    work(lambda: tell.send(ONCE), *arguments)


def changes_until_once(told: Connection) -> int:
    """How many changes a process makes until it has done all of its work one time."""
    return sum(1 for _ in iter(told.recv, ONCE))


def kill_at_each_of(numbers: list[int], work: Callable[..., None], *arguments: object) -> Iterator[str]:
    """Kill a process at each of these changes, counted from 1; gives the name of the change after each kill.

    Every second one stands still before the change, the others go on and are killed in the middle of it, or soon after.
    """
    for turn, number in enumerate(numbers):
        with working(work, *arguments, held_at=number * (turn % 2)) as told:
            names = (name for name in iter(told.recv, None) if name != ONCE)
            name = next(itertools.islice(names, number - 1, None))
        yield name


def spread(kills: int, changes: int) -> list[int]:
    """So many numbers from 1 to a little more than `changes`, evenly."""
    return [1 + kill * changes * 6 // 5 // kills for kill in range(kills)]
