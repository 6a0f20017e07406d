"""rnnstore: a store of hidden states in Parquet, and the questions that are asked of it.

>>> import rnnstore
>>> store = rnnstore.open("store")
>>> store.sql("select model, steps from models")  # doctest: +SKIP
>>> rnnstore.memory.curves(store.model("my-model"), "layer1.c")  # doctest: +SKIP

Every analysis is a module of this package with a few public names, `rnnstore.pictures` draws their answers, and
`rnnstore.networks` reads text with a trained network; they are imported when they are first named. A model leads on to
them: `store.model("my-model").memory.curves("layer1.c")`.
"""

from importlib import import_module
from types import ModuleType

from rnnstore.errors import (
    Busy,
    DamagedModel,
    DiskFull,
    QuestionError,
    ReadOnly,
    StoreError,
    UnknownModel,
    UnknownName,
)
from rnnstore.matching.matches import Matches, match
from rnnstore.matching.selection import SelectedUnits, Selection, select, units_on
from rnnstore.matching.text_search import Hits, search
from rnnstore.registry import FRAMEWORKS, faces
from rnnstore.store.card import Metric, State, Track
from rnnstore.store.chunks import Predictions
from rnnstore.store.folder import Problem, Store, fingerprint, open
from rnnstore.store.model import Model
from rnnstore.store.recorder import Recorder
from rnnstore.store.writing import ModelWriter

__all__ = [
    "Busy",
    "DamagedModel",
    "DiskFull",
    "Hits",
    "Matches",
    "Metric",
    "Model",
    "ModelWriter",
    "Predictions",
    "Problem",
    "QuestionError",
    "ReadOnly",
    "Recorder",
    "SelectedUnits",
    "Selection",
    "State",
    "Store",
    "StoreError",
    "Track",
    "UnknownModel",
    "UnknownName",
    "fingerprint",
    "match",
    "open",
    "search",
    "select",
    "units_on",
]


def __getattr__(name: str) -> ModuleType:
    if name not in {*faces(), *FRAMEWORKS}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted([*__all__, *faces(), *FRAMEWORKS])
