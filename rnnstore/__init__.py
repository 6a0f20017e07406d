"""rnnstore: a store of hidden states in Parquet, and the questions that are asked of it.

>>> import rnnstore
>>> store = rnnstore.open("store")
>>> store.sql("select model, steps from models")  # doctest: +SKIP
"""

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
