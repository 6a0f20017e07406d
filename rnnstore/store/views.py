"""SQL over the store: a view for each table over the Parquet files that the models' cards list, and the macros."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from rnnstore.errors import UNDECODABLE, DamagedModel
from rnnstore.store.card import Card
from rnnstore.store.macros import MACROS, PLANNING
from rnnstore.store.model import Model
from rnnstore.store.schema import Table, View
from rnnstore.store.tables import MODELS, TABLES

Models = Mapping[str, Model]


def add_views(connection: duckdb.DuckDBPyConnection, store: Path, models: Models) -> None:
    """Make the table `models`, a view for every other table, and the macros; `DamagedModel` names whose file is in the
    way."""
    rows = models_table(models)
    connection.register("models_now", rows)
    connection.execute("create or replace table models as from models_now")
    connection.unregister("models_now")
    _comment(connection, MODELS, "table")
    for table in TABLES.values():
        try:
            connection.execute(f"create or replace view {table.name} as {select(table, store, models)}")
        except duckdb.IOException:
            raise
        except (duckdb.Error, *UNDECODABLE) as error:
            raise _damaged(connection, table, models) from error
        _comment(connection, table, "view")
    for macro in MACROS:
        connection.execute(macro.creation)
        connection.execute(macro.comment)


def script(store: Path, models: Models) -> str:
    """All views and macros as statements for DuckDB's own shell."""
    lines = [
        f"-- The store {store} as it was written down: views over its Parquet files, and macros.",
        *(f"set {name} = {value};" for name, value in PLANNING.items()),
        f"create or replace view {MODELS.name} as {_models_as_values(models)};",
        *(f"create or replace view {name} as {select(table, store, models)};" for name, table in TABLES.items()),
        *(f"-- {macro.name}: {macro.meaning}\n{macro.creation};" for macro in MACROS),
    ]
    return "\n\n".join(lines) + "\n"


def models_table(models: Models) -> pa.Table:
    """The table `models`."""
    return pa.Table.from_pylist([_models_row(model) for model in models.values()], MODELS.schema)


def select(table: Table, store: Path, models: Models) -> str:
    """The SELECT behind a table's view: all blocks of all models, `model` and a folder's name as columns."""
    files = [
        str(model.folder / file.path)
        for model in models.values()
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
    if "=" not in str(store):
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


def _damaged(connection: duckdb.DuckDBPyConnection, table: Table, models: Models) -> DamagedModel:
    """The sentence about the model whose files keep the view of a table from being made."""
    for name, model in models.items():
        keys = [key for key in model.card.files if key.split("/")[0] == table.name]
        files = [str(model.folder / file.path) for key in keys for file in model.card.files[key]]
        try:
            for file in files:
                connection.execute("describe select * from read_parquet($file)", {"file": file})
        except (duckdb.Error, *UNDECODABLE):
            return DamagedModel(
                f"The table {table.name} of model {name!r} is damaged, so SQL cannot be asked of this store. "
                f"`python -m rnnstore check {name}` says how to mend it."
            )
    return DamagedModel(f"The table {table.name} cannot be read; `python -m rnnstore check` says why.")


def _models_as_values(models: Models) -> str:
    rows = [
        "select "
        + ", ".join(f"cast({_literal(row[c.name])} as {_sql_type(c.type)}) as {c.name}" for c in MODELS.columns)
        for row in map(_models_row, models.values())
    ]
    nothing = ", ".join(f"cast(null as {_sql_type(c.type)}) as {c.name}" for c in MODELS.columns)
    return "\nunion all ".join(rows) or f"select {nothing} where false"


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


def _comment(connection: duckdb.DuckDBPyConnection, table: View, kind: str) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    connection.execute(f"comment on {kind} {table.name} is {quoted('One row is ' + table.row)}")
    for column in table.columns:
        connection.execute(f"comment on column {table.name}.{column.name} is {quoted(column.meaning)}")
