"""Cells against Keras's layers on the same weights, and against formulas written out in NumPy."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines import cells  # noqa: E402

BATCH, STEPS, INPUTS, UNITS = 3, 7, 4, 5


def with_weights(cell, seed=0, scale=0.6):
    """The cell with every weight, biases too, drawn at random."""
    rng = np.random.default_rng(seed)
    cell.weights = {
        name: tf.Variable(rng.normal(0, scale, shape), dtype=tf.float32) for name, shape in cell.shapes().items()
    }
    return cell


def values(cell):
    return {name: weight.numpy().astype(np.float64) for name, weight in cell.weights.items()}


def inputs(seed=1):
    return np.random.default_rng(seed).normal(size=(BATCH, STEPS, INPUTS)).astype(np.float32)


def run(cell, x):
    """h at every step, [batch, steps, units], and the last state and gates."""
    state, outputs, gates = cell.zeros(x.shape[0]), [], {}
    for t in range(x.shape[1]):
        state, gates = cell.step(x[:, t], state)
        outputs.append(state["h"])
    return tf.stack(outputs, axis=1), state, gates


def keras_layer(cell):
    """The layer of Keras that computes the same, holding the same weights."""
    layers = tf.keras.layers
    options = {"return_sequences": True, "return_state": True}
    weights = [cell.weights["kernel"], cell.weights["recurrent"], cell.weights["bias"]]
    if isinstance(cell, cells.Vanilla):
        layer = layers.SimpleRNN(UNITS, **options)
    elif isinstance(cell, cells.LSTM):
        layer = layers.LSTM(UNITS, **options)
    else:
        layer = layers.GRU(UNITS, reset_after=cell.reset == "after", **options)
        if cell.reset == "after":
            weights[2] = tf.stack([cell.weights["bias"], cell.weights["bias_recurrent"]])
    layer.build((BATCH, STEPS, INPUTS))
    layer.set_weights([weight.numpy() for weight in weights])
    return layer


@pytest.mark.parametrize(
    "cell",
    [
        cells.Vanilla(INPUTS, UNITS),
        cells.LSTM(INPUTS, UNITS),
        cells.GRU(INPUTS, UNITS, reset="after"),
        cells.GRU(INPUTS, UNITS, reset="before"),
        cells.NestedLSTM(INPUTS, UNITS, depth=1),
    ],
    ids=["vanilla", "lstm", "gru-after", "gru-before", "nested-1"],
)
def test_a_cell_equals_keras_in_values_and_gradients(cell):
    with_weights(cell)
    if isinstance(cell, cells.NestedLSTM):  # an LSTM; its memory has another name
        plain = cells.LSTM(INPUTS, UNITS)
        plain.weights = cell.weights
        layer = keras_layer(plain)
    else:
        layer = keras_layer(cell)
    x = tf.constant(inputs())
    aim = tf.constant(np.random.default_rng(2).normal(size=(BATCH, STEPS, UNITS)).astype(np.float32))
    ours = list(cell.weights.values())
    with tf.GradientTape() as tape:
        tape.watch(x)
        h, state, _ = run(cell, x)
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
    cell = with_weights(cells.LSTM(INPUTS, UNITS, peepholes=True))
    w, x = values(cell), inputs()
    block = {gate: slice(k * UNITS, (k + 1) * UNITS) for k, gate in enumerate("ifgo")}
    h = c = np.zeros((BATCH, UNITS))
    for t in range(STEPS):
        pre = {g: x[:, t] @ w["kernel"][:, s] + h @ w["recurrent"][:, s] + w["bias"][s] for g, s in block.items()}
        i = sigmoid(pre["i"] + w["peephole_i"] * c)
        f = sigmoid(pre["f"] + w["peephole_f"] * c)
        c = f * c + i * np.tanh(pre["g"])
        o = sigmoid(pre["o"] + w["peephole_o"] * c)
        h = o * np.tanh(c)
    _, state, gates = run(cell, x)
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
    cell = with_weights(cells.NestedLSTM(INPUTS, UNITS, depth=depth))
    w, x = values(cell), inputs()
    h, c = np.zeros((BATCH, UNITS)), [np.zeros((BATCH, UNITS))] * depth
    for t in range(STEPS):
        h, c = nested_step(w, x[:, t], h, c, depth)
    _, state, gates = run(cell, x)
    assert tuple(state) == cell.states
    assert tuple(gates) == cell.gates
    np.testing.assert_allclose(state["h"], h, atol=5e-6)
    for level in range(depth):
        np.testing.assert_allclose(state[f"c{level + 1}"], c[level], atol=5e-6)


def test_two_memories_hold_two_states_and_the_published_number_of_weights():
    cell = cells.NestedLSTM(600, 600, depth=2)
    assert cell.states == ("c1", "c2", "h")
    assert sum(int(np.prod(shape)) for shape in cell.shapes().values()) == 5_764_800  # of Nested LSTM, 1 x 600


def test_states_and_gates_are_declared_in_the_order_of_their_names():
    for cell in (cells.Vanilla(2, 3), cells.LSTM(2, 3, peepholes=True), cells.GRU(2, 3), cells.NestedLSTM(2, 3)):
        with_weights(cell)
        state, gates = cell.step(tf.zeros((1, 2)), cell.zeros(1))
        assert (tuple(state), tuple(gates)) == (cell.states, cell.gates)
        assert cell.states[-1] == "h"


def test_initial_weights_open_the_forget_gate_at_every_depth():
    rng = np.random.default_rng(0)
    lstm, nested = cells.LSTM(4, 3), cells.NestedLSTM(4, 3, depth=2)
    assert lstm.initial_weights(rng, None)["bias"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert lstm.initial_weights(rng, 0.1)["bias"].tolist() == [0] * 12
    for limit in (None, 0.1):
        weights = nested.initial_weights(rng, limit)
        assert weights["bias"].tolist() == weights["bias2"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    recurrent = lstm.initial_weights(rng, None)["recurrent"]
    np.testing.assert_allclose(recurrent[:, :3].T @ recurrent[:, :3], np.eye(3), atol=1e-6)
    assert np.abs(lstm.initial_weights(rng, 0.1)["kernel"]).max() <= 0.1


def test_one_step_jacobians_come_with_time_as_the_batch_axis():
    cell = with_weights(cells.LSTM(INPUTS, UNITS, peepholes=True))
    h = tf.constant(np.random.default_rng(3).normal(size=(BATCH, UNITS)).astype(np.float32))
    x, c = tf.constant(inputs()[:, 0]), 0.5 * h
    with tf.GradientTape() as tape:
        tape.watch(h)
        after, _ = cell.step(x, {"c": c, "h": h})
    jacobian = tape.batch_jacobian(after["h"], h).numpy()  # [batch, units, units]
    nudge = 1e-3 * np.eye(UNITS, dtype=np.float32)
    for unit in range(UNITS):
        up, _ = cell.step(x, {"c": c, "h": h + nudge[unit]})
        down, _ = cell.step(x, {"c": c, "h": h - nudge[unit]})
        np.testing.assert_allclose(jacobian[:, :, unit], (up["h"] - down["h"]) / 2e-3, atol=1e-3)
