"""Training: one step against Keras, the entropy of a known language, and interruptions of a real process."""

import io
import itertools
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from rich.console import Console  # noqa: E402

from pipelines import recipe as recipes  # noqa: E402
from pipelines import training  # noqa: E402
from pipelines.checkpoint import load_checkpoint  # noqa: E402
from pipelines.corpora import Corpus, Split, load  # noqa: E402
from pipelines.errors import TrainingError  # noqa: E402
from pipelines.network import RecurrentNetwork  # noqa: E402
from pipelines.windows import Streams  # noqa: E402
from tests.support.processes import interruptible  # noqa: E402

RECIPE = """
name: brackets
corpus: {{kind: parentheses, symbols: {symbols}, shares: {{train: 0.8, validation: 0.1, test: 0.1}}}}
network: {{embedding: 6, layers: [{{cell: lstm, units: 20}}], dropout: {dropout}}}
training: {{epochs: {epochs}, batch: 10, unroll: 20, learning_rate: {rate}, seed: {seed}, patience: {patience}}}
"""


def a_recipe(symbols=3000, epochs=2, rate=0.01, seed=1, dropout=0.0, patience="null"):
    return recipes.parse(RECIPE.format(**locals()))


class Written:
    """Stands in for the store's writer and keeps what it is given."""

    def __init__(self):
        self.tables, self.facts = [], {}

    def replace(self, table, rows):
        self.tables.append((table, rows))

    def describe(self, **facts):
        self.facts |= facts


def train(recipe, folder, corpus=None, **options):
    folder.mkdir(exist_ok=True)
    writer = Written()
    network = training.train(recipe, corpus or load(recipe.corpus), folder, writer, Console(quiet=True), **options)
    return network, writer


def weights_of(network):
    return {name: value.numpy() for name, value in network.weights.items()}


def assert_same(some, others):
    assert some.keys() == others.keys()
    for name in some:
        np.testing.assert_array_equal(some[name], others[name], name)


def test_streams_are_cut_side_by_side_and_carry_over_no_sequence_start():
    split = Split(np.arange(8, dtype=np.int32), np.array([1, 0, 0, 1, 0, 0, 0, 0], bool))
    streams = Streams(split, 2, 3)
    assert len(streams) == 1
    window = streams.window(5, 0)
    assert window.words.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert window.targets.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert window.weigh.tolist() == [[1, 1, 0], [1, 1, 1]]  # 3 starts another sequence: nobody could foresee it
    assert window.keep.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert window.steps == 6


def test_one_step_of_gradient_descent_equals_keras():
    recipe = recipes.parse(
        """
        name: one-step
        corpus: {kind: parentheses, symbols: 100}
        network: {embedding: 4, layers: [{cell: lstm, units: 5}, {cell: gru, units: 3}]}
        training: {epochs: 1, batch: 2, unroll: 6, optimizer: sgd, learning_rate: 0.5, clip: 0.7, initial: 0.5}
        """
    )
    network = RecurrentNetwork.described(recipe.network, Corpus("seven", "word", list("abcdefg"), {}))
    network.initialise(3, 0.5)
    before = weights_of(network)
    words = np.random.default_rng(0).integers(0, 7, (2, 7)).astype(np.int32)
    ones = np.ones((2, 6), np.float32)
    state = [tf.Variable(zero) for zero in tf.nest.flatten(network.zeros(2))]
    weights = list(network.weights.values())
    step = training.compiled_step(network, weights, training.SGD(weights), state, recipe.training)
    loss, norm, of_weights = step(words[:, :-1], words[:, 1:], ones, ones, np.float32(0.5), 0, True)

    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Embedding(7, 4),
            layers.LSTM(5, return_sequences=True),
            layers.GRU(3, return_sequences=True),
            layers.Dense(7),
        ]
    )
    model.build((2, 6))
    gru_bias = np.stack([before["layer2.bias"], before["layer2.bias_recurrent"]])
    ordered = [
        before["embedding"], before["layer1.kernel"], before["layer1.recurrent"], before["layer1.bias"],
        before["layer2.kernel"], before["layer2.recurrent"], gru_bias, before["output.kernel"], before["output.bias"],
    ]  # fmt: skip
    model.set_weights(ordered)
    with tf.GradientTape() as tape:
        each = tf.keras.losses.sparse_categorical_crossentropy(words[:, 1:], model(words[:, :-1]), from_logits=True)
        summed = tf.reduce_sum(each) / 2  # over the steps, mean of the streams
    gradients = [tf.convert_to_tensor(g) for g in tape.gradient(summed, model.trainable_variables)]
    gradients, expected_norm = tf.clip_by_global_norm(gradients, 0.7)
    expected = [w - 0.5 * g.numpy() for w, g in zip(ordered, gradients, strict=True)]

    assert float(norm) == pytest.approx(float(expected_norm), rel=1e-4)
    assert float(norm) > 0.7  # so that the clipping was seen
    assert np.linalg.norm(of_weights[:, 0]) == pytest.approx(float(norm), rel=1e-4)
    assert float(loss) == pytest.approx(float(summed) / 6, rel=1e-5)
    after = weights_of(network)
    np.testing.assert_allclose(after["embedding"], expected[0], atol=1e-5)
    np.testing.assert_allclose(after["layer1.recurrent"], expected[2], atol=1e-5)
    np.testing.assert_allclose([after["layer2.bias"], after["layer2.bias_recurrent"]], expected[6], atol=1e-5)
    np.testing.assert_allclose(after["output.kernel"], expected[7], atol=1e-5)


