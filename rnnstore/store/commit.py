"""The one place that changes a model: files are staged, moved in, and the card that lists them replaced.

A model is locked while it is changed; the operating system drops the lock when the process dies. New files are written
into a hidden folder (`staging`), nothing is seen before the card is replaced, and nothing that was seen is lost, to a
killed process or to a loss of power: what a card lists is on the disk before the card is, and the card before what it
replaces goes (`disk`). Replaced files stay while somebody reads them (`leases`). What a killed process left behind is
swept away by the next one that locks the model.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import filelock
from pydantic import ValidationError

from rnnstore.errors import Busy, DamagedModel, StoreError
from rnnstore.store import disk, leases
from rnnstore.store.card import CARD, RECORDED, Card, File, card_alone, checked_name, read_card, write_card, wrong_files
from rnnstore.store.layout import COPYING, NEW, TRASH, model_folder, new_id
from rnnstore.store.locks import lock
from rnnstore.store.schema import Lifetime
from rnnstore.store.staging import STAGING, Staging, explain_disk_errors
from rnnstore.store.tables import folders, of_key
from rnnstore.validation import sentences


class LockedModel:
    """A model that this process holds, in a `with` statement: its card, room to stage files, and the commit.

    `path` is its folder. A new model is made in a hidden one, which gets its name with its first card: one of which
    nothing was written well is not there.
    """

    def __init__(self, store: Path, name: str) -> None:
        self.name = checked_name(name)
        self.store = store
        self.path = model_folder(store, name)
        self.card = Card(created=datetime.now(UTC).isoformat(timespec="seconds"))
        self._lock: filelock.BaseFileLock | None = None
        self._damaged = self._new = False

    def __enter__(self) -> Self:
        self._lock = lock(self.store, self.name)
        try:
            self._new = not self.path.exists()
            if self._new:
                self.path = self.store / f"{NEW}-{self.name}"
                shutil.rmtree(self.path, ignore_errors=True)
            else:
                self._take_over()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None
        try:
            if self._new:
                shutil.rmtree(self.path, ignore_errors=True)
        finally:
            self._lock.release()

    def staging(self) -> Staging:
        """A hidden folder for files that `publish` will move in."""
        self._make_folder()
        return Staging(lambda: self.path)

    def publish(
        self,
        staging: Staging,
        files: Mapping[str, Sequence[File]],
        *,
        replaced: Iterable[str],
        behind: Mapping[str, Sequence[File]] | None = None,
        **card: Any,
    ) -> None:
        """Move staged `files` into the model and make them its tables, dropping the tables `replaced`, in one step.

        They come `behind` blocks that are there and stay, where a table has such. `card` are changes of its other
        fields, in the same step.
        """
        dropped = set(replaced)
        staying = {key: blocks for key, blocks in self.card.files.items() if key not in dropped}
        try:
            with explain_disk_errors(f"writing {self.name}"):
                self._move_in(staging, [block for blocks in files.values() for block in blocks])
            published = {key: [*(behind or {}).get(key, ()), *blocks] for key, blocks in files.items()}
            self.replace_card({"files": {**staying, **published}, **card})
        finally:
            if not self._new:  # stopped at any line, files of one of the two cards are swept
                self.card = read_card(self.path)
                self.sweep()

    def changed_card(self, changes: Mapping[str, Any]) -> Card:
        """The card with these changes, not yet written; a `StoreError` where one cannot be what it is given as."""
        facts = {**self.card.model_dump(), **changes}
        if "files" in changes or not self.card.edition:
            facts["edition"] = new_id()
        try:
            return Card.model_validate(facts)
        except ValidationError as error:
            raise StoreError(
                f"These cannot be facts of model {self.name!r}: {sentences(error, Card, facts)[0]}"
            ) from error

    def replace_card(self, changes: Mapping[str, Any]) -> None:
        """Replace the card by one with these changes; a `StoreError` where a fact cannot be what it is given as.

        Of a damaged model nothing is written before new tables come (`files` among the changes).
        """
        if self._lock is None or not self._lock.is_locked:
            raise StoreError(
                f"The writer of {self.name!r} is not open; use it inside `with store.writer(...) as writer`."
            )
        card = self.changed_card(changes)
        if self._damaged and "files" not in changes:
            self.card = card  # written with the tables that are to come
            return
        self._make_folder()
        with explain_disk_errors(f"writing the card of {self.name}"):
            target = model_folder(self.store, self.name)
            if card.edition != self.card.edition:
                leases.announce(target, card)
            write_card(self.path, card)
            if self._new:
                disk.rename(self.path, target)
                self.path, self._new = target, False
        self.card, self._damaged = card, False

    def sweep(self) -> None:
        """Delete the files of tables that no card lists, left by a killed writer, or replaced and no longer read.

        Of a damaged model nothing is deleted before new tables came.
        """
        if self._new or self._damaged:
            return
        listed = {block.path for blocks in self.card.files.values() for block in blocks}
        spared = {self.path / path for path in listed | leases.still_read(self.path, self.card)}
        for folder in folders():
            for entry in sorted((self.path / folder).rglob("*"), reverse=True):
                if entry.is_dir():
                    _remove_if_empty(entry)
                elif entry not in spared:
                    with suppress(PermissionError):  # open in a program on Windows: until the next time
                        entry.unlink(missing_ok=True)
            _remove_if_empty(self.path / folder)

    def _make_folder(self) -> None:
        if self._new and not self.path.exists():
            with explain_disk_errors(f"creating model {self.name}"):
                disk.make_folders([self.path])

    def _move_in(self, staging: Staging, blocks: Sequence[File]) -> None:
        """Move staged files to where the card will list them, on the disk."""
        disk.sync_files(staging.path / block.path for block in blocks)
        targets = [self.path / block.path for block in blocks]
        disk.make_folders(target.parent for target in targets)
        for block, target in zip(blocks, targets, strict=True):
            os.rename(staging.path / block.path, target)
        disk.sync_folders(target.parent for target in targets)

    def _take_over(self) -> None:
        """Read the card, and sweep away what a stopped writer left.

        Of a damaged model, the damaged tables are left out, and all of its recording where that is damaged, so that it
        can be recorded anew. Then nothing is written or swept before new tables are published.
        """
        try:
            self.card = read_card(self.path)
        except DamagedModel:
            card = card_alone(self.path)
            damaged = {key for key, _ in wrong_files(self.path, card)}
            tables = {key: of_key(key) for key in card.files}
            alone = {key for key, table in tables.items() if table and table.lifetime is not Lifetime.RECORDING}
            changes: dict[str, Any] = {"files": {key: f for key, f in card.files.items() if key not in damaged}}
            if not damaged <= alone:
                changes = {name: field.get_default() for name, field in Card.model_fields.items() if name in RECORDED}
                growing = [key for key, table in tables.items() if table and table.grows]
                changes["files"] = {key: card.files[key] for key in growing if key not in damaged}
            self.card, self._damaged = card.model_copy(update=changes), True
            return
        for abandoned in self.path.glob(f"{STAGING}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        (self.path / f".{CARD}.new").unlink(missing_ok=True)
        self.sweep()


@contextmanager
def incoming(store: Path, name: str, doing: str) -> Iterator[Path]:
    """A hidden folder to fill with a new model, which appears in the store when the `with` ends well, else never.

    Raises `StoreError` where there is a model of that name; `doing` says what is done, for when the disk is full.
    """
    target = model_folder(store, name)
    with lock(store, name):
        check_free(target, name)
        staging = store / f"{COPYING}-{name}"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            with explain_disk_errors(doing):
                disk.make_folders([staging])
                yield staging
                leases.announce(target, read_card(staging))
                disk.sync_tree(staging)
                disk.rename(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def check_free(target: Path, name: str) -> None:
    """Raise `StoreError` where there is a model in the folder `target`."""
    if target.exists():
        raise StoreError(f"There is a model {name!r} already; choose another name or delete it first.")


def sweep_store(store: Path) -> None:
    """Delete what killed processes left beside the models: models never finished, models half deleted.

    A `.new-<model>` or `.copying-<model>` belongs to whoever holds the model's lock; it is left alone while held.
    """
    if not store.is_dir():
        return
    for entry in list(store.iterdir()):
        kind, _, name = entry.name.partition("-")
        if kind == TRASH:
            shutil.rmtree(entry, ignore_errors=True)
        elif kind in (NEW, COPYING):
            try:
                with lock(store, name):
                    shutil.rmtree(entry, ignore_errors=True)
            except Busy:
                continue


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
