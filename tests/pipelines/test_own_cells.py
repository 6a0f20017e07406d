"""Cells of one's own, known by a tape's Jacobians alone, against the derivatives that are written out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from pipelines.network import RecurrentNetwork  # noqa: E402
from pipelines.own_cells import OwnCell, OwnNetwork, itemized_gradients  # noqa: E402
from rnnstore import networks  # noqa: E402
from rnnstore.connectivity.norms import connectivity, occlusion  # noqa: E402
from rnnstore.errors import MissingNetwork, QuestionError  # noqa: E402
from rnnstore.memory.gradients import gradients_of_words  # noqa: E402
from rnnstore.networks import opening  # noqa: E402
from rnnstore.networks.tokenising import Tokens  # noqa: E402
from rnnstore.training.itemization import itemize  # noqa: E402

WORDS = list("abcdefg")
IDS = np.random.default_rng(0).integers(0, 7, 14).astype(np.int32)
STARTS = np.isin(np.arange(14), (0, 9))
STACKS = {
    "vanilla": [{"cell": "vanilla", "units": 5}],
    "lstm": [{"cell": "lstm", "units": 5, "peepholes": True}, {"cell": "gru", "units": 4, "reset": "before"}],
    "nested": [{"cell": "nested-lstm", "units": 4, "depth": 2}, {"cell": "gru", "units": 3, "reset": "after"}],
}


@pytest.fixture(scope="module", params=STACKS)
def both(request, tmp_path_factory):
    """A random network read by the derivatives written out, and as somebody's own cells."""
    folder, layers = tmp_path_factory.mktemp("own"), STACKS[request.param]
    drawn = RecurrentNetwork(len(WORDS), 3, layers)
    rng = np.random.default_rng(5)
    drawn.assign({name: rng.normal(0, 0.6, shape) for name, shape in drawn.shapes().items()})
    drawn.save(folder / "network", settings="", level="character", vocabulary=WORDS)
    cells = [
        OwnCell(lambda x, state, cell=cell: cell.step(x, state)[0], cell.inputs, cell.units, cell.states)
        for cell in drawn.layers
    ]
    values = {name: weight.numpy() for name, weight in drawn.weights.items()}
    own = OwnNetwork("tiny", WORDS, values["embedding"], cells, values["output.kernel"], values["output.bias"])
    return networks.open_network(SimpleNamespace(name="tiny", folder=folder)), own, drawn


def read(reader):
    words = [WORDS[number] for number in IDS]
    unknown = np.zeros(len(IDS), bool)
    return reader.read(Tokens(words=words, ids=IDS, typed=words, unknown=unknown, starts=STARTS, notes=[]))


def test_state_gradients_are_those_of_the_derivatives_written_out(both):
    known, own, _ = both
    tables = [gradients_of_words(each, IDS, STARTS, delays=6, threads=1).to_pylist() for each in (known, own)]
    assert len(tables[0]) == len(tables[1]) == 6 * len(known.states)
    for one, other in zip(*tables, strict=True):
        assert (one["state"], one["delay"], one["count"]) == (other["state"], other["delay"], other["count"])
        np.testing.assert_allclose(other["matrix"], one["matrix"], atol=2e-6)


def test_connectivity_and_occlusion_likewise(both):
    known, own, _ = both
    targets = np.random.default_rng(2).integers(0, 7, len(IDS))
    found = [connectivity(each, read(each), targets).values for each in (known, own)]
    np.testing.assert_allclose(found[1], found[0], atol=2e-6)
    assert found[0][8, 2] > 0 and found[1][12, 5] == 0
    fallen = [occlusion(each, read(each), targets) for each in (known, own)]
    np.testing.assert_allclose(fallen[1], fallen[0], atol=1e-5)


def test_itemized_gradients_likewise(both):
    known, own, drawn = both
    cotangents = np.random.default_rng(3).normal(size=(len(IDS), 1, drawn.cells[-1].units)).astype(np.float32)
    expected = itemize(known.unrolled(read(known).trace), cotangents)
    recurrent = {
        layer: [weight for name, weight in cell.weights.items() if name.startswith("recurrent")]
        for layer, cell in enumerate(drawn.layers, 1)
    }
    found = itemized_gradients(own, IDS, STARTS, cotangents[:, 0], recurrent)
    for layer in recurrent:
        np.testing.assert_allclose(found[layer].magnitude, expected[layer].magnitude, atol=1e-5)
        np.testing.assert_allclose(found[layer].share, expected[layer].share, atol=1e-5)


def test_a_registered_network_is_read_in_place_of_files(both):
    _, own, _ = both
    model = SimpleNamespace(name="tiny", folder=None)
    networks.register(own)
    try:
        assert networks.open_network(model) is own
    finally:
        opening._registered.clear()


@pytest.mark.parametrize(
    ("step", "states", "sentence"),
    [
        (lambda x, state: state["h"], ("h",), "The step gave a .*Tensor; expected a dictionary with h"),
        (lambda x, state: {"c": state["h"]}, ("h",), "gave the states c; expected a dictionary with h"),
        (lambda x, state: {"h": x}, ("h",), r"gave h of shape \(2, 3\) for 2 rows; expected \(2, 4\)"),
        (lambda x, state: state, ("c",), "The states are c; call the one that the next layer reads h"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(step, states, sentence):
    with pytest.raises(QuestionError, match=sentence):
        OwnCell(step, inputs=3, units=4, states=states)


def test_what_cannot_be_asked_of_an_own_network_is_said():
    cell = OwnCell(lambda x, state: {"h": 0.5 * state["h"] + x}, inputs=3, units=3)
    with pytest.raises(QuestionError, match=r"The embedding of 'mine' has shape \(2, 3\); expected \(7, 3\)"):
        OwnNetwork("mine", WORDS, np.zeros((2, 3)), [cell])
    with pytest.raises(QuestionError, match="Layer 2 reads 3 numbers, and layer 1 has 4 units"):
        wide = OwnCell(lambda x, state: state, inputs=3, units=4)
        OwnNetwork("mine", WORDS, np.zeros((7, 3)), [wide, cell])
    alone = OwnNetwork("mine", WORDS, np.eye(7, 3), [cell])
    with pytest.raises(MissingNetwork, match="has no output layer"):
        alone.scores(np.zeros((1, 3)))
    rows = gradients_of_words(alone, IDS[:5], STARTS[:5], delays=4, threads=1).to_pylist()
    for row in rows:  # of a state that halves at every step
        np.testing.assert_allclose(np.reshape(row["matrix"], (3, 3)), np.eye(3) * 0.5 ** row["delay"], atol=1e-7)


def test_jacobians_that_no_memory_holds_are_refused(monkeypatch):
    cell = OwnCell(lambda x, state: {"h": state["h"]}, inputs=3, units=4)
    monkeypatch.setattr("pipelines.own_cells.LARGEST", 1000)
    with pytest.raises(QuestionError, match="read at most 8 steps at a time"):
        cell.jacobians(np.zeros((20, 3), np.float32), {"h": np.zeros((20, 4), np.float32)})
