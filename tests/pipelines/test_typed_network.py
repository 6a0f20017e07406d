"""A network read with NumPy against the same network in TensorFlow: every cell, state, gate and prediction."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import rnnstore  # noqa: E402
from pipelines import corpora, recording, training  # noqa: E402
from pipelines import recipe as recipes  # noqa: E402
from pipelines.corpora import Corpus, Split  # noqa: E402
from pipelines.network import RecurrentNetwork  # noqa: E402
from rnnstore.networks import open_network, recorded_reading  # noqa: E402
from tests.support.cells import layers as every_layer  # noqa: E402

WORDS = list("abcdefghi")
CELLS = [
    *every_layer(5),
    {"cell": "lstm", "units": 6, "peepholes": False},
    {"cell": "nested-lstm", "units": 4, "depth": 4},
]
HOW = {"level": "word", "starts": "line"}


def named(layer):
    return "-".join(str(value) for value in layer.values())


def trained(store, layers, **options):
    """A network with random weights, biases too, and the model in a store that holds it."""
    labels = options.pop("labels", None)
    network = RecurrentNetwork(len(WORDS), 3, layers, outputs=labels and len(labels), **options)
    network.initialise(0, 0.9)
    random = np.random.default_rng(1)
    network.assign({name: random.normal(0, 0.7, shape) for name, shape in network.shapes().items()})
    opened = rnnstore.open(store)
    with opened.writer("small") as writer:
        facts = {"labels": labels} if labels else {}
        network.save(writer.folder("network"), level="word", vocabulary=WORDS, tokenisation=HOW, **facts)
    opened.refresh()
    return network, opened.model("small")


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        *(([layer], {}) for layer in CELLS),
        (CELLS, {}),
        ([{"cell": "vanilla", "units": 5}, {"cell": "gru", "units": 3, "reset": "after"}], {"tie": True}),
        ([{"cell": "gru", "units": 6, "reset": "after"}], {"labels": ["bad", "so so", "good"], "dropout": 0.5}),
    ],
    ids=[*map(named, CELLS), "all stacked", "tied", "classifier"],
)
def test_every_series_and_prediction_is_what_tensorflow_computes(tmp_path, layers, options):
    network, model = trained(tmp_path, layers, **options)
    text = "a b c d\ne f e\ni h g a a a b"
    reading = open_network(model).read(text, predictions=9)
    ids = np.array([[WORDS.index(word) for word in text.split()]], np.int32)
    keep = np.ones(ids.shape, np.float32)
    keep[0, [0, 4, 7]] = 0
    names = (*network.state_names, *network.gate_names)
    hidden, _, series = network.forward(ids, keep, network.zeros(1), record=names)
    assert (list(reading.states), list(reading.gates)) == (network.state_names, network.gate_names)
    for name, values in (reading.states | reading.gates).items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, series[name][0], rtol=2e-5, atol=2e-6, err_msg=name)

    outputs = options.get("labels", WORDS)
    chances = tf.nn.softmax(network.logits(hidden[0])).numpy()
    rows = reading.predictions.to_pylist()
    assert len(rows) == 14 * len(outputs)
    for row in rows:
        assert row["probability"] == pytest.approx(chances[row["t"], outputs.index(row["word"])], rel=1e-4, abs=1e-7)
        if row["t"] in (3, 6, 13) or "labels" in options:
            assert (row["target"], row["target_probability"], row["loss"]) == (None, None, None)
        else:
            came = chances[row["t"], ids[0, row["t"] + 1]]
            assert row["target"] == WORDS[ids[0, row["t"] + 1]]
            assert row["target_probability"] == pytest.approx(came, rel=1e-4)
            assert row["loss"] == pytest.approx(-np.log(came), rel=1e-4)


def test_a_typed_sentence_is_read_as_it_was_recorded(tmp_path):
    network, model = trained(tmp_path, CELLS[1:4])
    random = np.random.default_rng(3)
    ids = random.integers(0, len(WORDS), 30).astype(np.int32)
    starts = np.zeros(30, bool)
    starts[[0, 11, 20]] = True
    corpus = Corpus("letters", "word", WORDS, {"train": Split(ids, starts)})
    recipe = recipes.Recipe.model_validate(
        {
            "name": "small",
            "corpus": {"kind": "parentheses"},
            "network": {"embedding": 3, "layers": CELLS[1:4]},
            "training": {"epochs": 1},
            "record": {"split": "train", "gates": True, "predictions": 4},
        }
    )
    store = rnnstore.open(tmp_path)
    with store.writer("small") as writer:
        recording.record(recipe, corpus, recording.Reader(network), writer, lambda *_: None)
    store.refresh()
    recorded = recorded_reading(store.model("small"), 11, 20)
    typed = open_network(model).read(" ".join(WORDS[number] for number in ids[11:20]), predictions=4)
    assert recorded.words == typed.words
    half = {"rtol": 1e-3, "atol": 1e-3}  # which states are recorded with
    for kind in ("states", "gates", "before"):
        found, expected = getattr(recorded, kind), getattr(typed, kind)
        assert found.keys() == expected.keys()
        for name, values in found.items():
            np.testing.assert_allclose(values, expected[name], err_msg=name, **half)
    columns = ["t", "rank", "word_id", "word", "target"]
    assert recorded.predictions.select(columns).to_pydict() == typed.predictions.select(columns).to_pydict()
    for name in ("probability", "target_probability", "loss"):
        both = (reading.predictions[name].to_numpy(zero_copy_only=False) for reading in (recorded, typed))
        np.testing.assert_allclose(*both, rtol=1e-3, atol=1e-4, err_msg=name)
    assert recorded.predictions.schema.names == ["t", "rank", *typed.predictions.schema.names[2:]]


def test_a_finished_network_is_told_how_its_text_became_words(tmp_path):
    recipe = recipes.Recipe.model_validate(
        {
            "name": "small",
            "corpus": {"kind": "parentheses", "symbols": 3000},
            "network": {"embedding": 3, "layers": CELLS[:1]},
            "training": {"epochs": 1},
        }
    )
    corpus = corpora.load(recipe.corpus)
    network = RecurrentNetwork.described(recipe.network, corpus)
    network.initialise(0, 0.9)
    network.save(tmp_path, vocabulary=corpus.vocabulary, level="character")
    weights = (tmp_path / "weights.npz").stat()
    training.trained(recipe, corpus, tmp_path)
    _, facts = RecurrentNetwork.load(tmp_path)
    assert facts["tokenisation"] == corpus.tokenisation == {"level": "character"}
    assert (facts["vocabulary"], facts["level"]) == (corpus.vocabulary, "character")
    assert (tmp_path / "weights.npz").stat().st_mtime_ns == weights.st_mtime_ns
