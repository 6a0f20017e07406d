"""Tables exported as CSV, Parquet, JSON, or as aligned text for a terminal."""

from __future__ import annotations

import csv as _csv
import io
import json as _json
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

WIDEST = 60
"""Characters of a cell in `aligned_text`; longer ones are cut with an ellipsis."""


COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""With which a text begins that spreadsheets take for a formula."""


def csv(table: pa.Table) -> bytes:
    """`table` as CSV in UTF-8 with a heading; a list of texts is joined by `; `, other nested values are JSON.

    A text that begins with `=`, `+`, `-`, `@` or a tab gets an apostrophe before it, since spreadsheets compute such
    cells and a text may come from anybody; Parquet and JSON have it as it is.
    """
    text = io.StringIO()
    writer = _csv.writer(text, lineterminator="\n")
    writer.writerow(map(_csv_cell, table.column_names))
    writer.writerows([_csv_cell(value) for value in row] for row in _iterate_rows(table))
    return text.getvalue().encode()


def parquet(table: pa.Table) -> bytes:
    """`table` as a Parquet file, types kept."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def json(table: pa.Table) -> bytes:
    """`table` as JSON in UTF-8: a list with one object per row; NaN and infinity are null."""
    records = [dict(zip(table.column_names, map(_without_nan, row), strict=True)) for row in _iterate_rows(table)]
    return (_json.dumps(records, ensure_ascii=False, default=str, indent=1) + "\n").encode()


def aligned_text(table: pa.Table) -> str:
    """`table` as text in aligned columns for a terminal, numbers to the right."""
    rows = [[_terminal_cell(value) for value in row] for row in _iterate_rows(table)]
    widths = [max(map(len, column)) for column in zip(map(_terminal_cell, table.column_names), *rows, strict=True)]
    to_right = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in table.schema]

    def line(cells: list[str]) -> str:
        placed = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, to_right, strict=True)
        ]
        return "  ".join(placed).rstrip()

    names = [_terminal_cell(name) for name in table.column_names]
    return "\n".join([line(names), line(["-" * width for width in widths]), *map(line, rows)])


def _iterate_rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [batch.column(place).to_pylist() for place in range(batch.num_columns)]
        yield from zip(*columns, strict=True)


def printable(text: str) -> str:
    """A text as a terminal can show it: what would move its cursor, colour it or turn it round is one sign."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _csv_cell(value: Any) -> Any:
    """A value for CSV: a text that a spreadsheet would compute has an apostrophe before it."""
    cell = _plain_cell(value)
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(COMPUTED) else cell


def _plain_cell(value: Any) -> Any:
    """One value as a single text or number, empty for null."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if isinstance(value, list | dict):
        return _json.dumps(_without_nan(value), ensure_ascii=False, default=str)
    return value


def _terminal_cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = printable(str(_plain_cell(value)).replace("\n", "⏎").replace("\t", "⇥"))
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return value
