"""The language model: its sizes, its resets inside a window, and what is left of it on disk."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.network import RecurrentNetwork, read_arrays  # noqa: E402


def a_network(**options):
    network = RecurrentNetwork(
        7, 4, [{"cell": "lstm", "units": 5}, {"cell": "gru", "units": 4, "reset": "before"}], **options
    )
    network.initialise(1, 0.8)
    return network


def test_the_published_small_network_of_the_penn_treebank_has_its_published_size():
    assert RecurrentNetwork(10_000, 200, [{"cell": "lstm", "units": 200}] * 2).parameters == 4_651_600


def test_a_sequence_that_starts_inside_a_window_is_read_like_one_of_its_own():
    network = a_network()
    words = np.array([[1, 2, 3, 4, 5, 6]], np.int32)
    keep = np.array([[0, 1, 1, 0, 1, 1]], np.float32)
    names = ("layer1.c", "layer1.h", "layer2.h", "layer2.z")
    some_state = [{name: value + 0.7 for name, value in layer.items()} for layer in network.zeros(1)]
    hidden, after, series = network.forward(words, keep, some_state, record=names)
    for part in (slice(0, 3), slice(3, 6)):
        alone, end, own = network.forward(words[:, part], np.ones((1, 3), np.float32), network.zeros(1), record=names)
        np.testing.assert_allclose(hidden[:, part], alone, atol=1e-6)
        for name in names:
            np.testing.assert_allclose(series[name][:, part], own[name], atol=1e-6)
    np.testing.assert_allclose(after[0]["c"], end[0]["c"], atol=1e-6)


def test_tied_weights_read_out_by_the_embedding():
    network = a_network(tie=True)
    assert "output.kernel" not in network.shapes()
    hidden = tf.random.stateless_normal((3, 4), (1, 2))
    expected = hidden.numpy() @ network.weights["embedding"].numpy().T + network.weights["output.bias"].numpy()
    np.testing.assert_allclose(network.logits(hidden), expected, atol=1e-6)


def test_dropout_drops_between_layers_and_only_when_training():
    network = a_network(dropout=0.5)
    words, keep = np.array([[1, 2, 3, 4]], np.int32), np.ones((1, 4), np.float32)
    plain, *_ = network.forward(words, keep, network.zeros(1))
    again, *_ = network.forward(words, keep, network.zeros(1))
    np.testing.assert_array_equal(plain, again)
    dropped, *_ = network.forward(words, keep, network.zeros(1), drop_seed=tf.constant([1, 2]))
    assert 0 < np.mean(dropped.numpy() == 0) < 1
    same, *_ = network.forward(words, keep, network.zeros(1), drop_seed=tf.constant([1, 2]))
    np.testing.assert_array_equal(dropped, same)


def test_the_input_can_be_spared_from_dropout():
    network = a_network(dropout=0.5, input_dropout=0.0)
    words, keep, seed = np.array([[1, 2, 3, 4]], np.int32), np.ones((1, 4), np.float32), tf.constant([1, 2])
    first = list(network.cells[0].states)[-1]
    plain = network.forward(words, keep, network.zeros(1), record=(f"layer1.{first}",))[2]
    dropped = network.forward(words, keep, network.zeros(1), record=(f"layer1.{first}",), drop_seed=seed)[2]
    np.testing.assert_array_equal(plain[f"layer1.{first}"], dropped[f"layer1.{first}"])
    hidden, *_ = network.forward(words, keep, network.zeros(1), drop_seed=seed)
    assert 0 < np.mean(hidden.numpy() == 0) < 1


def test_a_network_comes_back_from_its_folder_with_its_facts(tmp_path):
    network = a_network(dropout=0.1)
    assert RecurrentNetwork.load(tmp_path) is None
    network.save(tmp_path, vocabulary=list("abcdefg"), level="character")
    loaded, facts = RecurrentNetwork.load(tmp_path)
    assert loaded.settings == network.settings
    assert (facts["vocabulary"], facts["level"]) == (list("abcdefg"), "character")
    assert loaded.weights.keys() == network.weights.keys()
    for name, value in network.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], value)


def test_weights_of_another_network_are_refused_by_name():
    network = a_network()
    values = {name: value.numpy() for name, value in network.weights.items()}
    with pytest.raises(ValueError, match=r"'layer1\.bias' has shape \(3,\); this network needs shape \(20,\)"):
        network.assign(values | {"layer1.bias": np.zeros(3)})
    del values["output.bias"]
    with pytest.raises(ValueError, match=r"'output\.bias' is missing"):
        network.assign(values)


def test_a_file_that_would_run_code_when_read_is_not_read(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, weights=np.array([{"any": "object"}], dtype=object))
    assert read_arrays(path) is None
    path.write_bytes(b"PK\x03\x04 cut short")
    assert read_arrays(path) is None
