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
from rnnstore.model import Model
from rnnstore.recorder import Recorder
from rnnstore.store import Problem, Store, fingerprint, open
from rnnstore.writing import ModelWriter

__all__ = [
    "Busy",
    "DamagedModel",
    "DiskFull",
    "Metric",
    "Model",
    "ModelWriter",
    "Predictions",
    "Problem",
    "QuestionError",
    "Recorder",
    "State",
    "Store",
    "StoreError",
    "Track",
    "UnknownModel",
    "UnknownName",
    "fingerprint",
    "open",
]
