"""A reading: what a network did at every step of a sentence or of a recorded stretch, ready to be looked at.

Typed or recorded, the two look alike from here on, so every view of a sentence takes either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, StoreError
from rnnstore.networks.gates import gate_of, keeping_gates
from rnnstore.store.model import Model

_OF_A_LAYER = re.compile(r"(.*\.)?layer\d+\..*")


@dataclass(frozen=True)
class Reading:
    """Steps of a text with the series of a network at each; `n` steps.

    words        as the network read them
    typed        as the person wrote them: differs where a word is unknown or was changed; empty for an added word
    unknown      bool[n]: the vocabulary does not have what was typed
    starts       bool[n]: a sequence starts here, the state before it is zero
    states       name -> float32[n, units]
    gates        name -> float32[n, units]
    before       name -> float32[units], a state before the first step; zero where a sequence starts there
    keeping      state -> the gate that says how much of it is kept from the step before, where it is among `gates`
    predictions  t (0 is the first step), rank, word_id, word, probability, target, target_probability, loss, as the
                 store's table; None where none were recorded. A classifier's words are its labels, its targets null
    source       "typed", or which steps of which corpus
    notes        sentences about what is not as one might think
    classifier   whether the predictions are labels of the text, not what comes next
    """

    words: list[str]
    typed: list[str]
    unknown: np.ndarray
    starts: np.ndarray
    states: dict[str, np.ndarray]
    gates: dict[str, np.ndarray]
    before: dict[str, np.ndarray]
    predictions: pa.Table | None
    source: str
    notes: list[str] = field(default_factory=list)
    classifier: bool = False
    keeping: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.words)


def recorded_reading(model: Model, start: int, stop: int) -> Reading:
    """Steps start..stop-1 of a model's recording; what was not recorded is not in it."""
    if stop <= start:
        raise QuestionError(f"Steps {start:,} to {stop:,} are no stretch; the end must lie behind the start.")
    rows = model.words(start, stop)
    words, starts = rows["word"].to_pylist(), rows["position"].to_numpy() == 0
    series = {name: model.vectors(name, start, stop).astype(np.float32) for name in model.states}
    gates = {name for name in series if _OF_A_LAYER.fullmatch(name) and gate_of(name, model.card.cell)}
    before, notes = {}, []
    for name in series:
        if name not in gates:
            alone = start == 0 or starts[0]
            before[name] = (
                np.zeros(series[name].shape[1], np.float32)
                if alone
                else model.vectors(name, start - 1, start)[0].astype(np.float32)
            )
    skipped = model.card.settings.get("record", {}).get("start", 0) if start == 0 else 0
    if skipped:
        notes.append("The recording begins inside its text: the state before its first step is shown as zero.")
    predictions = None
    if model.has_predictions:
        found = model.predictions(start, stop)
        t = pa.array(found["t"].to_numpy() - start)
        predictions = found.set_column(found.schema.get_field_index("t"), "t", t)
    corpus = model.card.recorded or model.card.corpus or model.name
    return Reading(
        words=words,
        typed=list(words),
        unknown=np.array([word == _unknown_word(model) for word in words], bool),
        starts=starts,
        states={name: values for name, values in series.items() if name not in gates},
        gates={name: values for name, values in series.items() if name in gates},
        before=before,
        predictions=predictions,
        source=f"steps {start:,} to {stop - 1:,} of {corpus}",
        notes=notes,
        classifier=model.card.task == "classifier",
        keeping=keeping_gates(gates, model.card.cell),
    )


def _unknown_word(model: Model) -> str | None:
    """The vocabulary's word for all unknown ones, where the model's network says which it is."""
    from rnnstore.networks.network import network

    try:
        how = network(model).tokenisation
    except StoreError:
        return None
    return how.unknown if how else None
