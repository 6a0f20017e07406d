"""The examples run as they are, and what they recorded is what loops of our own compute from the weights they keep."""

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import rnnstore

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

HALF = 2e-3
"""How far a state kept as float16, and computed in float32, may be from ours in float64."""


def run(example: str, store: Path) -> rnnstore.Store:
    """The store that an example left behind, run as a person would run it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(EXAMPLES / example), "--store", str(store)]
    done = subprocess.run(
        command, cwd=store.parent, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    opened = rnnstore.open(store)
    assert not opened.problems
    return opened


def weights(model: rnnstore.Model) -> dict[str, np.ndarray]:
    with np.load(model.folder / "network" / "weights.npz") as kept:
        return dict(kept)


def keras_weights(model: rnnstore.Model) -> dict[str, np.ndarray]:
    """Every array of a Keras weight file, by its path in it."""
    h5py = pytest.importorskip("h5py")
    found = {}
    with h5py.File(model.folder / "network" / "all.weights.h5") as file:
        file.visititems(lambda path, item: found.update({path: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {path: np.asarray(value, float) for path, value in found.items()}


def cell_weights(found: dict[str, np.ndarray], place: str) -> list[np.ndarray]:
    """Kernel, recurrent kernel and bias of the recurrent cell whose path holds `place`."""
    return [found[path] for path in sorted(found) if place in path and "/cell/vars/" in path]


def recorded(model: rnnstore.Model, state: str) -> np.ndarray:
    return model.vectors(state, 0, model.steps).astype(float)


def spans(model: rnnstore.Model) -> list[slice]:
    bounds = [*model.sequence_starts.tolist(), model.steps]
    return [slice(begin, end) for begin, end in itertools.pairwise(bounds)]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def lstm(inputs, into, within, bias, order="ifgo"):
    """(h, c) float[steps, units] of an LSTM from zeros; `order` is that of the gates in the weights' columns."""
    units = within.shape[0]
    h = c = np.zeros(units)
    hidden, cells = [], []
    for x in inputs:
        summed = x @ into + h @ within + bias
        gate = {name: summed[k * units : (k + 1) * units] for k, name in enumerate(order)}
        c = sigmoid(gate["f"]) * c + sigmoid(gate["i"]) * np.tanh(gate["g"])
        h = sigmoid(gate["o"]) * np.tanh(c)
        hidden.append(h)
        cells.append(c)
    return np.array(hidden), np.array(cells)


def gru(inputs, into, within, bias_in, bias_within, order="rzn"):
    """h float[steps, units] of a GRU from zeros, reset applied after the product."""
    units = within.shape[0]
    h, hidden = np.zeros(units), []
    for x in inputs:
        left, right = x @ into + bias_in, h @ within + bias_within
        part = {name: slice(k * units, (k + 1) * units) for k, name in enumerate(order)}
        reset, update = (sigmoid(left[part[name]] + right[part[name]]) for name in "rz")
        new = np.tanh(left[part["n"]] + reset * right[part["n"]])
        h = update * h + (1 - update) * new
        hidden.append(h)
    return np.array(hidden)


@pytest.mark.long
def test_pytorch(tmp_path):
    store = run("record_pytorch.py", tmp_path / "store")
    for name in ("torch-lstm", "torch-gru"):
        model = store.model(name)
        kept = {key: value.astype(float) for key, value in weights(model).items()}
        inputs = kept["embedding"][model.word_ids()]
        for layer in (1, 2):
            own = {key.removeprefix(f"layer{layer}."): value for key, value in kept.items()}
            if name == "torch-lstm":
                hidden, cells = lstm(inputs, own["kernel"], own["recurrent"], own["bias"])
                np.testing.assert_allclose(recorded(model, f"network.layer{layer}.c"), cells, atol=4 * HALF, rtol=HALF)
            else:
                biases = own["bias"], own["bias_recurrent"]
                hidden = gru(inputs, own["kernel"], own["recurrent"], *biases, order="zrn")
            np.testing.assert_allclose(recorded(model, f"network.layer{layer}.h"), hidden, atol=4 * HALF)
            inputs = hidden
        words = [model.vocabulary[index] for index in model.word_ids().tolist()]
        assert set(words) == {"a", "b", "."} and len(model.sequence_starts) == 1
        depth, depths = 0, []
        for word in words:
            depth += {"a": 1, "b": -1, ".": 0}[word]
            depths.append(depth)
        assert model.annotations(["open"], 0, model.steps)["number"].to_pylist() == depths
        parts = "chifgo" if name == "torch-lstm" else "hzrg"
        assert set(model.states) == {f"network.layer{layer}.{part}" for layer in (1, 2) for part in parts}
        assert rnnstore.networks.network_agreement(model).agrees
        assert rnnstore.networks.open_network(model).read("aaabbb.").words == list("aaabbb.")


