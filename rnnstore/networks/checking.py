"""Whether a network is the one that was recorded: recorded steps taken anew by it, from the recorded states before.

A network that was carried over from elsewhere raises no error where its gates stand in another order, a bias is missing
or its states began elsewhere; it gives other numbers. So a sample of the recording is compared state by state, a step
at a time, and the loss of each step with the recorded one. Where they differ, known mistakes are tried
(`rnnstore.networks.mistakes`), and the one under which the numbers agree is named. What was found stands beside the
network, and a network that is another one is not asked (`rnnstore.networks.agreement`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnnstore.errors import MissingNetwork
from rnnstore.networks.agreement import FILE, Agreement, text_of
from rnnstore.networks.arrays import NUMPY
from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.facts import read_facts
from rnnstore.networks.mistakes import LayerSteps, mistake_in_layer, mistake_in_output
from rnnstore.networks.recorded import network_ids
from rnnstore.networks.saved import SavedNetwork
from rnnstore.store.folder import Store
from rnnstore.store.model import Model
from rnnstore.store.writing import ModelWriter

SPAN = 300
"""Steps that are compared at the beginning, in the middle and at the end of a recording."""

TOLERANCES = {"float16": (0.02, 0.002), "float32": (0.002, 0.0002)}
"""How far a state may be from the recorded one, at most and on average, in parts of its largest recorded value."""

LOSS = 0.02
"""How far losses may be from the recorded ones on average, in nats and again in parts of the recorded loss."""


def network_agreement(model: Model) -> Agreement:
    """How far the network in a model's folder is from what was recorded of the model.

    `MissingNetwork` where there is none; `StoreError` where its words are not those of the recording.
    """
    files = [model.folder / "network" / name for name in ("network.json", "weights.npz")]
    if not all(file.is_file() for file in files):
        raise MissingNetwork(f"There is no network in the folder of {model.name!r} to compare with its recording.")
    return agreement(model, SavedNetwork(model.name, read_facts(files[0]), files[1]))


def keep_agreement(writer: ModelWriter) -> Agreement:
    """Compare the network that is being written with the recording, and put what was found beside it."""
    found = network_agreement(Store(writer.store).model(writer.name))
    (writer.folder("network") / FILE).write_text(text_of(found), encoding="utf-8")
    writer.describe(settings={**writer.card.settings, "network": str(found)})
    return found


def agreement(model: Model, network: CellNetwork) -> Agreement:
    """How far a network is from what was recorded of the model; `StoreError` where words of the two do not fit."""
    steps, starts, following = _sample(model)
    for name, width in network.widths.items():
        if name in model.states and model.states[name].units != width:
            units = f"{name} has {model.states[name].units:,} units in the recording and {width:,} in the network."
            return Agreement(0, name, 0, 0, float("inf"), float("inf"), None, None, False, units)
    recorded = {name: _values(model, name, steps) for name in network.widths if name in model.states}
    if not recorded:
        return Agreement(0, "", 0, 0, 0.0, 0.0, None, None, True)
    ids = network_ids(model, network)[model.word_ids()[steps]]
    earlier = {name: _values(model, name, np.maximum(steps - 1, 0)) for name in network.states if name in model.states}
    for values in earlier.values():
        values[starts] = 0
    worst = ("", 0, 0, 0.0, 0.0)
    agrees, likely = True, ""
    x: np.ndarray | None = network.embed(ids)
    for number, (layer, cell) in enumerate(zip(network.layers, network.cells, strict=True), 1):
        before = {name: earlier.get(f"{layer}.{name}") for name in cell.states}
        known = {name: recorded[f"{layer}.{name}"] for name in cell.widths if f"{layer}.{name}" in recorded}
        if not known or any(values is None for values in before.values()):
            x = known.get("h")
        elif x is not None:
            weights = network.layer_weights(number)
            taken = LayerSteps(cell, weights, x, {n: v for n, v in before.items() if v is not None}, known, starts)
            apart = taken.apart(NUMPY, weights)
            allowed = _tolerance(model, layer, known)
            name = max(apart, key=lambda each: apart[each][0])
            difference, average, row, unit = apart[name]
            if difference > worst[3] or not worst[0]:
                worst = (f"{layer}.{name}", int(steps[row]), unit, difference, average)
            averages = max(each[1] for each in apart.values())
            if difference > allowed[0] or averages > allowed[1]:
                if agrees:
                    after = {f"{n}": _values(model, f"{layer}.{n}", following) for n in cell.states}
                    others = {
                        other: network.layer_weights(place)
                        for place, other in enumerate(network.layers, 1)
                        if place != number and network.cells[place - 1].shapes() == cell.shapes()
                    }
                    embedded = network if number == 1 else None
                    likely = mistake_in_layer(taken, layer, allowed, after, others, embedded, ids)
                agrees = False
            x = known.get("h")
    losses = _losses(model, network, steps, recorded)
    if losses is not None and agrees and abs(losses[2]) > LOSS * (1 + losses[1]):
        agrees, likely = False, mistake_in_output(network, recorded[network.head][losses[3]], losses[4], losses[5])
    own, expected = (None, None) if losses is None else losses[:2]
    return Agreement(len(steps), *worst, own, expected, agrees, likely)


def _sample(model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(steps, whether a sequence starts there, the steps behind them or themselves) that are compared."""
    last = max(0, model.steps - SPAN)
    spans = [np.arange(first, min(first + SPAN, model.steps)) for first in (0, last // 2, last)]
    steps = np.unique(np.concatenate(spans))
    starts = np.isin(steps, model.sequence_starts)
    following = np.minimum(steps + 1, model.steps - 1)
    return steps, starts, np.where(np.isin(following, model.sequence_starts), -1, following)


def _values(model: Model, name: str, steps: np.ndarray) -> np.ndarray:
    """float32[n, units] of a state; zeros for the step -1."""
    found = model.vectors_at(name, np.maximum(steps, 0)).astype(np.float32)
    found[steps < 0] = 0
    return found


def _tolerance(model: Model, layer: str, known: Mapping[str, np.ndarray]) -> tuple[float, float]:
    kind = next(model.states[f"{layer}.{name}"].dtype for name in known)
    return TOLERANCES[kind]


def _losses(
    model: Model, network: CellNetwork, steps: np.ndarray, recorded: Mapping[str, np.ndarray]
) -> tuple[float, float, float, np.ndarray, np.ndarray, np.ndarray] | None:
    """The network's mean loss, the recorded one, the mean of their difference, and rows, targets and recorded
    losses."""
    if "scores" not in network.can or not model.has_predictions or network.head not in recorded:
        return None
    rows, targets, losses = [], [], []
    number_of = {word: number for number, word in enumerate(network.outputs)}
    bounds = np.flatnonzero(np.diff(steps) > 1) + 1
    for some in np.split(np.arange(len(steps)), bounds):
        found = model.predictions(int(steps[some[0]]), int(steps[some[-1]]) + 1).to_pandas()
        found = found[(found["rank"] == 1) & found["loss"].notna()]
        known = found["target"].map(number_of)
        rows.append(some[found["t"].to_numpy()[known.notna()] - steps[some[0]]])
        targets.append(known.dropna().to_numpy().astype(np.int64))
        losses.append(found["loss"][known.notna()].to_numpy())
    row, target, loss = np.concatenate(rows), np.concatenate(targets), np.concatenate(losses).astype(np.float64)
    if not len(row):
        return None
    own = -np.log(np.maximum(network.standing(recorded[network.head][row], target)[1], 1e-30))
    return float(own.mean()), float(loss.mean()), float(np.abs(own - loss).mean()), row, target, loss
