"""The network comes along: a module of PyTorch as network files, held against what was recorded of it."""

import numpy as np
import pytest
import torch
from torch import nn

import rnnstore.pytorch as rt
from rnnstore.errors import MissingNetwork
from rnnstore.integrity.checking import check
from rnnstore.networks import network_agreement, open_network

WORDS = [*"abcdefghij", " "]
ids = torch.randint(0, 11, (6, 20), generator=torch.Generator().manual_seed(0))


class Language(nn.Module):
    """A stack of two modules, an embedding before and a linear layer behind."""

    def __init__(self, lower=nn.LSTM, upper=nn.GRU, **more):
        super().__init__()
        torch.manual_seed(3)
        self.embedding = nn.Embedding(11, 4)
        self.lower, self.upper = lower(4, 6, 2, batch_first=True), upper(6, 5, batch_first=True, **more)
        self.output = nn.Linear(10 if more.get("bidirectional") else more.get("proj_size", 5), 11)

    def read(self, words):
        return self.embedding(words)

    def forward(self, words):
        return self.output(self.between(self.upper(self.between(self.lower(self.read(words))[0]))[0]))

    def between(self, values):
        return values


class Scaled(Language):
    def read(self, words):
        return torch.tanh(self.embedding(words) * 3)


class OneHot(Language):
    def __init__(self):
        super().__init__()
        self.lower = nn.LSTM(11, 6, 2, batch_first=True)

    def forward(self, x):
        return self.output(self.upper(self.lower(x)[0])[0])


class TwoLinear(Language):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 4)
        self.output = nn.Linear(4, 11, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, words):
        return self.output(self.first(self.upper(self.lower(self.embedding(words))[0])[0]))


def recorded(module, store, batch=ids, **options):
    return rt.record(module, [batch], store=store, name="made", vocabulary=WORDS, progress=False, **options)


def agrees(model, module, text="abba dead"):
    network = open_network(model)
    reading = network.read(text)
    numbers = torch.tensor([[WORDS.index(letter) for letter in text]])
    with torch.no_grad():
        given = nn.functional.one_hot(numbers, 11).float() if isinstance(module, OneHot) else numbers
        scores = torch.softmax(module.eval()(given), 2)[0].numpy()
    np.testing.assert_allclose(network.probabilities(reading.states[network.head]), scores, atol=1e-5)
    assert [*network.widths] == list(model.states)
    assert network_agreement(model).agrees and not check(model.folder).damaged
    assert "recorded steps were taken anew" in model.card.settings["network"]


@pytest.mark.parametrize("made", [Language, Scaled, TwoLinear])
def test_a_stack_of_modules_becomes_a_network(tmp_path, made):
    module = made()
    agrees(recorded(module, tmp_path), module)


def test_rows_of_one_and_zeros_need_no_embedding(tmp_path):
    module = OneHot()
    agrees(recorded(module, tmp_path, nn.functional.one_hot(ids, 11).float()), module)


def test_a_tagger_has_labels(tmp_path):
    class Tagger(Language):
        def forward(self, words):
            return super().forward(words)[..., :3]

    module = Tagger()
    module.output = nn.Linear(5, 3)
    model = recorded(module, tmp_path, (ids, ids % 3), outputs=["x", "y", "z"])
    network = open_network(model)
    assert network.outputs == ["x", "y", "z"] and network.classifier
    assert network_agreement(model).recorded_loss == pytest.approx(network_agreement(model).loss, abs=1e-2)


class Residual(Language):
    def between(self, values):
        return values + 0.5


class Squashed(Language):
    def forward(self, words):
        return torch.tanh(super().forward(words)) * 9


class Position(Language):
    def read(self, words):
        return self.embedding(words) + torch.arange(words.shape[1])[None, :, None]


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        (Language(bidirectional=True), {}, "upper reads in both directions"),
        (Language(nn.LSTM, nn.LSTM, proj_size=2), {}, "upper has a projection"),
        (Residual(), {}, "lower and upper do not read one another's h alone"),
        (Position(), {}, "does not follow from the word at that step alone"),
        (Language(), {"states": "lower.*"}, "Not all of its recurrent layers were recorded"),
        (Language(), {"network": False}, "It was not asked for"),
    ],
)
def test_what_cannot_be_files_says_why(tmp_path, module, options, sentence):
    model = recorded(module, tmp_path, **options)
    assert sentence in model.card.settings["network"]
    with pytest.raises(MissingNetwork, match=sentence):
        open_network(model)


def test_scores_that_are_not_linear_leave_the_states(tmp_path):
    model = recorded(Squashed(), tmp_path)
    assert "no linear function of upper.layer1.h" in model.card.settings["network"]
    assert open_network(model).read("abba").predictions is None
    with pytest.raises(MissingNetwork, match="has no output layer"):
        open_network(model, "scores")


def test_a_network_that_was_there_goes_with_its_recording(tmp_path):
    recorded(Language(), tmp_path)
    model = recorded(Language(bidirectional=True), tmp_path, replace=True)
    assert not (model.folder / "network" / "weights.npz").exists()


def test_a_start_of_its_own_is_noticed(tmp_path):
    class Started(Language):
        def forward(self, words):
            start = torch.full((2, len(words), 6), 0.7)
            return self.output(self.upper(self.lower(self.embedding(words), (start, start))[0])[0])

    model = recorded(Started(), tmp_path)
    assert "they began from other states than zero" in model.card.settings["network"]
    with pytest.raises(MissingNetwork, match="is not asked"):
        open_network(model)


def test_derivatives_of_a_network_whose_layers_have_names_are_autograds(tmp_path):
    module = Language()
    network = open_network(recorded(module, tmp_path))
    text = ids[0, :6].numpy()
    x = torch.tensor(network.embed(text)).requires_grad_()
    hidden = module.eval().upper(module.lower(x[None])[0])[0][0]
    truth = np.stack(
        [[torch.autograd.grad(hidden[t, unit], x, retain_graph=True)[0].numpy() for unit in range(5)] for t in range(6)]
    )  # [t, unit, j, input]
    starts, found = np.arange(6) == 0, {}

    class Visit:
        def __init__(self, sources):
            self.sources = sources

        def __enter__(self):
            return lambda name, number, delay, values: found.update({(self.sources[number], delay): values.copy()})

        def __exit__(self, *_):
            return None

    network.jvp(text, starts, ["upper.layer1.h"], 6, Visit)
    for source in range(6):
        for delay in range(6 - source):
            np.testing.assert_allclose(found[source, delay], truth[source + delay, :, source].T, atol=1e-5)
    trace = network.run([text], [starts])
    seeds = np.zeros((6, 1, 5), np.float32)
    seeds[5, 0, 2] = 1
    np.testing.assert_allclose(network.vjp(trace, {"upper.layer1.h": seeds}).x[:, 0], truth[5, 2], atol=1e-5)
