"""Writing one model: nothing is seen before it is whole, and nothing that was seen is lost.

A writer holds the model's lock (the operating system drops it when the process dies), writes new files into a hidden
folder beside the tables, and publishes them by moving them in and replacing the card. What a killed writer left
behind is swept away by the next one. `recorder` builds the tables of a recording on top of this.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from rnnstore.errors import Busy, DamagedModel, DiskFull, StoreError, is_disk_full, nearest
from rnnstore.store import checksums
from rnnstore.store.card import (
    FACTS,
    Card,
    File,
    OwnFile,
    card_alone,
    checked_name,
    read_card,
    write_card,
    wrong_files,
)
from rnnstore.store.card import NAME as CARD
from rnnstore.store.checksums import SummedFile
from rnnstore.store.tables import BY_NAME

if TYPE_CHECKING:
    from rnnstore.store.recorder import Recorder

OF_BATCHES = ("gradient_horizons", "itemized_gradients", "training_batches")
"""Tables about batches that were recorded while training."""

GROWING = ("training", "training_gradients", *OF_BATCHES)
"""Tables that grow while a training runs, ordered by `step`."""

READABLE = 60.0
"""Seconds for which a replaced block of a growing table stays, for those who follow a training and are reading it."""

ABOUT_A_RECORDING = ("co_clusters", "state_gradients", "memory_of_properties")
"""Tables that were computed from a recording by a command of their own."""

RECORDED = ("steps", "states", "tracks", "predictions_per_step", "notes", "recorded")
"""What a card says of a recording besides its files."""

KEPT_BY_A_RECORDING = GROWING
"""Tables that a new recording leaves alone; all others describe the recording that it replaces."""


VECTORS = "vectors"
"""Folder of the row-major copies of the states, apart from `states` so that this holds nothing but Parquet."""


NEW, COPYING, TRASH = ".new", ".copying", ".trash"
"""Beside the models: a model before it has its card, one being copied in, one being deleted."""


LOOK = 0.2
"""Seconds to wait for a model's lock: `overview.being_written` holds it for an instant when it looks."""


def model_folder(store: Path, name: str) -> Path:
    return store / f"model={checked_name(name)}"


def lock(store: Path, name: str) -> filelock.FileLock:
    """The lock that a process must hold to change model `name`; raises `Busy` at once when another one holds it."""
    folder = store / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = filelock.FileLock(folder / f"{name}.lock", timeout=LOOK)
        held.acquire(poll_interval=LOOK / 4)
    except filelock.Timeout:
        raise Busy(
            f"Model {name!r} is being written by another process; wait until it has ended, or choose another name."
        ) from None
    except OSError as error:
        raise StoreError(f"The store {store} cannot be written ({error.strerror}); choose another folder.") from error
    return held


