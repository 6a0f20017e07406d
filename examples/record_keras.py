"""Records a Keras model of an LSTM and a GRU layer: their states at every step, of many sequences at once.

What a layer returns are its hidden values. The cell values of an LSTM come from its `cell`, asked step by step; a
batch of sequences is read side by side and recorded one sequence after the other.

    python examples/record_keras.py --store store
"""

import argparse

import keras
import numpy as np

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

UNITS, SEQUENCES, STEPS = 12, 64, 30
vocabulary = ["-", "open", "close"]
keras.utils.set_random_seed(1)

# The task: say at every step whether the door is open.
words = np.random.default_rng(1).choice(3, (SEQUENCES, STEPS), p=[0.7, 0.15, 0.15])  # int[SEQUENCES, STEPS]
is_open = np.zeros((SEQUENCES, STEPS), int)  # int[SEQUENCES, STEPS]
for t in range(STEPS):
    before = is_open[:, t - 1] if t else 0
    is_open[:, t] = np.where(words[:, t] == 0, before, words[:, t] == 1)

model = keras.Sequential(
    [
        keras.layers.Input((STEPS,), dtype="int32"),
        keras.layers.Embedding(len(vocabulary), 4),
        keras.layers.LSTM(UNITS, return_sequences=True),
        keras.layers.GRU(UNITS, return_sequences=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(words, is_open[..., None], batch_size=16, epochs=12, verbose=0).history
print(f"accuracy {history['accuracy'][-1]:.3f}")

# The states. Any model that ends earlier gives a layer's hidden values at every step.
embedding, lstm, gru, _ = model.layers
embedded = keras.Model(model.inputs[0], embedding.output)(words)  # float[SEQUENCES, STEPS, 4]
second = keras.Model(model.inputs[0], gru.output)(words)  # float[SEQUENCES, STEPS, UNITS]

memory = [np.zeros((SEQUENCES, UNITS), np.float32)] * 2  # h and c before the first step
hidden, cells = [], []
for t in range(STEPS):
    _, memory = lstm.cell(embedded[:, t], memory)
    hidden.append(np.asarray(memory[0]))  # float[SEQUENCES, UNITS]
    cells.append(np.asarray(memory[1]))
first_hidden, first_cells = np.stack(hidden, axis=1), np.stack(cells, axis=1)  # float[SEQUENCES, STEPS, UNITS]

with store.writer("keras-door") as writer:
    writer.describe(
        task="is the door open",
        cell="lstm, gru",
        layers=2,
        units=UNITS,
        parameters=model.count_params(),
        corpus=f"{SEQUENCES} sequences of {STEPS} steps",
        metrics=[("accuracy", "train", history["accuracy"][-1])],
    )
    model.save_weights(writer.folder("network") / "all.weights.h5")
    with writer.record(vocabulary=vocabulary, thresholds=(0.3,), track_sources={"door": "gold"}) as recorder:
        recorder.add(
            words=words.reshape(-1),  # sequence after sequence
            states={
                "layer1.h": first_hidden.reshape(-1, UNITS),  # float[SEQUENCES * STEPS, UNITS]
                "layer1.c": first_cells.reshape(-1, UNITS),
                "layer2.h": np.asarray(second).reshape(-1, UNITS),
            },
            sequence_starts=np.arange(SEQUENCES * STEPS) % STEPS == 0,  # the states were zero before these
            annotations={"door": np.where(is_open, "open", "closed").reshape(-1)},
        )
