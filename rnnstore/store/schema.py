"""What a table is described by. The tables themselves stand in `tables`; everything that deals with one asks its entry.

An entry says everything about a table: columns with meaning and bounds, order of the rows, lifetime, who makes it,
whether a model can do without it, how a damaged one is repaired, and what shows it. A fact that is missing or does not
fit the others is an error when the module is imported.
"""

from __future__ import annotations

import string
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum

import pyarrow as pa

Bounds = tuple[float, float]

ANY: Bounds = (-float("inf"), float("inf"))
"""Bounds of a column that may hold any number, or none."""


class Lifetime(StrEnum):
    """What makes a table come and go."""

    RECORDING = "of the recording, replaced by the next one"
    DERIVED = "derived from the recording, gone with the next one"
    TRAINING = "grows with a training; recordings leave it alone"
    BATCHES = "grows with the batches that a training records; recordings leave it alone"


class Repair(StrEnum):
    """How a damaged table is repaired, where a table says nothing more special.

    `{again}` is the advice to record the model again, `{drop}` the command that leaves damaged tables out, `{model}`
    and `{folder}` are the model and the table's folder (a state) as they are typed.
    """

    AGAIN = "{again}"
    AGAIN_OR_DROP = "{again} Or only leave the table out: {drop}."
    DROP = "Leave the table out: {drop}; all else of the model stays."


@dataclass(frozen=True)
class Column:
    """A column: its name, its Arrow type, one sentence about it, and the smallest and largest value where it holds a
    number. A column that may hold any number says `ANY`; nulls are not checked."""

    name: str
    type: pa.DataType
    meaning: str
    bounds: Bounds | None = None

    def __post_init__(self) -> None:
        is_number = pa.types.is_integer(self.type) or pa.types.is_floating(self.type)
        if is_number and self.bounds is None:
            raise TypeError(f"Column {self.name} holds numbers: give its bounds, or ANY.")
        if not is_number and self.bounds is not None:
            raise TypeError(f"Column {self.name} holds no numbers, so it has no bounds.")


@dataclass(frozen=True)
class View:
    """What SQL shows under a name: its name, what one row is, its columns.

    `folder` names the column that is a folder (`state=<state>`), or is empty; `wide` says that columns `u0`..`u{D-1}`
    follow, one for each unit.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    _: KW_ONLY
    folder: str = ""
    wide: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names) or (self.folder and self.folder not in names):
            raise TypeError(f"{self.name} has a column twice, or none called {self.folder!r} like its folders.")

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of one file: the columns without the folder's."""
        return pa.schema([(c.name, c.type) for c in self.columns if c.name != self.folder])


@dataclass(frozen=True)
class Table(View):
    """A table of Parquet files, one folder of a model's; SQL shows those of all models as one view.

    `order` are the columns by which its rows ascend (the first of them never falls), none where no order is promised.
    `maker` says who writes it. `droppable`: a model can be read without it, and a damaged one is dropped alone.
    `repair` is one of `Repair` or a text with the same names in braces. `shown_by` is the function or method that reads
    it, from `rnnstore` on.
    """

    _: KW_ONLY
    order: tuple[str, ...]
    lifetime: Lifetime
    maker: str
    droppable: bool
    repair: str
    shown_by: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not set(self.order) <= {column.name for column in self.columns}:
            raise TypeError(f"{self.name} is ordered by {', '.join(self.order)}, which are not all columns of it.")
        if not self.maker or not self.shown_by.startswith("rnnstore."):
            raise TypeError(f"{self.name} does not say who makes it, or what of rnnstore shows it.")
        used = {name for _, name, _, _ in string.Formatter().parse(self.repair) if name is not None}
        if not self.repair or not used <= {"again", "drop", "model", "folder"}:
            raise TypeError(f"{self.name} does not say how it is repaired: {self.repair!r}")
        if self.droppable != ("drop" in used):
            raise TypeError(f"{self.name} can be dropped alone, or not: its repair must offer the same.")
        if self.grows and self.order[:1] != ("step",):
            raise TypeError(f"{self.name} grows while training, so its rows ascend by step.")
        if not self.droppable and self.lifetime is not Lifetime.RECORDING:
            raise TypeError(f"{self.name} is not of the recording, so a model can be read without it.")

    @property
    def grows(self) -> bool:
        """Whether it grows while a training runs."""
        return self.lifetime in (Lifetime.TRAINING, Lifetime.BATCHES)

    @property
    def by_step(self) -> bool:
        """Whether its blocks are ranges of the recorded steps, so that together they hold every step once."""
        return self.lifetime is Lifetime.RECORDING and self.order[:1] == ("t",)

    @property
    def bounds(self) -> dict[str, Bounds]:
        """The bounds of the columns in its files that have some."""
        return {c.name: c.bounds for c in self.columns if c.bounds is not None and c.bounds != ANY}


def described(views: list[View]) -> str:
    """The page about the tables, in Markdown, for `docs/tables.md`."""
    lines = [
        "# The store's tables",
        "",
        "Generated from `rnnstore/store/tables.py`. Every view has the column `model` besides those listed.",
    ]
    for view in views:
        lines += ["", f"## {view.name}", "", f"One row is {view.row}.", ""]
        if isinstance(view, Table):
            lines += [f"Made by {view.maker}; {view.lifetime}. Read by `{view.shown_by.removeprefix('rnnstore.')}`."]
            lines[-1] += f" Rows ascend by {', '.join(f'`{name}`' for name in view.order)}." if view.order else ""
            lines += [""]
        lines += ["| column | type | meaning |", "| --- | --- | --- |"]
        for column in view.columns:
            where = " (a folder's name)" if column.name == view.folder else ""
            lines.append(f"| `{column.name}` | {plain_type(column.type)} | {column.meaning}{where} |")
        if view.wide:
            lines.append("| `u0` .. `u{D-1}` | half-precision (or float) | value of each of the D units |")
    return "\n".join(lines) + "\n"


def plain_type(type_: pa.DataType) -> str:
    """A column's type as the page about the tables names it."""
    if pa.types.is_dictionary(type_) or pa.types.is_string(type_):
        return "text"
    if pa.types.is_list(type_):
        return f"list of {plain_type(type_.value_type)}"
    if pa.types.is_struct(type_):
        return "record of " + ", ".join(field.name for field in type_)
    return {"double": "float64", "float": "float32"}.get(str(type_), str(type_))
