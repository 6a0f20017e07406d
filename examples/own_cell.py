"""A recurrent cell of one's own, in a recipe and in a network file: how long its state keeps a word, and what it uses.

The cell, a minimal gated unit, is one class, written over any library's arrays: TensorFlow trains it, NumPy reads it
and finds its derivatives. Importing this module registers it, so other programs use it, too:

    RNNSTORE_CELLS=own_cell python -m pipelines run RECIPE        with `cell: minimal-gated-unit` in the recipe

    python examples/own_cell.py --store store
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import rnnstore
from rnnstore.networks.cells import Cell, Gate, gates_side_by_side, unedited

RECIPE = """
name: own-cell
corpus: {kind: text, files: [sentences.txt], level: word, sequences: line}
network: {embedding: 6, layers: [{cell: minimal-gated-unit, units: 12}]}
training: {epochs: 12, batch: 8, unroll: 8, learning_rate: 0.02}
record: {split: train, gates: true}
"""


class MinimalGatedUnit(Cell):
    """h = f h' + (1 - f) g, with f = sigmoid(W x + U h' + b) and g = tanh(V x + T (f h') + d)."""

    kind, label = "minimal-gated-unit", "MGU"

    def state_shapes(self):
        return {"h": (self.units,)}

    def gate_list(self):
        yield Gate("f", "forget gate", keeps="h")
        yield Gate("g", "candidate", "tanh")

    def shapes(self):
        return gates_side_by_side(self.inputs, self.units, 2)

    def step(self, xp, weights, projected, state, edit=unedited):
        h, recurrent, units = state["h"], weights["recurrent"], self.units
        f = edit("f", xp.sigmoid(projected[..., :units] + h @ recurrent[:, :units]))
        g = edit("g", xp.tanh(projected[..., units:] + (f * h) @ recurrent[:, units:]))
        return {"h": edit("h", f * h + (1 - f) * g)}, {"f": f, "g": g}


def sentences(count: int) -> list[str]:
    """The verb has the number of a noun that is up to three words away: "cats here here sleep ."."""
    rng = np.random.default_rng(1)
    ends = {True: ("cats", "sleep"), False: ("cat", "sleeps")}
    drawn = zip(rng.random(count) < 0.5, rng.integers(0, 4, count), strict=True)
    return [" ".join([ends[bool(plural)][0], *["here"] * away, ends[bool(plural)][1], "."]) for plural, away in drawn]


if __name__ == "__main__":
    from pipelines.__main__ import work  # it imports TensorFlow
    from rnnstore import connectivity, memory

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", default="store", help="folder of the store, made if there is none")
    store = rnnstore.open(parser.parse_args().store)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sentences.txt").write_text("\n".join(sentences(400)), encoding="utf-8")
        Path(folder, "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        work(str(Path(folder, "recipe.yaml")), Path(store.path), None, training=True, recording=True)
    store.refresh()
    model = store.model("own-cell")
    memory.save(store, "own-cell", memory.state_gradients(model, delays=6, classes=["noun=cat,cats"]), model)
    found = connectivity.text_connectivity(model, "cats here here sleep", target="word", word="sleep")
    print(list(zip(found.reading.words[:3], found.values[2, :3].round(2).tolist(), strict=True)))
