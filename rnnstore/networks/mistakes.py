"""Known mistakes of carrying a network over, tried on recorded steps: which of them explains the numbers.

Each mistake is what undoes it: gates put into another order, a bias added, a kernel transposed, another activation. The
one with which a layer takes its recorded steps within the tolerance is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, cast

import numpy as np

from rnnstore.networks.arrays import NUMPY, Namespace, NumPy
from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.cells import Cell, build

Apart = Mapping[str, tuple[float, float, int, int]]

KNOWN_ORDERS = {"igfo": ", as TensorFlow 1 has them", "iofg": ", as ONNX has them", "rzg": ", as PyTorch has them"}


@dataclass(frozen=True)
class LayerSteps:
    """Steps of one layer: what it read and held before each, and what was recorded after it; float32[n, width] each."""

    cell: Cell
    weights: Mapping[str, np.ndarray]
    x: np.ndarray
    before: Mapping[str, np.ndarray]
    recorded: Mapping[str, np.ndarray]
    starts: np.ndarray

    def taken(self, xp: Namespace, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every state and gate after the steps, with these weights and functions."""
        with np.errstate(all="ignore"):
            state, gates = self.cell.step(xp, weights, self.cell.project(weights, self.x), self.before)
        return {**state, **gates}

    def apart(self, xp: Namespace, weights: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float, int, int]]:
        """How far each recorded series is from that: (largest, mean) in parts of its largest value, row, unit."""
        found = self.taken(xp, weights)
        differences = {}
        for name, values in self.recorded.items():
            apart = np.abs(found[name] - values)
            apart[~np.isfinite(apart)] = np.inf
            row, unit = np.unravel_index(int(apart.argmax()), apart.shape)
            scale = max(float(np.abs(values).max()), 1e-3)
            differences[name] = (float(apart[row, unit]) / scale, float(apart.mean()) / scale, int(row), int(unit))
        return differences

    def of(self, rows: np.ndarray) -> LayerSteps:
        """Some of the steps."""
        return replace(
            self,
            x=self.x[rows],
            before={name: values[rows] for name, values in self.before.items()},
            recorded={name: values[rows] for name, values in self.recorded.items()},
            starts=self.starts[rows],
        )


def within(apart: Apart, allowed: tuple[float, float]) -> bool:
    """Whether all series are as close as is allowed, at most and on average."""
    return all(largest <= allowed[0] and mean <= allowed[1] for largest, mean, _, _ in apart.values())


def mistake_in_layer(
    steps: LayerSteps,
    layer: str,
    allowed: tuple[float, float],
    following: Mapping[str, np.ndarray],
    others: Mapping[str, Mapping[str, np.ndarray]],
    network: CellNetwork | None,
    ids: np.ndarray,
) -> str:
    """What is probably wrong with a layer, as a sentence; empty where no known mistake explains its steps.

    `following` are the states after the step behind each; `others` the weights of other layers of the same shapes;
    `network`, of the first layer, embeds other words than `ids`.
    """
    if (
        not steps.starts.all()
        and steps.starts.any()
        and within(steps.of(~steps.starts).apart(NUMPY, steps.weights), allowed)
    ):
        return f"{layer} agrees but where sequences start: they began from other states than zero."
    rows = np.linspace(0, len(steps.x) - 1, min(len(steps.x), 256)).astype(int)
    some = steps.of(rows)
    best: tuple[float, str] | None = None
    for sentence, each, xp, weights in _tried(
        some, {n: v[rows] for n, v in following.items()}, others, network, ids[rows]
    ):
        apart = each.apart(xp, weights)
        if within(apart, allowed):
            size = max(mean for _, mean, _, _ in apart.values())
            if best is None or size < best[0]:
                best = size, sentence
    if best is not None:
        return f"In {layer}, {best[1]}: with that undone the steps agree."
    offset = _of_biases(some, allowed)
    return f"In {layer}, {offset}." if offset else ""


Try = tuple[str, LayerSteps, Namespace, Mapping[str, np.ndarray]]