@pytest.mark.long
def test_adam_equals_keras():
    start, rng = np.array([1.0, -2.0, 3.0], np.float32), np.random.default_rng(0)
    ours, theirs = tf.Variable(start), tf.Variable(start)
    adam, reference = training.Adam([ours]), tf.keras.optimizers.Adam(0.01, epsilon=1e-8)
    for _ in range(5):
        gradient = tf.constant(rng.normal(size=3).astype(np.float32))
        adam.apply([ours], [gradient], 0.01)
        reference.apply_gradients([(gradient, theirs)])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.long
def test_the_loss_approaches_the_entropy_of_the_language(tmp_path):
    recipe = a_recipe(symbols=60_000, epochs=3, rate=0.01)
    corpus = load(recipe.corpus)
    _, writer = train(recipe, tmp_path / "network", corpus)

    nesting, ids = corpus.splits["test"].tracks["nesting"], corpus.splits["test"].word_ids
    words = np.array(corpus.vocabulary)[ids]
    level = np.where(words == ")", nesting - 1, nesting)[:-1].astype(int)  # after the symbol: known to whoever counts
    pairs, counts = np.unique(np.stack([level, ids[1:]]), axis=1, return_counts=True)
    totals = np.bincount(level)[pairs[0]]
    entropy = -(counts * np.log(counts / totals)).sum() / len(level)
    ((metric, split, validation), (_, _, test)) = writer.facts["metrics"]
    assert (metric, split) == ("perplexity", "validation")
    assert np.exp(entropy) * 0.97 < test < np.exp(entropy) * 1.05

    (name, rows), (of_weights, gradients) = writer.tables[-2:]
    assert (name, of_weights) == ("training", "training_gradients")
    last = [row for row in gradients.to_pylist() if row["step"] == rows.column("step").to_pylist()[-1]]
    total = sum(row["norm"] ** 2 for row in last) ** 0.5  # all weights together are the whole gradient
    assert total == pytest.approx(rows.column("gradient_norm").to_pylist()[-1], rel=1e-4)
    assert rows.column("step").to_pylist()[-1] == 3 * (4799 // 20)
    measured = [loss for loss in rows.column("validation_loss").to_pylist() if loss is not None]
    assert len(measured) == 3
    assert np.exp(min(measured)) == pytest.approx(validation)


def test_what_is_written_of_a_gradient_is_what_numpy_says_of_it():
    rng = np.random.default_rng(0)
    gradient = (rng.normal(size=(40, 30)) * 10.0 ** rng.integers(-12, 2, (40, 30))).astype(np.float32)
    gradient[0] = 0
    weight = rng.normal(size=(40, 30)).astype(np.float32)
    norm, largest, weight_norm, *shares = (
        training.of_gradient(tf.constant(gradient), tf.constant(weight)).numpy().tolist()
    )
    assert norm == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert largest == np.abs(gradient).max()
    assert weight_norm == pytest.approx(np.linalg.norm(weight), rel=1e-5)
    edges = [0, *(np.float32(10.0**decade) for decade in range(-10, 1)), np.inf]
    counts, _ = np.histogram(np.abs(gradient), edges)
    assert shares == pytest.approx(counts / gradient.size, abs=1e-6)


@pytest.mark.long
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    first, _ = train(a_recipe(dropout=0.2), tmp_path / "a")
    again, _ = train(a_recipe(dropout=0.2), tmp_path / "b")
    other, _ = train(a_recipe(dropout=0.2, seed=2), tmp_path / "c")
    assert_same(weights_of(first), weights_of(again))
    assert not np.array_equal(first.weights["embedding"], other.weights["embedding"])


@pytest.mark.long
def test_a_trained_network_is_loaded_as_it_was_saved_and_not_trained_again(tmp_path):
    recipe = a_recipe(epochs=1)
    network, _ = train(recipe, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.json", "weights.npz"]
    loaded = training.trained(recipe, load(recipe.corpus), tmp_path)
    assert_same(weights_of(loaded), weights_of(network))
    _, writer = train(recipe, tmp_path)
    assert writer.tables == []


@pytest.mark.long
def test_another_recipe_of_the_same_name_is_refused_unless_asked_for(tmp_path):
    train(a_recipe(epochs=1), tmp_path)
    with pytest.raises(TrainingError, match="other settings"):
        train(a_recipe(epochs=1, rate=0.02), tmp_path)
    _, writer = train(a_recipe(epochs=1, rate=0.02), tmp_path, again=True)
    assert writer.tables


@pytest.mark.long
def test_a_loss_that_is_no_number_stops_the_training_at_its_step(tmp_path, monkeypatch):
    compiled = training.compiled_step

    def broken_at_its_third_step(network, weights, *rest):
        step, taken = compiled(network, weights, *rest), itertools.count(1)

        def call(*window):
            if next(taken) == 3:
                weights[0].assign(np.full(weights[0].shape, np.nan))
            return step(*window)

        return call

    monkeypatch.setattr(training, "compiled_step", broken_at_its_third_step)
    with pytest.raises(TrainingError, match=r"step 3 \(epoch 1\).*learning_rate \(it is 0\.07\)"):
        train(a_recipe(rate=0.07), tmp_path)
    assert not (tmp_path / "network.json").exists()


@pytest.mark.long
def test_patience_ends_the_training_and_the_best_weights_are_kept(tmp_path):
    recipe = a_recipe(epochs=30, rate=0.2, patience=2)
    network, writer = train(recipe, tmp_path)
    measured = [
        loss for loss in dict(writer.tables)["training"].column("validation_loss").to_pylist() if loss is not None
    ]
    assert len(measured) < 30
    assert int(np.argmin(measured)) == len(measured) - 3
    kept = training.Reader(network).measure(load(recipe.corpus).splits["validation"]).loss
    assert kept == pytest.approx(min(measured), abs=1e-6)


@pytest.mark.long
def test_minutes_end_the_training_between_two_epochs(tmp_path, monkeypatch):
    """By a clock of which every look takes a second."""
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=map(float, itertools.count()).__next__))
    recipe = a_recipe(epochs=50)
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"minutes": 1.0})})
    _, writer = train(recipe, tmp_path)
    assert dict(writer.tables)["training"].column("epoch").to_pylist()[-1] < 50
    assert dict(writer.tables)["training"].column("validation_loss").to_pylist()[-1] is not None


