"""How a command writes an answer: as a table for the terminal, CSV or JSON."""

from __future__ import annotations

import enum
import sys
from typing import Annotated

import pyarrow as pa
import typer

from rnnstore import export


class Format(enum.StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


AnswerFormat = Annotated[Format, typer.Option("--format", help="How to write the answer.")]


def write(table: pa.Table, format: Format) -> None:
    """Write an answer to stdout."""
    if format is Format.table:
        print(export.aligned_text(table))
    else:
        sys.stdout.write((export.csv(table) if format is Format.csv else export.json(table)).decode())
