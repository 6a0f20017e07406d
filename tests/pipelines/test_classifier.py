"""Classifiers: what is read in a training step, a rule that a small network has to find, and what is recorded."""

import contextlib
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from rich.console import Console  # noqa: E402

import rnnstore  # noqa: E402
from pipelines import corpora, recording, training, windows  # noqa: E402
from pipelines import recipe as recipes  # noqa: E402
from pipelines.checkpoint import settings_key  # noqa: E402
from pipelines.corpora import Corpus, Split  # noqa: E402
from pipelines.errors import Interrupted, TrainingError  # noqa: E402
from pipelines.evaluation import Evaluation  # noqa: E402
from pipelines.network import RecurrentNetwork  # noqa: E402
from rnnstore.networks import open_network  # noqa: E402
from tests.pipelines.test_training import Written, assert_same, weights_of  # noqa: E402

RECIPE = """
name: moods
corpus: {{kind: labelled-text, files: [moods.txt], shares: {{train: 0.6, validation: 0.2, test: 0.2}}}}
network: {{embedding: 6, layers: [{{cell: gru, units: 8}}], dropout: {dropout}}}
training: {{epochs: {epochs}, batch: 30, learning_rate: 0.02, seed: 1}}
record: {{split: test, predictions: 5}}
"""


def a_recipe(folder, epochs=2, dropout=0.0):
    path = folder / "moods.yaml"
    path.write_text(RECIPE.format(**locals()))
    return recipes.load(path)


