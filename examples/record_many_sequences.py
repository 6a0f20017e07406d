"""Records many short sequences of different lengths, from padded batches as most frameworks hand them out.

A sequence starts where the state was zero before. Padding is no step: a mask takes it out, and what remains stands one
sequence after the other. The network is a vanilla recurrent one in NumPy.

    python examples/record_many_sequences.py --store store
"""

import argparse

import numpy as np

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

BATCH, UNITS, EMBEDDING = 50, 20, 6
generator = np.random.default_rng(1)

# 500 reviews of three to seven words: what, and how it is.
nouns, verbs = ["the film", "the plot", "it"], ["is", "is not", "was"]
judgements = {"wonderful": "positive", "moving": "positive", "dull": "negative", "far too long": "negative"}
texts, judged = [], []
for _ in range(500):
    judgement = str(generator.choice(list(judgements)))
    texts.append(f"{generator.choice(nouns)} {generator.choice(verbs)} {judgement}".split())
    judged.append(judgements[judgement])
vocabulary = sorted({word for text in texts for word in text})

embedding = generator.normal(size=(len(vocabulary), EMBEDDING))
into = generator.normal(size=(UNITS, EMBEDDING)) * 0.4
within = generator.normal(size=(UNITS, UNITS)) * 0.2

with store.writer("short-sequences") as writer:
    writer.describe(task="none: random weights", cell="vanilla", layers=1, units=UNITS, corpus="500 short reviews")
    np.savez(writer.folder("network") / "weights.npz", embedding=embedding, into=into, within=within)
    with writer.record(vocabulary=vocabulary, thresholds=(0.3,), track_sources={"judgement": "gold"}) as recorder:
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            lengths = np.array([len(text) for text in batch])
            ids = np.zeros((len(batch), lengths.max()), int)  # int[batch, longest], padded with 0
            for row, text in enumerate(batch):
                ids[row, : len(text)] = [vocabulary.index(word) for word in text]

            state = np.zeros((len(batch), UNITS))
            states = np.empty((*ids.shape, UNITS), np.float32)  # float[batch, longest, UNITS]
            for t in range(ids.shape[1]):
                state = np.tanh(embedding[ids[:, t]] @ into.T + state @ within.T)
                states[:, t] = state

            position = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)  # int[batch, longest]
            real = position < lengths[:, None]  # bool[batch, longest]: no padding
            recorder.add(
                words=ids[real],  # int[steps of this batch], sequence after sequence
                states={"layer1.h": states[real]},  # float[steps of this batch, UNITS]
                sequence_starts=position[real] == 0,
                annotations={"judgement": np.repeat(judged[first : first + BATCH], lengths)},
            )
