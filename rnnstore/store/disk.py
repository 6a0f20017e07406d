"""Where the store asks the disk to keep what was written: files, then their folders, each before what depends on it.

Without it a loss of power may keep a card and lose the files that it lists, or keep a deletion and lose what replaces
the deleted. The order of a change is always the same: data files, their folders, the card, its folder; only then are
old files deleted. On Windows a folder cannot be synced, and NTFS needs no such call: it writes names in the order in
which they were changed. There, and on file systems that refuse the call, `sync_folders` does nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_AT_ONCE = 8
"""Files synced side by side: a file system writes its journal once for all that wait for it."""

_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def sync_files(paths: Iterable[Path]) -> None:
    """Return when the contents of all these files are on the disk."""
    waiting = list(paths)
    if len(waiting) < 2:
        for path in waiting:
            _sync_file(path)
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(waiting)), thread_name_prefix="rnnstore-sync") as pool:
        for _ in pool.map(_sync_file, waiting):
            pass


def sync_folders(folders: Iterable[Path]) -> None:
    """Return when the names in all these folders are on the disk, where the system can promise that."""
    for folder in dict.fromkeys(folders):
        if os.name == "nt":
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise
        finally:
            os.close(handle)


def sync_tree(top: Path) -> None:
    """Return when a folder is on the disk with all that it holds; its own name is not, `sync_folders` its parent."""
    files, folders = [], []
    for folder, _, names in os.walk(top):
        folders.append(Path(folder))
        files += [path for name in names if (path := Path(folder, name)).is_file() and not path.is_symlink()]
    sync_files(files)
    sync_folders(reversed(folders))


def make_folders(folders: Iterable[Path]) -> None:
    """Make folders with all above them, and return when the names of those that were not there are on the disk."""
    made = []
    for folder in dict.fromkeys(folders):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        made += missing
    sync_folders(folder.parent for folder in made)


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder inside its folder, or between two, and return when the new name is on the disk."""
    os.rename(source, target)
    sync_folders((target.parent, source.parent))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path`, on the disk, when the `with` ends well; else `path` stays."""
    new = path.with_name(f".{path.name}.new")
    try:
        with open(new, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folders((path.parent,))


def _sync_file(path: Path) -> None:
    with open(path, "r+b") as file:  # Windows syncs only what may be written
        os.fsync(file.fileno())