def moods(folder, texts=900):
    """Texts that say `fine` or `awful` once, among other words; `not` before it turns it round."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(texts):
        words = list(rng.choice(list("abcdefghij"), rng.integers(3, 14)))
        fine, turned = rng.integers(0, 2, 2)
        words.insert(rng.integers(0, len(words)), " ".join(["not"] * turned + ["fine" if fine else "awful"]))
        lines.append(f"{'glad' if fine != turned else 'sad'}\t{' '.join(words)}")
    (folder / "moods.txt").write_text("\n".join(lines))


def a_split(lengths, labels):
    starts = np.zeros(sum(lengths), bool)
    starts[np.cumsum([0, *lengths[:-1]])] = True
    return Split(np.arange(100, 100 + sum(lengths), dtype=np.int32), starts, labels=np.array(labels, np.int32))


def test_a_batch_holds_whole_texts_that_count_at_their_last_step(monkeypatch):
    monkeypatch.setattr(windows, "SHORTEST", 2)
    source = windows.Texts(a_split([3, 1, 2], [7, 8, 9]), batch=2, seed=0)
    assert len(source) == 2
    rows = {}
    for number in range(2):
        window = source.window(0, number)
        assert window.keep[:, 0].tolist() == [0, 0] and window.keep[:, 1:].all()
        used = window.weigh.sum(axis=1).astype(bool)
        assert window.steps == sum(window.weigh.argmax(axis=1)[used] + 1)
        for words, targets, weigh in zip(window.words[used], window.targets[used], window.weigh[used], strict=True):
            rows[tuple(words.tolist())] = (targets[weigh > 0].tolist(), weigh.tolist())
        assert not window.weigh[~used].any()
    short, middle = [0.0, 1.0], [1.0, 0.0]
    in_four = [0.0, 0.0, 1.0, 0.0]
    assert rows[100, 101, 102, 0] == ([7], in_four)
    others = {words[:2]: (target, weigh[:2]) for words, (target, weigh) in rows.items() if words[0] != 100}
    assert others == {(103, 0): ([8], middle), (104, 105): ([9], short)}


def test_every_epoch_reads_every_text_once_in_an_order_of_its_own():
    lengths = np.random.default_rng(1).integers(1, 40, 500)
    split = a_split(lengths.tolist(), list(range(500)))
    source, again = windows.Texts(split, 16, seed=3), windows.Texts(split, 16, seed=3)

    def read(texts, epoch):
        found = [texts.window(epoch, number) for number in range(len(texts))]
        return [label for window in found for label in window.targets[window.weigh > 0].tolist()]

    first, second = read(source, 0), read(source, 1)
    assert sorted(first) == sorted(second) == list(range(500))
    assert first != second
    assert read(again, 1) == second  # also when no epoch was read before
    filled = sum(source.window(0, number).words.size for number in range(len(source)))
    assert filled < 2 * lengths.sum()  # texts of like length are read together


@pytest.mark.long
def test_the_loss_and_its_gradient_are_those_of_each_text_read_alone():
    corpus = Corpus("three", "word", list("abcdefg"), {}, labels=["x", "y", "z"])
    recipe = recipes.parse(
        """
        name: one-step
        corpus: {kind: labelled-text, files: [a]}
        network: {embedding: 4, layers: [{cell: gru, units: 3}]}
        training: {epochs: 1, batch: 4, optimizer: sgd, learning_rate: 0.5, clip: null}
        """
    )
    network = RecurrentNetwork.described(recipe.network, corpus)
    network.initialise(3, 0.5)
    assert network.shapes()["output.kernel"] == (3, 3)
    texts, labels = [[1, 2, 3, 4, 5], [6], [2, 2, 0]], [2, 0, 1]
    split = Split(np.concatenate(texts).astype(np.int32), np.array([1, 0, 0, 0, 0, 1, 1, 0, 0], bool), labels=labels)
    window = windows.Texts(Split(split.word_ids, split.sequence_starts, labels=np.array(labels, np.int32)), 4, 1)
    weights = list(network.weights.values())
    with tf.GradientTape() as tape:
        losses = []
        for text, label in zip(texts, labels, strict=True):
            hidden, *_ = network.forward(np.array([text], np.int32), np.ones((1, len(text)), "f4"), network.zeros(1))
            losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits([label], network.logits(hidden[:, -1]))[0])
        summed = tf.add_n(losses) / 4  # of the batch's four rows, one stays empty
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(summed, weights)]
    expected = [w.numpy() - 0.5 * g.numpy() for w, g in zip(weights, gradients, strict=True)]

    state = [tf.Variable(zero + 0.3) for zero in tf.nest.flatten(network.zeros(4))]  # of the batch before
    step = training.compiled_step(network, weights, training.SGD(weights), state, recipe.training)
    read = window.window(0, 0)
    loss, _, _ = step(read.words, read.targets, read.weigh, read.keep, np.float32(0.5), 0, False)
    assert float(loss) == pytest.approx(np.mean(losses), rel=1e-5)
    for weight, value in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight, value, atol=1e-6)


def test_accuracy_is_the_share_of_texts_and_balanced_of_labels():
    found = Evaluation.of_labels("classifier", 0.5, np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]))
    assert found.metrics == {"accuracy in %": pytest.approx(80), "balanced accuracy in %": pytest.approx(75)}
    assert str(found) == "loss 0.500, accuracy 80.00 %"


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The rule as a small GRU has learned it in one go: recipe, corpus, network, and the store with the recording."""
    folder = tmp_path_factory.mktemp("moods")
    moods(folder)
    recipe = a_recipe(folder, epochs=12, dropout=0.05)
    corpus = corpora.load(recipe.corpus)
    store = rnnstore.open(folder / "store")
    with store.writer("moods") as writer:
        network = training.train(recipe, corpus, writer.folder("network"), writer, Console(quiet=True))
        loaded = training.trained(recipe, corpus, writer.folder("network"))
        assert_same(weights_of(loaded), weights_of(network))
        recording.record(recipe, corpus, recording.Reader(network), writer, lambda *_: None)
    store.refresh()
    return recipe, corpus, network, store


