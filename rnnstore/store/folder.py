"""The store: a folder of models, opened with one call, asked with SQL.

DuckDB runs in memory and sees every table as a view over the Parquet files that the models' cards list; there is no
database file, so a pipeline can write while others read. A folder that is no model, or a damaged one, is reported in
`problems` and the rest of the store opens without it.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rnnstore.errors import NO_TEXT, DamagedModel, ReadOnly, StoreError, UnknownModel, nearest
from rnnstore.store.card import FACTS, Card, checked_name, read_card
from rnnstore.store.card import NAME as CARD
from rnnstore.store.macros import MACROS, PLANNING
from rnnstore.store.model import Model
from rnnstore.store.recorder import Recorder
from rnnstore.store.sql_errors import refused
from rnnstore.store.tables import MODELS, TABLES, Table
from rnnstore.store.writing import COPYING, TRASH, ModelWriter, disk_full_said, lock, model_folder, new_id, sweep_store

PREFIX = "model="

TEXT_DAMAGED = "A file of this store holds text that is no text: it is damaged."


@dataclass(frozen=True)
class Problem:
    """A folder of the store that could not be opened as a model, and a sentence that says why."""

    name: str
    sentence: str


def open(path: str | os.PathLike[str], *, read_only: bool = False) -> Store:
    """The store in the folder `path`; a missing or empty folder is a store without models. Creates nothing.

    One opened `read_only` refuses whatever would change it with a `ReadOnly` sentence: for an application that
    strangers use.
    """
    return Store(Path(path), read_only)


def fingerprint(path: str | os.PathLike[str]) -> str:
    """A short text that changes whenever a model of the store appears, changes or disappears; cheap to ask."""
    marks = []
    for folder in _model_folders(Path(path)):
        try:
            status = os.stat(folder / "card.json")
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
        self._called = "The store" if read_only else f"The store {self.path}"  # a stranger is told no place
        self.models: dict[str, Model] = {}
        self.problems: list[Problem] = []
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._viewed = False
        self._lock = threading.Lock()
        self.refresh()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r}, {len(self.models)} models)"

    def refresh(self) -> None:
        """Look at the folder anew: models that came, changed or went since the store was opened."""
        models, problems = {}, []
        for folder in _model_folders(self.path):
            name = folder.name.removeprefix(PREFIX)
            try:
                models[checked_name(name)] = Model(name, folder, read_card(folder), self._cursor)
            except StoreError as error:
                if folder.exists():  # else it was renamed or deleted in between
                    problems.append(Problem(name, str(error)))
        with self._lock:
            self.models, self.problems = models, problems
            self._connection, self._viewed = None, False

    def model(self, name: str) -> Model:
        """The model of that name; raises `UnknownModel`, or `DamagedModel` with what is wrong with it."""
        if name in self.models:
            return self.models[name]
        for problem in self.problems:
            if problem.name == name:
                raise DamagedModel(problem.sentence)
        raise UnknownModel(f"{self._called} has no model {name!r}: {nearest(name, self.models)}")

    # Asking

    def sql(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = (), *, limit: int | None = None
    ) -> pa.Table:
        """The answer of one SQL query over the views (`models`, `tokens`, `states`, ...), as an Arrow table.

        At most `limit` rows of it, where one is given: ask for one more than you show, and a cut is known. The query
        runs with this process's rights: do not pass it what a stranger typed.
        """
        try:
            try:
                return self._answer(query, parameters, limit)
            except duckdb.IOException:  # a model was recorded anew or deleted since the views were made
                self.refresh()
                return self._answer(query, parameters, limit)
        except duckdb.Error as error:
            raise self._refused(error, query, parameters) from error
        except NO_TEXT as error:
            raise DamagedModel(f"{TEXT_DAMAGED} `python -m rnnstore check` says where, and how to mend it.") from error

    def _refused(self, error: duckdb.Error, query: str, parameters: Any) -> StoreError:
        """The sentence for an error. Asked to explain the query, DuckDB says as JSON where it fails to make sense."""
        explaining = "explain "
        try:
            cursor = self._cursor(views=True)
            cursor.execute("set errors_as_json = true")  # of this cursor alone
            cursor.execute(explaining + query, parameters or None)
        except duckdb.Error as explained:
            return refused(str(explained), query, after=explaining)
        return refused(str(error), query)

    def script(self) -> str:
        """All views and macros as statements for DuckDB's own shell: what `sql` knows, without this program.

        It names the files that the store has now; a model recorded later needs it anew.
        """
        lines = [
            f"-- The store {self.path} as it was written down: views over its Parquet files, and macros.",
            *(f"set {name} = {value};" for name, value in PLANNING.items()),
            f"create or replace view {MODELS.name} as {self._models_as_values()};",
            *(f"create or replace view {table.name} as {self._select(table)};" for table in TABLES),
            *(f"-- {macro.name}: {macro.meaning}\n{macro.creation};" for macro in MACROS),
        ]
        return "\n\n".join(lines) + "\n"

    def models_table(self) -> pa.Table:
        """The table `models` as it is now."""
        return pa.Table.from_pylist([_models_row(model) for model in self.models.values()], _schema(MODELS))

    def _models_as_values(self) -> str:
        rows = [
            "select "
            + ", ".join(f"cast({_literal(row[c.name])} as {_sql_type(c.type)}) as {c.name}" for c in MODELS.columns)
            for row in map(_models_row, self.models.values())
        ]
        nothing = ", ".join(f"cast(null as {_sql_type(c.type)}) as {c.name}" for c in MODELS.columns)
        return "\nunion all ".join(rows) or f"select {nothing} where false"

    def _answer(self, query: str, parameters: Any, limit: int | None) -> pa.Table:
        answer = self._cursor(views=True).sql(query, params=parameters or None)
        if answer is None:
            return pa.table({})
        return (answer if limit is None else answer.limit(limit)).to_arrow_table()

    def _cursor(self, views: bool = False) -> duckdb.DuckDBPyConnection:
        """A cursor of one thread's own; the views are made when first wanted: DuckDB reads every footer for them."""
        with self._lock:
            if self._connection is None:
                self._connection = duckdb.connect(
                    ":memory:", config={"threads": min(4, os.cpu_count() or 1), **PLANNING}
                )
                self._connection.execute("set parquet_metadata_cache = true")
            if views and not self._viewed:
                self._add_views(self._connection)
                self._viewed = True
            return self._connection.cursor()

    def _add_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        rows = self.models_table()
        connection.register("models_now", rows)
        connection.execute("create or replace table models as from models_now")
        connection.unregister("models_now")
        _comment(connection, MODELS, "table")
        for table in TABLES:
            try:
                connection.execute(f"create or replace view {table.name} as {self._select(table)}")
            except duckdb.IOException:
                raise
            except (duckdb.Error, *NO_TEXT) as error:
                raise self._damaged(connection, table) from error
            _comment(connection, table, "view")
        for macro in MACROS:
            connection.execute(macro.creation)
            connection.execute(macro.comment)

    def _damaged(self, connection: duckdb.DuckDBPyConnection, table: Table) -> DamagedModel:
        """The sentence about the model whose files keep the view of a table from being made."""
        for name, model in self.models.items():
            keys = [key for key in model.card.files if key.split("/")[0] == table.name]
            files = [str(model.folder / file.path) for key in keys for file in model.card.files[key]]
            try:
                for file in files:
                    connection.execute("describe select * from read_parquet($file)", {"file": file})
            except (duckdb.Error, *NO_TEXT):
                return DamagedModel(
                    f"The table {table.name} of model {name!r} is damaged, so SQL cannot be asked of this store. "
                    f"`python -m rnnstore check {name}` says how to mend it."
                )
        return DamagedModel(f"The table {table.name} cannot be read; `python -m rnnstore check` says why.")

    def _select(self, table: Table) -> str:
        """The SELECT behind a table's view: all blocks of all models, `model` and a folder's name as columns."""
        files = [
            str(model.folder / file.path)
            for model in self.models.values()
            for key, blocks in model.card.files.items()
            if key.split("/")[0] == table.name
            for file in blocks
        ]
        folders = [name for name in ("model", table.folder) if name]
        columns = ["model", *(column.name for column in table.columns)]
        named = [f"f.{name}" for name in columns]  # else a macro takes what is called as its argument for that
        if not files:
            typed = ", ".join(f"cast(null as {_sql_type(column.type)}) as {column.name}" for column in table.columns)
            return f"select cast(null as varchar) as model, {typed} where false"
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        reading = f"union_by_name = {'true' if table.wide else 'false'}, hive_partitioning = "
        if "=" not in str(self.path):
            types = ", ".join(f"'{name}': varchar" for name in folders)
            reading += f"true, hive_types = {{{types}}}"
        else:  # DuckDB would take a folder above the store (runs/t=5/store) for a column, too
            reading += "false"
            named = [
                rf"regexp_extract(f.filename, '.*[/\\]{name}=([^/\\]*)[/\\]', 1) as {name}"
                if name in folders
                else f"f.{name}"
                for name in columns
            ]
        if table.wide:
            named.append("columns('^u[0-9]+$')")
        return f"select {', '.join(named)} from read_parquet([{listed}], {reading}) as f"

    # Writing

    def check_writable(self, doing: str) -> None:
        """Raise `ReadOnly` when the store was opened for reading; `doing` says what was tried, as in "deleting x"."""
        if self.read_only:
            raise ReadOnly(f"This store can only be read here, so {doing} is not possible.")

    def writer(self, name: str) -> ModelWriter:
        """A writer for the model `name`, new or present; raises `Busy` on entering while another one writes it."""
        self.check_writable(f"writing {name}")
        sweep_store(self.path)
        return ModelWriter(self.path, name)

    def record(self, name: str, **recording: Any) -> _Recording:
        """A recorder for the model `name` in one call: facts of `ModelWriter.describe` and options of
        `ModelWriter.record` alike.

        >>> with store.record("mine", description="my network", thresholds=(0.3,)) as recorder:  # doctest: +SKIP
        ...     recorder.add(words=["a", "b"], states={"hidden": values})
        """
        return _Recording(self, self.writer(name), recording)

    def rename(self, old: str, new: str) -> None:
        """Give a model another name."""
        self.check_writable(f"renaming {old}")
        source, target = self._known(old), model_folder(self.path, new)
        if old == new:
            return
        with lock(self.path, old), lock(self.path, new):
            if target.exists():
                raise StoreError(f"There is a model {new!r} already; choose another name or delete it first.")
            _rename(source, target)
        self.refresh()

    def delete(self, name: str) -> None:
        """Delete a model with all it holds; it disappears at once, whatever happens to the process."""
        self.check_writable(f"deleting {name}")
        folder = self._known(name)
        with lock(self.path, name):
            trash = self.path / f"{TRASH}-{new_id()}"
            _rename(folder, trash)
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
        target = model_folder(self.path, name)
        with lock(self.path, name):
            if target.exists():
                raise StoreError(f"There is a model {name!r} already; choose another name or delete it first.")
            staging = self.path / f"{COPYING}-{name}"
            shutil.rmtree(staging, ignore_errors=True)
            try:
                with disk_full_said(f"copying {source.name}"):
                    shutil.copytree(source, staging, ignore=shutil.ignore_patterns(".*"))
                    read_card(staging)
                    os.rename(staging, target)
            except OSError as error:
                raise StoreError(f"{source} could not be copied into {self.path} ({error}).") from error
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        self.refresh()
        return name

    def _known(self, name: str) -> Path:
        folder = model_folder(self.path, name)
        if not folder.is_dir():
            raise UnknownModel(f"{self._called} has no model {name!r}: {nearest(name, self.models)}")
        return folder