@pytest.mark.long
def test_keras(tmp_path):
    model = run("record_keras.py", tmp_path / "store").model("keras-door")
    kept = keras_weights(model)
    embedding = next(value for path, value in kept.items() if "embedding" in path)
    inputs = embedding[model.word_ids()]
    first, second = cell_weights(kept, "lstm"), cell_weights(kept, "gru")
    assert len(spans(model)) == 64
    for span in spans(model):
        hidden, cells = lstm(inputs[span], *first, order="ifgo")
        np.testing.assert_allclose(recorded(model, "layer1.c")[span], cells, atol=4 * HALF)
        np.testing.assert_allclose(recorded(model, "layer1.h")[span], hidden, atol=4 * HALF)
        into, within, bias = second
        np.testing.assert_allclose(
            recorded(model, "layer2.h")[span], gru(hidden, into, within, *bias, order="zrn"), atol=4 * HALF
        )
    words = [model.vocabulary[index] for index in model.word_ids().tolist()]
    doors = model.annotations(["door"], 0, model.steps)["value"].to_pylist()
    for span in spans(model):
        door = "closed"
        for word, said in zip(words[span], doors[span], strict=True):
            door = {"open": "open", "close": "closed"}.get(word, door)
            assert said == door


@pytest.mark.long
def test_bidirectional(tmp_path):
    model = run("record_bidirectional.py", tmp_path / "store").model("keras-bidirectional")
    assert set(model.states) == {"layer1.forward", "layer1.backward"}
    kept = keras_weights(model)
    embedding = next(value for path, value in kept.items() if "embedding" in path)
    inputs = embedding[model.word_ids()]
    for name, way in (("forward", 1), ("backward", -1)):
        into, within, bias = cell_weights(kept, f"{name}_layer")
        for span in spans(model):
            read = gru(inputs[span][::way], into, within, *bias, order="zrn")[::way]
            np.testing.assert_allclose(recorded(model, f"layer1.{name}")[span], read, atol=4 * HALF)


@pytest.mark.long
def test_signal(tmp_path):
    model = run("record_signal.py", tmp_path / "store").model("signal")
    kept = weights(model)
    state = np.zeros(len(kept["into"]))
    for t in range(model.steps):
        state = np.tanh(kept["into"] @ kept["inputs"][t] + kept["within"] @ state)
        if t % 97 == 0:
            np.testing.assert_allclose(model.vectors("reservoir", t, t + 1)[0], state, atol=1e-6)
    assert model.words(0, 3)["word"].to_pylist() == ["06:00:00", "06:00:10", "06:00:20"]
    assert len(model.vocabulary) == model.steps
    displacement = model.annotations(["displacement m"], 0, model.steps)["number"].to_numpy(zero_copy_only=False)
    assert np.flatnonzero(np.isnan(displacement)).tolist() == list(range(1500, 1520))
    given = ~np.isnan(displacement)
    np.testing.assert_allclose(displacement[given], kept["inputs"][given, 0] * 0.0137, rtol=1e-12)
    load = model.annotations(["load N"], 0, model.steps)["number"].to_numpy()
    np.testing.assert_allclose(load, kept["inputs"][:, 1] * 2.5e5 - 1e6)
    assert model.tracks["load N"].minimum == -1_250_000 and model.tracks["load N"].maximum == -750_000
    assert model.tracks["regime"].labels == ("light", "heavy")


@pytest.mark.long
def test_many_sequences(tmp_path):
    model = run("record_many_sequences.py", tmp_path / "store").model("short-sequences")
    kept = weights(model)
    assert len(spans(model)) == 500
    words = model.words(0, model.steps)["word"].to_pylist()
    judged = model.annotations(["judgement"], 0, model.steps)["value"].to_pylist()
    values, ids = recorded(model, "layer1.h"), model.word_ids()
    for span in spans(model):
        assert 3 <= len(words[span]) <= 7 and words[span][-1] in ("wonderful", "moving", "dull", "long")
        assert set(judged[span]) == {"positive" if words[span][-1] in ("wonderful", "moving") else "negative"}
        state = np.zeros(len(kept["into"]))
        for t in range(span.start, span.stop):
            state = np.tanh(kept["into"] @ kept["embedding"][ids[t]] + kept["within"] @ state)
            np.testing.assert_allclose(values[t], state, atol=HALF)


