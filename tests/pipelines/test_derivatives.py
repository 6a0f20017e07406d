"""The derivatives of every cell's step against GradientTape, those written out and those that autodiff finds."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.tensors import TENSORS, TensorLayer  # noqa: E402
from rnnstore.networks.cells import Cell  # noqa: E402
from tests.support.cells import every_cell  # noqa: E402

INPUTS, UNITS = 4, 5
CELLS = every_cell(INPUTS, UNITS)


class Plain:
    """A cell whose derivatives are those of autodiff, though it writes them out."""

    def __new__(cls, cell):
        methods = (
            "residuals", "merge", "jvp", "vjp", "input_vjp", "outer_products", "gate_residuals", "gate_tangents",
            "gate_blocks", "in_place",
        )  # fmt: skip
        kept = {name: getattr(Cell, name) for name in methods}
        found = type(type(cell).__name__, (type(cell),), {**kept, "reads_input": True, "kind": ""})
        return found(cell.inputs, cell.units, **cell.options.model_dump())


FORMS = CELLS | {f"{name}, by autodiff": Plain(cell) for name, cell in CELLS.items() if not cell.reads_input}


@pytest.fixture(params=FORMS)
def step(request):
    """A step of a cell with random weights: layer, input, states before; weights by gate; residuals."""
    return a_step(FORMS[request.param])


def a_step(cell):
    rng = np.random.default_rng(3)
    weights = {name: rng.normal(0, 0.6, shape).astype(np.float32) for name, shape in cell.shapes().items()}
    layer = TensorLayer(cell, {name: tf.Variable(value) for name, value in weights.items()})
    x = tf.constant(rng.normal(size=(1, INPUTS)).astype(np.float32))
    before = {n: tf.constant(rng.normal(0, 0.7, (1, cell.widths[n])).astype(np.float32)) for n in cell.states}
    after, gates = layer.step(x, before)
    blocks = cell.by_gate(weights)
    earlier = {name: value.numpy() for name, value in before.items()}
    series = {name: value.numpy() for name, value in (*after.items(), *gates.items())}
    residuals = {name: value[0] for name, value in cell.residuals(blocks, earlier, series, x.numpy()).items()}
    of_gates = {name: value[0] for name, value in cell.gate_residuals(blocks, earlier, series, x.numpy()).items()}
    return layer, x, before, blocks, residuals, of_gates


TAPED: dict[str, dict] = {}


def jacobians(layer, x, before):
    """d of every state and gate by the states before and x, by GradientTape: float32[width, width of the source]."""
    if (key := repr(layer.cell)) in TAPED:
        return TAPED[key]
    sources = {**before, "x": x}
    with tf.GradientTape() as tape:
        tape.watch(list(sources.values()))
        after, gates = layer.step(x, before)
        series = {**after, **gates}
        whole = tf.concat([value[0] for value in series.values()], 0)
    found = tape.jacobian(whole, sources, unconnected_gradients="zero")
    ends = np.cumsum([0, *(value.shape[1] for value in series.values())])
    TAPED[key] = {
        name: {source: values.numpy()[first:last, 0] for source, values in found.items()}
        for name, first, last in zip(series, ends[:-1], ends[1:], strict=True)
    }
    return TAPED[key]


def drawn(layer, rows, seed=1):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(rows, layer.cell.widths[name])).astype(np.float32) for name in layer.states}


def test_tangents_and_those_of_gates_are_what_the_jacobian_says(step):
    layer, x, before, blocks, residuals, of_gates = step
    cell, expected, tangents = layer.cell, jacobians(layer, x, before), drawn(layer, 7)
    dx = np.random.default_rng(2).normal(size=(7, INPUTS)).astype(np.float32)
    merged = cell.merge(blocks, residuals)
    for given in (None, dx):
        moved = {
            name: sum(tangents[key] @ rows[key].T for key in before) + (0 if given is None else dx @ rows["x"].T)
            for name, rows in expected.items()
        }
        found = cell.jvp(merged, residuals, tangents, given)
        gates = cell.gate_tangents(list(cell.gates), blocks, of_gates, tangents, found, given)
        for name, values in (found | gates).items():
            np.testing.assert_allclose(values, moved[name], atol=3e-5, err_msg=name)
        assert (list(found), list(gates)) == (list(cell.states), list(cell.gates))


def test_many_words_go_forward_in_place_as_one_does(step):
    layer, _, _, blocks, residuals, _ = step
    cell, tangents, done = layer.cell, drawn(layer, 3 * INPUTS), []
    dx = np.random.default_rng(2).normal(size=(3 * INPUTS, INPUTS)).astype(np.float32)
    form = cell.in_place(blocks, 2, INPUTS)
    merged = cell.merge(blocks, residuals)
    for t, given in enumerate((None, dx)):
        expected = cell.jvp(merged, residuals, tangents, given)
        ready = form.ready(t, residuals)
        form.advance(ready, tangents, form.workspace(3 * INPUTS), given, done.append)
        for name, values in tangents.items():
            np.testing.assert_allclose(values, expected[name], atol=3e-5, err_msg=name)
    assert done == [0, 1, 2] * 2
    begun = {name: values[:INPUTS] for name, values in tangents.items()}
    form.begin(ready, begun)
    zeros = {name: np.zeros_like(values) for name, values in begun.items()}
    for name, values in cell.jvp(merged, residuals, zeros, np.eye(INPUTS, dtype=np.float32)).items():
        np.testing.assert_allclose(begun[name], values, atol=3e-5, err_msg=name)


def test_cotangents_go_back_as_the_jacobian_of_the_step_says(step):
    layer, x, before, blocks, residuals, _ = step
    expected, cotangents = jacobians(layer, x, before), drawn(layer, 7)
    earlier, inner = layer.cell.vjp(blocks, residuals, cotangents)
    for key in before:
        moved = sum(cotangents[name] @ expected[name][key] for name in before)
        np.testing.assert_allclose(earlier[key], moved, atol=5e-5, err_msg=key)
    of_input = sum(cotangents[name] @ expected[name]["x"] for name in before)
    np.testing.assert_allclose(layer.cell.input_vjp(blocks, inner), of_input, atol=5e-5)


def test_outer_products_are_the_gradient_of_the_recurrent_weights(step):
    layer, x, before, blocks, residuals, _ = step
    cotangents = drawn(layer, 1)
    recurrent = [weight for name, weight in layer.weights.items() if name.startswith("recurrent")]
    with tf.GradientTape() as tape:
        after, _ = layer.step(x, before)
        loss = tf.add_n([tf.reduce_sum(after[name] * cotangents[name]) for name in after])
    gradients = [np.asarray(gradient) for gradient in tape.gradient(loss, recurrent)]
    _, inner = layer.cell.vjp(blocks, residuals, cotangents)
    found = [
        np.outer(left, right[0]) for left, rights in layer.cell.outer_products(residuals, inner) for right in rights
    ]
    assert sum(each.size for each in found) == sum(each.size for each in gradients)
    np.testing.assert_allclose(
        np.sort(np.concatenate([each.ravel() for each in found])),
        np.sort(np.concatenate([each.ravel() for each in gradients])),
        atol=5e-5,
    )


def test_written_out_derivatives_serve_tensors_too():
    layer, x, before, blocks, residuals, _ = a_step(CELLS["lstm-True"])
    weights = {name: value.value() for name, value in layer.weights.items()}
    after, gates = layer.step(x, before)
    cell = layer.cell

    @tf.function
    def taken_back(rows):
        cut = cell.by_gate(weights, TENSORS)
        known = cell.residuals(cut, before, {**after, **gates}, xp=TENSORS)
        return cell.vjp(cut, {name: value[0] for name, value in known.items()}, {"c": rows, "h": rows})[0]

    rows = np.random.default_rng(1).normal(size=(3, UNITS)).astype(np.float32)
    expected, _ = cell.vjp(blocks, residuals, {"c": rows, "h": rows})
    for name, value in taken_back(rows).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)
