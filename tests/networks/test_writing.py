"""Networks written from the arrays of other frameworks, recorded over a text, and held against the recording."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import rnnstore
from rnnstore.errors import MissingNetwork, StoreError
from rnnstore.integrity.checking import check
from rnnstore.networks import network_agreement, open_network, record, write
from tests.frameworks.stepped import stepped

WORDS = ["a", "b", "c", "d", "e", " ", "\n"]
HOW = {"level": "character"}
TEXT = "abba dead bead\ncab deed a bad bee\n" * 40
INPUTS, D = 5, 6

random = np.random.default_rng(0)
EMBEDDING = random.normal(size=(len(WORDS), INPUTS)).astype(np.float32)
OUTPUT = random.normal(size=(D, len(WORDS))).astype(np.float32), random.normal(size=len(WORDS)).astype(np.float32)


def module(kind, seed=1):
    torch.manual_seed(seed)
    return {"lstm": nn.LSTM, "gru": nn.GRU, "vanilla": nn.RNN}[kind](INPUTS, D)


def of_torch(layer):
    return {name: value.detach().numpy() for name, value in layer.state_dict().items()}


def blocks(values, order):
    """Rows of D in another order."""
    return np.concatenate([values[place * D : (place + 1) * D] for place in order])


def as_convention(kind, convention):
    """The arrays of PyTorch's layer as another framework has them, written down by that framework's own layout."""
    found = {name.removesuffix("_l0"): values for name, values in of_torch(module(kind)).items()}
    if convention == "pytorch":
        return found
    into, within = found["weight_ih"], found["weight_hh"]
    b, c = found["bias_ih"], found["bias_hh"]
    if convention == "tensorflow1":  # i j f o; a forget bias of 1 is added while it runs
        order = (0, 2, 1, 3)
        bias = blocks(b + c, order)
        bias[2 * D : 3 * D] -= 1
        return {"kernel": np.concatenate([blocks(into, order).T, blocks(within, order).T]), "bias": bias}
    if convention == "onnx":
        order = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "vanilla": (0,)}[kind]
        found = {"W": blocks(into, order), "R": blocks(within, order)}
        found["B"] = np.concatenate([blocks(b, order), blocks(c, order)])
        return found | ({"linear_before_reset": 1} if kind == "gru" else {})
    order = (1, 0, 2) if kind == "gru" else tuple(range(len(b) // D))
    into, within, b, c = (blocks(each, order) for each in (into, within, b, c))
    if convention == "keras":
        return {"kernel": into.T, "recurrent_kernel": within.T, "bias": np.stack([b, c]) if kind == "gru" else b + c}
    # What `_convert_rnn_weights` of Keras 2 makes of its own layout for CuDNNLSTM and CuDNNGRU.
    kernel = [block.T.reshape(block.shape, order="C") for block in np.split(into.T, len(b) // D, axis=1)]
    recurrent = [block.T for block in np.split(within.T, len(b) // D, axis=1)]
    return {
        "kernel": np.concatenate([np.ascontiguousarray(each) for each in kernel], axis=1),
        "recurrent_kernel": np.concatenate(recurrent, axis=1),
        "bias": np.concatenate([b, c]),
    }


def written(store, layers, convention="pytorch", name="made", **options):
    options = {"vocabulary": WORDS, "embedding": EMBEDDING, "output": OUTPUT, "tokenisation": HOW, **options}
    opened = rnnstore.open(store)
    with opened.writer(name) as writer:
        write(writer, layers=layers, convention=convention, **options)
    opened.refresh()
    return opened.model(name)


CONVENTIONS = [(kind, made) for kind in ("lstm", "gru", "vanilla") for made in ("pytorch", "keras", "onnx")]
CONVENTIONS += [("lstm", "tensorflow1"), ("lstm", "cudnn"), ("gru", "cudnn")]


@pytest.mark.parametrize(("kind", "convention"), CONVENTIONS)
def test_arrays_of_every_convention_give_the_same_network(tmp_path, kind, convention):
    model = written(tmp_path, [{"cell": kind, **as_convention(kind, convention)}], convention)
    reading = open_network(model).read("abba dead")
    ids = [WORDS.index(letter) for letter in "abba dead"]
    truth = stepped(module(kind), torch.tensor(EMBEDDING[ids]))
    assert {*reading.states, *reading.gates} == {*truth}
    for name, values in truth.items():
        np.testing.assert_allclose({**reading.states, **reading.gates}[name], values, atol=1e-5)


def test_a_network_is_recorded_over_a_text_and_agrees_with_it(tmp_path):
    model = written(tmp_path, [{"cell": "lstm", **of_torch(module("lstm"))}])
    model = record(model, TEXT, corpus="letters")
    assert model.steps == len(TEXT) and model.card.corpus == "letters"
    ids = [WORDS.index(letter) for letter in TEXT]
    truth = stepped(module("lstm"), torch.tensor(EMBEDDING[ids]))
    for name, values in truth.items():
        np.testing.assert_allclose(model.vectors(name, 0, model.steps), values, atol=2e-3)
    scores = truth["layer1.h"] @ OUTPUT[0] + OUTPUT[1]
    logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    losses = -logs[np.arange(len(ids) - 1), ids[1:]]
    assert model.card.metrics[0].value == pytest.approx(np.exp(losses.mean()), rel=1e-4)
    found = network_agreement(model)
    assert found.agrees and found.difference < 2e-3
    assert found.loss == pytest.approx(found.recorded_loss, abs=1e-2)
    assert not check(model.folder).findings


def test_the_layers_have_the_names_of_the_recording_and_a_network_may_predict_nothing(tmp_path):
    layers = [{"cell": "gru", **of_torch(module("gru"))}]
    model = written(tmp_path, layers, names=["encoder.layer1"], output=None)
    network = open_network(model)
    assert network.states == ["encoder.layer1.h"] and network.head == "encoder.layer1.h"
    reading = network.read("abba")
    assert reading.predictions is None and list(reading.gates) == [f"encoder.layer1.{gate}" for gate in "zrg"]
    with pytest.raises(MissingNetwork, match="has no output layer"):
        open_network(model, "scores")
    assert record(model, TEXT[:50]).has_predictions is False


@pytest.mark.parametrize(
    ("layers", "options", "sentence"),
    [
        ([], {}, "layers= is empty"),
        ([{"cell": "lstm", "weight_ih": np.zeros((24, 5))}], {}, "lacks 'weight_hh'"),
        ([{"cell": "lstm", "weight_ih": np.zeros((5, 24)), "weight_hh": np.zeros((24, 6))}], {}, r"of shape \[5, 24\]"),
        ([{**of_torch(module("lstm")), "cell": "gru"}], {}, r"\[18, 6\] was expected"),
        ([{"cell": "lstn", **of_torch(module("lstm"))}], {}, "needs cell=: did you mean lstm"),
        ([{"cell": "lstm", **of_torch(module("lstm"))}], {"embedding": np.zeros((7, 4))}, "Layer 1 reads 5 numbers"),
        ([{"cell": "lstm", **of_torch(module("lstm"))}], {"embedding": np.zeros((6, 5))}, "for 7 words"),
        ([{"cell": "lstm", **of_torch(module("lstm"))}], {"output": "tied"}, "takes as many of one as of the other"),
        ([{"cell": "lstm", **of_torch(module("lstm"))}], {"output": (OUTPUT[0].T, OUTPUT[1])}, r"shape \[7, 6\]"),
        ([{"cell": "lstm", **of_torch(module("lstm"))}], {"convention": "torch"}, "no convention 'torch'"),
        ([{"cell": "gru", **of_torch(module("gru"))}], {"convention": "tensorflow1"}, "not a gru's"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_named(tmp_path, layers, options, sentence):
    with pytest.raises(StoreError, match=sentence):
        written(tmp_path, layers, **options)
    assert not list(tmp_path.rglob("weights.npz"))


BITS = {"right": 1.905, "without the forget bias": 2.233, "in the order of Keras": 10.6}


@pytest.mark.long
def test_a_network_that_ml5_trained_with_tensorflow_1(tmp_path):
    """Two LSTMs on Shakespeare's characters, as published: bits a character on the first 20,000 of them."""
    if "RNNSTORE_NETWORKS" not in os.environ or "RNNSTORE_CORPORA" not in os.environ:
        pytest.skip("set RNNSTORE_CORPORA and RNNSTORE_NETWORKS to folders of corpora and of networks made elsewhere")
    folder = Path(os.environ["RNNSTORE_NETWORKS"]) / "ml5-shakespeare"
    listed = json.loads((folder / "manifest.json").read_text("utf-8"))
    found = {
        name.removeprefix("rnnlm/"): np.fromfile(folder / entry["filename"], np.float32).reshape(entry["shape"])
        for name, entry in listed.items()
        if entry["shape"]
    }
    letters = json.loads((folder / "vocab.json").read_text("utf-8")) | {"u": 13, "U": 40}  # which the file has lost
    words = list(dict(sorted({number: letter for letter, number in letters.items()}.items())).values())
    layers = [
        {"cell": "lstm", "kernel": found[f"{path}/weights"], "bias": found[f"{path}/biases"]}
        for path in ("multi_rnn_cell/cell_0/basic_lstm_cell", "multi_rnn_cell/cell_1/basic_lstm_cell")
    ]
    open_forget = np.repeat([0, 1, 0, 0], 128).astype(np.float32)
    as_keras = [
        {
            "cell": "lstm",
            "kernel": layer["kernel"][:128],
            "recurrent_kernel": layer["kernel"][128:],
            "bias": layer["bias"] + open_forget,
        }
        for layer in layers
    ]
    options = {
        "vocabulary": words,
        "embedding": found["embedding"],
        "output": (found["softmax_w"], found["softmax_b"]),
    }
    conversions = {
        "right": (layers, "tensorflow1"),
        "without the forget bias": ([{**layer, "forget_bias": 0.0} for layer in layers], "tensorflow1"),
        "in the order of Keras": (as_keras, "keras"),
    }
    text = (Path(os.environ["RNNSTORE_CORPORA"]) / "shakespeare" / "input.txt").read_text("utf-8")[:20_000]
    ids = np.array([words.index(letter) for letter in text])
    for name, (own, convention) in conversions.items():
        network = open_network(written(tmp_path, own, convention, name, **options))
        hidden = network.run([ids]).series[network.head][:, 0]
        bits = -np.log2(network.standing(hidden[:-1], ids[1:])[1]).mean()
        assert bits == pytest.approx(BITS[name], abs=0.06 if BITS[name] > 9 else 6e-4), name
    model = record(rnnstore.open(tmp_path).model("right"), text[:3000])
    assert network_agreement(model).agrees
    for name, sentence in (
        ("without the forget bias", "forget bias of 1 is missing"),
        ("in the order of Keras", "i g f o"),
    ):
        own, convention = conversions[name]
        write(model, layers=own, convention=convention, tokenisation=HOW, **options)
        assert sentence in network_agreement(model).likely
