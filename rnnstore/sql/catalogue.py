"""What can be asked, for the person who types: tables and macros with their columns and what these mean."""

from __future__ import annotations

from dataclasses import dataclass

from rnnstore.store.folder import Store
from rnnstore.store.macros import MACROS
from rnnstore.store.tables import MODELS, TABLES


@dataclass(frozen=True)
class Entry:
    """A table or macro: what to write for it, what it means, its columns with their meaning, and whether the store has
    rows of it (of a macro: True)."""

    name: str
    written: str
    meaning: str
    columns: tuple[tuple[str, str], ...]
    filled: bool


def tables(store: Store) -> list[Entry]:
    """The tables, those without a row in this store last."""
    there = {key.partition("/")[0] for model in store.models.values() for key in model.card.files}
    widest = max((state.units for model in store.models.values() for state in model.states.values()), default=0)
    found = []
    for table in (MODELS, *TABLES.values()):
        columns = [(column.name, column.meaning) for column in table.columns]
        if table is not MODELS:
            columns = [("model", "name of the model"), *columns]
        if table.wide:
            columns += [("u0", "value of unit 0"), (f"u{max(0, widest - 1)}", "and so on: one column a unit")]
        filled = table.name in there or (table is MODELS and bool(store.models))
        found.append(Entry(table.name, table.name, f"one row is {table.row}", tuple(columns), filled))
    return sorted(found, key=lambda entry: not entry.filled)


def macros() -> list[Entry]:
    """The macros."""
    return [Entry(macro.name, macro.call, macro.meaning, macro.columns, True) for macro in MACROS]