class _Recording:
    """`with store.record(...)`: opens the writer and the recorder together."""

    def __init__(self, store: Store, writer: ModelWriter, options: Mapping[str, Any]) -> None:
        self._store = store
        own = ("vocabulary", "outputs", "thresholds", "dtype", "track_sources", "recorded")
        self._writer = writer
        self._options = {key: value for key, value in options.items() if key in own}
        self._facts = {key: value for key, value in options.items() if key not in own}
        for key in self._facts:
            if key not in FACTS:
                raise StoreError(f"A recording has no option {key!r}: {nearest(key, (*own, *FACTS))}")
        self._recorder: Recorder | None = None

    def __enter__(self) -> Recorder:
        self._writer.__enter__()
        try:
            self._writer.describe(**self._facts)
            self._recorder = self._writer.record(**self._options)
            return self._recorder.__enter__()
        except BaseException:
            self._writer.__exit__()
            raise

    def __exit__(self, *error: Any) -> None:
        assert self._recorder is not None
        try:
            self._recorder.__exit__(*error)
        finally:
            self._writer.__exit__()
            self._store.refresh()


def _rename(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        raise StoreError(
            f"{source} cannot be moved ({error.strerror}); see who may write it, or is using it."
        ) from error


def _model_folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.name.startswith(PREFIX) and entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"The store {path} cannot be read ({error.strerror}).") from error


def _models_row(model: Model) -> dict[str, Any]:
    card: Card = model.card
    facts = card.model_dump()
    return {
        **{column.name: facts.get(column.name) for column in MODELS.columns},
        "model": model.name,
        "states": list(card.states),
        "tracks": list(card.tracks),
        "settings": json.dumps(card.settings),
    }


def _schema(table: Table) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in table.columns])


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"{_sql_type(type_.value_type)}[]"
    if pa.types.is_struct(type_):
        return f"struct({', '.join(f'{field.name} {_sql_type(field.type)}' for field in type_)})"
    if pa.types.is_dictionary(type_) or pa.types.is_string(type_):
        return "varchar"
    return {"int16": "smallint", "int32": "integer", "int64": "bigint", "float": "float", "double": "double"}[
        str(type_)
    ]


def _literal(value: Any) -> str:
    """A value of a card as SQL writes it."""
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"'{key}': {_literal(each)}" for key, each in value.items()) + "}"
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def _comment(connection: duckdb.DuckDBPyConnection, table: Table, kind: str) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    connection.execute(f"comment on {kind} {table.name} is {quoted('One row is ' + table.row)}")
    for column in table.columns:
        connection.execute(f"comment on column {table.name}.{column.name} is {quoted(column.meaning)}")
