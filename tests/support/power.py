"""Losses of power, replayed: what a disk may hold after one at any moment of some work, as folders to look at.

`recorded(folder, work)` runs the work and notes after each change of a name what the folder's tree is, and each sync.
`remains(history, upto, ...)` is what may be left when the power goes after so many of these moments: what was synced is
there; of what was not, names may be there or not, each change alone and in any order, and contents may be there, be
missing, be cut off, or be zeros. Renaming is one change even between two folders, as journals of file systems have it.

After Pillai et al., "All file systems are not created equal" (OSDI 2014), as SQLite and LMDB are tested, too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np

CHANGES = ("link", "mkdir", "remove", "rename", "replace", "rmdir", "unlink")


@dataclass
class Moment:
    """What happened at once: names that changed as {(folder, name): node or None}, and what was synced (or None)."""

    names: dict[tuple[int, str], int | None]
    contents: dict[int, bytes]
    synced: int | None = None


@dataclass
class History:
    """The moments of some work. Nodes are numbered; 0 is the folder itself, and `folders` are those that are such."""

    begin: dict[tuple[int, str], int]
    contents: dict[int, bytes]
    folders: set[int] = field(default_factory=lambda: {0})
    moments: list[Moment] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.moments)


class _Watcher:
    """Looks at the tree after each change; a node is an inode from its first name to its last."""

    def __init__(self, top: Path) -> None:
        self.top, self.nodes, self.count = top, {os.stat(top).st_ino: 0}, 0
        self.one_at_a_time = threading.RLock()
        self.history = History({}, {})
        self.names, self.contents = self._look()
        self.history.begin, self.history.contents = dict(self.names), dict(self.contents)

    def _look(self) -> tuple[dict[tuple[int, str], int], dict[int, bytes]]:
        names, contents, alive = {}, {}, {os.stat(self.top).st_ino: 0}
        folders = [(self.top, 0)]
        while folders:
            folder, node = folders.pop()
            for entry in os.scandir(folder):
                inode = entry.inode()
                if inode not in self.nodes:
                    self.count += 1
                    self.nodes[inode] = self.count
                alive[inode] = child = self.nodes[inode]
                names[node, entry.name] = child
                if entry.is_dir():
                    self.history.folders.add(child)
                    folders.append((Path(entry.path), child))
                else:
                    contents[child] = Path(entry.path).read_bytes()
        self.nodes = alive
        return names, contents

    def note(self, synced: int | None = None) -> None:
        with self.one_at_a_time:
            self._note(synced)

    def _note(self, synced: int | None) -> None:
        names, contents = self._look()
        changed = {
            key: names.get(key) for key in names.keys() | self.names.keys() if names.get(key) != self.names.get(key)
        }
        new = {node: content for node, content in contents.items() if self.contents.get(node) != content}
        self.names, self.contents = names, contents
        if changed or new or synced is not None:
            self.history.moments.append(Moment(changed, new, synced))


def recorded(top: Path, work: Callable[[], None]) -> History:
    """The history of what `work` does to the folder `top`."""
    watcher = _Watcher(top)
    with mock.patch.multiple(
        os, **{name: _noting(getattr(os, name), watcher) for name in CHANGES}, fsync=_sync(watcher)
    ):
        work()
    watcher.note()
    return watcher.history


def _noting(real: Callable, watcher: _Watcher) -> Callable:
    def change(*arguments, **named):
        with watcher.one_at_a_time:
            watcher.note()  # files that were made or written since
            try:
                return real(*arguments, **named)
            finally:
                watcher.note()

    return change


def _sync(watcher: _Watcher) -> Callable:
    def fsync(handle: int) -> None:
        with watcher.one_at_a_time:
            watcher.note()
            node = watcher.nodes.get(os.fstat(handle).st_ino)
            if node is not None:
                watcher.note(node)

    return fsync


def remains(history: History, upto: int, choice: str, random: np.random.Generator) -> dict[str, bytes | None]:
    """What may be left after the first `upto` moments: {path: content, or None of a folder}.

    `choice` says which names that were not synced are there: "none", "all", "but one", "one", or "some" of them; and by
    chance what became of contents that were not: whole, empty, the first half, or zeros.
    """
    names, contents = dict(history.begin), dict(history.contents)
    pending: list[dict[tuple[int, str], int | None]] = []
    written: dict[int, bytes] = {}
    for moment in history.moments[:upto]:
        if moment.names:
            pending.append(dict(moment.names))
        written |= moment.contents
        if moment.synced in history.folders:
            done = [change for change in pending if any(folder == moment.synced for folder, _ in change)]
            pending = [change for change in pending if not any(change is each for each in done)]
            for change in done:
                _apply(names, change)
        elif moment.synced is not None and moment.synced in written:
            contents[moment.synced] = written.pop(moment.synced)
    kept = {"none": [False] * len(pending), "all": [True] * len(pending)}.get(choice)
    if kept is None:
        kept = list(random.random(len(pending)) < 0.5)
        if pending and choice in ("one", "but one"):
            kept = [choice == "but one"] * len(pending)
            place = int(random.integers(len(pending)))
            kept[place] = not kept[place]
    for change, there in zip(pending, kept, strict=True):
        if there:
            _apply(names, change)
    for node, content in written.items():
        half = content[: len(content) // 2]
        contents[node] = (content, b"", half, bytes(len(content)))[int(random.integers(4))]
    return dict(_tree(names, contents, history.folders))


def _apply(names: dict[tuple[int, str], int], change: dict[tuple[int, str], int | None]) -> None:
    for key, node in change.items():
        if node is None:
            names.pop(key, None)
        else:
            names[key] = node


def _tree(
    names: dict[tuple[int, str], int], contents: dict[int, bytes], folders: set[int], node: int = 0, above: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    for (folder, name), child in names.items():
        if folder == node:
            path = f"{above}{name}"
            if child in folders:
                yield path, None
                yield from _tree(names, contents, folders, child, f"{path}/")
            else:
                yield path, contents.get(child, b"")


def build(target: Path, left: dict[str, bytes | None]) -> None:
    """Make a folder of what is left."""
    target.mkdir()
    for path, content in left.items():
        if content is None:
            (target / path).mkdir(parents=True, exist_ok=True)
        else:
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
