"""Records a PyTorch LSTM and a GRU in one call each: every state and gate of every layer, at every step.

Both learn the language a^n b^n, in which as many `b` follow as there were `a`, so one of their units has to count.
Their networks come along, so that typed text, connectivity and memory work, too.

    python examples/record_pytorch.py --store store
"""

import argparse

import numpy as np
import torch

import rnnstore.pytorch as rt

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = parser.parse_args().store

UNITS, LAYERS, PHRASES = 16, 2, 200
vocabulary = ["a", "b", "."]
torch.manual_seed(1)
torch.set_num_threads(1)

# The corpus: a...ab...b. again and again, and beside every character how many `b` are still to come.
lengths = np.random.default_rng(1).integers(1, 9, PHRASES)
words = torch.tensor(np.concatenate([[0] * n + [1] * n + [2] for n in lengths]))  # int[steps]
still_open = np.concatenate([[*range(1, n + 1), *range(n - 1, -1, -1), 0] for n in lengths])  # int[steps]


class Characters(torch.nn.Module):
    """Scores float[sequences, steps, 3] of the next character, from int[sequences, steps]."""

    def __init__(self, kind):
        super().__init__()
        self.embedding = torch.nn.Embedding(len(vocabulary), 8)
        self.network = kind(input_size=8, hidden_size=UNITS, num_layers=LAYERS, batch_first=True)
        self.output = torch.nn.Linear(UNITS, len(vocabulary))

    def forward(self, characters):
        return self.output(self.network(self.embedding(characters))[0])


for name, kind in (("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)):
    model = Characters(kind)

    # Training: predict the next character, 16 stretches of 40 steps at once.
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        first = torch.randint(len(words) - 41, (16, 1))
        stretch = words[first + torch.arange(41)]  # int[16, 41]
        loss = torch.nn.functional.cross_entropy(model(stretch[:, :-1]).transpose(1, 2), stretch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{name}: loss {loss.item():.3f} nats a character")

    # Recording: the whole corpus as one sequence, from a state of zero.
    rt.record(
        model,
        [words[None]],
        store=store,
        name=f"torch-{name}",
        vocabulary=vocabulary,
        annotations=lambda batch: {"open": still_open[None]},
        corpus="a^n b^n, n from 1 to 8",
        level="character",
        replace=True,
    )
