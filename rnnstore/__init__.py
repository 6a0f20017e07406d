"""rnnstore: a store of hidden states in Parquet, and the questions that are asked of it.

>>> import rnnstore
>>> store = rnnstore.open("store")
>>> store.sql("select model, steps from models")  # doctest: +SKIP
"""

from rnnstore.card import Metric, State, Track
from rnnstore.chunks import Predictions
from rnnstore.errors import (
    Busy,
    DamagedModel,
    DiskFull,
    QuestionError,
    StoreError,
    UnknownModel,
    UnknownName,
)
from rnnstore.matching import Matches, match
from rnnstore.model import Model
from rnnstore.recorder import Recorder
from rnnstore.search import Hits, search
from rnnstore.selection import SelectedUnits, Selection, select, units_on
from rnnstore.store import Problem, Store, fingerprint, open
from rnnstore.writing import ModelWriter

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
