"""Whatever stands behind a network, it reads, is edited and is differentiated alike: one suite for all of them.

A plain function of somebody's own, written here with nothing of the library's cells, passes what the networks of files
pass. Its derivatives are taken by complex steps, so they are truth for the others, too.
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from rnnstore.connectivity.norms import connectivity, occlusion
from rnnstore.errors import MissingNetwork, QuestionError
from rnnstore.memory.gradients import gradients_of_words
from rnnstore.networks import Network, Trace, open_network, opening
from rnnstore.networks.cell_network import CellNetwork
from rnnstore.networks.facts import Facts
from rnnstore.networks.interface import Cotangents
from rnnstore.networks.tokenising import Tokens
from tests.support.cells import FastWeights, layers, named

WORDS = list("abcde")
WIDTH, UNITS = 3, 4
TEXTS = [np.array([1, 0, 4, 2, 2, 3]), np.array([3, 3]), np.array([0, 1, 2, 4])]
STARTS = [np.isin(np.arange(len(text)), (0, 4)) for text in TEXTS]


class Function(Network):
    """A recurrent function with a memory m, by which h is made: m = 0.8 m' + x A + h' B, h = tanh(m) C."""

    name, words, outputs = "function", WORDS, WORDS
    input_width, states, head = WIDTH, ("m", "h"), "h"
    widths = {"m": UNITS, "h": UNITS}  # noqa: RUF012

    def __init__(self):
        rng = np.random.default_rng(3)
        self.a, self.b, self.c = (rng.normal(0, 0.6, (rows, UNITS)) for rows in (WIDTH, UNITS, UNITS))
        self.vectors, self.kernel = rng.normal(size=(5, WIDTH)), rng.normal(size=(UNITS, 5))

    def embed(self, ids):
        return np.where(ids[:, None] < 0, 0, self.vectors[ids]).astype(np.float32)

    def scores(self, hidden):
        return hidden @ self.kernel

    def score_gradients(self, hidden, outputs):
        return self.kernel[:, outputs].T.astype(np.float32)

    def run(self, texts, starts=None, before=None, *, edit=None, keep=None):
        lengths = np.array([len(text) for text in texts])
        x, resets = np.zeros((lengths.max(), len(texts), WIDTH)), np.zeros((lengths.max(), len(texts)), bool)
        for row, text in enumerate(texts):
            x[: len(text), row] = text if np.ndim(text) == 2 else self.embed(text)
            resets[: len(text), row] = 0 if starts is None else starts[row]
        first = {name: np.zeros((len(texts), UNITS)) for name in self.states} | dict(before or {})
        series = self.over(x, resets, first, edit)
        for values in series.values():
            values[np.arange(len(x))[:, None] >= lengths] = 0
        kept = {name: v.astype(np.float32) for name, v in series.items() if keep is None or name in keep}
        first = {name: values.astype(np.float32) for name, values in first.items()}
        return Trace(x.astype(np.float32), kept, first, resets, lengths, edit is not None)

    def over(self, x, resets, before, edit=None, nudge=None):
        """Every state, [steps, texts, units]; `nudge` adds to one at a step where it is handed on."""
        edit, found = edit or (lambda name, step, values: values), {name: [] for name in self.states}
        m, h = before["m"], before["h"]
        for t in range(len(x)):
            add = (nudge or {}).get
            m, h = (np.where(resets[t, :, None], 0, each) for each in (m, h))
            m = edit("m", t, 0.8 * m + x[t] @ self.a + h @ self.b + add(("m", t), 0))
            h = edit("h", t, np.tanh(m) @ self.c + add(("h", t), 0))
            found["m"].append(m)
            found["h"].append(h)
        return {name: np.array(values) for name, values in found.items()}

    def vjp(self, trace, cotangents):
        trace.need_unedited()

        def of(x, nudge=None):
            series = self.over(x, trace.starts, {n: v.astype(float) for n, v in trace.before.items()}, nudge=nudge)
            return sum((series[name] * values).sum((0, 2)) for name, values in cotangents.items())

        x, tiny = trace.x.astype(complex), 1e-20j
        by_input, by_state = np.zeros(trace.x.shape), {n: np.zeros_like(v) for n, v in trace.series.items()}
        for t in range(len(x)):
            for column in range(WIDTH):
                moved = x.copy()
                moved[t, :, column] += tiny
                by_input[t, :, column] = of(moved).imag / 1e-20
            for name in self.states:
                for unit in range(UNITS):
                    by_state[name][t, :, unit] = of(x, {(name, t): tiny * np.eye(UNITS)[unit]}).imag / 1e-20
        return Cotangents(by_input.astype(np.float32), by_state)


class Made(CellNetwork):
    """A network of cells that no file holds."""

    name, words, outputs = "made", WORDS, WORDS

    def __init__(self, cells):
        self.describe(cells)
        rng = np.random.default_rng(2)
        self.weights = [
            {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in cell.shapes().items()}
            for cell in cells
        ]
        self.vectors = rng.normal(size=(5, WIDTH)).astype(np.float32)
        self.kernel = rng.normal(size=(cells[-1].units, 5)).astype(np.float32)

    def layer_weights(self, number):
        return self.weights[number - 1]

    def embed(self, ids):
        return np.where(ids[:, None] < 0, np.float32(0), self.vectors[ids])

    def output_weights(self):
        return self.kernel, np.zeros(5, np.float32)


def saved(folder, stack):
    """A network of files."""
    sizes = {"vocabulary": 5, "embedding": WIDTH, "layers": stack}
    facts = {"format": 1, "network": sizes, "vocabulary": WORDS, "tokenisation": {"level": "character"}}
    (folder / "network").mkdir(parents=True)
    (folder / "network" / "network.json").write_text(json.dumps(facts))
    shapes, rng = Facts.model_validate(facts).shapes(), np.random.default_rng(1)
    arrays = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    np.savez(folder / "network" / "weights.npz", **arrays)
    return open_network(SimpleNamespace(name="saved", folder=folder))


STACKS = {named(layer): [layer] for layer in layers(UNITS)}
STACKS["two layers"] = [{"cell": "lstm", "units": UNITS}, {"cell": "gru", "units": 3}]


@pytest.fixture(scope="module", params=["function", "stranger's cell", *STACKS])
def network(request, tmp_path_factory):
    if request.param == "function":
        return Function()
    if request.param == "stranger's cell":
        return Made([FastWeights(WIDTH, UNITS), FastWeights(UNITS, 2)])
    return saved(tmp_path_factory.mktemp("network"), STACKS[request.param])


def starts_from(network, seed=5):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 0.3, (3, network.widths[name])).astype(np.float32) for name in network.states}


LATE = [np.zeros(len(text), bool) for text in TEXTS]


def test_a_batch_is_what_its_texts_are_one_by_one_from_their_states(network):
    before = starts_from(network)
    for starts, first in ((STARTS, None), (LATE, before), (None, before)):
        trace = network.run(TEXTS, starts, first)
        assert trace.x.shape == (6, 3, WIDTH) and trace.lengths.tolist() == [6, 2, 4]
        assert list(trace.series) == list(network.widths)
        for row, text in enumerate(TEXTS):
            one = {name: values[row : row + 1] for name, values in (first or {}).items()}
            alone = network.run([text], starts and [starts[row]], one or None).text()
            for name, values in trace.text(row).items():
                assert values.shape == (len(text), network.widths[name])
                np.testing.assert_allclose(values, alone[name], atol=2e-6, err_msg=name)
                assert not trace.series[name][len(text) :, row].any()


def test_numbers_are_read_as_words_are(network):
    numbers = network.run([network.embed(text) for text in TEXTS], STARTS)
    words = network.run(TEXTS, STARTS, keep=[network.head])
    np.testing.assert_allclose(numbers.series[network.head], words.series[network.head], atol=1e-6)
    assert list(words.series) == [network.head]


def test_a_text_goes_on_where_another_left_off(network):
    whole, half = network.run([TEXTS[0]]), network.run([TEXTS[0][:3]])
    rest = network.run([TEXTS[0][3:]], None, {name: half.series[name][-1] for name in network.states})
    for name, values in rest.series.items():
        np.testing.assert_allclose(values, whole.series[name][3:], atol=2e-6)


def test_an_edit_that_changes_nothing_changes_nothing_and_sees_everything(network):
    seen = {}

    def look(name, step, values):
        seen.setdefault(name, []).append((step, values.copy()))
        return values

    edited, plain = network.run(TEXTS, STARTS, edit=look), network.run(TEXTS, STARTS)
    assert set(network.states) <= set(seen) <= set(network.widths)
    for name, values in plain.series.items():
        np.testing.assert_allclose(edited.series[name], values, atol=2e-6)
    for name in network.states:
        assert [step for step, _ in seen[name]] == list(range(6))
        for step, values in seen[name]:
            reading = plain.lengths > step
            np.testing.assert_allclose(values[reading], plain.series[name][step, reading], atol=2e-6)


def test_zeroing_a_unit_of_one_text_is_what_a_loop_by_hand_does(network):
    for name in network.states:

        def cut(at, step, values, name=name):
            if (at, step) != (name, 2):
                return values
            values = values.copy()
            values[0, 1] = 0
            return values

        edited, plain = network.run(TEXTS, LATE, edit=cut), network.run(TEXTS, LATE)
        for row in (1, 2):  # the other texts are as they were
            for series, values in plain.text(row).items():
                np.testing.assert_allclose(edited.text(row)[series], values, atol=2e-6)
        assert edited.series[name][2, 0, 1] == 0
        changed = [s for s, v in plain.text(0).items() if not np.allclose(edited.text(0)[s][:3], v[:3], atol=1e-7)]
        assert name in changed
        head = network.head
        assert np.abs(edited.series[head][3:, 0] - plain.series[head][3:, 0]).max() > 1e-6
        after = {each: edited.series[each][2, :1].copy() for each in network.states}  # by hand: go on from there
        rest = network.run([TEXTS[0][3:]], None, after)
        for each, values in rest.series.items():
            np.testing.assert_allclose(edited.series[each][3:, 0], values[:, 0], atol=3e-6, err_msg=each)
        with pytest.raises(QuestionError, match="without it"):
            network.vjp(edited, {})


def test_the_state_that_another_is_made_of_is_edited_before(network):
    made = [name for name in network.states if name.rpartition(".")[2] != "h"]
    plain = network.run(TEXTS[:1])
    for name in made:
        edited = network.run(TEXTS[:1], edit=lambda at, step, v, name=name: 0 * v if (at, step) == (name, 1) else v)
        hidden = f"{name.rpartition('.')[0]}.h" if "." in name else "h"
        assert not edited.series[name][1].any()
        assert np.abs(edited.series[hidden][1] - plain.series[hidden][1]).max() > 1e-4


def drawn_cotangents(network, trace, names, seed=7):
    rng, inside = np.random.default_rng(seed), np.arange(len(trace.x))[:, None] < trace.lengths
    return {n: (rng.normal(size=(*inside.shape, network.widths[n])) * inside[..., None]).astype("f4") for n in names}


def number_of(network, cotangents, texts, starts, before, edit=None):
    series = network.run(texts, starts, before, edit=edit).series
    return sum((series[name].astype(float) * values).sum((0, 2)) for name, values in cotangents.items())


def test_derivatives_backward_are_those_of_finite_differences(network):
    x, before, rng = [network.embed(text) for text in TEXTS], starts_from(network), np.random.default_rng(1)
    trace = network.run(x, STARTS[:1] + LATE[1:], before)
    cotangents = drawn_cotangents(network, trace, network.states)
    found = network.vjp(trace, cotangents)
    arguments = cotangents, x, STARTS[:1] + LATE[1:], before
    assert found.x.shape == trace.x.shape
    for row, text in enumerate(TEXTS):
        assert not found.x[len(text) :, row].any()
        direction = rng.normal(size=x[row].shape).astype("f4")
        sides = []
        for size in (1e-2, -1e-2):
            moved = [each + size * direction if number == row else each for number, each in enumerate(x)]
            sides.append(number_of(network, cotangents, moved, *arguments[2:])[row])
        expected = (sides[0] - sides[1]) / 2e-2
        assert (found.x[: len(text), row] * direction).sum() == pytest.approx(expected, rel=3e-3, abs=3e-3)
    for name in network.states:  # as the state is handed on, through all that it leads to
        direction = rng.normal(size=(3, network.widths[name])).astype("f4")
        for step in (0, 3):

            def nudged(size, name=name, step=step, direction=direction):
                def edit(at, now, values):
                    return values + size * direction if (at, now) == (name, step) else values

                return number_of(network, *arguments, edit=edit)

            expected = (nudged(1e-2) - nudged(-1e-2)) / 2e-2
            inside = trace.lengths > step
            moved = (found.states[name][step] * direction).sum(1)
            np.testing.assert_allclose(moved[inside], expected[inside], rtol=3e-3, atol=3e-3, err_msg=f"{name} {step}")


def test_many_numbers_of_one_text_go_back_at_once(network):
    trace = network.run(TEXTS[:1], STARTS[:1])
    cotangents = drawn_cotangents(network, trace, [network.head])[network.head][:, 0]
    rows = {step: values.copy() for step, values in network.vjp_each(trace, cotangents)}
    assert list(rows) == [5, 4, 3, 2, 1, 0]
    for t in range(6):
        alone = np.zeros((6, 1, cotangents.shape[1]), np.float32)
        alone[t, 0] = cotangents[t]
        expected = network.vjp(trace, {network.head: alone}).x[:, 0]
        for step in range(t + 1):
            np.testing.assert_allclose(rows[step][t - step], expected[step], atol=1e-5)
        assert not expected[t + 1 :].any()


def test_derivatives_forward_are_those_backward(network):
    text, starts = TEXTS[0], STARTS[0]
    rows = gradients_of_words(network, text, starts, delays=3, threads=1).to_pylist()
    trace, sequence = network.run([text], [starts]), np.cumsum(starts)
    assert {row["state"] for row in rows} == set(network.states)
    for row in rows:
        name, delay = row["state"], row["delay"]
        pairs = [(t - delay, t) for t in range(delay, 6) if sequence[t - delay] == sequence[t]]
        expected = np.zeros((network.widths[name], WIDTH))
        for source, t in pairs:
            for unit in range(network.widths[name]):
                seeds = np.zeros((6, 1, network.widths[name]), np.float32)
                seeds[t, 0, unit] = 1
                expected[unit] += network.vjp(trace, {name: seeds}).x[source, 0]
        assert row["count"] == len(pairs)
        found = np.reshape(row["matrix"], expected.shape)
        np.testing.assert_allclose(found, expected / len(pairs), atol=2e-6, err_msg=f"{name} {delay}")


def test_analyses_ask_any_network(network):
    text = TEXTS[0]
    words = [WORDS[number] for number in text]
    tokens = Tokens(words, text, words, np.zeros(6, bool), STARTS[0], [])
    reading, targets = network.read(tokens), np.array([1, -1, 0, 2, 4, 3])
    assert reading.predictions.num_rows == 6 * 5
    found, fallen = connectivity(network, reading, targets).values, occlusion(network, reading, targets)
    assert np.isnan(found[1]).all() and np.isnan(fallen[1]).all()
    off = any(getattr(cell.options, "activation", "") == "relu" for cell in getattr(network, "cells", ()))
    assert (off or (found[5, 4:] > 0).all()) and not found[5, :4].any() and not fallen[5, :4].any()
    x = network.embed(text)
    for row, step in ((0, 0), (3, 1), (5, 4)):  # by reading the text anew
        x_ = x.copy()
        x_[step] = x.mean(0)
        hidden = [network.run([each], STARTS[:1]).series[network.head][row] for each in (x, x_)]
        before, after = (network.scores(each)[0, targets[row]] for each in hidden)
        assert fallen[row, step] == pytest.approx(before - after, abs=1e-5)
    ranks, chances = network.standing(reading.states[network.head], targets)
    probabilities = network.probabilities(reading.states[network.head])
    np.testing.assert_allclose(chances[[0, 3]], probabilities[[0, 3], targets[[0, 3]]], rtol=1e-5)
    assert ranks[1] == 0 and np.isnan(chances[1])


def test_what_a_network_lacks_is_one_sentence():
    function = Function()
    with pytest.raises(MissingNetwork, match="'function' does not say how its text was made into words"):
        function.tokenise("a")
    function.can = frozenset({"scores"})
    reading = function.read(Tokens(["a"], np.array([0]), ["a"], np.zeros(1, bool), np.ones(1, bool), []))
    with pytest.raises(MissingNetwork, match="cannot be differentiated"):
        connectivity(function, reading, np.array([0]))
    with pytest.raises(MissingNetwork, match="cannot be differentiated"):
        gradients_of_words(function, TEXTS[0], STARTS[0])
    with pytest.raises(QuestionError, match="no state or gate 'c'"):
        gradients_of_words(Function(), TEXTS[0], STARTS[0], states=["c"])
    with pytest.raises(QuestionError, match="every text needs at least one step"):
        Made([FastWeights(WIDTH, UNITS)]).run([np.zeros(0, int)])


def test_a_registered_network_is_asked_instead_of_files():
    model = SimpleNamespace(name="function", folder=None)
    opening.register(own := Function())
    try:
        assert open_network(model, "gradients") is own and opening.has_network(model)
        assert "does not say how its text" in opening.missing_network(model, "text")
    finally:
        opening._registered.clear()
