"""Networks carried over wrongly on purpose: every one is noticed, and what is wrong is named."""

import re

import numpy as np
import pytest

import rnnstore
from rnnstore.errors import StoreError
from rnnstore.integrity.checking import check
from rnnstore.networks import missing_network, network_agreement, open_network, record, write
from rnnstore.networks.agreement import kept

WORDS = list("abcdefghijk ")
D = 12
random = np.random.default_rng(4)
TEXT = "".join(random.choice(WORDS, 500))


def arrays(kind, scale=0.7):
    """Weights by our names, of a network that moves."""
    gates = {"lstm": 4, "gru": 3}[kind]
    found = []
    for seed in (0, 1):
        own = np.random.default_rng([seed, gates])
        layer = {"kernel": own.normal(0, scale, (D, gates * D)), "recurrent": own.normal(0, scale, (D, gates * D))}
        layer["bias"] = own.normal(0, 0.5, gates * D)
        if kind == "gru":
            layer["bias_recurrent"] = own.normal(0, 0.5, gates * D)
        found.append({"cell": kind, **{name: values.astype(np.float32) for name, values in layer.items()}})
    return found


def right(kind):
    return {
        "layers": arrays(kind),
        "vocabulary": WORDS,
        "embedding": np.random.default_rng(7).normal(size=(len(WORDS), D)).astype(np.float32),
        "output": tuple(np.random.default_rng(8).normal(size=s).astype(np.float32) for s in ((D, 12), (12,))),
        "tokenisation": {"level": "character"},
    }


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A recording of each kind, made by the right network."""
    store = rnnstore.open(tmp_path_factory.mktemp("mistakes"))
    for kind in ("lstm", "gru"):
        with store.writer(kind) as writer:
            write(writer, **right(kind))
        store.refresh()
        record(store.model(kind), TEXT)
    store.refresh()
    return store


def blocks(values, order):
    return np.concatenate([values[..., place * D : (place + 1) * D] for place in order], axis=-1)


def turned(values):
    return np.concatenate([block.T for block in np.split(values, values.shape[1] // D, axis=1)], axis=1)


def in_order(layer, order, *names):
    names = names or [name for name in layer if name != "cell"]
    return {**layer, **{name: blocks(layer[name], order) for name in names}}


def plus(layer, share):
    bias = layer["bias"].copy()
    bias[D : 2 * D] += share
    return {**layer, "bias": bias}


def halved(layer):
    """The second of two biases, a part of which the first one is."""
    return {**layer, "bias": layer["bias"] * np.float32(0.4)}


def keeping_the_new(layer):
    return {n: v if n == "cell" else np.concatenate([-v[..., :D], v[..., D:]], axis=-1) for n, v in layer.items()}


def summed(layer):
    both = layer["bias"] + layer["bias_recurrent"]
    return {**layer, "bias": both, "bias_recurrent": np.zeros_like(both)}


def reset_before(layer):
    return {n: v for n, v in layer.items() if n != "bias_recurrent"} | {
        "bias": layer["bias"] + layer["bias_recurrent"],
        "reset": "before",
    }


def reshaped(values):
    return np.ascontiguousarray(values.T.reshape(values.shape))


def layer(place, change):
    def made(network):
        layers = list(network["layers"])
        for number in (0, 1) if place is None else (place,):
            layers[number] = change(layers[number])
        return {**network, "layers": layers}

    return made


def both(change):
    return layer(None, change)


def output(change):
    return lambda network: {**network, "output": change(*network["output"])}


def embedding(change):
    return lambda network: {**network, "embedding": np.ascontiguousarray(change(network["embedding"]))}


MISTAKES = {
    "TensorFlow 1's order": (
        "lstm",
        both(lambda w: in_order(w, (0, 2, 1, 3))),
        "the gates stand as i g f o instead of i f g o, as TensorFlow 1",
    ),
    "TensorFlow 1's order and bias": (
        "lstm",
        both(lambda w: in_order(plus(w, -1), (0, 2, 1, 3))),
        "and the forget bias of 1 is missing",
    ),
    "ONNX's order": ("lstm", both(lambda w: in_order(w, (0, 3, 1, 2))), "i o f g instead of i f g o, as ONNX"),
    "any order": ("lstm", layer(1, lambda w: in_order(w, (3, 1, 0, 2))), "In layer2, the gates stand as"),
    "kernel alone in order": (
        "lstm",
        both(lambda w: in_order(w, (0, 2, 1, 3), "kernel")),
        "gates of the input kernel stand as",
    ),
    "recurrent alone in order": (
        "lstm",
        both(lambda w: in_order(w, (0, 2, 1, 3), "recurrent")),
        "gates of the recurrent kernel stand as",
    ),
    "bias alone in order": ("lstm", both(lambda w: in_order(w, (0, 2, 1, 3), "bias")), "gates of the bias stand as"),
    "no forget bias": ("lstm", both(lambda w: plus(w, -1)), "the forget bias of 1 is missing"),
    "forget bias twice": ("lstm", both(lambda w: plus(w, 1)), "the forget bias of 1 is added twice"),
    "half of the bias": ("lstm", both(halved), "a bias is missing, given twice or another one"),
    "recurrent turned": (
        "lstm",
        both(lambda w: {**w, "recurrent": turned(w["recurrent"])}),
        "the recurrent kernel is transposed",
    ),
    "kernel turned": ("lstm", both(lambda w: {**w, "kernel": turned(w["kernel"])}), "the input kernel is transposed"),
    "kernel reshaped": (
        "lstm",
        both(lambda w: {**w, "kernel": reshaped(w["kernel"])}),
        "the input kernel was given another shape",
    ),
    "kernels exchanged": (
        "lstm",
        both(lambda w: {**w, "kernel": w["recurrent"], "recurrent": w["kernel"]}),
        "are exchanged",
    ),
    "layers exchanged": ("lstm", lambda n: {**n, "layers": n["layers"][::-1]}, "the weights are those of layer2"),
    "embedding one late": ("lstm", embedding(lambda e: np.roll(e, 1, 0)), "stand one too late"),
    "embedding scaled": ("lstm", embedding(lambda e: e / np.sqrt(D)), "is multiplied by the root of its width"),
    "PyTorch's order": ("gru", both(lambda w: in_order(w, (1, 0, 2))), "r z g instead of z r g, as PyTorch"),
    "z keeps the new": ("gru", both(keeping_the_new), "keeps the new state instead of the old one"),
    "biases summed": ("gru", both(summed), "the two biases of the candidate were added up"),
    "biases exchanged": (
        "gru",
        both(lambda w: {**w, "bias": w["bias_recurrent"], "bias_recurrent": w["bias"]}),
        "the two biases",
    ),
    "reset before": ("gru", both(reset_before), "layer1"),
    "output turned": ("gru", output(lambda k, b: (k.T, b)), "its kernel is transposed"),
    "output reshaped": ("gru", output(lambda k, b: (reshaped(k), b)), "its kernel"),
    "no bias of the output": ("gru", output(lambda k, b: (k, 0 * b)), "the output layer is another one"),
    "outputs one late": ("gru", output(lambda k, b: (np.roll(k, 1, 1), np.roll(b, 1))), "outputs stand one too late"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_conversion_is_noticed_and_named(recordings, mistake):
    kind, change, sentence = MISTAKES[mistake]
    model = recordings.model(kind)
    write(model, **change(right(kind)))
    found = kept(model.folder)
    assert not found.agrees
    assert re.search(sentence, str(found)), str(found)
    with pytest.raises(StoreError, match="is not asked: this is not the network that was recorded"):
        open_network(model)
    assert "is not asked" in missing_network(model)


def test_hard_sigmoid_is_named(recordings, tmp_path):
    """Steps recorded of gates that Keras 2 had."""
    network = right("lstm")
    with recordings.writer("hard") as writer:
        write(writer, **network)
        ids = np.array([WORDS.index(letter) for letter in TEXT])
        x, states = network["embedding"][ids], {}
        for number, layer in enumerate(network["layers"], 1):
            series, h, c = {name: [] for name in ("c", "h")}, np.zeros(D), np.zeros(D)
            for value in x:
                i, f, g, o = np.split(value @ layer["kernel"] + h @ layer["recurrent"] + layer["bias"], 4)
                i, f, o = (np.clip(0.2 * each + 0.5, 0, 1) for each in (i, f, o))
                c = f * c + i * np.tanh(g)
                h = o * np.tanh(c)
                series["c"].append(c)
                series["h"].append(h)
            states |= {f"layer{number}.{name}": np.array(values) for name, values in series.items()}
            x = states[f"layer{number}.h"]
        with writer.record(vocabulary=WORDS) as recorder:
            recorder.add(words=ids, states=states)
    recordings.refresh()
    found = network_agreement(recordings.model("hard"))
    assert not found.agrees and "hard_sigmoid as Keras 2 has it" in found.likely


def test_check_finds_a_network_that_was_put_beside_a_recording_by_hand(recordings, tmp_path):
    folder = recordings.copy_in(recordings.model("gru").folder, "by-hand")
    model = recordings.model(folder)
    write(model, **right("gru"))
    assert not check(model.folder).damaged
    path = model.folder / "network" / "weights.npz"
    arrays = dict(np.load(path))
    arrays["layer1.kernel"] = blocks(arrays["layer1.kernel"], (1, 0, 2))
    np.savez(path, **arrays)
    with recordings.writer("by-hand") as writer:
        writer.folder("network")
    report = check(model.folder)
    assert any("This is not the network that was recorded" in finding.sentence for finding in report.findings)


def test_another_start_state_is_named(recordings):
    model = recordings.model("gru")
    write(model, **right("gru"))
    ids, first = model.word_ids(), np.full((1, D), 0.5, np.float32)
    network = open_network(model)
    trace = network.run([ids[:50]] * 3, None, {name: np.repeat(first, 3, 0) for name in network.states})
    states = {name: np.concatenate([values[:, row] for row in range(3)]) for name, values in trace.series.items()}
    with recordings.writer("decoder") as writer:
        write(writer, **right("gru"))
        with writer.record(vocabulary=WORDS) as recorder:
            starts = np.arange(150) % 50 == 0
            recorder.add(words=np.tile(ids[:50], 3), states=states, sequence_starts=starts)
    recordings.refresh()
    found = network_agreement(recordings.model("decoder"))
    assert not found.agrees and "began from other states than zero" in found.likely
