"""The lock of a model: who holds it may change the model. The operating system drops it when the process dies."""

from __future__ import annotations

from pathlib import Path

import filelock

from rnnstore.errors import Busy, StoreError
from rnnstore.store.layout import LOCKS

WAIT = 0.2
"""Seconds to wait for a model's lock: `is_locked` holds it for an instant when it looks."""


def lock(store: Path, name: str) -> filelock.BaseFileLock:
    """The lock that a process must hold to change model `name`; raises `Busy` at once when another one holds it."""
    folder = store / LOCKS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = filelock.FileLock(folder / f"{name}.lock", timeout=WAIT)
        held.acquire(poll_interval=WAIT / 4)
    except filelock.Timeout:
        raise Busy(
            f"Model {name!r} is being written by another process; wait until it has ended, or choose another name."
        ) from None
    except OSError as error:
        raise StoreError(f"The store {store} cannot be written ({error.strerror}); choose another folder.") from error
    return held


def is_locked(store: Path, name: str) -> bool:
    """Whether another process holds the lock of model `name` now."""
    path = store / LOCKS / f"{name}.lock"
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:  # a store that may only be read has nobody writing from here
        return False
