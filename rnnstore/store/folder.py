"""The store: a folder of models, opened with one call, asked with SQL.

DuckDB runs in memory and sees every table as a view over the Parquet files that the models' cards list; there is no
database file, so a pipeline can write while others read. A folder that is no model, or a damaged one, is reported in
`problems` and the rest of the store opens without it.
"""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rnnstore.errors import UNDECODABLE, DamagedModel, ReadOnly, StoreError, UnknownModel, suggest
from rnnstore.store import disk, leases, views
from rnnstore.store.card import CARD, card_alone, checked_name, read_card
from rnnstore.store.commit import check_free, incoming, sweep_store
from rnnstore.store.connection import Connection
from rnnstore.store.layout import PREFIX, TRASH, model_folder, new_id
from rnnstore.store.limits import portable
from rnnstore.store.locks import lock
from rnnstore.store.model import Model
from rnnstore.store.sql_errors import QueryError, query_error
from rnnstore.store.writing import ModelWriter, Recording

LEASES = 200
"""Models of a store whose files are held from its opening on, an open file each; of others, once they are asked for."""

TEXT_DAMAGED = "A file of this store holds text that is no text: it is damaged."


@dataclass(frozen=True)
class Problem:
    """A folder of the store that could not be opened as a model, and a sentence that says why."""

    name: str
    sentence: str


def open(path: str | os.PathLike[str], *, read_only: bool = False) -> Store:
    """The store in the folder `path`; a missing or empty folder is a store without models. Creates nothing.

    One opened `read_only` refuses whatever would change it with a `ReadOnly` sentence: for an application that
    others use.
    """
    return Store(Path(path), read_only)


def fingerprint(path: str | os.PathLike[str]) -> str:
    """A short text that changes whenever a model of the store appears, changes or disappears; cheap to ask."""
    marks = []
    for folder in _model_folders(Path(path)):
        try:
            status = os.stat(folder / CARD)
            marks.append(f"{folder.name}:{status.st_ino}:{status.st_mtime_ns}:{status.st_size}")
        except OSError:
            marks.append(f"{folder.name}:none")
    return "|".join(marks)


