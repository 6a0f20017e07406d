"""What DuckDB refuses, as a sentence: what is wrong, where in the query, and the nearest names that there are.

DuckDB says what it knows as JSON where `errors_as_json` is set; that is read here and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rnnstore.errors import QuestionError, suggest
from rnnstore.store.macros import MACROS
from rnnstore.store.tables import MODELS, TABLES


class QueryError(QuestionError):
    """A query that cannot be answered; `line` and `column` count from 1 and are 0 where no place is known."""

    def __init__(self, sentence: str, line: int = 0, column: int = 0) -> None:
        super().__init__(sentence)
        self.line, self.column = line, column


def query_error(message: str, query: str, after: str = "") -> QueryError:
    """The sentence for an error of DuckDB: `message` is its text, with JSON or without; the query was asked `after`."""
    facts = _facts(message)
    line, column = _place(query, facts.get("position"), len(after))
    where = f" (line {line}, column {column})" if line else ""
    return QueryError(f"The query was refused: {_sentence(facts, where)}", line, column)


def marked(query: str, line: int, column: int) -> str:
    """The line of the query that an error means, with a mark below its column; at most 100 characters around it."""
    lines = query.splitlines()
    if not 1 <= line <= len(lines):
        return ""
    text = lines[line - 1].replace("\t", " ")
    first = max(0, column - 70)
    before = "… " if first else ""
    return f"{before}{text[first : first + 100]}\n{' ' * (len(before) + column - 1 - first)}^"


def _facts(text: str) -> Mapping[str, Any]:
    start = text.find("{")
    if start >= 0:
        try:
            facts = json.loads(text[start:])
            if isinstance(facts, dict) and isinstance(facts.get("exception_message"), str):
                return facts
        except ValueError:
            pass
    kind, _, message = text.partition(": ")
    return {"exception_type": kind.removesuffix(" Error"), "exception_message": message or text}


def _place(query: str, position: Any, skipped: int) -> tuple[int, int]:
    """Line and column of an offset that counts bytes of UTF-8; (0, 0) where there is none."""
    if not str(position).isdecimal() or int(position) < skipped:
        return 0, 0
    before = query.encode("utf-8", "replace")[: int(position) - skipped].decode("utf-8", "ignore")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _sentence(facts: Mapping[str, Any], where: str) -> str:
    kind, message = str(facts.get("exception_type", "")), facts["exception_message"]
    name, subtype = str(facts.get("name", "")), facts.get("error_subtype")
    if kind == "Catalog" and subtype == "MISSING_ENTRY":
        return _missing(str(facts.get("type", "")), name, str(facts.get("candidates", "")), where)
    if subtype == "COLUMN_NOT_FOUND":
        return _no_column(name, str(facts.get("candidates", "")), where)
    if kind == "Permission" and "file system" in message:
        return f"files cannot be read or written here, only the tables of the store{where}."
    if kind == "Out of Memory":
        return "it needs more memory than a query may take; ask for fewer rows, columns or steps at once."
    if macro := re.match(r"Macro (\w+)\(\) does not support the supplied arguments", message):
        known = next((each for each in MACROS if each.name == macro[1]), None)
        return f"{macro[1]} takes other arguments{where}: {known.call if known else message.splitlines()[-1].strip()}."
    first = message.strip().split("\n\n")[0]
    lines = [line.strip() for line in first.splitlines() if line.strip()]
    if len(lines) > 1 and lines[1].startswith("Candidate functions"):
        lines = lines[:1]
    text = " ".join(lines)
    return f"{text[:1].lower() if text[1:2].islower() else text[:1]}{text[1:]}".rstrip(".") + f"{where}."


def _missing(kind: str, name: str, candidates: str, where: str) -> str:
    if kind == "Table":
        return f"there is no table {name!r}{where}; {suggest(name, [MODELS.name, *TABLES])}"
    if kind == "Table Function":
        return f"there is no macro {name!r}{where}; {suggest(name, [macro.name for macro in MACROS if macro.columns])}"
    suggestion = f"; did you mean {' or '.join(candidates.split(',')[:3])}?" if candidates else "."
    return f"there is no {kind.lower() or 'thing'} {name!r}{where}{suggestion}"


def _no_column(name: str, candidates: str, where: str) -> str:
    column = name.split(".")[-1]
    elsewhere = [table.name for table in (MODELS, *TABLES.values()) if column in [each.name for each in table.columns]]
    if re.fullmatch(r"u\d+", column):
        elsewhere.append("states, where the state has so many units")
    missing = f"what is asked has no column {name!r}{where}"
    if elsewhere:
        return f"{missing}; {_listed(elsewhere)} {'has' if len(elsewhere) == 1 else 'have'} one."
    named = [each.strip() for each in candidates.split(",") if each.strip()]
    return f"{missing}; {suggest(column, named)}" if named else f"{missing}."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
