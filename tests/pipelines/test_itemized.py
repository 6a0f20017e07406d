"""Itemized gradients against GradientTape: one gradient for every pair of a loss step and a copy of the weights."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.tensors import TensorLayer  # noqa: E402
from rnnstore.networks.cells import CELLS, build  # noqa: E402
from rnnstore.networks.unrolled import Unrolled  # noqa: E402
from rnnstore.training.itemization import ItemizedGradient, itemize  # noqa: E402
from tests.support.cells import FastWeights  # noqa: E402

INPUTS, UNITS, STEPS = 4, 5, 6
STACKS = {
    "vanilla": [("vanilla", {}), ("vanilla", {})],
    "lstm": [("lstm", {}), ("lstm", {"peepholes": True})],
    "gru": [("gru", {"reset": "before"}), ("gru", {"reset": "after"})],
    "nested": [("nested-lstm", {"depth": 2})],
    "fast weights": [(FastWeights, {}), ("lstm", {})],
}
STACKS |= {kind: [(kind, {})] for kind in CELLS if kind not in ("vanilla", "lstm", "gru", "nested-lstm")}


def a_batch(stack, batch):
    """Cells with random weights and all that a batch of random inputs made of them; a sequence starts at step 3."""
    rng = np.random.default_rng(2)
    trained, x = [], tf.constant(rng.normal(size=(STEPS, batch, INPUTS)).astype(np.float32))
    for width, (kind, options) in zip((INPUTS, UNITS), stack, strict=False):
        cell = build(kind, width, UNITS, **options) if isinstance(kind, str) else kind(width, UNITS)
        weights = {
            name: tf.constant(rng.normal(0, 0.6, shape).astype(np.float32)) for name, shape in cell.shapes().items()
        }
        trained.append(TensorLayer(cell, weights))
    starts = np.zeros((STEPS, batch), bool)
    starts[3, 0] = True
    cotangents = rng.normal(size=(STEPS, batch, UNITS)).astype(np.float32)
    before = [
        {n: rng.normal(0, 0.5, (batch, layer.cell.widths[n])).astype(np.float32) for n in layer.states}
        for layer in trained
    ]
    return trained, x, starts, cotangents, before


def unroll(trained, x, starts, before, copies):
    """The top layer's h float32[steps, batch, units] with a copy of the recurrent weights a step, and all series."""
    keep, states, tops = np.where(starts, 0.0, 1.0).astype(np.float32)[..., None], list(before), []
    series = [{name: [] for name in (*cell.states, *cell.gates)} for cell in trained]
    for t in range(STEPS):
        below = x[t]
        for layer, cell in enumerate(trained):
            cell.weights = {**cell.weights, **copies[layer][t]}
            now, gates = cell.step(below, {name: keep[t] * value for name, value in states[layer].items()})
            for name, value in {**now, **gates}.items():
                series[layer][name].append(value.numpy())
            states[layer], below = now, now["h"]
        tops.append(below)
    return tf.stack(tops), [{name: np.stack(values) for name, values in each.items()} for each in series]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", STACKS)
def test_every_pair_equals_the_tape(name, batch):
    trained, x, starts, cotangents, before = a_batch(STACKS[name], batch)
    copies = [
        [{n: tf.identity(w) for n, w in cell.weights.items() if n.startswith("recurrent")} for _ in range(STEPS)]
        for cell in trained
    ]
    sources = [copy for layer in copies for step in layer for copy in step.values()]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(sources)
        tops, series = unroll(trained, x, starts, before, copies)
        losses = [tf.reduce_sum(tops[t] * cotangents[t]) for t in range(STEPS)]
    plain = [{n: w.numpy() for n, w in cell.weights.items()} for cell in trained]
    readers = [layer.cell for layer in trained]
    found = itemize(Unrolled(readers, plain, series, before, starts, x.numpy()), cotangents)
    for layer, items in found.items():
        gradients = np.zeros((STEPS, STEPS), object)
        for t in range(STEPS):
            for j in range(t + 1):
                each = tape.gradient(losses[t], list(copies[layer - 1][j].values()), unconnected_gradients="zero")
                gradients[t, j] = np.concatenate([np.ravel(value) for value in each])
        for j in range(STEPS):
            whole = sum(gradients[t, j] for t in range(j, STEPS))
            for t in range(j, STEPS):
                norm = np.linalg.norm(gradients[t, j])
                assert items.magnitude[t, j] == pytest.approx(norm, rel=1e-3, abs=1e-5)
                share = gradients[t, j] @ whole / max(np.linalg.norm(whole), 1e-9)
                assert items.share[t, j] == pytest.approx(share, rel=1e-3, abs=2e-4)
            assert np.isnan(items.magnitude[:j, j]).all()
            assert items.share[j:, j].sum() == pytest.approx(np.linalg.norm(whole), rel=1e-3, abs=1e-4)


def test_lags_are_the_first_of_all_lags():
    trained, x, starts, cotangents, before = a_batch(STACKS["lstm"], 1)
    copies = [[{n: w for n, w in cell.weights.items() if n.startswith("recurrent")}] * STEPS for cell in trained]
    _, series = unroll(trained, x, starts, before, copies)
    plain = [{n: w.numpy() for n, w in cell.weights.items()} for cell in trained]
    readers = [layer.cell for layer in trained]
    network = Unrolled(readers, plain, series, before, starts)
    whole, some = itemize(network, cotangents), itemize(network, cotangents, lags=3)
    for layer in (1, 2):
        lag = np.subtract.outer(np.arange(STEPS), np.arange(STEPS))
        kept = (lag >= 0) & (lag < 3)
        np.testing.assert_allclose(some[layer].magnitude[kept], whole[layer].magnitude[kept], rtol=1e-5)
        assert np.isnan(some[layer].magnitude[~kept]).all()


def test_the_horizon_is_the_first_lag_under_a_fraction():
    lag = np.subtract.outer(np.arange(5), np.arange(5))
    halving = np.where(lag >= 0, 0.4 ** np.maximum(lag, 0), np.nan).astype(np.float32)
    items = ItemizedGradient(halving, halving)
    np.testing.assert_allclose(items.by_lag, 0.4 ** np.arange(5), rtol=1e-6)
    assert items.horizon(0.5, 0.1) == [1, 3]
    assert np.isnan(items.horizon(0.01)[0])
    nothing = ItemizedGradient(np.where(lag >= 0, 0, np.nan), halving)
    assert np.isnan(nothing.horizon(0.5)[0])
    last = ItemizedGradient(np.where((lag >= 0) & (np.arange(5) == 4)[:, None], halving, halving * 0), halving)
    np.testing.assert_allclose(last.by_lag, 0.4 ** np.arange(5), rtol=1e-6)  # one loss alone, as of a classifier
    few = ItemizedGradient(np.where(lag < 3, halving, np.nan), halving)
    assert list(zip(*few.pairs, strict=True)) == [(t, j) for t in range(5) for j in range(max(0, t - 2), t + 1)]