class Store:
    """A folder of recorded models; `rnnstore.open` gives it. Safe to use from several threads."""

    def __init__(self, path: Path, read_only: bool = False) -> None:
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file; a store is a folder. Name the folder that holds the models.")
        if os.path.exists(path / CARD):
            raise StoreError(
                f"{path} is a model, not a store. Name the folder that holds it: {path.absolute().parent}."
            )
        self.path, self.read_only = path.absolute(), read_only
        self._called = "The store" if read_only else f"The store {self.path}"  # paths are hidden from untrusted users
        self.models: dict[str, Model] = {}
        self.problems: list[Problem] = []
        self._connection = Connection()
        self._lock = threading.Lock()
        self.refresh()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}, {len(self.models)} models)"

    def refresh(self) -> None:
        """Look at the folder anew: models that came, changed or went since the store was opened."""
        models: dict[str, Model] = {}
        problems: list[Problem] = []
        connection = Connection()
        for folder in _model_folders(self.path):
            name = folder.name.removeprefix(PREFIX)
            try:
                card, lease = leases.hold(folder) if len(models) < LEASES else (read_card(folder), None)
                models[checked_name(name)] = Model(name, folder, card, connection.cursor, lease)
            except StoreError as error:
                if folder.exists():  # else it was renamed or deleted in between
                    problems.append(Problem(name, str(error)))
        with self._lock:
            self.models, self.problems, self._connection = models, problems, connection

    def model(self, name: str) -> Model:
        """The model of that name; raises `UnknownModel`, or `DamagedModel` with what is wrong with it."""
        if name in self.models:
            self.models[name].hold()
            return self.models[name]
        for problem in self.problems:
            if problem.name == name:
                raise DamagedModel(problem.sentence)
        raise UnknownModel(f"{self._called} has no model {name!r}: {suggest(name, self.models)}")

    # Asking

    def sql(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, limit: int | None = None
    ) -> pa.Table:
        """The answer of one SQL query over the views (`models`, `tokens`, `states`, ...), as an Arrow table.

        At most `limit` rows of it, where one is given: ask for one more than you show, and a cut is known. The query
        runs with this process's rights: do not pass it what an untrusted user typed.
        """
        try:
            try:
                return self._answer(query, parameters, limit)
            except duckdb.IOException:  # a model was recorded anew or deleted since the views were made
                self.refresh()
                return self._answer(query, parameters, limit)
        except duckdb.Error as error:
            raise self._explained(error, query, parameters) from error
        except UNDECODABLE as error:
            raise DamagedModel(f"{TEXT_DAMAGED} `python -m rnnstore check` says where, and how to mend it.") from error

    def _explained(self, error: duckdb.Error, query: str, parameters: Any) -> QueryError:
        """The sentence for an error. Asked to explain the query, DuckDB says as JSON where it fails to make sense."""
        explaining = "explain "
        try:
            cursor = self._cursor()
            cursor.execute("set errors_as_json = true")  # of this cursor alone
            cursor.execute(explaining + query, parameters or None)
        except duckdb.Error as explained:
            return query_error(str(explained), query, after=explaining)
        return query_error(str(error), query)

    def script(self) -> str:
        """All views and macros as statements for DuckDB's own shell: what `sql` knows, without this program.

        It names the files that the store has now; a model recorded later needs it anew.
        """
        return views.script(self.path, self.models)

    def models_table(self) -> pa.Table:
        """The table `models` as it is now."""
        return views.models_table(self.models)

    def _answer(self, query: str, parameters: Any, limit: int | None) -> pa.Table:
        answer = self._cursor().sql(query, params=parameters or None)
        if answer is None:
            return pa.table({})
        return (answer if limit is None else answer.limit(limit)).to_arrow_table()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor of one thread's own, which knows the views."""
        with self._lock:
            models, connection = self.models, self._connection
        return connection.cursor_with_views(self.path, models)

    # Writing

    def check_writable(self, doing: str) -> None:
        """Raise `ReadOnly` when the store was opened for reading; `doing` says what was tried, as in "deleting x"."""
        if self.read_only:
            raise ReadOnly(f"This store can only be read here, so {doing} is not possible.")

    def writer(self, name: str) -> ModelWriter:
        """A writer for the model `name`, new or present; raises `Busy` on entering while another one writes it."""
        self.check_writable(f"writing {name}")
        sweep_store(self.path)
        return ModelWriter(self.path, name, self.refresh)

    def record(self, name: str, **recording: Any) -> Recording:
        """A recorder for the model `name` in one call: facts of `ModelWriter.describe` and options of
        `ModelWriter.record` alike.

        >>> with store.record("mine", description="my network", thresholds=(0.3,)) as recorder:  # doctest: +SKIP
        ...     recorder.add(words=["a", "b"], states={"hidden": values})
        """
        return Recording(self.writer(name), recording)

    def rename(self, old: str, new: str) -> None:
        """Give a model another name."""
        self.check_writable(f"renaming {old}")
        source, target = self._known(old), model_folder(self.path, new)
        if old == new:
            return
        with lock(self.path, old), lock(self.path, new):
            check_free(target, new)
            with suppress(StoreError):  # a damaged model has no card to hold
                leases.announce(target, card_alone(source))
            _rename(source, target)
            leases.withdraw(source)
        self.refresh()

    def delete(self, name: str) -> None:
        """Delete a model with all it holds; it disappears at once, whatever happens to the process."""
        self.check_writable(f"deleting {name}")
        folder = self._known(name)
        with lock(self.path, name):
            trash = self.path / f"{TRASH}-{new_id()}"
            _rename(folder, trash)
            leases.withdraw(folder)
        if trash.is_symlink():
            trash.unlink()  # the model itself lies elsewhere
        shutil.rmtree(trash, ignore_errors=True)
        self.refresh()

    def copy_in(self, folder: str | os.PathLike[str], name: str | None = None) -> str:
        """Copy a model's folder (from another store, or unpacked) into this one; returns its name here."""
        self.check_writable("copying a model in")
        source = Path(folder).absolute()
        if not source.is_dir():
            raise StoreError(f"{source} is no folder; name the folder of a model: model=<name> of another store.")
        if not (source / CARD).exists():
            raise DamagedModel(
                f"{source} is no model: it holds no {CARD}. Name the folder of a model: model=<name> of another store."
            )
        name = checked_name(source.name.removeprefix(PREFIX) if name is None else name)
        read_card(source)
        _check_plain(source)
        try:
            with incoming(self.path, name, f"copying {source.name}") as staging:
                shutil.copytree(source, staging, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
        except OSError as error:
            raise StoreError(f"{source} could not be copied into {self.path} ({error}).") from error
        self.refresh()
        return name

    def _known(self, name: str) -> Path:
        folder = model_folder(self.path, name)
        if not folder.is_dir():
            raise UnknownModel(f"{self._called} has no model {name!r}: {suggest(name, self.models)}")
        return folder


def _rename(source: Path, target: Path) -> None:
    try:
        disk.rename(source, target)
    except OSError as error:
        raise StoreError(
            f"{source} cannot be moved ({error.strerror}); see who may write it, or is using it."
        ) from error


def _check_plain(folder: Path) -> None:
    """Raise `DamagedModel` where a folder that is to be copied in holds what no model holds.

    Those are links, which would bring any file of this machine along, pipes, devices, and names that not every system
    can have.
    """
    for above, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if name[0] != "."]
        for name in (*inner, *(name for name in names if name[0] != ".")):
            path = Path(above, name)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise DamagedModel(f"{folder.name} was not copied in: {name!r} in it is a link, a pipe or a device.")
            if not portable(name):
                raise DamagedModel(f"{folder.name} was not copied in: {name!r} in it can name no file on every system.")


def _model_folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.name.startswith(PREFIX) and entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"The store {path} cannot be read ({error.strerror}).") from error
