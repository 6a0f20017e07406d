"""What a worker gets of a store: which files make which table, and the statements that make the macros.

The worker opens no card and lists no folder; it gets the files that the cards list now, and the columns that they have.
"""

from __future__ import annotations

import base64
from typing import Any

import pyarrow as pa

from rnnstore.sql.limits import Limits
from rnnstore.store.folder import Store
from rnnstore.store.macros import MACROS, PLANNING
from rnnstore.store.schema import Table
from rnnstore.store.tables import MODELS, TABLES, states_schema


def opening(store: Store, limits: Limits) -> dict[str, Any]:
    """The message that opens a worker for a store as it is now."""
    tables, warm = [], ["select 1"]
    for table in TABLES.values():
        files, schema = _files(store, table)
        names = ", ".join(f'f."{name}"' for name in schema.names)
        tables.append(
            {
                "name": table.name,
                "files": files,
                "schema": _text(schema.serialize().to_pybytes()),
                "select": f"select {names} from {table.name}_files as f",
            }
        )
        if files and table.name == "tokens":
            warm.append("select t from tokens limit 1")
    rows = pa.BufferOutputStream()
    models = store.models_table()
    with pa.ipc.new_stream(rows, models.schema) as stream:
        stream.write_table(models)
    return {
        "planning": PLANNING,
        "tables": tables,
        "rows": {MODELS.name: _text(rows.getvalue().to_pybytes())},
        "statements": [statement for macro in MACROS for statement in (macro.creation, macro.comment)],
        "warm": warm,
        "limits": limits.for_worker(),
    }


def _files(store: Store, table: Table) -> tuple[list[tuple[str, dict[str, str]]], pa.Schema]:
    """(path, columns that its folders name) of every file of a table in all models, and all columns that there are."""
    files, widest = [], 0
    for model in store.models.values():
        for key, blocks in model.card.files.items():
            name, _, value = key.partition("/")
            if name == table.name:
                folders = {"model": model.name} | ({table.folder: value} if table.folder else {})
                files += [(str(model.folder / file.path), folders) for file in blocks]
                if table.wide and blocks:
                    widest = max(widest, model.states[value].units)
    named = [pa.field("model", pa.string())]
    if table.folder:
        named.append(pa.field(table.folder, pa.string()))
    own = states_schema(widest, "float32") if table.wide else table.schema  # half-precision numbers are read as float32
    return files, pa.schema([*named, *own])


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