def _tried(
    steps: LayerSteps,
    following: Mapping[str, np.ndarray],
    others: Mapping[str, Mapping[str, np.ndarray]],
    network: CellNetwork | None,
    ids: np.ndarray,
) -> Iterator[Try]:
    weights, cell = steps.weights, steps.cell
    yield "the steps are read in the other direction", replace(steps, before=following), NUMPY, weights
    for name, own in others.items():
        yield f"the weights are those of {name}", steps, NUMPY, own
    if network is not None:
        yield from _of_embedding(steps, network, ids)
    for name, xp in _FUNCTIONS.items():
        yield name, steps, xp, weights
    yield from _of_shapes(steps)
    if cell.kind in ("lstm", "gru"):
        yield from _of_orders(steps)
    if cell.kind == "lstm":
        for share, sentence in (
            (1.0, "the forget bias of 1 is missing"),
            (-1.0, "the forget bias of 1 is added twice"),
        ):
            yield sentence, steps, NUMPY, {**weights, "bias": _with_forget_bias(weights["bias"], cell.units, share)}
    if cell.kind == "gru":
        yield from _of_reset(steps)
    if cell.kind == "vanilla":
        other = "relu" if cell.options.activation == "tanh" else "tanh"  # type: ignore[attr-defined]
        yield f"its activation is {other}", _as(steps, "vanilla", activation=other), NUMPY, weights


def _of_embedding(steps: LayerSteps, network: CellNetwork, ids: np.ndarray) -> Iterator[Try]:
    words = len(network.words)
    for shift in (1, -1):
        inside = np.flatnonzero((ids + shift >= 0) & (ids + shift < words))
        sentence = f"the rows of the embedding stand {'one too late' if shift > 0 else 'one too early'}"
        moved = replace(steps.of(inside), x=network.embed(ids[inside] + shift))
        yield sentence, moved, NUMPY, steps.weights
    root = float(np.sqrt(steps.x.shape[1]))
    for factor, said in ((root, "is multiplied by"), (1 / root, "is divided by")):
        sentence = f"the embedding {said} the root of its width where it was recorded"
        yield sentence, replace(steps, x=steps.x * np.float32(factor)), NUMPY, steps.weights


def _of_shapes(steps: LayerSteps) -> Iterator[Try]:
    weights, units = steps.weights, steps.cell.units
    for name, said in (("recurrent", "the recurrent kernel"), ("kernel", "the input kernel")):
        values = weights[name]
        if values.shape[0] == units:
            turned = {**weights, name: _each(values, units, np.transpose)}
            yield f"{said} is transposed", steps, NUMPY, turned
        reshaped = np.ascontiguousarray(values.reshape(values.shape[::-1]).T)
        yield f"{said} was given another shape instead of being transposed", steps, NUMPY, {**weights, name: reshaped}
    if weights["kernel"].shape == weights["recurrent"].shape:
        both = {**weights, "kernel": weights["recurrent"], "recurrent": weights["kernel"]}
        yield "the input kernel and the recurrent kernel are exchanged", steps, NUMPY, both
        turned = {name: _each(values, units, np.transpose) for name, values in both.items() if values.ndim == 2}
        yield "both kernels are transposed", steps, NUMPY, {**weights, **{n: turned[n] for n in turned}}
    if "bias_recurrent" in weights:
        both = {**weights, "bias": weights["bias_recurrent"], "bias_recurrent": weights["bias"]}
        yield "the two biases are exchanged", steps, NUMPY, both


