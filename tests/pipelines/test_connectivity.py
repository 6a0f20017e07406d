"""Connectivity against GradientTape on the unrolled network, and occlusion against reading every text anew."""

from types import SimpleNamespace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.network import RecurrentNetwork  # noqa: E402
from rnnstore.connectivity.norms import connectivity, occlusion, targets_of  # noqa: E402
from rnnstore.errors import QuestionError  # noqa: E402
from rnnstore.networks import open_network  # noqa: E402
from rnnstore.networks.tokenising import Tokens  # noqa: E402

WORDS = list("abcdefg")
IDS = np.array([3, 1, 4, 1, 5, 2, 6, 0], np.int32)
STACKS = {
    "vanilla": [{"cell": "vanilla", "units": 5}, {"cell": "vanilla", "units": 4}],
    "lstm": [{"cell": "lstm", "units": 5}, {"cell": "lstm", "units": 6, "peepholes": True}],
    "gru": [{"cell": "gru", "units": 5, "reset": "after"}, {"cell": "gru", "units": 4, "reset": "before"}],
    "nested": [{"cell": "nested-lstm", "units": 5, "depth": 2}, {"cell": "nested-lstm", "units": 4, "depth": 3}],
}


@pytest.fixture(params=STACKS)
def trained(request, tmp_path):
    """A random network of two layers as it trains, and as it is read from its folder."""
    drawn = RecurrentNetwork(len(WORDS), 3, STACKS[request.param])
    rng = np.random.default_rng(5)
    drawn.assign({name: rng.normal(0, 0.6, shape) for name, shape in drawn.shapes().items()})
    drawn.save(tmp_path / "network", settings="", level="character", vocabulary=WORDS)
    return drawn, open_network(SimpleNamespace(name="tiny", folder=tmp_path))


def read(reader, ids=IDS, starts=()):
    words = [WORDS[number] for number in ids]
    at = np.isin(np.arange(len(ids)), (0, *starts))
    tokens = Tokens(words=words, ids=ids, typed=words, unknown=np.zeros(len(ids), bool), starts=at, notes=[])
    return reader.read(tokens)


def logits_of(drawn, x, keep):
    """Scores of every step from embedded inputs float32[1, steps, 3], unrolled."""
    state, scores = drawn.zeros(1), []
    for t in range(x.shape[1]):
        below, after = x[:, t], []
        for cell, before in zip(drawn.layers, state, strict=True):
            now, _ = cell.step(below, {name: keep[t] * value for name, value in before.items()})
            after.append(now)
            below = now["h"]
        state = after
        scores.append(drawn.logits(below)[0])
    return tf.stack(scores)


def tape_gradients(drawn, ids, targets, starts):
    """float32[n, n, embedding]: d logit / d embedded input of every pair."""
    keep = np.where(starts, 0.0, 1.0).astype(np.float32)
    x = tf.gather(drawn.weights["embedding"], ids)[None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        chosen = tf.gather(logits_of(drawn, x, keep), np.maximum(targets, 0), batch_dims=1)
    return tape.jacobian(chosen, x).numpy()[:, 0]


@pytest.mark.parametrize("starts", [(), (5,)])
def test_every_pair_equals_the_tape(trained, starts):
    drawn, reader = trained
    reading = read(reader, starts=starts)
    targets = targets_of(reader, reading)
    assert targets.tolist() == [1, 4, 1, 5, -1 if starts else 2, 6, 0, -1]
    gradients, known = tape_gradients(drawn, IDS, targets, reading.starts), targets >= 0
    embedding = drawn.weights["embedding"].numpy()

    found = connectivity(reader, reading, targets).values
    np.testing.assert_allclose(found[known], np.linalg.norm(gradients, axis=2)[known], rtol=2e-4, atol=1e-6)
    assert np.isnan(found[~known]).all()
    assert not found[known][np.triu(np.ones_like(found, bool), 1)[known]].any()  # nothing depends on what comes later

    one_hot = connectivity(reader, reading, targets, "one-hot").values
    np.testing.assert_allclose(
        one_hot[known], np.linalg.norm(gradients @ embedding.T, axis=2)[known], rtol=5e-4, atol=1e-5
    )
    signed = connectivity(reader, reading, targets, "times-input").values
    np.testing.assert_allclose(
        signed[known], np.einsum("ijk,jk->ij", gradients, embedding[IDS])[known], rtol=1e-3, atol=1e-5
    )


def test_an_input_taken_away_is_a_text_read_anew(trained):
    drawn, reader = trained
    reading = read(reader, starts=(5,))
    targets = np.arange(len(IDS)) % len(WORDS)
    x = drawn.weights["embedding"].numpy()[IDS]
    keep = np.where(reading.starts, 0.0, 1.0).astype(np.float32)
    whole = logits_of(drawn, tf.constant(x[None]), keep).numpy()
    found = occlusion(reader, reading, targets)
    for t in range(len(IDS)):
        other = x.copy()
        other[t] = x.mean(axis=0)
        fallen = (whole - logits_of(drawn, tf.constant(other[None]), keep).numpy())[np.arange(len(IDS)), targets]
        np.testing.assert_allclose(found[:, t], fallen, atol=2e-5)


def test_what_cannot_be_asked_is_a_sentence(trained):
    _, reader = trained
    reading = read(reader)
    with pytest.raises(QuestionError, match="no output 'zebra'"):
        targets_of(reader, reading, "zebra")
    assert targets_of(reader, reading, "c").tolist() == [2] * len(IDS)
    long = read(reader, np.zeros(1000, np.int32))
    assert connectivity(reader, long, np.zeros(1000, int)).values.shape == (1000, 1000)
