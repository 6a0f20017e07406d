"""Leases: whose files of a model must stay because somebody still reads them.

Each time a model's files change, its card gets a new edition, and a copy of the card is put beside the locks. A reader
holds a shared lock on the copy of the card that it opened, for as long as it reads, and a writer deletes replaced files
once nobody holds a card that lists them. A lease is a lock of the operating system, not a file of the reader's: it goes
with its process however that ends, and the right to read is enough, also on a disk that can only be read. A grace time
would delete under a reader that is slow, and keep twice the space for a reader that is not there; links would need a
right to write. On Windows, where an open file cannot be deleted, holding the copy open is the lease.

Where the file system knows no locks, nobody can be seen to read, and replaced files stay for `GRACE` seconds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from rnnstore.errors import StoreError
from rnnstore.store.card import Card, card_alone, card_in, read_card, text_of, wrong_files
from rnnstore.store.layout import LOCKS

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

GRACE = 600.0
"""Seconds for which replaced files stay where the file system knows no locks."""


class Lease:
    """Keeps the files of one edition of a model from being deleted, until it is released or goes out of use."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def release(self) -> None:
        """Let the files go."""
        self._file.close()

    def __del__(self) -> None:
        self._file.close()


def copies(folder: Path) -> Path:
    """Where the copies of a model's cards are: of the present one, and of those that are still read."""
    return folder.parent / LOCKS / folder.name


def hold(folder: Path) -> tuple[Card, Lease | None]:
    """The card of a model's folder, its files checked as `read_card` does, and the lease on them.

    There is no lease where the card has no edition, the system grants none, or too many files are open.
    """
    while True:
        card = card_alone(folder)
        lease = take(folder, card)
        if card_alone(folder).edition == card.edition:  # else replaced in between: its files may be gone
            break
    return (read_card(folder), None) if lease is None else _checked(folder, card, lease)


def take(folder: Path, card: Card) -> Lease | None:
    """A lease on the files of a card; None where there is none to be had."""
    if not card.edition:
        return None
    try:
        file = open(copies(folder) / card.edition, "rb")  # noqa: SIM115 - closed with the lease
    except OSError:
        return None
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return Lease(file)


def announce(folder: Path, card: Card) -> None:
    """Put up a copy of a card that readers can hold, before the card itself is put in the folder of its model."""
    if card.edition:
        copies(folder).mkdir(parents=True, exist_ok=True)
        (copies(folder) / card.edition).write_bytes(text_of(card))


def withdraw(folder: Path) -> None:
    """Delete the copies of the cards of a model that is no longer in this folder."""
    shutil.rmtree(copies(folder), ignore_errors=True)


def still_read(folder: Path, card: Card) -> set[str]:
    """Paths inside a model's folder of the files that other editions than the card's have and somebody may read.

    Copies of cards that nobody holds are deleted.
    """
    spared: set[str] = set()
    try:
        others = [entry for entry in copies(folder).iterdir() if entry.name != card.edition]
    except OSError:
        return spared
    for copy in others:
        if not _released(copy):
            spared |= _listed(copy)
    return spared


def kept(folder: Path) -> set[str]:
    """Paths inside a model's folder of all files that its present card has, or another one that may still be read."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for copy in copies(folder).iterdir():
            found |= _listed(copy)
    return found


def _listed(copy: Path) -> set[str]:
    """The files of the tables of a card that is copied here."""
    with contextlib.suppress(StoreError, OSError):
        card = card_in(copy.read_bytes(), copy.name)
        return {block.path for blocks in card.files.values() for block in blocks}
    return set()


def _checked(folder: Path, card: Card, lease: Lease) -> tuple[Card, Lease | None]:
    """The card and its lease, when its files are there; a lease that failed to keep them is none."""
    if next(wrong_files(folder, card), None) is None:
        return card, lease
    lease.release()
    return read_card(folder), None


def _released(copy: Path) -> bool:
    """Whether nobody holds the copy of a card; it is deleted then."""
    try:
        if fcntl is None:
            copy.unlink()  # fails while somebody has it open
            return True
        with open(copy, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:
                if 0 <= time.time() - os.fstat(file.fileno()).st_mtime < GRACE:
                    return False
            copy.unlink()
            return True
    except OSError:
        return False
