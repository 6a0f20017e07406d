"""Tables as text that a spreadsheet or a shell can read."""

from __future__ import annotations

import csv as _csv
import io
import json
from typing import Any

import pyarrow as pa


def csv(table: pa.Table) -> bytes:
    """`table` as CSV in UTF-8 with a heading; a list of texts is joined by `; `, other nested values are JSON."""
    text = io.StringIO()
    writer = _csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [batch.column(place).to_pylist() for place in range(batch.num_columns)]
        writer.writerows([plain(value) for value in row] for row in zip(*columns, strict=True))
    return text.getvalue().encode()


def plain(value: Any) -> Any:
    """One value as a single text or number, empty for null."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value