@pytest.mark.long
def test_state_space(tmp_path):
    """Without a recurrence: what every earlier input has left at a step, summed."""
    model = run("record_state_space.py", tmp_path / "store").model("state-space")
    kept = weights(model)
    for t in (0, 1, 40, model.steps - 1):
        past = np.arange(t + 1)
        ago = t - past[:, None]
        left = (kept["decay"][None] ** ago * (kept["inputs"][past] @ kept["into"].T)).sum(axis=0)
        np.testing.assert_allclose(model.vectors("ssm.real", t, t + 1)[0], left.real, atol=HALF, rtol=HALF)
        np.testing.assert_allclose(model.vectors("ssm.imaginary", t, t + 1)[0], left.imag, atol=HALF, rtol=HALF)
        memory = np.einsum("t,tk,tv->kv", kept["forget"] ** ago[:, 0], kept["keys"][past], kept["values"][past])
        seen = model.vectors("attention.memory", t, t + 1)[0].reshape(memory.shape)
        np.testing.assert_allclose(seen, memory, atol=4 * HALF, rtol=HALF)


@pytest.mark.long
def test_own_cell(tmp_path):
    """The state by a loop, and the mean gradient of one step by differences of its values."""
    pytest.importorskip("tensorflow")
    model = run("own_cell.py", tmp_path / "store").model("own-cell")
    kept, ids = weights(model), model.word_ids()
    inputs = kept["embedding"].astype(float)[ids]

    kernel, recurrent, bias = (kept[f"layer1.{name}"].astype(float) for name in ("kernel", "recurrent", "bias"))
    units = len(recurrent)

    def step(x, h):
        f = sigmoid(x @ kernel[:, :units] + h @ recurrent[:, :units] + bias[:units])
        return f * h + (1 - f) * np.tanh(x @ kernel[:, units:] + (f * h) @ recurrent[:, units:] + bias[units:])

    states, before = [], []
    for t, x in enumerate(inputs):
        before.append(np.zeros(units) if t in model.sequence_starts else states[-1])
        states.append(step(x, before[-1]))
    np.testing.assert_allclose(recorded(model, "layer1.h"), states, atol=2 * HALF)
    before, size = np.array(before), 1e-5
    change = size * np.eye(inputs.shape[1])
    found = [(step(inputs + d, before) - step(inputs - d, before)).mean(axis=0) / (2 * size) for d in change]
    query = "select matrix from state_gradients where word_class = 'all words' and delay = 0 and state = 'layer1.h'"
    rows = rnnstore.open(tmp_path / "store").sql(query)["matrix"][0].as_py()
    np.testing.assert_allclose(np.reshape(rows, (-1, inputs.shape[1])), np.array(found).T, atol=1e-4)


def test_every_example_is_tested_and_in_the_documentation():
    programs = {file.name for file in EXAMPLES.glob("*.py")}
    tests, said = Path(__file__).read_text("utf-8"), (ROOT / "docs" / "recording.md").read_text("utf-8")
    for program in programs:
        assert f'run("{program}"' in tests and f"(../examples/{program})" in said, program
        lines = (EXAMPLES / program).read_text("utf-8").splitlines()
        assert len(lines) <= 80, program
    assert programs


def test_the_library_installed_alone_brings_what_it_imports():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert set(asked) <= set((ROOT / "requirements.txt").read_text("utf-8").splitlines())
    names = {re.split("[<>=]", line)[0] for line in asked}
    imported = set()
    frameworks = {ROOT / "rnnstore" / "pytorch.py", *(ROOT / "rnnstore" / "frameworks").rglob("*.py")}
    for file in {*(ROOT / "rnnstore").rglob("*.py")} - frameworks:  # those import what their user has, when called
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported |= {module.split(".")[0] for module in modules}
    packages = {"sklearn": "scikit-learn", "lazy_loader": "lazy-loader", "pydantic_core": "pydantic"}
    assert {packages.get(name, name) for name in imported} - set(sys.stdlib_module_names) - {"rnnstore"} == names
