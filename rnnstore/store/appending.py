"""Tables that grow while somebody reads them: rows of a training that still runs.

Rows come a block at a time, and each block is published with the card, so a reader sees all of an append or nothing of
it, and a writer that is killed leaves the blocks before. Blocks that are no larger than what comes behind them are
merged with it until a block has a million rows, so that a table has few blocks however often it grew, and a row is
rewritten as few times as a number has binary digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.errors import DamagedModel, StoreError, suggest
from rnnstore.store.card import File
from rnnstore.store.commit import LockedModel
from rnnstore.store.schema import Table
from rnnstore.store.staging import explain_disk_errors
from rnnstore.store.tables import STEPS_PER_BLOCK, TABLES

ROWS_PER_GROUP = 1 << 16
"""Rows in one Parquet row group: one batch is found without reading its neighbours of an hour."""


def append(model: LockedModel, tables: Mapping[str, pa.Table]) -> None:
    """Add rows behind those of some tables that grow, all of them in one step that cannot be seen half done.

    `StoreError` where the rows do not have the table's columns; nothing is written then.
    """
    given = {name: as_rows_of(_growing(name), rows) for name, rows in tables.items() if rows.num_rows}
    blocks = {}
    for name, rows in given.items():
        stay, last = list(model.card.files.get(name, ())), rows
        while stay and stay[-1].rows <= last.num_rows < STEPS_PER_BLOCK:
            last = pa.concat_tables([_rows(model, name, [stay.pop()]), last])
        blocks[name] = stay, last
    _publish(model, blocks)


def keep_before(model: LockedModel, names: Sequence[str], step: int) -> None:
    """Drop the rows of the tables `names` from optimiser step `step` on: a training goes on from there once more."""
    blocks: dict[str, tuple[list[File], pa.Table]] = {}
    for name in names:
        rows = _rows(model, name, model.card.files.get(name, ()))
        before = rows.filter(pc.less(rows["step"], step))
        if before.num_rows < rows.num_rows:
            blocks[name] = [], before
    _publish(model, blocks)


def as_rows_of(table: Table, rows: pa.Table) -> pa.Table:
    """The rows with the columns and types of a table; a `StoreError` that names them where they are others."""
    schema = table.schema
    try:
        return rows.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowException) as error:
        expected = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise StoreError(f"These are no rows of {table.name}: {error.args[0]}. Its columns are {expected}.") from error


def _publish(model: LockedModel, blocks: Mapping[str, tuple[list[File], pa.Table]]) -> None:
    """Make each table the blocks that stay, and behind them one of the rows given."""
    if not blocks:
        return
    with model.staging() as staging, explain_disk_errors(f"writing {', '.join(blocks)} of {model.name}"):
        new = {
            name: [staging.write(name, rows.unify_dictionaries(), row_group_size=ROWS_PER_GROUP)]
            for name, (_, rows) in blocks.items()
        }
        stay = {name: files for name, (files, _) in blocks.items()}
        model.publish(staging, new, replaced=tuple(new), behind=stay)


def _rows(model: LockedModel, name: str, blocks: Sequence[File]) -> pa.Table:
    """The rows of some blocks of a table."""
    schema = TABLES[name].schema
    try:
        read = [pq.ParquetFile(model.path / block.path).read().cast(schema) for block in blocks]
    except (OSError, pa.ArrowException) as error:
        raise DamagedModel(f"The table {name} of model {model.name!r} is damaged ({error}).") from error
    return pa.concat_tables([schema.empty_table(), *read])


def _growing(name: str) -> Table:
    growing = {name: table for name, table in TABLES.items() if table.grows}
    if name not in growing:
        raise StoreError(f"Table {name!r} cannot be appended to: {suggest(name, growing)}")
    return growing[name]
