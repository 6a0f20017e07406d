"""Recording while training: the parts against the gradient that the optimiser takes, and what a killed run leaves."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from rich.console import Console  # noqa: E402

import rnnstore  # noqa: E402
from pipelines import recipe as recipes  # noqa: E402
from pipelines import training  # noqa: E402
from pipelines.checkpoint import settings_key  # noqa: E402
from pipelines.corpora import load  # noqa: E402
from pipelines.errors import RecipeError, TrainingError  # noqa: E402
from pipelines.itemizing import Itemizing  # noqa: E402
from pipelines.network import RecurrentNetwork  # noqa: E402
from pipelines.windows import Streams, Window  # noqa: E402

RECIPE = """
name: brackets
corpus: {{kind: parentheses, symbols: 2000, shares: {{train: 0.8, validation: 0.1, test: 0.1}}}}
network: {{embedding: 6, layers: [{layers}], dropout: {dropout}}}
training: {{epochs: 1, batch: {batch}, unroll: 5, learning_rate: {rate}, clip: {clip}, itemize: {{every: 10{lags}}}}}
"""
LAYERS = {
    "vanilla": "{cell: vanilla, units: 7}, {cell: vanilla, units: 7}",
    "lstm": "{cell: lstm, units: 7, peepholes: true}, {cell: lstm, units: 5}",
    "gru": "{cell: gru, units: 7, reset: before}, {cell: gru, units: 5}",
    "nested": "{cell: nested-lstm, units: 7, depth: 2}",
}


def a_recipe(layers="vanilla", dropout=0.0, batch=1, lags="", rate=0.01, clip=5.0):
    return recipes.parse(RECIPE.format(**(locals() | {"layers": LAYERS[layers]})))


class Kept:
    """Keeps the gradients that an optimiser is given, and changes nothing."""

    slots = ()

    def __init__(self, weights):
        self.gradients = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    def apply(self, weights, gradients, rate):
        for kept, gradient in zip(self.gradients, gradients, strict=True):
            kept.assign(gradient)


def a_window(recipe, corpus, network):
    """A window in which a sequence starts, and the states before it, as variables."""
    window = Streams(corpus.splits["train"], recipe.training.batch, recipe.training.unroll).window(0, 3)
    keep, weigh = window.keep.copy(), window.weigh.copy()
    keep[0, 3], weigh[0, 2] = 0, 0  # a sequence ends after step 2, so that nothing could foresee what comes
    rng = np.random.default_rng(4)
    zeros = tf.nest.flatten(network.zeros(recipe.training.batch))
    state = [tf.Variable(rng.normal(0, 0.4, zero.shape).astype(np.float32)) for zero in zeros]
    return Window(window.words, window.targets, weigh, keep, window.steps), state


def summed(items, window, step):
    """The gradient of each layer's recurrent weights: the sum over all pairs of steps, by layer and weight."""
    unrolled, seeds, _ = items.unroll(window, items.compiled(window, step))
    found = {}
    for arrived in unrolled.back(seeds, inputs=False):
        for layer, inner in arrived.inner.items():
            cell, rows = unrolled.cells[layer], len(next(iter(arrived.inner[layer].values())))
            known = {k: np.tile(v[arrived.step], (rows // len(v[0]), 1)) for k, v in unrolled.residuals[layer].items()}
            blocks = [left.T @ right for left, rights in cell.outer_products(known, inner) for right in rights]
            found[layer] = [a + b for a, b in zip(found.get(layer, [0] * len(blocks)), blocks, strict=True)]
    return found


@pytest.mark.parametrize(
    "layers, batch, dropout",
    [
        ("vanilla", 1, 0.0),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (("lstm", 3, 0.4), ("gru", 2, 0.4), ("nested", 1, 0.0))
        ),
    ],
)
def test_the_parts_sum_to_the_gradient_that_the_optimiser_takes(layers, batch, dropout):
    recipe = a_recipe(layers, dropout, batch, clip="null")
    corpus = load(recipe.corpus)
    network = RecurrentNetwork.described(recipe.network, corpus)
    network.initialise(1, 0.6)
    window, state = a_window(recipe, corpus, network)
    items = Itemizing(network, corpus, recipe.training, None, state)
    parts = summed(items, window, 7)
    items.look(window, 7)
    items.take_apart()
    found = items.waiting[0]

    weights = list(network.weights.values())
    optimizer = Kept(weights)
    step = training.compiled_step(network, weights, optimizer, state, recipe.training)
    loss, *_ = step(window.words, window.targets, window.weigh, window.keep, np.float32(0), 7, False)
    taken = dict(zip(network.weights, optimizer.gradients, strict=True))
    assert float(loss) == pytest.approx(found.losses[found.asked].mean(), rel=1e-5)
    for layer, blocks in parts.items():
        whole = [value.numpy() for name, value in taken.items() if name.startswith(f"layer{layer}.recurrent")]
        np.testing.assert_allclose(np.hstack(blocks), np.hstack(whole), rtol=2e-4, atol=2e-6)
        assert np.abs(np.hstack(whole)).max() > 1e-3
        assert found.layers[layer].share.shape == (5, 5)


def train(recipe, path, name="brackets", **options):
    """Train into a store, and give what it holds of batches."""
    store = rnnstore.open(path)
    corpus = load(recipe.corpus)
    with store.writer(name) as writer:
        training.train(recipe, corpus, writer.folder("network"), writer, Console(quiet=True), **options)
    return rnnstore.open(path)


def rows(store, table, order):
    return store.sql(f"select * from {table} order by {order}")


@pytest.mark.long
def test_every_tenth_batch_is_in_the_store_and_says_what_was_read(tmp_path):
    recipe = a_recipe("lstm", lags=", lags: 3", batch=2)
    store = train(recipe, tmp_path)
    corpus = load(recipe.corpus)
    horizons = rows(store, "gradient_horizons", "step, layer")
    assert horizons["step"].to_pylist() == [step for step in range(0, 160, 10) for _ in range(2)]
    assert set(horizons["layer"].to_pylist()) == {1, 2}
    pairs = rows(store, "itemized_gradients where step = 40 and layer = 2", "t, j")
    assert list(zip(pairs["t"].to_pylist(), pairs["j"].to_pylist(), strict=True)) == [
        (t, j) for t in range(5) for j in range(max(0, t - 2), t + 1)
    ]
    assert max(pairs["magnitude"].to_pylist()) == pytest.approx(
        rows(store, "gradient_horizons where step = 40 and layer = 2", "step")["maximum"][0].as_py()
    )
    words = rows(store, "training_batches where step = 40", "sequence, position")
    window = Streams(corpus.splits["train"], 2, 5).window(0, 40)
    assert words["input"].to_pylist() == [corpus.vocabulary[i] for i in window.words.ravel()]
    labels = [
        corpus.vocabulary[i] if w else None for i, w in zip(window.targets.ravel(), window.weigh.ravel(), strict=True)
    ]
    assert words["label"].to_pylist() == labels
    for label, predicted, likely, given, loss in zip(
        *(words[n].to_pylist() for n in ("label", "predicted", "probability", "label_probability", "loss")), strict=True
    ):
        assert (loss is None) == (label is None)
        assert label is None or np.exp(-loss) == pytest.approx(given, rel=1e-4)
        assert label is None or (given == pytest.approx(likely)) == (label == predicted)


@pytest.mark.long
def test_recording_changes_nothing_of_what_is_learned(tmp_path):
    recorded = a_recipe("gru", 0.3, 2)
    plain = recorded.model_copy(update={"training": recorded.training.model_copy(update={"itemize": None})})
    corpus = load(recorded.corpus)
    assert settings_key(recorded, corpus) == settings_key(plain, corpus)
    losses = [rows(train(r, tmp_path / n), "training", "step") for n, r in (("a", recorded), ("b", plain))]
    assert losses[0].drop_columns("tokens_per_second") == losses[1].drop_columns("tokens_per_second")


@pytest.mark.long
def test_a_resumed_training_records_every_batch_once(tmp_path, monkeypatch):
    recipe = a_recipe()
    uninterrupted = train(recipe, tmp_path / "whole")
    flush, flushed = Itemizing.flush, []

    def flush_and_die(self):
        """The rows of the batch after step 120 are written, and the checkpoint behind them is not."""
        flush(self)
        flushed.append(self)
        if len(flushed) == 121:
            raise Killed

    monkeypatch.setattr(Itemizing, "flush", flush_and_die)
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    with pytest.raises(Killed):
        train(recipe, tmp_path / "resumed")
    monkeypatch.undo()
    written = rows(rnnstore.open(tmp_path / "resumed"), "gradient_horizons where layer = 1", "step")
    assert written["step"].to_pylist() == list(range(0, 121, 10))
    resumed = train(recipe, tmp_path / "resumed")
    for table, order in (
        ("gradient_horizons", "step, layer"),
        ("itemized_gradients", "step, layer, t, j"),
        ("training_batches", "step, sequence, position"),
    ):
        assert rows(resumed, table, order) == rows(uninterrupted, table, order)


class Killed(Exception):
    pass


@pytest.mark.long
def test_where_a_loss_is_no_number_the_batch_and_the_row_are_kept(tmp_path):
    recipe = a_recipe(rate=3e38, clip="null")
    with pytest.raises(TrainingError, match="the loss is not a number"):
        train(recipe, tmp_path)
    store = rnnstore.open(tmp_path)
    broke = store.sql("select min(step) from training where not isfinite(loss + gradient_norm)").to_pylist()[0]
    step = next(iter(broke.values())) - 1  # steps done before it
    batch = store.sql("select * from training_batches where step = ?", [step])
    assert batch.num_rows == 5
    assert not np.isfinite(np.array(batch["loss"].to_pylist(), float)).all()
    assert store.sql("select count(*) as n from itemized_gradients where step = ?", [step])["n"][0].as_py() > 0


@pytest.mark.parametrize(
    "given, said", [("{every: 0}", "itemize.every"), ("{lags: 0}", "itemize.lags"), ("100", "itemize")]
)
def test_settings_that_mean_nothing_are_refused_with_a_sentence(given, said):
    text = RECIPE.format(layers=LAYERS["gru"], dropout=0, batch=1, rate=0.01, clip=5, lags="")
    with pytest.raises(RecipeError, match=said):
        recipes.parse(text.replace("{every: 10}", given))
