"""What the page "SQL" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.parts.shared.parameters import Parameters
from rnnstore.sql.charts import MARKS

LONGEST = 6_000
"""Characters of a query that an address keeps; a browser or a server in between cuts much longer ones."""


@dataclass(frozen=True)
class View:
    """The query; columns on the chart's axes and its mark, each empty where the page chooses."""

    query: str
    x: str
    y: str
    colour: str
    mark: str


def read(given: Mapping[str, str]) -> tuple[View, list[str]]:
    """What the address asks for, and sentences about what it names in vain."""
    asked = Parameters(given)
    mark = asked.one_of("mark", ("", *MARKS), "")
    return View(asked.text("query"), asked.text("x"), asked.text("y"), asked.text("colour"), mark), asked.sentences