def new_id() -> str:
    """A name for the files of one writing; later ones sort behind earlier ones."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


class ModelWriter:
    """Writes one model; made by `Store.writer` and used in a `with` statement."""

    def __init__(self, store: Path, name: str) -> None:
        self.name = checked_name(name)
        self.store = store
        self.path = model_folder(store, name)
        self.card = Card(created=datetime.now(UTC).isoformat(timespec="seconds"))
        self._lock: filelock.FileLock | None = None
        self._readable: list[tuple[float, File]] = []  # blocks of growing tables, and when they were replaced
        self._damaged = False
        self._own: set[str] = set()  # folders of the caller's own files, whose checksums are taken at the end

    def __enter__(self) -> ModelWriter:
        self._lock = lock(self.store, self.name)
        try:
            if self.path.exists():
                self._take_over()
            else:
                self._create()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock is not None
        try:
            if self._own:
                self._sum_own_files()
        except (OSError, StoreError):
            pass  # without them, `check` says that they are missing; what was written stands
        finally:
            self._lock.release()

    def _take_over(self) -> None:
        """Read the card, and sweep away what a stopped writer left.

        Of a damaged model, the damaged tables are left out, and all of its recording where that is damaged, so that it
        can be recorded anew. Then nothing is written or swept before new tables are published.
        """
        try:
            self.card = read_card(self.path)
        except DamagedModel:
            card = card_alone(self.path)
            damaged = {table for table, _ in wrong_files(self.path, card)}
            apart = {table for table in card.files if table.split("/")[0] in (*GROWING, *ABOUT_A_RECORDING)}
            changes = {"files": {table: files for table, files in card.files.items() if table not in damaged}}
            if not damaged <= apart:
                changes = {name: field.get_default() for name, field in Card.model_fields.items() if name in RECORDED}
                changes["files"] = {t: f for t, f in card.files.items() if t in GROWING and t not in damaged}
            self.card, self._damaged = card.model_copy(update=changes), True
            return
        for abandoned in self.path.glob(".writing-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        (self.path / f".{CARD}.new").unlink(missing_ok=True)
        self._sweep()

    def describe(self, **facts: Any) -> None:
        """Set facts on the model's card (see `card.FACTS`); what is not named stays. Visible at once."""
        for fact in facts:
            if fact not in FACTS:
                raise StoreError(f"A model has no fact {fact!r}: {nearest(fact, FACTS)}")
        if "metrics" in facts:
            facts["metrics"] = [
                dict(zip(("name", "split", "value"), metric, strict=False)) if isinstance(metric, Sequence) else metric
                for metric in facts["metrics"]
            ]
        self._commit({**facts, "derived": [fact for fact in self.card.derived if fact not in facts]})

    def folder(self, name: str) -> Path:
        """A folder inside the model's for files of the caller's own (weights, settings); it travels with the model.

        Their checksums are taken when the writer is left; until then the card has none of them.
        """
        if name in (*BY_NAME, VECTORS):
            raise StoreError(f"{name!r} is a table of the store; choose another name for your own files.")
        path = self.path / checked_name(name, "folder")
        path.mkdir(exist_ok=True)
        self._own.add(name)
        others = tuple(file for file in self.card.own_files if file.path.split("/")[0] != name)
        if others != self.card.own_files:
            self._commit({"own_files": others})
        return path

    def replace(self, table: str, rows: pa.Table, folder: str = "") -> None:
        """Put `rows` in place of the whole table at once, or of its `folder` (a state, a track) where it has such."""
        if table not in BY_NAME or BY_NAME[table].wide or bool(folder) != bool(BY_NAME[table].folder):
            whole = [t.name for t in BY_NAME.values() if not t.wide and bool(t.folder) == bool(folder)]
            raise StoreError(
                f"Table {table!r} cannot be replaced {'by folder' if folder else 'as a whole'}: {nearest(table, whole)}"
            )
        schema = BY_NAME[table].schema
        try:
            rows = rows.select(schema.names).cast(schema)
        except (KeyError, pa.ArrowException) as error:
            expected = ", ".join(f"{field.name} ({field.type})" for field in schema)
            raise StoreError(f"These are no rows of {table}: {error.args[0]}. Its columns are {expected}.") from error
        key = f"{table}/{checked_name(folder, BY_NAME[table].folder)}" if folder else table
        where = f"{table}/{BY_NAME[table].folder}={folder}" if folder else table
        with self.staging() as staging, disk_full_said(f"writing {table} of {self.name}"):
            block = write_block(staging.file(where, 0), staging, rows, compression="zstd")
            self.publish(staging, {key: [block]}, replaced=(key,))

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Add rows behind those of tables that grow while training, at once; see `rnnstore.store.appending`."""
        from rnnstore.store.appending import append

        append(self, tables)

    def keep_before(self, tables: Sequence[str], step: int) -> None:
        """Drop the rows of tables that grow while training from optimiser step `step` on."""
        from rnnstore.store.appending import keep_before

        keep_before(self, tables, step)

    def record(
        self,
        *,
        vocabulary: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,),
        dtype: str = "float16",
        track_sources: Mapping[str, str] | None = None,
        recorded: str = "",
    ) -> Recorder:
        """A recorder for this model; see `Recorder`. Leaving its `with` publishes the recording."""
        from rnnstore.store.recorder import Recorder

        return Recorder(
            self,
            vocabulary=vocabulary,
            outputs=outputs,
            thresholds=thresholds,
            dtype=dtype,
            track_sources=track_sources or {},
            recorded=recorded,
        )

    def seal(self) -> int:
        """Take the checksums that are missing, of tables and of the caller's own files; how many those were.

        What is there now counts as right, so look at it first: `python -m rnnstore check --seal` does.
        """
        read_card(self.path)
        missing = 0
        files = {}
        for table, blocks in self.card.files.items():
            summed = [p if p.crc32 else p.model_copy(update={"crc32": self._summed(p.path).crc32}) for p in blocks]
            missing += sum(not block.crc32 for block in blocks)
            files[table] = tuple(summed)
        known = {file.path for file in self.card.own_files}
        new = tuple(self._summed(path) for path in own_files(self.path) if path not in known)
        self._commit({"files": files, "own_files": self.card.own_files + new})
        return missing + len(new)

    def staging(self) -> Staging:
        return Staging(self.path)

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

        They come `behind` blocks that are there and stay, where a table has such.
        """
        kept = {table: blocks for table, blocks in self.card.files.items() if table not in set(replaced)}
        now = time.monotonic()
        self._readable = [(at, block) for at, block in self._readable if now - at < READABLE]
        self._readable += [(now, block) for table in GROWING for block in self.card.files.get(table, ())]
        try:
            for blocks in files.values():
                for block in blocks:
                    target = self.path / block.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.rename(staging.path / block.path, target)
            published = {table: [*(behind or {}).get(table, ()), *blocks] for table, blocks in files.items()}
            self._commit({"files": {**kept, **published}, **card})
        finally:
            self.card = read_card(self.path)  # stopped at any line, files of one of the two cards are swept
            self._sweep(block for _, block in self._readable)

    def _commit(self, changes: Mapping[str, Any]) -> None:
        if self._lock is None or not self._lock.is_locked:
            raise StoreError(
                f"The writer of {self.name!r} is not open; use it inside `with store.writer(...) as writer`."
            )
        try:
            card = Card.model_validate({**self.card.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(block) for block in first["loc"])
            raise StoreError(
                f"The fact {where} of model {self.name!r} cannot be {first['input']!r}: {first['msg']}."
            ) from error
        if self._damaged and "files" not in changes:
            self.card = card  # written with the tables that are to come
            return
        with disk_full_said(f"writing the card of {self.name}"):
            write_card(self.path, card)
        self.card, self._damaged = card, False

    def _sum_own_files(self) -> None:
        """Write the checksums of the caller's own files into the card."""
        summed = tuple(self._summed(path) for path in own_files(self.path) if path.split("/")[0] in self._own)
        others = tuple(file for file in self.card.own_files if file.path.split("/")[0] not in self._own)
        if others + summed != self.card.own_files:
            self._commit({"own_files": others + summed})

    def _summed(self, path: str) -> OwnFile:
        file = self.path / path
        return OwnFile(path=path, bytes=file.stat().st_size, crc32=checksums.of_file(file))

    def _create(self) -> None:
        with disk_full_said(f"creating model {self.name}"):
            new = self.store / f"{NEW}-{self.name}"
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            write_card(new, self.card)
            os.rename(new, self.path)

    def _sweep(self, spared: Iterable[File] = ()) -> None:
        """Delete the files of tables that no card lists: left by a killed writer, or replaced; but those `spared`."""
        listed = {self.path / block.path for blocks in (*self.card.files.values(), spared) for block in blocks}
        for table in (*BY_NAME, VECTORS):
            for entry in sorted((self.path / table).rglob("*"), reverse=True):
                if entry.is_dir():
                    _remove_if_empty(entry)
                elif entry not in listed:
                    entry.unlink(missing_ok=True)
            _remove_if_empty(self.path / table)


class Staging:
    """A hidden folder in which files are written before they are published; gone when its `with` is left."""

    def __init__(self, model: Path) -> None:
        self.id = new_id()
        self.path = model / f".writing-{self.id}"

    def __enter__(self) -> Staging:
        self.path.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, folder: str, number: int, suffix: str = "parquet") -> Path:
        """Where to write block `number` of the table in `folder` (`tokens`, `states/state=layer1.c`)."""
        path = self.path / folder / f"{self.id}-{number:04d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def staged(path: Path, staging: Staging, rows: int, crc: int, first: int = 0) -> File:
    """The card's entry for a file that was written whole into `staging`, with the CRC-32 of what was written."""
    return File(
        path=path.relative_to(staging.path).as_posix(),
        bytes=path.stat().st_size,
        rows=rows,
        first=first,
        crc32=checksums.shown(crc),
    )


