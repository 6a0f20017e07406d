"""Columns of tables with one row a step, read by range or at scattered steps, a row group at a time.

Only the row groups that hold one of the steps are read; DuckDB would prune them by range alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rnnstore.store.card import File
from rnnstore.store.tables import of_key

_GROUPS_AT_ONCE = 16

_WIDE = 32
"""Columns from which on only the footer read last is cached: those of 10M steps x 650 units take some 250 MB."""


class TableReader:
    """Reads the tables of one model, whose `files` are those of its card; safe to use from several threads."""

    def __init__(self, folder: Path, files: Mapping[str, Sequence[File]]) -> None:
        self._folder, self._files = folder, files
        self._footers: dict[str, tuple[pq.FileMetaData, np.ndarray]] = {}
        self._wide_footer = ""
        self._lock = threading.Lock()

    def columns(self, key: str, names: Sequence[str], start: int, stop: int, target: np.ndarray) -> None:
        """Read columns of numbers at steps start..stop-1 into `target` [len(names), stop - start]."""
        for file in self._files[key]:
            at, until = max(start, file.first), min(stop, file.first + file.rows)
            if at >= until:
                continue
            metadata, edges = self._footer(file)
            with pq.ParquetFile(self._folder / file.path, metadata=metadata) as opened:
                groups = range(int(np.searchsorted(edges, at, "right")) - 1, int(np.searchsorted(edges, until, "left")))
                for few in range(0, len(groups), _GROUPS_AT_ONCE):
                    some = list(groups[few : few + _GROUPS_AT_ONCE])
                    table = opened.read_row_groups(some, columns=list(dict.fromkeys(names)))
                    base = int(edges[some[0]])
                    begin, end = max(at, base), min(until, base + table.num_rows)
                    _check_types(file, table, names, target.dtype)
                    for row, name in enumerate(names):
                        place = begin - start
                        for chunk in table[name].slice(begin - base, end - begin).chunks:
                            target[row, place : place + len(chunk)] = chunk.to_numpy()
                            place += len(chunk)

    def rows_at(self, key: str, steps: np.ndarray, columns: Sequence[str]) -> pa.Table:
        """Columns of a table at `steps`, which ascend, each once."""
        table = of_key(key)
        assert table is not None
        tables = [plain(table.schema.empty_table()).select(columns)]
        texts = [name for name in columns if name == "value"]
        for file in self._files[key]:
            inside = steps[(steps >= file.first) & (steps < file.first + file.rows)]
            if not len(inside):
                continue
            metadata, edges = self._footer(file)
            with pq.ParquetFile(self._folder / file.path, metadata=metadata, read_dictionary=texts) as opened:
                group_of = np.searchsorted(edges, inside, "right") - 1
                groups = np.unique(group_of)
                for few in range(0, len(groups), _GROUPS_AT_ONCE):
                    some = groups[few : few + _GROUPS_AT_ONCE]
                    read = opened.read_row_groups(some.tolist(), columns=list(columns))
                    begins = np.cumsum(np.r_[0, np.diff(edges)[some]])
                    here = (group_of >= some[0]) & (group_of <= some[-1])
                    order = np.searchsorted(some, group_of[here])
                    tables.append(plain(read.take(pa.array(begins[order] + inside[here] - edges[group_of[here]]))))
        return pa.concat_tables(tables)

    def _footer(self, file: File) -> tuple[pq.FileMetaData, np.ndarray]:
        """A Parquet file's metadata, read once, and the steps at which its row groups begin, with the end."""
        with self._lock:
            if file.path not in self._footers:
                metadata = pq.read_metadata(self._folder / file.path)
                rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
                if sum(rows) != file.rows:
                    raise pa.ArrowInvalid(f"{file.path} holds {sum(rows):,} rows; the card says {file.rows:,}")
                if metadata.num_columns >= _WIDE:
                    self._footers.pop(self._wide_footer, None)
                    self._wide_footer = file.path
                self._footers[file.path] = metadata, file.first + np.cumsum([0, *rows])
            return self._footers[file.path]


def _check_types(file: File, table: pa.Table, names: Sequence[str], dtype: np.dtype) -> None:
    """Raise `ArrowInvalid` where a column is not there or of another type: it would be cut or rounded unseen."""
    for name in names:
        found = table[name].type if name in table.column_names else "not there"
        if found != pa.from_numpy_dtype(dtype):
            raise pa.ArrowInvalid(f"column {name} of {file.path} is {found}; {dtype} was expected")


def plain(table: pa.Table) -> pa.Table:
    """The table with texts as plain strings, which every reader downstream understands alike."""
    fields = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))
