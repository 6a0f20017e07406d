"""A network's files, written from arrays: embedding, recurrent layers and output layer of any framework.

They are data, safe to share: network.json and plain arrays. What was written is opened once before it counts, and held
against the model's recording where there is one (`rnnstore.networks.agreement`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.networks.agreement import FILE
from rnnstore.networks.checking import keep_agreement
from rnnstore.networks.conventions import Convention, LayerWeights, as_float32, layer_weights
from rnnstore.networks.facts import Facts, read_facts
from rnnstore.networks.saved import SavedNetwork
from rnnstore.networks.tokenising import Tokenisation
from rnnstore.store.layout import model_folder
from rnnstore.store.model import Model
from rnnstore.store.writing import ModelWriter

FILES = ("network.json", "weights.npz")


def write(
    model: Model | ModelWriter,
    *,
    layers: Sequence[Mapping[str, Any]],
    vocabulary: Sequence[str],
    embedding: Any = None,
    output: Any = None,
    labels: Sequence[str] | None = None,
    convention: Convention = "rnnstore",
    names: Sequence[str] | None = None,
    tokenisation: Tokenisation | Mapping[str, Any] | None = None,
) -> SavedNetwork:
    """Give a model of the store the network of these arrays, in place of one that it has.

    `layers`, from the input upwards: the arrays of each by the names of `convention`, beside `cell` ("lstm", "gru",
    "vanilla") and its options; `rnnstore.networks.conventions` has the table. `embedding` float[words, numbers], a row
    a word; without one the network reads a one and zeros over the vocabulary. `output`: the kernel [units, outputs] and
    bias [outputs] of a linear layer as (kernel, bias), or PyTorch's {"weight": [outputs, units], "bias": [outputs]};
    "tied" for the embedding, transposed; None where there is none, so that nothing is predicted. `labels` are what it
    tells apart, where that is not the next word. `names`, with which the series of each layer begin in the recording,
    are `layer1`, `layer2`, ... without them. `tokenisation` says how typed text becomes words (docs/network.md).

    >>> rnnstore.networks.write(model, vocabulary=words, embedding=e, output=(kernel, bias), convention="keras",
    ...     layers=[{"cell": "lstm", "kernel": k, "recurrent_kernel": u, "bias": b}])  # doctest: +SKIP

    Where there is a recording, the network is held against it, and what was found is kept: one that was not recorded
    is not asked (`rnnstore.networks.network_agreement`). `StoreError` names the array that does not fit, its shape
    and the one that was expected.
    """
    words = [str(word) for word in vocabulary]
    found = [layer_weights(convention, number, layer) for number, layer in enumerate(layers, 1)]
    if not found:
        raise StoreError("A network has at least one recurrent layer; layers= is empty.")
    table = np.eye(len(words), dtype=np.float32) if embedding is None else as_float32(embedding, "The embedding")
    width = _chained(found, table, words)
    head, bias = _output(output, table, width, len(words if labels is None else labels), convention)
    sizes: dict[str, Any] = {
        "vocabulary": len(words),
        "embedding": table.shape[1],
        "layers": [
            {"cell": each.cell, "units": each.units, **each.options, **({"name": names[place]} if names else {})}
            for place, each in enumerate(found)
        ],
        "tie": isinstance(output, str),
        "head": output is not None,
    }
    facts: dict[str, Any] = {"format": 1, "network": sizes, "vocabulary": words}
    if labels is not None:
        facts |= {"labels": [str(label) for label in labels], "task": "classifier"}
    if tokenisation is not None:
        how = Tokenisation.model_validate(
            tokenisation if isinstance(tokenisation, Tokenisation) else dict(tokenisation)
        )
        facts["tokenisation"] = how.model_dump()
    Facts.model_validate(facts)
    weights = {"embedding": table} | ({} if head is None else {"output.kernel": head})
    weights |= {} if bias is None else {"output.bias": bias}
    for number, each in enumerate(found, 1):
        weights |= {f"layer{number}.{name}": values for name, values in each.weights.items()}
    if isinstance(model, ModelWriter):
        return _written(model, facts, weights)
    with ModelWriter(model.folder.parent, model.name) as writer:
        return _written(writer, facts, weights)


def _chained(layers: Sequence[LayerWeights], table: np.ndarray, words: Sequence[str]) -> int:
    """The width of the last layer; `StoreError` where a layer does not read what the one below gives."""
    if table.ndim != 2 or len(table) != len(words):
        raise StoreError(
            f"The embedding has the shape {list(table.shape)} for {len(words):,} words; [{len(words):,}, numbers] was "
            "expected, a row a word."
        )
    width, below = table.shape[1], "the embedding"
    for number, layer in enumerate(layers, 1):
        inputs = layer.weights["kernel"].shape[0]
        if inputs != width:
            raise StoreError(f"Layer {number} reads {inputs:,} numbers, and {below} gives {width:,}.")
        width, below = layer.units, f"layer {number}"
    return width


def _output(
    given: Any, table: np.ndarray, width: int, outputs: int, convention: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The output layer's kernel [units, outputs] and bias [outputs]; None for what is not in the files."""
    if given is None:
        return None, None
    if isinstance(given, str):
        if given != "tied" or table.shape[1] != width:
            raise StoreError(
                f"output={given!r} with an embedding of {table.shape[1]:,} numbers a word and {width:,} units: 'tied' "
                "takes as many of one as of the other."
            )
        return None, np.zeros(outputs, np.float32)
    turned = isinstance(given, Mapping) and "weight" in given
    parts = (given["weight"], given.get("bias")) if turned else _pair(given)
    kernel = as_float32(parts[0], "The output layer's kernel")
    if turned and kernel.ndim == 2:
        kernel = np.ascontiguousarray(kernel.T)
    bias = np.zeros(outputs, np.float32) if parts[1] is None else as_float32(parts[1], "The output layer's bias")
    if kernel.shape != (width, outputs) or bias.shape != (outputs,):
        raise StoreError(
            f"The output layer has a kernel of shape {list(kernel.shape)} and a bias of shape {list(bias.shape)}; "
            f"[{width:,}, {outputs:,}] and [{outputs:,}] were expected: units of the last layer, and outputs."
        )
    return kernel, bias


def _pair(given: Any) -> tuple[Any, Any]:
    if isinstance(given, Mapping):
        return given.get("kernel"), given.get("bias")
    if isinstance(given, tuple | list) and len(given) == 2:
        return given[0], given[1]
    raise StoreError("output= is (kernel, bias), {'weight': ..., 'bias': ...}, 'tied', or None.")


def _written(writer: ModelWriter, facts: Mapping[str, Any], weights: Mapping[str, Any]) -> SavedNetwork:
    folder = writer.folder("network")
    new = {name: folder / f".new-{name}" for name in FILES}
    with open(new["weights.npz"], "wb") as file:
        np.savez(file, **dict(weights))
    new["network.json"].write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    SavedNetwork(writer.name, read_facts(new["network.json"]), new["weights.npz"])  # or it says what is wrong
    (folder / FILE).unlink(missing_ok=True)
    for name, path in new.items():
        path.replace(folder / name)
    if writer.card.steps:
        keep_agreement(writer)
    return SavedNetwork(writer.name, read_facts(folder / "network.json"), folder / "weights.npz")


def remove(writer: ModelWriter) -> None:
    """Take a model's network away, where it has one."""
    folder = model_folder(Path(writer.store), writer.name) / "network"
    if folder.is_dir():
        for name in (*FILES, FILE):
            (writer.folder("network") / name).unlink(missing_ok=True)
