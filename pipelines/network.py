"""The network: an embedding, a stack of recurrent layers, and a softmax over the vocabulary or over labels.

`RecurrentNetwork` maps windows of word ids to what the last layer says, and on request hands out every memory and gate
on the way. A state is reset to zero wherever a sequence starts, also in the middle of a window, so that many short
sequences can be packed into windows like one long stream.

A saved model is `weights.npz` (arrays only) and `network.json` (sizes and settings): reading them executes no code.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.corpora.corpus import Corpus
from pipelines.recipe import Network
from pipelines.tensors import TensorLayer
from rnnstore.networks import cells
from rnnstore.store import disk
from rnnstore.store.staging import explain_disk_errors


class RecurrentNetwork:
    """Embedding of a vocabulary, stacked cells and output layer; weights are variables in `self.weights`.

    `layers` is a list of dictionaries as in a recipe: {"cell": "lstm", "units": 200, ...options of the cell}.
    `outputs` is how many labels there are to choose from; None: the words of the vocabulary.
    With `tie`, the output layer uses the embedding, transposed (the last layer then needs `embedding` units). Unless
    it is `tuned`, the embedding is no part of what is learned.
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int,
        layers: list[dict],
        tie: bool = False,
        dropout: float = 0.0,
        input_dropout: float | None = None,
        outputs: int | None = None,
        tuned: bool = True,
    ) -> None:
        self.outputs = vocabulary if outputs is None else outputs
        self.settings = {
            "vocabulary": vocabulary,
            "outputs": self.outputs,
            "embedding": embedding,
            "layers": [dict(layer) for layer in layers],
            "tie": tie,
            "dropout": dropout,
            "input_dropout": input_dropout,
            "tuned": tuned,
        }
        self.vocabulary, self.embedding, self.tie, self.tuned = vocabulary, embedding, tie, tuned
        self.dropout, self.input_dropout = dropout, dropout if input_dropout is None else input_dropout
        self.cells: list[cells.Cell] = []
        width = embedding
        for layer in layers:
            options = {key: value for key, value in layer.items() if key not in ("cell", "units")}
            self.cells.append(cells.build(layer["cell"], width, layer["units"], **options))
            width = layer["units"]
        self.layers = [TensorLayer(cell) for cell in self.cells]
        self.weights: dict[str, tf.Variable] = {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight by its full name: `embedding`, `layer1.kernel`, ..., `output.kernel`, `output.bias`."""
        shapes: dict[str, tuple[int, ...]] = {"embedding": (self.vocabulary, self.embedding)}
        for number, cell in enumerate(self.cells, 1):
            shapes |= {f"layer{number}.{name}": shape for name, shape in cell.shapes().items()}
        if not self.tie:
            shapes["output.kernel"] = (self.cells[-1].units, self.outputs)
        shapes["output.bias"] = (self.outputs,)
        return shapes

    @classmethod
    def described(cls, settings: Network, corpus: Corpus, width: int | None = None) -> "RecurrentNetwork":
        """The network that the `network` part of a recipe describes, over a corpus; without weights yet.

        `width` is that of its word vectors, where it starts with some.
        """
        layers = [layer.model_dump() for layer in settings.layers]
        given = settings.embedding
        embedding, tuned = (given, True) if isinstance(given, int) else (width, given.tuned)
        assert embedding is not None  # the width of the vectors is known by now
        return cls(
            vocabulary=len(corpus.vocabulary),
            embedding=embedding,
            layers=layers,
            tie=settings.tie,
            dropout=settings.dropout,
            input_dropout=settings.input_dropout,
            outputs=len(corpus.outputs),
            tuned=tuned,
        )

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(int(np.prod(shape)) for name, shape in self.shapes().items() if self.learns(name))

    def learns(self, weight: str) -> bool:
        """Whether training changes the weight of this name."""
        return self.tuned or weight != "embedding"

    @property
    def learned(self) -> dict[str, tf.Variable]:
        """The weights that training changes, by name."""
        return {name: weight for name, weight in self.weights.items() if self.learns(name)}

    def initialise(self, seed: int, limit: float | None, vectors: np.ndarray | None = None) -> None:
        """Draw all weights anew: uniform in [-limit, limit] with zero biases, or each cell's own default.

        The embedding is `vectors`, float32[vocabulary, embedding], where they are given; the others are drawn alike.
        """
        rng = np.random.default_rng(seed)
        width = self.cells[-1].units
        bound = limit if limit is not None else np.sqrt(6.0 / (width + self.outputs))
        values = {
            "embedding": rng.uniform(-(limit or 0.05), limit or 0.05, (self.vocabulary, self.embedding)),
            "output.bias": np.zeros(self.outputs),
        }
        if vectors is not None:
            values["embedding"] = vectors
        for number, cell in enumerate(self.cells, 1):
            drawn = cell.initial_weights(rng, limit)
            values |= {f"layer{number}.{name}": value for name, value in drawn.items()}
        if not self.tie:
            values["output.kernel"] = rng.uniform(-bound, bound, (width, self.outputs))
        self.assign(values)

    def assign(self, values: dict[str, np.ndarray]) -> None:
        """Set all weights; ValueError names the first that is missing or has another shape."""
        for name, shape in self.shapes().items():
            if name not in values or tuple(values[name].shape) != shape:
                found = "is missing" if name not in values else f"has shape {tuple(values[name].shape)}"
                raise ValueError(f"Weight {name!r} {found}; this network needs shape {shape}.")
            value = np.asarray(values[name], np.float32)
            if name in self.weights:
                self.weights[name].assign(value)
            else:
                self.weights[name] = tf.Variable(value, name=name.replace(".", "_"))
        for number, layer in enumerate(self.layers, 1):
            layer.weights = {name: self.weights[f"layer{number}.{name}"] for name in layer.cell.shapes()}

    @property
    def state_names(self) -> list[str]:
        """Every memory and hidden vector, `layer1.c`, `layer1.h`, ..., in order."""
        return [f"layer{n}.{name}" for n, cell in enumerate(self.cells, 1) for name in cell.states]

    @property
    def gate_names(self) -> list[str]:
        """Every gate, `layer1.i`, ..., in order."""
        return [f"layer{n}.{name}" for n, cell in enumerate(self.cells, 1) for name in cell.gates]

    def units_of(self, series: str) -> int:
        """Width of a named state or gate."""
        layer, _, name = series.partition(".")
        return self.cells[int(layer.removeprefix("layer")) - 1].widths[name]

    def zeros(self, batch: int) -> list[dict[str, tf.Tensor]]:
        """The state before a sequence, one dictionary a layer."""
        return [layer.zeros(batch) for layer in self.layers]

    def forward(
        self,
        word_ids: tf.Tensor,
        keep: tf.Tensor,
        state: list[dict],
        *,
        record: tuple[str, ...] = (),
        drop_seed: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[dict], dict[str, tf.Tensor]]:
        """Run a window: the last layer's h float32[batch, steps, units], the state after it, and the series asked for.

        `word_ids` int32[batch, steps]. `keep` float32[batch, steps] is 0 where a sequence starts and 1 elsewhere; it
        multiplies the state before the step. `record` names states and gates to hand out, each float32[batch, steps,
        units]. With `drop_seed` int32[2] dropout applies, between layers as in
        Zaremba et al. (2014); the same seed drops the same places.
        """
        x = tf.gather(self.weights["embedding"], word_ids)  # [batch, steps, embedding]
        keep = tf.transpose(keep)[:, :, None]  # [steps, batch, 1]
        after, recorded = [], dict[str, tf.Tensor]()
        for number, layer in enumerate(self.layers, 1):
            x = self.dropped(x, drop_seed, number)
            wanted = tuple(n for n in layer.cell.widths if f"layer{number}.{n}" in record or n == "h")
            projected = tf.transpose(layer.project(x), (1, 0, 2))  # [steps, batch, gates * units]
            now, series = run(layer, projected, keep, state[number - 1], wanted)
            series = {name: tf.transpose(values, (1, 0, 2)) for name, values in series.items()}
            x = series["h"]
            after.append(now)
            recorded |= {f"layer{number}.{name}": values for name, values in series.items()}
        return self.dropped(x, drop_seed, 0), after, {name: recorded[name] for name in record}

    def dropped(self, x: tf.Tensor, seed: tf.Tensor | None, place: int) -> tf.Tensor:
        """`x` with dropout, or as it is when not training. Place 1 is the input of the first layer."""
        rate = self.input_dropout if place == 1 else self.dropout
        if seed is None or not rate:
            return x
        return tf.nn.experimental.stateless_dropout(x, rate, seed=seed * [1, 100] + [0, place])

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Scores of every word or label, float32[n, outputs], for outputs of the last layer float32[n, units]."""
        if self.tie:
            return tf.matmul(hidden, self.weights["embedding"], transpose_b=True) + self.weights["output.bias"]
        return hidden @ self.weights["output.kernel"] + self.weights["output.bias"]

    def save(self, folder: Path, **facts: Any) -> None:
        """Write weights.npz, and network.json with `facts`, into `folder`, each whole or not at all; the JSON last."""
        folder.mkdir(parents=True, exist_ok=True)
        write_arrays(folder / "weights.npz", {name: value.numpy() for name, value in self.weights.items()})
        write_facts(folder, {"format": 1, "network": self.settings, **facts})

    @classmethod
    def load(cls, folder: Path) -> tuple["RecurrentNetwork", dict] | None:
        """The network saved in `folder` and the facts saved with it; None when nothing was saved there."""
        facts_file, arrays = folder / "network.json", read_arrays(folder / "weights.npz")
        if arrays is None or not facts_file.is_file():
            return None
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        network = cls(**facts["network"])
        network.assign(arrays)
        return network, facts


def run(
    layer: TensorLayer, projected: tf.Tensor, keep: tf.Tensor, state: dict[str, tf.Tensor], wanted: tuple[str, ...]
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """A layer over a window: its last state, and the wanted states and gates, float32[steps, batch, width] each.

    A loop in the graph: written out step by step it is no faster once compiled, and takes half a minute to compile.
    """
    steps = projected.shape[0]
    shapes = {name: (state["h"].shape[0], layer.cell.widths[name]) for name in wanted}
    arrays = {name: tf.TensorArray(tf.float32, steps, element_shape=shape) for name, shape in shapes.items()}

    def body(t: tf.Tensor, before: dict[str, tf.Tensor], arrays: dict[str, tf.TensorArray]) -> tuple[Any, Any, Any]:
        state, gates = layer.advance(projected[t], {name: keep[t] * values for name, values in before.items()})
        arrays = {name: array.write(t, state[name] if name in state else gates[name]) for name, array in arrays.items()}
        return t + 1, {name: state[name] for name in before}, arrays

    _, state, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, state, arrays), maximum_iterations=steps)
    return state, {name: array.stack() for name, array in arrays.items()}


def write_facts(folder: Path, facts: dict) -> None:
    """Write network.json, whole or not at all."""
    path = folder / "network.json"
    with explain_disk_errors(f"writing {path}"), disk.replacing(path) as file:
        file.write(json.dumps(facts, ensure_ascii=False, indent=1).encode())


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz of plain arrays that appears whole or not at all."""
    with explain_disk_errors(f"writing {path}"), disk.replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # no array is called allow_pickle


def read_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """The arrays of an .npz, or None when there is no such file or it is not one. No pickles are opened."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
