"""Records a bidirectional network: its forward and its backward values are two states over the same words.

The backward values at a step have read the words from the end of the sequence to this step. Selecting a word under one
state and then under the other asks what was known from the left and what from the right.

    python examples/record_bidirectional.py --store store
"""

import argparse

import keras
import numpy as np

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

UNITS, SEQUENCES, STEPS = 12, 60, 20
vocabulary = ["a", "b", "c", "x"]
keras.utils.set_random_seed(1)

# The task: is this letter the last x of its sequence? Only what comes later can tell.
letters = np.random.default_rng(1).integers(0, len(vocabulary), (SEQUENCES, STEPS))  # int[SEQUENCES, STEPS]
x = letters == vocabulary.index("x")
later = np.cumsum(x[:, ::-1], axis=1)[:, ::-1] - x  # int[SEQUENCES, STEPS]: how many x are still to come
last = x & (later == 0)  # bool[SEQUENCES, STEPS]

both_ways = keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True), name="both_ways")
model = keras.Sequential(
    [
        keras.layers.Input((STEPS,), dtype="int32"),
        keras.layers.Embedding(len(vocabulary), 4),
        both_ways,
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(letters, last[..., None], batch_size=16, epochs=12, verbose=0).history
print(f"accuracy {history['accuracy'][-1]:.3f}")

# The layer's output holds both, forward first, each step's values at that step. (So does PyTorch's, with
# bidirectional=True: output[..., :UNITS] and output[..., UNITS:].)
output = np.asarray(keras.Model(model.inputs[0], both_ways.output)(letters))  # float[SEQUENCES, STEPS, 2 * UNITS]

with store.writer("keras-bidirectional") as writer:
    writer.describe(
        task="last x of the sequence",
        cell="gru, bidirectional",
        layers=1,
        units=UNITS,
        parameters=model.count_params(),
        corpus=f"{SEQUENCES} sequences of {STEPS} letters",
        level="character",
        metrics=[("accuracy", "train", history["accuracy"][-1])],
    )
    model.save_weights(writer.folder("network") / "all.weights.h5")
    with writer.record(vocabulary=vocabulary, thresholds=(0.3,), track_sources={"x to come": "gold"}) as recorder:
        recorder.add(
            words=letters.reshape(-1),
            states={
                "layer1.forward": output[..., :UNITS].reshape(-1, UNITS),  # float[SEQUENCES * STEPS, UNITS]
                "layer1.backward": output[..., UNITS:].reshape(-1, UNITS),
            },
            sequence_starts=np.arange(SEQUENCES * STEPS) % STEPS == 0,
            annotations={"x to come": later.reshape(-1)},
        )
