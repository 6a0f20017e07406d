"""Records a PyTorch LSTM and a GRU: the hidden and cell values of every layer, at every step.

Both learn the language a^n b^n, in which as many `b` follow as there were `a`, so one of their units has to count.
PyTorch gives the cell values of the last step only; reading one step at a time gives them all.

    python examples/record_pytorch.py --store store
"""

import argparse

import numpy as np
import torch

import rnnstore

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
store = rnnstore.open(parser.parse_args().store)

UNITS, LAYERS, PHRASES = 16, 2, 200
vocabulary = ["a", "b", "."]
torch.manual_seed(1)
torch.set_num_threads(1)

# The corpus: a...ab...b. again and again, and beside every character how many `b` are still to come.
lengths = np.random.default_rng(1).integers(1, 9, PHRASES)
words = np.concatenate([[0] * n + [1] * n + [2] for n in lengths])  # int[steps]
still_open = np.concatenate([[*range(1, n + 1), *range(n - 1, -1, -1), 0] for n in lengths])  # int[steps]

for kind, network_type in (("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)):
    embedding = torch.nn.Embedding(len(vocabulary), 8)
    network = network_type(input_size=8, hidden_size=UNITS, num_layers=LAYERS, batch_first=True)
    output = torch.nn.Linear(UNITS, len(vocabulary))
    layers = torch.nn.ModuleDict({"embedding": embedding, "network": network, "output": output})

    # Training: predict the next character, 16 stretches of 40 steps at once.
    optimizer = torch.optim.Adam(layers.parameters(), lr=0.01)
    for _ in range(150):
        first = torch.randint(len(words) - 41, (16, 1))
        stretch = torch.as_tensor(words)[first + torch.arange(41)]  # int[16, 41]
        hidden, _ = network(embedding(stretch[:, :-1]))  # float[16, 40, UNITS]
        loss = torch.nn.functional.cross_entropy(output(hidden).transpose(1, 2), stretch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{kind}: loss {loss.item():.3f} nats a character")

    # Recording: the whole corpus as one stream, one step at a time.
    names = [f"layer{layer + 1}.{part}" for part in ("hc" if kind == "lstm" else "h") for layer in range(LAYERS)]
    values = {name: np.empty((len(words), UNITS), np.float32) for name in names}  # float[steps, UNITS] each
    memory = None  # zeros; later h, or (h, c), each float[LAYERS, 1, UNITS]
    with torch.no_grad():
        for t, word in enumerate(words.tolist()):
            _, memory = network(embedding(torch.tensor([[word]])), memory)
            parts = torch.cat(memory if kind == "lstm" else [memory])  # float[states, 1, UNITS]: h, then c
            for name, value in zip(names, parts[:, 0].numpy(), strict=True):
                values[name][t] = value

    with store.writer(f"torch-{kind}") as writer:
        writer.describe(
            task="language model",
            cell=kind,
            layers=LAYERS,
            units=UNITS,
            corpus="a^n b^n, n from 1 to 8",
            level="character",
            metrics=[("cross entropy", "train", loss.item())],
        )
        torch.save(layers.state_dict(), writer.folder("network") / "weights.pt")  # what made the values stays with them
        with writer.record(vocabulary=vocabulary, thresholds=(0.3,), track_sources={"open": "gold"}) as recorder:
            recorder.add(words=words, states=values, annotations={"open": still_open})