@pytest.mark.long
def test_a_network_without_validation_or_test_split_is_trained_too(tmp_path):
    split = Split(np.tile(np.arange(5, dtype=np.int32), 400), np.arange(2000) % 5 == 0)
    _, writer = train(a_recipe(epochs=1), tmp_path, Corpus("counting", "word", list("abcde"), {"train": split}))
    assert writer.facts["metrics"] == []


INTERRUPTED = """
import itertools, os, signal, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pipelines import training
from pipelines.__main__ import main

def save_checkpoint(*what, save=training.save_checkpoint, saves=itertools.count(1)):
    save(*what)
    if next(saves) == 5:
        os.kill(os.getpid(), signal.{signal})

training.SAVE_EVERY, training.save_checkpoint = -1, save_checkpoint
main()
"""


@pytest.mark.long
def test_an_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    path, store = tmp_path / "brackets.yaml", tmp_path / "store"
    values = {"symbols": 12_000, "epochs": 2, "rate": 0.01, "seed": 1, "dropout": 0.1, "patience": "null"}
    path.write_text(RECIPE.format(**values))
    checkpoint = store / "model=brackets" / "network" / "checkpoint.npz"

    def until_the_fifth_checkpoint(how: str) -> subprocess.CompletedProcess[str]:
        """The training in a process of its own that gets a signal when it has saved a checkpoint five times."""
        command = [sys.executable, "-c", INTERRUPTED.format(signal=how), "train", str(path), "--store", str(store)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=200, preexec_fn=interruptible, check=False
        )

    stopped = until_the_fifth_checkpoint("SIGINT")
    assert stopped.returncode == 130
    assert "\nStopped at step 5 of " in "\n" + stopped.stderr and "goes on from there" in stopped.stderr
    assert load_checkpoint(checkpoint).done.step == 5

    killed = until_the_fifth_checkpoint("SIGKILL")
    assert killed.returncode == -signal.SIGKILL
    assert "going on from step 5" in killed.stdout
    assert load_checkpoint(checkpoint).done.step == 10

    recipe, told = recipes.load(path), io.StringIO()
    finished = training.train(recipe, load(recipe.corpus), checkpoint.parent, Written(), Console(file=told, width=200))
    assert "going on from step 10" in told.getvalue()
    whole, _ = train(recipe, tmp_path / "whole")
    assert_same(weights_of(finished), weights_of(whole))
