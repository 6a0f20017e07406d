"""A network of the store: the files that training left in a model's folder, read with NumPy.

The folder holds `network/network.json` (sizes, vocabulary, how text becomes words) and `network/weights.npz` (plain
arrays). Both are data: reading them executes nothing, sizes are checked before anything is loaded, and nothing of
TensorFlow, which trained them, is needed. docs/network.md says what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.facts import Facts
from rnnstore.networks.weights import Weights


class SavedNetwork(CellNetwork):
    """The network of files; `rnnstore.networks.open_network` makes one of a model."""

    def __init__(self, name: str, facts: Facts, weights: Path) -> None:
        self.name, self._facts = name, facts
        self.words = facts.vocabulary
        self.completes = facts.task == "autocomplete"
        self.classifier = facts.labels is not None and not self.completes
        self.outputs = facts.labels if facts.labels is not None else facts.vocabulary
        self.tokenisation = facts.tokenisation
        if facts.tokenisation is not None:
            self.can = self.can | {"text"}
        if not facts.network.head:
            self.can = self.can - {"scores"}
        self.describe(facts.cells(), [layer.name or f"layer{n}" for n, layer in enumerate(facts.network.layers, 1)])
        self.weights = Weights(weights, facts.shapes())

    def layer_weights(self, number: int) -> Mapping[str, np.ndarray]:
        return {name: self.weights[f"layer{number}.{name}"] for name in self.cells[number - 1].shapes()}

    def embed(self, ids: np.ndarray) -> np.ndarray:
        x = self.weights.rows("embedding", np.maximum(ids, 0))
        x[ids < 0] = 0
        return x

    def output_weights(self) -> tuple[np.ndarray, np.ndarray]:
        kernel = self.weights["embedding"].T if self._facts.network.tie else self.weights["output.kernel"]
        return kernel, self.weights["output.bias"]

    def score_gradients(self, hidden: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        if self._facts.network.tie:
            return self.weights.rows("embedding", outputs)
        return super().score_gradients(hidden, outputs)
