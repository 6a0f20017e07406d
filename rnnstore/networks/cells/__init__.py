"""Recurrent cells, a file each. A class with a `kind` is registered when its module is imported.

Those of this folder are found by themselves. A cell made elsewhere is registered in the same way, by importing its
module; programs that are started for it (the application, `python -m pipelines`) import the modules that the
environment variable `RNNSTORE_CELLS` names (`my_package.my_cell`, several with commas between), and those that
installed packages name as entry points of the group `rnnstore.cells`.
"""

from __future__ import annotations

import os
import pkgutil
from importlib import import_module
from importlib.metadata import entry_points

from rnnstore.networks.cells.base import (
    CELLS,
    Cell,
    Gate,
    Options,
    build,
    gates_side_by_side,
    known_kind,
    unedited,
)

__all__ = ["CELLS", "Cell", "Gate", "Options", "build", "gates_side_by_side", "known_kind", "unedited"]

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
for _name in filter(None, (name.strip() for name in os.environ.get("RNNSTORE_CELLS", "").split(","))):
    import_module(_name)
for _entry in entry_points(group="rnnstore.cells"):
    _entry.load()
