"""Records today's recurrent families: the state of a state-space model and the memory of linear attention.

Both are vectors that go on from step to step, so they are recorded like any other. A complex state becomes two states,
its real and its imaginary part; a memory that is a matrix becomes a vector of its cells.

    python examples/record_state_space.py --store store
"""

import argparse

import numpy as np

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

EMBEDDING, UNITS, KEY, VALUE = 16, 24, 4, 8
generator = np.random.default_rng(1)

# Words to remember and to recall: a name is followed by its number, the first time and every time.
names = ["ada", "ben", "cleo", "dan", "eve", "finn"]
numbers = {name: str(generator.integers(10)) for name in names}
words = [word for name in generator.choice(names, 400) for word in (str(name), numbers[name])]
vocabulary = sorted(set(words))
ids = np.array([vocabulary.index(word) for word in words])
embedding = generator.normal(size=(len(vocabulary), EMBEDDING))
inputs = embedding[ids]  # float[steps, EMBEDDING]

# A diagonal state-space layer: s(t) = a * s(t-1) + B x(t). |a| is how slowly a unit forgets, its angle how it turns.
decay = np.exp(-np.geomspace(0.005, 0.7, UNITS) + 1j * np.linspace(0, 0.6, UNITS))  # complex[UNITS]
into = generator.normal(size=(UNITS, EMBEDDING)) * np.sqrt(1 - np.abs(decay[:, None]) ** 2) / EMBEDDING**0.5

state = np.zeros(UNITS, complex)
states = np.empty((len(words), UNITS), complex)  # complex[steps, UNITS]
for t in range(len(words)):
    state = decay * state + into @ inputs[t]
    states[t] = state

# Linear attention: M(t) = forget * M(t-1) + k(t) v(t)', a matrix that a query reads from.
keys_of, values_of = generator.normal(size=(2, max(KEY, VALUE), EMBEDDING)) / EMBEDDING**0.5
keys = np.maximum(inputs @ keys_of[:KEY].T, 0)  # float[steps, KEY]
values = inputs @ values_of[:VALUE].T  # float[steps, VALUE]
forget = 0.9

memory = np.zeros((KEY, VALUE))
memories = np.empty((len(words), KEY * VALUE), np.float32)  # float[steps, KEY * VALUE]
for t in range(len(words)):
    memory = forget * memory + np.outer(keys[t], values[t])
    memories[t] = memory.reshape(-1)  # unit k * VALUE + v holds the cell of key k and value v

with store.writer("state-space") as writer:
    writer.describe(task="none: random weights", cell="state space, linear attention", layers=1, corpus="recall")
    np.savez(
        writer.folder("network") / "weights.npz",
        **{"inputs": inputs, "decay": decay, "into": into, "keys": keys, "values": values, "forget": forget},
    )
    with writer.record(vocabulary=vocabulary, thresholds=(0.3,)) as recorder:
        recorder.add(
            words=ids,
            states={"ssm.real": states.real, "ssm.imaginary": states.imag, "attention.memory": memories},
            annotations={"kind": np.where(np.arange(len(words)) % 2, "number", "name")},
        )
