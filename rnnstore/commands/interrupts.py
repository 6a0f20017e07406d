"""Control-C ends a command with exit code 130 and no traceback, whatever the program is doing when it comes."""

from __future__ import annotations

import _thread
import contextlib
import sys
import threading
from collections.abc import Iterator

AGAIN = 0.01
"""Seconds after which an interrupt that was dropped is raised once more."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """KeyboardInterrupt leaves it as exit code 130; one that Python dropped is raised once more.

    An exception that is raised while an object is destroyed, or in a callback of a C library, has nowhere to go: Python
    gives it to `sys.unraisablehook` and the work goes on, as if Control-C had not been pressed.
    """
    before = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            threading.Timer(AGAIN, _thread.interrupt_main).start()
        else:
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        sys.unraisablehook = before
