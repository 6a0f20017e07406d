"""A recording beside its network: stretches of it as readings, so that every view of a sentence takes either, and the
numbers that the network has for its words."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from rnnstore.errors import DamagedModel, QuestionError, StoreError
from rnnstore.networks.gates import gate_of, keeping_gates
from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.networks.reading import Reading
from rnnstore.store.model import Model

_OF_A_LAYER = re.compile(r"(.*\.)?layer\d+\..*")


def recorded_reading(model: Model, start: int, stop: int) -> Reading:
    """Steps start..stop-1 of a model's recording; what was not recorded is not in it."""
    if stop <= start:
        raise QuestionError(f"Steps {start:,} to {stop:,} are no span; its end must lie behind its start.")
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
    unknown, corpus = _unknown_word(model), model.card.recorded or model.card.corpus or model.name
    return Reading(
        words=words,
        typed=list(words),
        unknown=np.array([word == unknown for word in words], bool),
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
    try:
        how = open_network(model).tokenisation
    except StoreError:
        return None
    return how.unknown if how else None


def network_ids(model: Model, network: Network) -> np.ndarray:
    """int32[words of the recording]: the number that the network gives each; sentences where the two do not fit."""
    number_of = {word: number for number, word in enumerate(network.words)}
    words = model.vocabulary
    missing = [word for word in words if word and word not in number_of]
    if missing:
        raise DamagedModel(
            f"The recording of {model.name!r} has {len(missing):,} words that its network does not know, such as "
            f"{missing[0]!r}; the two do not belong together. Record the model again."
        )
    return np.array([number_of.get(word, -1) for word in words], np.int32)
