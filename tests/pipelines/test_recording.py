"""Reading and recording, against the plainest loop: one step after another, reset where a sequence starts."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import rnnstore  # noqa: E402
from pipelines import recipe as recipes  # noqa: E402
from pipelines import recording  # noqa: E402
from pipelines.corpora import Corpus, Split  # noqa: E402
from pipelines.network import RecurrentNetwork  # noqa: E402

VOCABULARY = list("abcdefghi")
LAYERS = [
    {"cell": "lstm", "units": 6, "peepholes": True},
    {"cell": "nested-lstm", "units": 5, "depth": 2},
    {"cell": "gru", "units": 4, "reset": "before"},
]


@pytest.fixture(scope="module")
def network():
    network = RecurrentNetwork(len(VOCABULARY), 3, LAYERS)
    network.initialise(1, 0.9)
    return network


@pytest.fixture(scope="module")
def reader(network):
    return recording.Reader(network)


def a_split(lengths, seed=0):
    """Sequences of these lengths, of random words."""
    steps = sum(lengths)
    starts = np.zeros(steps, bool)
    starts[np.cumsum([0, *lengths[:-1]])] = True
    words = np.random.default_rng(seed).integers(0, len(VOCABULARY), steps).astype(np.int32)
    return Split(
        words, starts, {"step": np.arange(steps) % 7, "mark": np.array(["x", "y"])[words % 2]}, {"mark": "made up"}
    )


def step_by_step(network, split):
    """Every series of the network over the whole split, [steps, units] each, and the scores of all words."""
    series = {name: [] for name in (*network.state_names, *network.gate_names)}
    logits = []
    for word, starts in zip(split.word_ids, split.sequence_starts, strict=True):
        if starts:
            states = [cell.zeros(1) for cell in network.layers]
        x = network.weights["embedding"][word][None]
        for number, cell in enumerate(network.layers, 1):
            states[number - 1], gates = cell.step(x, states[number - 1])
            x = states[number - 1]["h"]
            for name, value in (states[number - 1] | gates).items():
                series[f"layer{number}.{name}"].append(value[0].numpy())
        logits.append(network.logits(x)[0].numpy())
    return {name: np.stack(values) for name, values in series.items()}, np.stack(logits)


def read_whole(reader, split, start=0, stop=None):
    names = (*reader.network.state_names, *reader.network.gate_names)
    stretches = list(reader.read(split, start, stop, names))
    edges = [start, *(stretch.stop for stretch in stretches)]
    assert [stretch.start for stretch in stretches] == edges[:-1]  # in order, nothing twice, nothing left out
    assert edges[-1] == (len(split) if stop is None else stop)
    return {name: np.concatenate([stretch.series[name] for stretch in stretches]) for name in names}


@pytest.mark.parametrize(
    ("lengths", "rows"),
    [
        ([60], 16),  # one stream
        ([1], 16),
        ([16, 16, 16], 16),
        ([25, 1, 30, 3], 16),  # chunks end inside and between sequences
        ([5, 1, 2, 7, 3, 1, 1, 4, 6, 2, 9, 1, 3, 5, 5, 2, 4], 2),  # short ones, side by side in several calls
    ],
)
def test_every_series_equals_reading_step_by_step(network, reader, monkeypatch, lengths, rows):
    monkeypatch.setattr(recording, "CHUNK", 16)
    monkeypatch.setattr(recording, "SHORT", 9)
    monkeypatch.setattr(recording, "ROW", 12)
    monkeypatch.setattr(recording, "ROWS", rows)
    split = a_split(lengths)
    expected, _ = step_by_step(network, split)
    for start, stop in ((0, None), (len(split) // 2, None), (len(split) // 3, 2 * len(split) // 3 + 1)):
        found = read_whole(reader, split, start, stop)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values[start:stop], atol=1e-5, err_msg=name)


def test_predictions_rank_all_words_and_leave_out_what_nobody_could_foresee(network, reader, monkeypatch):
    monkeypatch.setattr(recording, "LOGITS", 5 * len(VOCABULARY))
    split = a_split([8, 5])
    _, logits = step_by_step(network, split)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    (stretch,) = reader.read(split)
    found = reader.predict(split, stretch, 4)
    best = np.argsort(-probabilities, axis=1)[:, :4]
    assert found.word_ids.tolist() == best.tolist()
    np.testing.assert_allclose(found.probabilities, np.take_along_axis(probabilities, best, 1), rtol=1e-4)
    ends = [7, 12]
    assert found.targets[ends].tolist() == [-1, -1]
    assert np.isnan(found.loss[ends]).all() and np.isnan(found.target_probabilities[ends]).all()
    inside = np.setdiff1d(np.arange(13), ends)
    assert found.targets[inside].tolist() == split.word_ids[inside + 1].tolist()
    wanted = probabilities[inside, split.word_ids[inside + 1]]
    np.testing.assert_allclose(found.target_probabilities[inside], wanted, rtol=1e-4)
    np.testing.assert_allclose(found.loss[inside], -np.log(wanted), rtol=1e-4, atol=1e-6)
    assert reader.measure(split).loss == pytest.approx(-np.log(wanted).mean(), rel=1e-5)


def test_asking_for_more_predictions_than_there_are_words_gives_all_words(reader):
    split = a_split([4])
    (stretch,) = reader.read(split)
    found = reader.predict(split, stretch, 50)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("count", [50, 1000, 1021, 10_000])
def test_the_highest_scores_of_many_are_found_in_order(count):
    rng = np.random.default_rng(count)
    for scores in (rng.normal(size=(20, count)), rng.integers(0, 30, (20, count)), np.zeros((2, count))):
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        assert recording.highest(tf.constant(scores, tf.float32), 5).numpy().tolist() == expected.tolist()


def a_recipe(**record):
    layers = [{"cell": "lstm", "units": 6, "peepholes": True}, *LAYERS[1:]]
    return recipes.Recipe.model_validate(
        {
            "name": "small",
            "corpus": {"kind": "parentheses"},
            "network": {"embedding": 3, "layers": layers},
            "training": {"epochs": 1},
            "record": {"split": "train", **record},
        }
    )


def test_a_recording_holds_what_the_network_had(network, reader, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "CHUNK", 16)
    split = a_split([30, 22, 3])
    corpus = Corpus("letters", "character", VOCABULARY, {"train": split})
    expected, logits = step_by_step(network, split)
    store = rnnstore.open(tmp_path)
    calls = []
    with store.writer("small") as writer:
        recipe = a_recipe(start=10, steps=40, gates=True, predictions=2)
        steps = recording.record(recipe, corpus, reader, writer, lambda done, total: calls.append((done, total)))
    store.refresh()
    model = store.model("small")
    assert steps == model.steps == 40
    assert calls[-1] == (40, 40)
    assert set(model.states) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(model.vectors(name, 0, 40), values[10:50], atol=2e-3, err_msg=name)
    assert model.words(0, 40).column("word").to_pylist() == [VOCABULARY[i] for i in split.word_ids[10:50]]
    assert model.sequence_starts.tolist() == [0, 20]
    marks = model.annotations(["mark"], 0, 40).column("value").to_pylist()
    assert marks == split.tracks["mark"][10:50].tolist()
    numbers = model.annotations(["step"], 0, 40).column("number").to_pylist()
    assert numbers == split.tracks["step"][10:50].tolist()
    assert model.tracks["mark"].source == "made up"
    first = model.predictions(0, 1).to_pylist()
    assert [row["word_id"] for row in first] == np.argsort(-logits[10])[:2].tolist()
    assert first[0]["target"] == VOCABULARY[split.word_ids[11]]


def test_only_what_is_asked_for_is_recorded(reader, tmp_path):
    corpus = Corpus("letters", "character", VOCABULARY, {"train": a_split([20])})
    store = rnnstore.open(tmp_path)
    with store.writer("small") as writer:
        recipe = a_recipe(states=["layer1.c", "layer3.z"], predictions=0)
        recording.record(recipe, corpus, reader, writer, lambda *_: None)
    store.refresh()
    model = store.model("small")
    assert set(model.states) == {"layer1.c", "layer3.z"}
    assert not model.has_predictions


def test_reading_ahead_keeps_the_order_and_hands_on_what_goes_wrong():
    assert list(recording.ahead(iter(range(5)))) == [0, 1, 2, 3, 4]

    def breaks():
        yield 1
        raise RuntimeError("in the other thread")

    items = recording.ahead(breaks())
    assert next(items) == 1
    with pytest.raises(RuntimeError, match="other thread"):
        next(items)
