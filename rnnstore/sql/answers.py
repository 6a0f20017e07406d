"""The answer to a query with all that was cut of it, or a sentence why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rnnstore.errors import QuestionError, suggest
from rnnstore.sql.limits import MEGABYTE, Limits
from rnnstore.store.folder import Store
from rnnstore.store.sql_errors import QueryError, query_error


class Stopped(QuestionError):
    """A query that took more than it may, or that was cancelled."""


class Crowded(QuestionError):
    """More people ask at once than can be answered."""


class Changed(QueryError):
    """A query that read a file which is no longer there."""


@dataclass(frozen=True)
class Answer:
    """`table`, all of the answer or its beginning; `cut` is "rows" or "bytes" where it is the beginning, else empty.

    `seconds` is what the query itself took. `hint` is a sentence about an empty answer, where a name looks misspelt.
    """

    query: str
    table: pa.Table
    cut: str
    seconds: float
    limits: Limits
    hint: str = ""

    @property
    def summary(self) -> str:
        """How many rows there are, and what was cut."""
        rows = f"{self.table.num_rows:,} row{'' if self.table.num_rows == 1 else 's'}"
        if self.cut == "rows":
            return f"The first {rows}; there are more. Only so many are shown: ask for fewer, or for sums of them."
        if self.cut == "bytes":
            return (
                f"The first {rows}; there are more. They fill the {self.limits.bytes // MEGABYTE} MB that an answer "
                "may have: ask for fewer columns."
            )
        return f"{rows}."


def as_error(header: dict[str, Any], query: str, limits: Limits) -> QuestionError | None:
    """The error that a worker's message is, or None."""
    if "statements" in header:
        many = header["statements"]
        if not many:
            return QueryError('The query is empty; ask for something, for example "select model, steps from models".')
        return QueryError(f"These are {many} queries; ask one at a time (a semicolon ends a query).")
    if "kind" in header:
        kind = str(header["kind"]).lower().replace("_", " ")
        return QueryError(
            f"The query was refused: it would {kind}; here one asks: select, from, with, describe, summarize, pivot or "
            "explain. The store cannot be changed by SQL."
        )
    if "error" in header:
        message, after = str(header["error"].get("message", "")), str(header["error"].get("after", ""))
        if message.startswith("Out of Memory") or '"Out of Memory"' in message[:200]:
            return out_of_memory(limits)
        if "Error reading file" in message or message.startswith(("FileNotFoundError", "OSError")):
            return Changed("A file of the store changed while it was being read; ask again.")
        return query_error(message, query, after)
    return None


def out_of_memory(limits: Limits) -> Stopped:
    return Stopped(
        f"The query was stopped: it needs more than the {limits.memory / 1e9:g} GB of memory that it may take. Ask for "
        "fewer rows, fewer units, or one model."
    )


def out_of_time(limits: Limits) -> Stopped:
    return Stopped(
        f"The query was stopped after {limits.seconds:g} seconds, the most that it may take. Ask for fewer rows, fewer "
        "units, or one model."
    )


def hint(store: Store, query: str) -> str:
    """Why an answer may be empty: a name in the query that the store does not have, and is near one that it has."""
    known: dict[str, str] = {name: "model" for name in store.models}
    for model in store.models.values():
        known |= {name: "state" for name in model.states} | {name: "track" for name in model.tracks}
    for text in re.findall(r"'([^'\n]{2,80})'", query):
        if text in known:
            continue
        if (near := suggest(text, known)).startswith("did you mean"):
            return (
                f"The store has no {known[near.removeprefix('did you mean ').split(' or ')[0].rstrip('?')]} "
                f"{text!r}: {near}"
            )
    if "threshold" in query or re.search(r"\b(units_on|runs_of|matches|words_of)\s*\(", query):
        levels = sorted({each for m in store.models.values() for s in m.states.values() for each in s.thresholds})
        if levels:
            return f"Runs are recorded at the thresholds {', '.join(f'{level:g}' for level in levels)}."
    return ""