def write_block(path: Path, staging: Staging, rows: pa.Table, **options: Any) -> File:
    """Write a Parquet block at once; `options` are those of `pyarrow.parquet.write_table`."""
    with SummedFile(path) as file:
        pq.write_table(rows, file, **options)
    return staged(path, staging, rows.num_rows, file.crc)


def own_files(model: Path) -> list[str]:
    """Paths inside a model's folder of the files that are no table's, and not hidden: weights, settings, notes."""
    found = []
    for folder, inner, names in os.walk(model):
        top = Path(folder) == model
        inner[:] = sorted(name for name in inner if name[0] != "." and not (top and name in (*BY_NAME, VECTORS)))
        found += [Path(folder, name) for name in sorted(names) if name[0] != "." and not (top and name == CARD)]
    return [path.relative_to(model).as_posix() for path in found if path.is_file()]


class disk_full_said:
    """Turns the operating system's refusals, no room or no right, into sentences that say what was being done."""

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and is_disk_full(error):
            raise DiskFull(
                f"The disk is full ({self.doing}). What the store held before is untouched; "
                "make room and run the same command again."
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(f"{error.filename} cannot be written ({self.doing}): {error.strerror}.") from error
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise DiskFull(
                f"A file became larger than this system allows ({self.doing}); see `ulimit -f`. What the store held "
                "before is untouched."
            ) from error


@contextmanager
def incoming(store: Path, name: str, doing: str) -> Iterator[Path]:
    """A hidden folder to fill with a new model, which appears in the store when the `with` ends well, else never.

    Raises `StoreError` where there is a model of that name; `doing` says what is done, for when the disk is full.
    """
    target = model_folder(store, name)
    with lock(store, name):
        if target.exists():
            raise StoreError(f"There is a model {name!r} already; choose another name or delete it first.")
        staging = store / f"{COPYING}-{name}"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            with disk_full_said(doing):
                staging.mkdir()
                yield staging
                read_card(staging)
                os.rename(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


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