@pytest.mark.long
def test_a_small_gru_finds_the_rule_and_its_recording_shows_it(learned):
    _, corpus, _, store = learned
    model, split = store.model("moods"), corpus.splits["test"]
    values = {(metric.name, metric.split): metric.value for metric in model.card.metrics}
    assert values["accuracy in %", "test"] >= 97  # one word decides, or two; a guess is right half the time

    found = model.predictions(0, model.steps).to_pydict()
    assert set(found["word"]) == {"glad", "sad"} and set(found["rank"]) == {1, 2}
    first = [i for i, rank in enumerate(found["rank"]) if rank == 1]
    asked = [i for i in first if found["target"][i] is not None]
    ends = np.append(np.flatnonzero(split.sequence_starts)[1:], len(split)) - 1
    assert [found["t"][i] for i in asked] == ends.tolist()
    assert [found["target"][i] for i in asked] == [corpus.labels[label] for label in split.labels]
    right = np.mean([found["word"][i] == found["target"][i] for i in asked])
    assert 100 * right == pytest.approx(values["accuracy in %", "test"])
    surest = {found["t"][i]: found["probability"][i] for i in first}
    at_first_words = [surest[start] for start in np.flatnonzero(split.sequence_starts)]
    assert np.median(at_first_words) < 0.75 < 0.9 < np.median([surest[end] for end in ends])
    assert model.annotations(["label"], 0, model.steps).column("value").to_pylist() == split.tracks["label"].tolist()
    assert model.sequence_starts.tolist() == np.flatnonzero(split.sequence_starts).tolist()


@pytest.mark.long
def test_a_typed_text_is_told_its_label_without_tensorflow(learned):
    network = open_network(learned[3].model("moods"))
    for text, label in (("a b fine c", "glad"), ("A b not fine c", "sad"), ("d e not awful a", "glad")):
        rows = network.read(text.lower()).predictions.to_pylist()
        said = [row["word"] for row in rows if row["rank"] == 1]
        assert len(said) == len(text.split())
        assert said[-1] == label


@pytest.mark.long
def test_an_interrupted_training_of_a_classifier_ends_with_the_weights_of_an_uninterrupted_one(
    learned, tmp_path, monkeypatch
):
    recipe, corpus, whole, _ = learned
    read, count = windows.Texts.window, 0

    def interrupted(self, epoch, number):
        nonlocal count
        count += 1
        if count == 25:  # in the second epoch of 18 windows
            os.kill(os.getpid(), signal.SIGINT)
        return read(self, epoch, number)

    monkeypatch.setattr(windows.Texts, "window", interrupted)
    for expected in (pytest.raises(Interrupted, match="Stopped at step 25 of 216"), contextlib.nullcontext()):
        with expected:
            parts = training.train(recipe, corpus, tmp_path, Written(), Console(quiet=True))
    assert count == 216
    assert_same(weights_of(parts), weights_of(whole))


def test_texts_under_other_labels_are_another_corpus(tmp_path):
    moods(tmp_path, 100)
    recipe = a_recipe(tmp_path)
    corpus = corpora.load(recipe.corpus)
    network = RecurrentNetwork.described(recipe.network, corpus)
    network.initialise(1, None)
    key = settings_key(recipe, corpus)
    network.save(tmp_path, settings=key, vocabulary=corpus.vocabulary, labels=corpus.labels)
    assert_same(weights_of(training.trained(recipe, corpus, tmp_path)), weights_of(network))
    text = (tmp_path / "moods.txt").read_text()
    (tmp_path / "moods.txt").write_text(text.replace("glad\t", "merry\t"))
    renamed = corpora.load(recipe.corpus)
    assert settings_key(recipe, renamed) != key
    with pytest.raises(TrainingError, match="other words or labels now"):
        training.trained(recipe, renamed, tmp_path)
    train_split = replace(corpus.splits["train"], labels=1 - corpus.splits["train"].labels)
    assert settings_key(recipe, replace(corpus, splits={**corpus.splits, "train": train_split})) != key


def test_what_is_asked_after_a_step_is_the_label_at_the_end_of_its_text_alone():
    split = a_split([3, 1, 2], [1, 0, 1])
    assert recording.targets_of(split, 0, 6).tolist() == [-1, -1, 1, 0, -1, 1]
    assert recording.targets_of(split, 1, 4).tolist() == [-1, 1, 0]
    assert recording.targets_of(split, 4, 5).tolist() == [-1]
    words = Split(split.word_ids, split.sequence_starts)
    assert recording.targets_of(words, 0, 6).tolist() == [101, 102, -1, -1, 105, -1]
    assert recording.targets_of(words, 4, 5).tolist() == [105]