def _of_orders(steps: LayerSteps) -> Iterator[Try]:
    gates = "".join(steps.cell.blocks["recurrent"])
    for order in permutations(range(len(gates))):
        if order == tuple(range(len(gates))):
            continue
        there = "".join(gates[order.index(place)] for place in range(len(gates)))
        spelt = f"{' '.join(there)} instead of {' '.join(gates)}{KNOWN_ORDERS.get(there, '')}"
        whole = {
            name: _blocks(values, steps.cell.units, order) for name, values in steps.weights.items() if _in_blocks(name)
        }
        yield f"the gates stand as {spelt}", steps, NUMPY, {**steps.weights, **whole}
        if there in KNOWN_ORDERS and steps.cell.kind == "lstm":
            changed = {**steps.weights, **whole}
            changed["bias"] = _with_forget_bias(changed["bias"], steps.cell.units, 1.0)
            yield f"the gates stand as {spelt}, and the forget bias of 1 is missing", steps, NUMPY, changed
            elsewhere = _with_forget_bias(steps.weights["bias"], steps.cell.units, -1.0)
            moved = _with_forget_bias(_blocks(elsewhere, steps.cell.units, order), steps.cell.units, 1.0)
            sentence = f"the gates stand as {spelt}, and the forget bias of 1 was added to another gate"
            yield sentence, steps, NUMPY, {**changed, "bias": moved}
        for name, said in _ARRAYS.items():
            if name in steps.weights:
                yield f"the gates of the {said} stand as {spelt}", steps, NUMPY, {**steps.weights, name: whole[name]}
        if steps.cell.kind == "gru":
            for sentence, each, xp, weights in _of_reset(replace(steps, weights={**steps.weights, **whole})):
                yield f"the gates stand as {spelt}, and {sentence}", each, xp, weights


def _of_reset(steps: LayerSteps) -> Iterator[Try]:
    weights, units = steps.weights, steps.cell.units
    z = {
        name: np.concatenate([-v[..., :units], v[..., units:]], axis=-1)
        for name, v in weights.items()
        if _in_blocks(name)
    }
    yield "the update gate keeps the new state instead of the old one", steps, NUMPY, {**weights, **z}
    if "bias_recurrent" in weights:
        before = {name: values for name, values in weights.items() if name != "bias_recurrent"}
        before["bias"] = weights["bias"] + weights["bias_recurrent"]
        yield "the reset gate acts before the product with the state", _as(steps, "gru", reset="before"), NUMPY, before
    else:
        after = {**weights, "bias_recurrent": np.zeros_like(weights["bias"])}
        yield "the reset gate acts after the product with the state", _as(steps, "gru", reset="after"), NUMPY, after


def _of_biases(steps: LayerSteps, allowed: tuple[float, float]) -> str:
    """What is wrong with the biases, where recorded gates show that the sums differ by the same at every step."""
    cell, offsets = steps.cell, {}
    found = steps.taken(NUMPY, steps.weights)
    for name, gate in cell.gates.items():
        if name not in steps.recorded or gate.activation not in ("sigmoid", "tanh"):
            return ""
        apart = _sums(steps.recorded[name], gate.activation) - _sums(found[name], gate.activation)
        if cell.kind == "gru" and name == "g" and "r" in steps.recorded and "bias_recurrent" in steps.weights:
            offsets[name], offsets["r g"] = _two(apart, steps.recorded["r"])
        else:
            offsets[name] = np.nanmedian(apart, axis=0)
    if cell.kind not in ("lstm", "gru") or not offsets or not all(np.isfinite(each).all() for each in offsets.values()):
        return ""
    order = cell.blocks["recurrent"]
    weights = {**steps.weights, "bias": steps.weights["bias"] + np.concatenate([offsets[gate] for gate in order])}
    if "r g" in offsets:
        units = cell.units
        second = weights["bias_recurrent"].copy()
        second[2 * units :] += offsets["r g"]
        weights["bias_recurrent"] = second
    apart_then = steps.apart(NUMPY, weights)
    if not within(apart_then, (max(allowed[0], 0.05), 2 * allowed[1])):
        return ""
    if "r g" in offsets and np.abs(offsets["g"] + offsets["r g"]).mean() < 0.1 * np.abs(offsets["g"]).mean():
        return "the two biases of the candidate were added up; the second one belongs inside the reset"
    size = max(float(np.abs(each).mean()) for each in offsets.values())
    return (
        "a bias is missing, given twice or another one: the gates' sums differ by the same at every step, "
        f"{size:.2g} on average"
    )


