"""What the cell of a recording says of its series: which of them are gates, and which gate keeps which state.

A recording knows its cell by name (`card.cell`, several with ` + ` between). Where that is no registered cell, as with
recordings made elsewhere, a series counts as a gate by the letter that the registered cells have for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from rnnstore.networks.cells import CELLS, Cell, Gate

_NAME = re.compile(r"(?P<layer>.*\.)?(?P<letter>\D+?)(?P<level>\d*)")


def cells_named(cell: str) -> list[type[Cell]]:
    """The registered cells that a card names; none for one made elsewhere."""
    return [CELLS[kind] for kind in cell.split(" + ") if kind in CELLS]


def cell_label(cell: str) -> str:
    """A card's cell as pages write it, such as LSTM; as it stands there where it is not registered."""
    return " + ".join(CELLS[kind].label if kind in CELLS else kind for kind in cell.split(" + "))


def without_gates(cell: str) -> bool:
    """Whether the cell of a card is known, and known to have no gates."""
    found = cells_named(cell)
    return bool(found) and not any(each(1, 1).gates for each in found)


def gate_of(series: str, cell: str = "") -> Gate | None:
    """The gate that a recorded series is by its name, such as `layer1.f` or `layer2.i2`; None where it is none.

    `cell` is that of the card. A level's number is that of the gate's label and of the state that it keeps.
    """
    parts = _NAME.fullmatch(series)
    if parts is None:
        return None
    letter, level = parts["letter"], parts["level"]
    known = [gate for each in cells_named(cell) or CELLS.values() for gate in each(1, 1).gates.values()]
    found = [gate for gate in known if gate.letter == letter]
    if not found:
        return None
    gate = min(found, key=lambda each: (each.activation != "sigmoid", each.name != letter + level))
    keeps = gate.keeps and gate.keeps.rstrip("0123456789") + level
    return replace(gate, name=letter + level, label=f"{gate.label} {level}".strip(), keeps=keeps)


def keeping_gates(series: Iterable[str], cell: str = "") -> dict[str, str]:
    """The gate that says how much of a state is kept, by state: `layer1.f` for `layer1.c` of an LSTM."""
    kept = {}
    for name in series:
        if (gate := gate_of(name, cell)) and gate.keeps:
            kept[name.removesuffix(gate.name) + gate.keeps] = name
    return kept
