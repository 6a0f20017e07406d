"""`tables` and `sql`: the tables explained, and queries over them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import rnnstore
from rnnstore.commands.formats import AnswerFormat, Format, write
from rnnstore.commands.options import StoreFolder
from rnnstore.errors import StoreError
from rnnstore.store.macros import MACROS
from rnnstore.store.tables import MODELS, TABLES


def tables() -> None:
    """Explain the tables that SQL can ask, column by column.

    Example: python -m rnnstore tables
    """
    for table in (MODELS, *TABLES.values()):
        print(f"{table.name}: one row is {table.row}")
        columns = {"model": "name of the model"} | {column.name: column.meaning for column in table.columns}
        if table.wide:
            columns["u0, u1, ..."] = "value of each unit"
        for column, meaning in columns.items():
            print(f"    {column:20} {meaning}")
    for macro in MACROS:
        print(f"{macro.call}: {macro.meaning}")
        for column, meaning in macro.columns:
            print(f"    {column:20} {meaning}")


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help='For example "select model, steps from models".')] = "",
    store: StoreFolder = Path("store"),
    format: AnswerFormat = Format.table,
    limit: Annotated[int, typer.Option("--limit", metavar="ROWS", min=0, help="Most rows to write; 0 for all.")] = 100,
    script: Annotated[
        bool, typer.Option("--script", help="Write the views and macros down instead, for DuckDB's own shell.")
    ] = False,
) -> None:
    """Ask the tables with SQL; see `tables` for columns and macros.

    Example: python -m rnnstore sql "select model, steps from models"
    """
    if script:
        print(rnnstore.open(store).script(), end="")
        return
    answer = rnnstore.open(store).sql(query, limit=limit + 1 if limit else None)
    if not answer.num_columns:
        problem = "has no answer" if query.strip(" ;\t\r\n") else "is empty"
        raise StoreError(f'The query {problem}; ask for something, for example "select model, steps from models".')
    cut = bool(limit) and answer.num_rows > limit
    write(answer.slice(0, limit) if cut else answer, format)
    if cut:
        print(f"These are the first {limit:,} rows; there are more. --limit 0 gives all.", file=sys.stderr)
