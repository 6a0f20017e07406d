"""Tables that grow while somebody reads them: rows of a training that still runs.

Rows come a block at a time, and each block is published with the card, so a reader sees all of an append or nothing of
it, and a writer that is killed leaves the blocks before. Blocks that are no larger than what comes behind them are
merged with it until a block has a million rows, so that a table has few blocks however often it grew, and a row is
rewritten as few times as a number has binary digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.errors import DamagedModel, StoreError, nearest
from rnnstore.store.card import File
from rnnstore.store.tables import BY_NAME, STEPS_PER_BLOCK
from rnnstore.store.writing import GROWING, disk_full_said, write_block

if TYPE_CHECKING:
    from rnnstore.store.writing import ModelWriter

ROWS_PER_GROUP = 1 << 16
"""Rows in one Parquet row group: one batch is found without reading its neighbours of an hour."""


def append(writer: ModelWriter, tables: Mapping[str, pa.Table]) -> None:
    """Add rows behind those of some tables of `GROWING`, all of them in one step that cannot be seen half done.

    `StoreError` where the rows do not have the table's columns; nothing is written then.
    """
    checked = {name: _checked(name, rows) for name, rows in tables.items() if rows.num_rows}
    blocks = {}
    for name, rows in checked.items():
        stay, last = list(writer.card.files.get(name, ())), rows
        while stay and stay[-1].rows <= last.num_rows < STEPS_PER_BLOCK:
            last = pa.concat_tables([_rows(writer, name, [stay.pop()]), last])
        blocks[name] = stay, last
    _publish(writer, blocks)


def keep_before(writer: ModelWriter, names: Sequence[str], step: int) -> None:
    """Drop the rows of the tables `names` from optimiser step `step` on: a training goes on from there once more."""
    blocks = {}
    for name in names:
        rows = _rows(writer, name, writer.card.files.get(name, ()))
        kept = rows.filter(pc.less(rows["step"], step))
        if kept.num_rows < rows.num_rows:
            blocks[name] = [], kept
    _publish(writer, blocks)


def _publish(writer: ModelWriter, blocks: Mapping[str, tuple[list[File], pa.Table]]) -> None:
    """Make each table the blocks that stay, and behind them one of the rows given."""
    if not blocks:
        return
    with writer.staging() as staging, disk_full_said(f"writing {', '.join(blocks)} of {writer.name}"):
        new = {}
        for name, (_, rows) in blocks.items():
            rows = rows.unify_dictionaries()
            block = write_block(staging.file(name, 0), staging, rows, compression="zstd", row_group_size=ROWS_PER_GROUP)
            new[name] = [block]
        stay = {name: files for name, (files, _) in blocks.items()}
        writer.publish(staging, new, replaced=tuple(new), behind=stay)


def _rows(writer: ModelWriter, name: str, blocks: Sequence[File]) -> pa.Table:
    """The rows of some blocks of a table."""
    schema = BY_NAME[name].schema
    try:
        read = [pq.ParquetFile(writer.path / block.path).read().cast(schema) for block in blocks]
    except (OSError, pa.ArrowException) as error:
        raise DamagedModel(f"The table {name} of model {writer.name!r} is damaged ({error}).") from error
    return pa.concat_tables([schema.empty_table(), *read])


def _checked(name: str, rows: pa.Table) -> pa.Table:
    if name not in GROWING:
        raise StoreError(f"Table {name!r} cannot be appended to: {nearest(name, GROWING)}")
    schema = BY_NAME[name].schema
    try:
        return rows.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowException) as error:
        expected = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise StoreError(f"These are no rows of {name}: {error.args[0]}. Its columns are {expected}.") from error
