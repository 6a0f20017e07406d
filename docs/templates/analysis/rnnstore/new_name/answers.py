"""What the analysis computes: numbers of a recorded state, as a table. Nothing here draws."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

BLOCK = 65_536
"""Steps read at a time, so that memory does not grow with the recording."""


def unit_means(model: Model, state: str) -> pa.Table:
    """The mean of every unit of a state over all recorded steps: columns unit, mean.

    When to use the measure, and what it cannot say, stands here. Raises `UnknownName` for a state that the model does
    not have, `QuestionError` for a model without steps.

    >>> unit_means(model, "layer1.c")  # doctest: +SKIP
    """
    units = model.state(state).units
    if not model.steps:
        raise QuestionError(f"{model.name!r} has no recorded steps, so its units have no means.")
    total = np.zeros(units)
    for start in range(0, model.steps, BLOCK):
        values = model.vectors(state, start, min(start + BLOCK, model.steps))  # float[steps, units]
        total += values.sum(axis=0, dtype=np.float64)
    return pa.table({"unit": np.arange(units), "mean": total / model.steps})
