"""The written-out derivatives of a step against GradientTape on the cells that train."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines import cells as tensors  # noqa: E402
from rnnstore.networks import cells  # noqa: E402
from rnnstore.networks.derivatives import derivative  # noqa: E402

INPUTS, UNITS = 4, 5
CELLS = [
    ("vanilla", {}),
    ("lstm", {}),
    ("lstm", {"peepholes": True}),
    ("gru", {"reset": "after"}),
    ("gru", {"reset": "before"}),
    ("nested-lstm", {"depth": 1}),
    ("nested-lstm", {"depth": 2}),
    ("nested-lstm", {"depth": 3}),
]
every_cell = pytest.mark.parametrize(("kind", "options"), CELLS, ids=lambda each: str(each))


def a_step(kind, options):
    """A cell of either library with the same random weights, and a step of it: input, states before, states after."""
    rng = np.random.default_rng(3)
    trained = tensors.KINDS[kind](INPUTS, UNITS, **options)
    weights = {name: rng.normal(0, 0.6, shape).astype(np.float32) for name, shape in trained.shapes().items()}
    trained.weights = {name: tf.Variable(value) for name, value in weights.items()}
    x = tf.constant(rng.normal(size=(1, INPUTS)).astype(np.float32))
    before = {name: tf.constant(rng.normal(0, 0.7, (1, UNITS)).astype(np.float32)) for name in trained.states}
    slope = derivative(cells.KINDS[kind](INPUTS, UNITS, **options))
    after, gates = trained.step(x, before)
    blocks = slope.by_gate(weights)
    numpy = {name: value.numpy() for name, value in before.items()}
    series = {name: value.numpy() for name, value in (*after.items(), *gates.items())}
    factors = {name: value[0] for name, value in slope.factors(blocks, numpy, series).items()}
    return trained, slope, x, before, blocks, factors


def jacobians(trained, x, before):
    """d after / d before and d after / d x by GradientTape: [state after][state before or "x"] float32[units, ...]."""
    sources = {**before, "x": x}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(list(sources.values()))
        after, _ = trained.step(x, before)
    return {
        name: {key: tape.jacobian(value, source).numpy()[0, :, 0] for key, source in sources.items()}
        for name, value in after.items()
    }


@every_cell
def test_tangents_go_forward_as_the_jacobian_of_the_step_says(kind, options):
    trained, slope, x, before, blocks, factors = a_step(kind, options)
    expected, rng = jacobians(trained, x, before), np.random.default_rng(1)
    tangents = {name: rng.normal(size=(7, UNITS)).astype(np.float32) for name in before}
    dx = rng.normal(size=(7, INPUTS)).astype(np.float32)
    merged = slope.merge(blocks, factors)
    alone, both = slope.push(merged, factors, tangents), slope.push(merged, factors, tangents, dx)
    for name, rows in expected.items():
        moved = sum(tangents[key] @ rows[key].T for key in before)
        np.testing.assert_allclose(alone[name], moved, atol=2e-5)
        np.testing.assert_allclose(both[name], moved + dx @ rows["x"].T, atol=2e-5)


@every_cell
def test_cotangents_go_back_as_the_jacobian_of_the_step_says(kind, options):
    trained, slope, x, before, blocks, factors = a_step(kind, options)
    expected, rng = jacobians(trained, x, before), np.random.default_rng(1)
    cotangents = {name: rng.normal(size=(7, UNITS)).astype(np.float32) for name in before}
    pulled, inner = slope.pull(blocks, factors, cotangents)
    for key in before:
        np.testing.assert_allclose(pulled[key], sum(cotangents[n] @ expected[n][key] for n in before), atol=2e-5)
    of_input = sum(cotangents[name] @ expected[name]["x"] for name in before)
    np.testing.assert_allclose(slope.input(blocks, inner), of_input, atol=2e-5)


@every_cell
def test_outer_products_are_the_gradient_of_the_recurrent_weights(kind, options):
    trained, slope, x, before, blocks, factors = a_step(kind, options)
    rng = np.random.default_rng(1)
    cotangents = {name: rng.normal(size=(1, UNITS)).astype(np.float32) for name in before}
    with tf.GradientTape() as tape:
        after, _ = trained.step(x, before)
        loss = tf.add_n([tf.reduce_sum(after[name] * cotangents[name]) for name in after])
    recurrent = [name for name in trained.shapes() if name.startswith("recurrent")]
    gradients = tape.gradient(loss, [trained.weights[name] for name in recurrent])
    _, inner = slope.pull(blocks, factors, cotangents)
    found = [np.outer(left, right[0]) for left, rights in slope.outer(factors, inner) for right in rights]
    np.testing.assert_allclose(np.concatenate(found, 1), np.concatenate(gradients, 1), atol=2e-5)


def test_the_same_lines_serve_tensors():
    trained, slope, x, before, blocks, factors = a_step("lstm", {"peepholes": True})
    weights = {name: value.value() for name, value in trained.weights.items()}
    after, gates = trained.step(x, before)

    @tf.function
    def pulled(rows):
        cut = slope.by_gate(weights, tf.transpose)
        known = slope.factors(cut, before, {**after, **gates}, tf.tanh)
        return slope.pull(cut, {name: value[0] for name, value in known.items()}, {"c": rows, "h": rows})[0]

    rows = np.random.default_rng(1).normal(size=(3, UNITS)).astype(np.float32)
    expected, _ = slope.pull(blocks, factors, {"c": rows, "h": rows})
    for name, value in pulled(rows).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)
