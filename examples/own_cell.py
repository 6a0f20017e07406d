"""Gradients through a recurrent cell of one's own: how long its state keeps a word, on what its predictions depend.

The cell, a minimal gated unit, is a step that TensorFlow can differentiate; that is all that has to be known of it. A
Keras cell has one too: `lambda x, state: {"h": cell(x, [state["h"]])[0]}`.

    python examples/own_cell.py --store store
"""

import argparse

import numpy as np
import tensorflow as tf

import rnnstore
from pipelines.own_cells import OwnCell, OwnNetwork
from rnnstore.connectivity.texts import connected
from rnnstore.memory import measuring
from rnnstore.networks.network import bring

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

UNITS, WIDTH, SENTENCES = 12, 6, 200
vocabulary = ["cat", "cats", "here", "sleeps", "sleep", "."]
rng = np.random.default_rng(1)


def weight(*shape):
    return tf.Variable(rng.normal(0, 0.4, shape), dtype=tf.float32)


embedding, output, bias = weight(len(vocabulary), WIDTH), weight(UNITS, len(vocabulary)), weight(len(vocabulary))
to_gate, to_new, gate_of, new_of = (weight(width, UNITS) for width in (WIDTH, WIDTH, UNITS, UNITS))


def step(x, state):
    """The next state from an input float32[rows, WIDTH] and a state float32[rows, UNITS]."""
    h = state["h"]
    keep = tf.sigmoid(x @ to_gate + h @ gate_of + 1.0)
    return {"h": keep * h + (1 - keep) * tf.tanh(x @ to_new + (keep * h) @ new_of)}


text = []  # the verb has the number of a noun that is up to four words away: "cats here here sleep ."
for plural, between in zip(rng.integers(0, 2, SENTENCES), rng.integers(0, 4, SENTENCES), strict=True):
    text += [int(plural), *[2] * between, 3 + int(plural), 5]
words, weights = np.array(text, np.int32), [embedding, output, bias, to_gate, to_new, gate_of, new_of]
optimizer = tf.keras.optimizers.Adam(0.02)


@tf.function
def train(batch):  # int32[rows, steps]
    with tf.GradientTape() as tape:
        state, loss = {"h": tf.zeros((batch.shape[0], UNITS))}, 0.0
        for t in range(batch.shape[1] - 1):
            state = step(tf.gather(embedding, batch[:, t]), state)
            scores = state["h"] @ output + bias
            loss += tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(batch[:, t + 1], scores))
    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    return loss / (batch.shape[1] - 1)


for _ in range(150):
    loss = train(tf.constant(words[rng.integers(0, len(words) - 12, (32, 1)) + np.arange(12)]))
print(f"loss {float(loss):.3f}")

arrays, cell = [variable.numpy() for variable in (output, bias)], OwnCell(step, WIDTH, UNITS)
own = OwnNetwork("own-cell", vocabulary, embedding.numpy(), [cell], *arrays, tokenisation={"level": "word"})
starts = np.arange(len(words)) == 0
names = ("embedding", "output", "bias", "to_gate", "to_new", "gate_of", "new_of")
with store.writer("own-cell") as writer:
    np.savez(writer.folder("network") / "weights.npz", **dict(zip(names, weights, strict=True)))
    with writer.record(vocabulary=vocabulary) as recorder:
        recorder.add(words=words, states={"layer1.h": own.run(words, starts)["layer1.h"]}, sequence_starts=starts)
bring(own)  # analyses of "own-cell" in this program read it by these cells
store.refresh()
model = store.model("own-cell")
measuring.save(store, "own-cell", measuring.state_gradients(model, delays=6, classes=["noun=cat,cats"]), model)
found = connected(model, "cats here here sleep", target="word", word="sleep")
print(list(zip(found.reading.words[:3], found.values[2, :3].round(2).tolist(), strict=True)))