def _two(apart: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """apart = a + b r, for each unit: float32[units] each."""
    good = np.isfinite(apart)
    a, b = np.zeros(apart.shape[1], np.float32), np.zeros(apart.shape[1], np.float32)
    for unit in range(apart.shape[1]):
        rows = good[:, unit]
        known = np.stack([np.ones(int(rows.sum())), r[rows, unit]], axis=1)
        a[unit], b[unit] = np.linalg.lstsq(known, apart[rows, unit], rcond=None)[0]
    return a, b


def _sums(values: np.ndarray, activation: str) -> np.ndarray:
    """What a gate's activation was taken of; NaN where it is too near its bounds to tell."""
    if activation == "tanh":
        clear = np.abs(values) < 0.95
        return np.where(clear, np.arctanh(np.where(clear, values, 0)), np.nan)
    clear = np.abs(values - 0.5) < 0.45
    sure = np.where(clear, values, 0.5)
    return np.where(clear, np.log(sure / (1 - sure)), np.nan)


_ARRAYS = {"kernel": "input kernel", "recurrent": "recurrent kernel", "bias": "bias"}


def _in_blocks(name: str) -> bool:
    return name in (*_ARRAYS, "bias_recurrent")


def _blocks(values: np.ndarray, units: int, order: tuple[int, ...]) -> np.ndarray:
    return np.concatenate([values[..., block * units : (block + 1) * units] for block in order], axis=-1)


def _each(values: np.ndarray, units: int, turned: Any) -> np.ndarray:
    blocks = [values[:, first : first + units] for first in range(0, values.shape[1], units)]
    return np.concatenate([turned(block) for block in blocks], axis=1)


def _with_forget_bias(bias: np.ndarray, units: int, share: float) -> np.ndarray:
    changed = bias.copy()
    changed[units : 2 * units] += share
    return changed


def _as(steps: LayerSteps, kind: str, **options: Any) -> LayerSteps:
    return replace(steps, cell=build(kind, steps.cell.inputs, steps.cell.units, **options))


def _with_sigmoid(function: Any) -> Namespace:
    return cast(Namespace, type("Functions", (NumPy,), {"sigmoid": staticmethod(function)})())


_FUNCTIONS = {
    "the gates are hard_sigmoid as Keras 2 has it, clip(0.2 x + 0.5, 0, 1)": _with_sigmoid(
        lambda x: np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1)
    ),
    "the gates are hard_sigmoid as Keras 3 has it, clip(x / 6 + 0.5, 0, 1)": _with_sigmoid(
        lambda x: np.clip(x / np.float32(6) + np.float32(0.5), 0, 1)
    ),
}


def mistake_in_output(network: CellNetwork, hidden: np.ndarray, targets: np.ndarray, losses: np.ndarray) -> str:
    """What is probably wrong with the output layer; its states agree, and its losses float[n] do not."""
    kernel, bias = network.output_weights()

    def apart(scores: np.ndarray, at: np.ndarray) -> float:
        scores = scores.astype(np.float64)
        top = scores.max(axis=1)
        own = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(at)), at]
        return float(np.abs(own - losses).mean())

    scores, outputs = hidden @ kernel, kernel.shape[1]
    tried = {"the output layer's bias was not there when it was recorded": (scores, targets)}
    for shift in (1, -1):
        moved = (targets + shift) % outputs
        tried[f"the outputs stand one too {'early' if shift < 0 else 'late'}"] = (scores + bias, moved)
    if kernel.shape[0] == outputs:
        tried["its kernel is transposed"] = (hidden @ kernel.T + bias, targets)
    reshaped = np.ascontiguousarray(kernel.reshape(kernel.shape[::-1]).T)
    tried["its kernel was given another shape instead of being transposed"] = (hidden @ reshaped + bias, targets)
    best = min(tried, key=lambda name: apart(*tried[name]))
    if apart(*tried[best]) <= 0.02 * (1 + float(losses.mean())):
        return f"The states agree, and its predictions do not: {best}."
    return "The states agree, and its predictions do not: the output layer is another one than was recorded."
