"""Every cell in NumPy, TensorFlow and PyTorch, against Keras's layers, and against formulas written out."""

import numpy as np
import pytest
from pydantic import ValidationError

tf = pytest.importorskip("tensorflow")

from pipelines.recipe import Layer  # noqa: E402
from pipelines.tensors import TensorLayer  # noqa: E402
from rnnstore.networks import facts  # noqa: E402
from rnnstore.networks.arrays import NUMPY  # noqa: E402
from rnnstore.networks.cells import CELLS, build  # noqa: E402
from tests.support.cells import every_cell, layers, named  # noqa: E402

BATCH, STEPS, INPUTS, UNITS = 3, 7, 4, 5
EVERY = every_cell(INPUTS, UNITS)
every_cell_here = pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)


def weights_of(cell, seed=0, scale=0.6):
    """Every weight, biases too, drawn at random."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, scale, shape).astype(np.float32) for name, shape in cell.shapes().items()}


def with_weights(cell):
    return TensorLayer(cell, {name: tf.Variable(value) for name, value in weights_of(cell).items()})


def inputs(seed=1):
    return np.random.default_rng(seed).normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)


def zeros(cell):
    return {name: np.zeros((BATCH, cell.widths[name]), np.float32) for name in cell.states}


def run(layer, x):
    """h at every step, [batch, steps, units], and the last state and gates."""
    state, outputs, gates = layer.zeros(x.shape[0]), [], {}
    for t in range(x.shape[1]):
        state, gates = layer.step(x[:, t], state)
        outputs.append(state["h"])
    return tf.stack(outputs, axis=1), state, gates


@every_cell_here
def test_a_step_is_the_same_in_numpy_and_tensorflow(cell):
    layer, weights, x = with_weights(cell), weights_of(cell), inputs()
    state, tensors = zeros(cell), layer.zeros(BATCH)
    for t in range(STEPS):
        state, gates = cell.step(NUMPY, weights, cell.project(weights, x[:, t]), state)
        tensors, others = layer.step(x[:, t], tensors)
        assert (list(state), list(gates)) == (list(cell.states), list(cell.gates))
        assert (list(tensors), list(others)) == (list(cell.states), list(cell.gates))
        for name, values in {**state, **gates}.items():
            assert values.dtype == np.float32 and values.shape == (BATCH, cell.widths[name])
            np.testing.assert_allclose(values, {**tensors, **others}[name], atol=3e-6, err_msg=name)
            if name in gates and (bounds := cell.gates[name].bounds):
                assert values.min() >= bounds[0] and values.max() <= bounds[1]


@every_cell_here
def test_a_step_is_the_same_in_pytorch(cell):
    torch = pytest.importorskip("torch")
    from tests.support.torch_arrays import TORCH

    weights, x = weights_of(cell), inputs()
    tensors = {name: torch.tensor(value) for name, value in weights.items()}
    state, other = zeros(cell), {name: torch.zeros(BATCH, cell.widths[name]) for name in cell.states}
    for t in range(STEPS):
        state, gates = cell.step(NUMPY, weights, cell.project(weights, x[:, t]), state)
        other, its = cell.step(TORCH, tensors, cell.project(tensors, torch.tensor(x[:, t])), other)
        for name, values in {**state, **gates}.items():
            np.testing.assert_allclose(values, {**other, **its}[name].numpy(), atol=3e-6, err_msg=name)


@every_cell_here
def test_one_text_is_read_as_a_batch_is(cell):
    weights, x = weights_of(cell), inputs()
    starts = np.isin(np.arange(STEPS), (0, 4))
    series = [cell.run(weights, x[row], starts) for row in range(BATCH)]
    state = zeros(cell)
    for t in range(STEPS):
        state = zeros(cell) if starts[t] else state
        state, gates = cell.step(NUMPY, weights, cell.project(weights, x[:, t]), state)
        for name, values in {**state, **gates}.items():
            np.testing.assert_allclose([each[name][t] for each in series], values, atol=2e-6, err_msg=name)


@every_cell_here
def test_an_edit_acts_on_every_state_and_gate_before_anything_reads_it(cell):
    weights, x = weights_of(cell), inputs()[:, 0]
    state = {
        name: np.random.default_rng(4).normal(size=value.shape).astype("f4") for name, value in zeros(cell).items()
    }
    projected, seen = cell.project(weights, x), []

    def watch(name, values):
        seen.append(name)
        return values

    plain = cell.step(NUMPY, weights, projected, state)
    watched = cell.step(NUMPY, weights, projected, state, watch)
    assert sorted(seen) == sorted([*cell.states, *cell.gates])
    assert seen[-1] == "h"
    for name in seen:
        after, gates = cell.step(NUMPY, weights, projected, state, lambda at, v, name=name: v * 0 if at == name else v)
        edited, found, whole = {**after, **gates}, seen.index(name), {**plain[0], **plain[1]}
        assert not edited[name].any()
        for other in seen[:found]:  # made before, so untouched
            np.testing.assert_array_equal(edited[other], whole[other])
        if name != "h" and cell.gates.get(name, None) is None:  # a memory: h is made from what it was edited to
            assert np.abs(edited["h"] - whole["h"]).max() > 1e-3
    for name, values in {**plain[0], **plain[1]}.items():
        np.testing.assert_array_equal(values, {**watched[0], **watched[1]}[name])


@every_cell_here
def test_a_cell_says_what_it_is(cell):
    assert list(cell.states)[-1] == "h" and cell.states["h"] == (UNITS,)
    assert all(gate.label and gate.keeps in (None, *cell.states) for gate in cell.gates.values())
    assert cell.widths == {
        **{name: int(np.prod(shape)) for name, shape in cell.states.items()},
        **dict.fromkeys(cell.gates, UNITS),
    }
    assert cell.unit_name("h", 3) == "h[3]"


@every_cell_here
@pytest.mark.parametrize("limit", [None, 0.1])
def test_first_weights_fit_and_are_those_of_the_seed(cell, limit):
    drawn, again = (cell.initial_weights(np.random.default_rng(2), limit) for _ in range(2))
    assert {name: value.shape for name, value in drawn.items()} == cell.shapes()
    for name, value in drawn.items():
        assert value.dtype == np.float32 and np.isfinite(value).all()
        np.testing.assert_array_equal(value, again[name])


@pytest.mark.parametrize("layer", layers(3), ids=named)
def test_a_recipe_and_a_network_file_take_the_same_options(layer):
    own = {name: value for name, value in layer.items() if name not in ("cell", "units")}
    recipe = Layer.model_validate(layer)
    assert recipe.model_dump() == layer
    saved = facts.Layer.model_validate(recipe.model_dump(mode="json"))
    cell, direct = saved.built(4), build(layer["cell"], 4, 3, **own)
    assert type(cell) is CELLS[layer["cell"]] and cell.options == direct.options
    assert cell.shapes() == direct.shapes()
    assert recipe.series() == (list(cell.states), list(cell.gates))
    assert facts.Layer.model_validate({"cell": layer["cell"], "units": 3, "of a later version": 1}).built(4).units == 3
    with pytest.raises(ValidationError):
        Layer.model_validate({**layer, "nonsense": 1})


def test_a_matrix_state_has_readable_unit_names():
    cell = EVERY["fast weights"]
    assert (cell.states["m"], cell.widths["m"]) == ((UNITS, 3), UNITS * 3)
    assert [cell.unit_name("m", unit) for unit in (0, 4, 14)] == ["m[0, 0]", "m[1, 1]", "m[4, 2]"]


def keras_layer(layer):
    """The layer of Keras that computes the same, holding the same weights."""
    layers, cell = tf.keras.layers, layer.cell
    options = {"return_sequences": True, "return_state": True}
    weights = [layer.weights["kernel"], layer.weights["recurrent"], layer.weights["bias"]]
    if cell.kind == "vanilla":
        found = layers.SimpleRNN(UNITS, activation=cell.options.activation, **options)
    elif cell.kind in ("lstm", "nested-lstm"):
        found = layers.LSTM(UNITS, **options)
    else:
        found = layers.GRU(UNITS, reset_after=cell.after, **options)
        if cell.after:
            weights[2] = tf.stack([layer.weights["bias"], layer.weights["bias_recurrent"]])
    found.build((BATCH, STEPS, INPUTS))
    found.set_weights([weight.numpy() for weight in weights])
    return found


LIKE_KERAS = ["vanilla-tanh", "vanilla-relu", "lstm-False", "gru-after", "gru-before", "nested-lstm-1"]


@pytest.mark.parametrize("name", LIKE_KERAS)
def test_a_cell_equals_keras_in_values_and_gradients(name):
    own = with_weights(EVERY[name])
    layer = keras_layer(own)
    x = tf.constant(inputs())
    aim = tf.constant(np.random.default_rng(2).normal(size=(BATCH, STEPS, UNITS)).astype(np.float32))
    ours = list(own.weights.values())
    with tf.GradientTape() as tape:
        tape.watch(x)
        h, state, _ = run(own, x)
        loss = tf.reduce_sum(h * aim)
    ours_x, *ours_gradients = tape.gradient(loss, [x, *ours])
    with tf.GradientTape() as tape:
        tape.watch(x)
        expected, *last = layer(x)
        loss = tf.reduce_sum(expected * aim)
    keras_x, *keras_gradients = tape.gradient(loss, [x, *layer.trainable_variables])

    np.testing.assert_allclose(h, expected, atol=2e-6)
    np.testing.assert_allclose(state["h"], last[0], atol=2e-6)
    memory = state.get("c", state.get("c1"))
    if memory is not None:
        np.testing.assert_allclose(memory, last[1], atol=4e-6)
    np.testing.assert_allclose(ours_x, keras_x, atol=2e-5)
    if len(ours) == 4:  # Keras keeps the GRU's two biases in one matrix
        keras_gradients[2:] = list(keras_gradients[2])
    for gradient, wanted in zip(ours_gradients, keras_gradients, strict=True):
        np.testing.assert_allclose(gradient, wanted, atol=5e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_peephole_lstm_follows_its_formula():
    layer = with_weights(EVERY["lstm-True"])
    w, x = weights_of(layer.cell), inputs()
    block = {gate: slice(k * UNITS, (k + 1) * UNITS) for k, gate in enumerate("ifgo")}
    h = c = np.zeros((BATCH, UNITS))
    for t in range(STEPS):
        pre = {g: x[:, t] @ w["kernel"][:, s] + h @ w["recurrent"][:, s] + w["bias"][s] for g, s in block.items()}
        i = sigmoid(pre["i"] + w["peephole_i"] * c)
        f = sigmoid(pre["f"] + w["peephole_f"] * c)
        c = f * c + i * np.tanh(pre["g"])
        o = sigmoid(pre["o"] + w["peephole_o"] * c)
        h = o * np.tanh(c)
    _, state, gates = run(layer, x)
    np.testing.assert_allclose(state["h"], h, atol=2e-6)
    np.testing.assert_allclose(state["c"], c, atol=2e-6)
    np.testing.assert_allclose(gates["o"], o, atol=2e-6)
    np.testing.assert_allclose(gates["f"], f, atol=2e-6)


def nested_step(w, x, h, c, depth, level=1):
    """Nested LSTM by its definition, one level inside another: the level's output and its memories, outermost first."""
    end = "" if level == 1 else str(level)
    pre = x @ w[f"kernel{end}"] + h @ w[f"recurrent{end}"] + w[f"bias{end}"]
    i, f, z, o = (pre[:, k * UNITS : (k + 1) * UNITS] for k in range(4))
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    if level == depth:
        memory, inner = i * np.tanh(z) + f * c[0], []
    else:
        memory, inner = nested_step(w, i * z, f * c[0], c[1:], depth, level + 1)
    return o * np.tanh(memory), [memory, *inner]


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_nested_lstm_follows_its_definition(depth):
    layer = with_weights(build("nested-lstm", INPUTS, UNITS, depth=depth))
    w, x = weights_of(layer.cell), inputs()
    h, c = np.zeros((BATCH, UNITS)), [np.zeros((BATCH, UNITS))] * depth
    for t in range(STEPS):
        h, c = nested_step(w, x[:, t], h, c, depth)
    _, state, _ = run(layer, x)
    np.testing.assert_allclose(state["h"], h, atol=5e-6)
    for level in range(depth):
        np.testing.assert_allclose(state[f"c{level + 1}"], c[level], atol=5e-6)


def test_two_memories_hold_two_states_and_the_published_number_of_weights():
    cell = build("nested-lstm", 600, 600, depth=2)
    assert list(cell.states) == ["c1", "c2", "h"]
    assert sum(int(np.prod(shape)) for shape in cell.shapes().values()) == 5_764_800  # of Nested LSTM, 1 x 600


def test_initial_weights_open_the_forget_gate_at_every_depth():
    rng = np.random.default_rng(0)
    lstm, nested = build("lstm", 4, 3), build("nested-lstm", 4, 3, depth=2)
    assert lstm.initial_weights(rng, None)["bias"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert lstm.initial_weights(rng, 0.1)["bias"].tolist() == [0] * 12
    for limit in (None, 0.1):
        weights = nested.initial_weights(rng, limit)
        assert weights["bias"].tolist() == weights["bias2"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    recurrent = lstm.initial_weights(rng, None)["recurrent"]
    np.testing.assert_allclose(recurrent[:, :3].T @ recurrent[:, :3], np.eye(3), atol=1e-6)
    assert np.abs(lstm.initial_weights(rng, 0.1)["kernel"]).max() <= 0.1
