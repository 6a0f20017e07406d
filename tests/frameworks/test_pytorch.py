"""Modules of PyTorch recorded in one call: every state and gate, whatever way a batch comes, and the module
untouched."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rnnstore
import rnnstore.pytorch as rt
from rnnstore.errors import StoreError
from tests.frameworks.stepped import stepped

WORDS = [f"word{number}" for number in range(11)]

KINDS = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "tanh": (nn.RNN, {}),
    "relu": (nn.RNN, {"nonlinearity": "relu"}),
    "projected": (nn.LSTM, {"proj_size": 3}),
    "without bias": (nn.LSTM, {"bias": False}),
    "gru without bias": (nn.GRU, {"bias": False}),
    "three layers with dropout": (nn.LSTM, {"num_layers": 3, "dropout": 0.5}),
    "both directions": (nn.LSTM, {"bidirectional": True, "num_layers": 2}),
    "gru in both directions": (nn.GRU, {"bidirectional": True, "num_layers": 2}),
    "projected in both directions": (nn.LSTM, {"bidirectional": True, "num_layers": 2, "proj_size": 2}),
}
ids = torch.randint(0, 11, (4, 7), generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([5, 7, 1, 3])


class Tagger(nn.Module):
    """An embedding, a recurrent part, scores of words."""

    def __init__(self, kind, batch_first=True, **more):
        super().__init__()
        torch.manual_seed(3)
        recurrent, options = KINDS[kind]
        self.embedding = nn.Embedding(11, 4)
        self.encoder = recurrent(4, 6, batch_first=batch_first, **options, **more)
        width = (options.get("proj_size") or 6) * (2 if options.get("bidirectional") else 1)
        self.output = nn.Linear(width, 11)

    def forward(self, words):
        return self.output(self.encoder(self.embedding(words))[0])


class Packing(Tagger):
    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embedding(words), lengths, batch_first=True, enforce_sorted=False)
        values, _ = self.encoder(packed)
        return self.output(pad_packed_sequence(values, batch_first=True, total_length=words.shape[1])[0])


def recorded(model, batches, store, **options):
    options = {"vocabulary": WORDS, "dtype": "float32", "name": "made", "progress": False, **options}
    return rt.record(model, batches, store=store, **options)


def values(model, name):
    return model.vectors(name, 0, model.steps).astype(float)


def expected(module, sequences, read=None):
    """What was to be recorded of some sequences of ids."""
    read = read or (lambda words: module.embedding(words).detach())
    found = [stepped(module.encoder, read(words)) for words in sequences]
    return {f"encoder.{name}": np.concatenate([each[name] for each in found]) for name in found[0]}


def agree(model, truth, tolerance=1e-5):
    assert list(model.states) == list(truth)
    for name, right in truth.items():
        assert np.abs(values(model, name) - right).max() <= tolerance * max(1, np.abs(right).max()), name


@pytest.mark.parametrize(("kind", "batch_first"), [(kind, True) for kind in KINDS] + [("both directions", False)])
def test_every_state_and_gate_is_what_a_run_step_by_step_gives(tmp_path, kind, batch_first):
    module = Tagger(kind, batch_first)
    model = recorded(module, [ids if batch_first else ids.T, (ids if batch_first else ids.T).flip(0)], tmp_path)
    others = ids.flip(0) if batch_first else ids.flip(1)
    agree(model, expected(module, [*ids, *others]))
    assert model.sequence_starts.tolist() == list(range(0, 56, 7))
    assert model.words(0, 7)["word_id"].to_pylist() == ids[0].tolist()


@pytest.mark.parametrize("kind", ["three layers with dropout", "gru in both directions", "projected"])
def test_packed_sequences_are_recorded_in_their_lengths(tmp_path, kind):
    module = Packing(kind)
    model = recorded(module, [(ids, LENGTHS)], tmp_path)
    agree(model, expected(module, [words[:length] for words, length in zip(ids, LENGTHS, strict=True)]))
    assert model.sequence_starts.tolist() == [0, 5, 12, 13]


@pytest.mark.parametrize("kind", ["lstm", "both directions"])
def test_padding_that_is_read_is_not_recorded(tmp_path, kind):
    """Without packing a backward direction reads the padding first: its states are as the module has them."""
    module = Tagger(kind)
    whole = expected(module, ids)
    kept = (np.arange(7) < LENGTHS.numpy()[:, None]).ravel()
    truth = {name: series[kept] for name, series in whole.items()}
    agree(recorded(module, [{"words": ids, "lengths": LENGTHS}], tmp_path), truth)
    mask = torch.arange(7) < LENGTHS[:, None]
    agree(recorded(module, [{"words": ids, "mask": mask}], tmp_path, name="masked"), truth)
    agree(recorded(module, [(ids, mask)], tmp_path, name="bool"), truth)
    agree(recorded(module, [(ids, LENGTHS)], tmp_path, name="given", lengths=1), truth)


def test_the_id_of_padding_is_known_from_the_embedding(tmp_path):
    module = Tagger("gru")
    module.embedding.padding_idx = 10
    padded = torch.where(torch.arange(7) < LENGTHS[:, None], ids.clamp(max=9), 10)
    model = recorded(module, [padded], tmp_path)
    assert model.steps == int(LENGTHS.sum())
    assert 10 not in model.words(0, model.steps)["word_id"].to_pylist()


class Decoder(nn.Module):
    """Two cells called in a loop, one above the other."""

    def __init__(self, lower, upper):
        super().__init__()
        torch.manual_seed(1)
        self.embedding, self.lower, self.upper = nn.Embedding(11, 4), lower(4, 5), upper(5, 3)

    def forward(self, words):
        first, second, found = None, None, []
        for t in range(words.shape[1]):
            first = self.lower(self.embedding(words[:, t]), first)
            second = self.upper(first[0] if isinstance(first, tuple) else first, second)
            found.append(second[0] if isinstance(second, tuple) else second)
        return torch.stack(found, 1)


@pytest.mark.parametrize("lower", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells_in_a_loop_are_recorded_from_their_calls(tmp_path, lower):
    module = Decoder(lower, nn.LSTMCell)
    model = recorded(module, [ids], tmp_path)
    as_layer = {nn.LSTMCell: nn.LSTM, nn.GRUCell: nn.GRU, nn.RNNCell: nn.RNN}
    layers = []
    for cell in (module.lower, module.upper):
        layer = as_layer[type(cell)](cell.input_size, cell.hidden_size)
        layer.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
        layers.append(layer)
    truth = {}
    for words in ids:
        below = stepped(layers[0], module.embedding(words).detach())
        above = stepped(layers[1], torch.tensor(below["layer1.h"]))
        for part, found in (("lower", below), ("upper", above)):
            for name, series in found.items():
                truth.setdefault(f"{part}.{name}", []).append(series)
    agree(model, {name: np.concatenate(series) for name, series in truth.items()})


def test_a_layer_that_is_called_step_by_step(tmp_path):
    class Stepping(Tagger):
        def forward(self, words):
            state, found = None, []
            for t in range(words.shape[1]):
                values, state = self.encoder(self.embedding(words[:, t : t + 1]), state)
                found.append(values)
            return self.output(torch.cat(found, 1))

    module = Stepping("three layers with dropout")
    agree(recorded(module, [ids], tmp_path), expected(module, ids))


class Stateful(nn.Module):
    """The usual language model over windows of streams: steps first, its state given and returned."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.embedding, self.encoder, self.output = nn.Embedding(11, 4), nn.LSTM(4, 6, 2), nn.Linear(6, 11)

    def init_hidden(self, streams):
        return torch.zeros(2, streams, 6), torch.zeros(2, streams, 6)

    def forward(self, words, hidden):
        values, hidden = self.encoder(self.embedding(words), hidden)
        return torch.log_softmax(self.output(values), 2).view(-1, 11), hidden


def test_windows_of_streams_become_the_streams(tmp_path):
    module = Stateful()
    streams = torch.randint(0, 11, (3, 20), generator=torch.Generator().manual_seed(5))
    windows = [streams[:, first : first + 5].T for first in range(0, 20, 5)]
    model = recorded(module, windows, tmp_path, stateful=True)
    agree(model, expected(module, streams))
    assert model.sequence_starts.tolist() == [0, 20, 40]
    assert model.words(0, 60)["word_id"].to_pylist() == streams.reshape(-1).tolist()
    found = model.predictions(0, 60).to_pandas()
    first = found[found["rank"] == 1]
    assert first["target"].tolist()[:19] == [WORDS[word] for word in streams[0, 1:].tolist()]
    assert first["target"].isna().tolist() == [t % 20 == 19 for t in range(60)]
    with torch.no_grad():
        scores, _ = module(streams.T, module.init_hidden(3))
    truth = -scores.view(20, 3, 11)[:-1].transpose(0, 1).gather(2, streams[:, 1:, None])[..., 0]
    assert np.allclose(first["loss"].dropna(), truth.reshape(-1), atol=1e-5)


def test_streams_whose_state_does_not_go_on_are_refused(tmp_path):
    with pytest.raises(StoreError, match="began from other states than the first one ended with"):
        recorded(Tagger("lstm"), [ids, ids], tmp_path, stateful=True)


def test_targets_and_losses_of_words(tmp_path):
    module, targets = Tagger("lstm"), ids.roll(1, 0)
    model = recorded(module, [(ids, targets)], tmp_path, predictions=3)
    with torch.no_grad():
        logs = torch.log_softmax(module.eval()(ids), 2)
    found = model.predictions(0, 28).to_pandas()
    assert len(found) == 84
    assert np.allclose(found["loss"][::3], -logs.gather(2, targets[..., None]).reshape(-1), atol=1e-5)
    assert np.allclose(found["probability"], logs.exp().topk(3, 2).values.reshape(-1), atol=1e-6)
    assert found["target"].tolist()[::3] == [WORDS[word] for word in targets.reshape(-1).tolist()]
    assert model.card.metrics[0].value == pytest.approx(float(np.exp(found["loss"][::3].mean())))


def test_scores_as_wide_as_a_sequence_is_long(tmp_path):
    """What a linear layer gives, and what sums to one, says which axis holds the outputs; anything else is refused."""
    words = torch.randint(0, 11, (4, 11), generator=torch.Generator().manual_seed(2))

    class Logarithms(Tagger):
        def forward(self, words):
            return torch.log_softmax(super().forward(words), 2).transpose(1, 2).contiguous()

    class Turned(Tagger):
        def forward(self, words):
            return super().forward(words).transpose(1, 2).contiguous()

    losses = []
    for number, module in enumerate((Tagger("gru"), Logarithms("gru"))):
        model = recorded(module, [words], tmp_path, name=str(number))
        losses.append(model.predictions(0, 44)["loss"].to_numpy().astype(float))
    found = [sorted(loss[~np.isnan(loss)].tolist()) for loss in losses]
    assert np.allclose(found[0], found[1], atol=1e-5)
    with pytest.raises(StoreError, match="outputs in axis 1 or outputs in axis 2"):
        recorded(Turned("gru"), [words], tmp_path)


class Classifier(Tagger):
    def forward(self, words):
        return super().forward(words)[:, -1, :3]


def test_a_label_of_a_sequence_stands_at_its_last_step(tmp_path):
    module, labels = Classifier("gru"), torch.tensor([0, 2, 1, 1])
    model = recorded(module, [(ids, labels)], tmp_path, outputs=["bad", "so", "good"], predictions=2)
    found = model.predictions(0, 28).to_pandas()
    asked = found[found["probability"].notna()]
    assert asked["t"].tolist() == [6, 6, 13, 13, 20, 20, 27, 27]
    assert asked["target"].tolist()[::2] == ["bad", "good", "so", "so"]
    assert model.card.task == "classifier"


def test_numbers_are_read_as_tracks_and_one_hot_rows_as_words(tmp_path):
    class Signal(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.encoder = nn.GRU(width, 6, batch_first=True)

        def forward(self, x):
            return self.encoder(x)[0]

    module, signal = Signal(2), torch.randn(3, 5, 2)
    model = recorded(module, [signal], tmp_path, vocabulary=None)
    agree(model, expected(module, signal, lambda values: values))
    assert model.words(0, 7)["word"].to_pylist() == ["0", "1", "2", "3", "4", "0", "1"]
    assert list(model.tracks) == ["input1", "input2"]
    hot, module = nn.functional.one_hot(ids, 11).float(), Signal(11)
    model = recorded(module, [hot], tmp_path, name="hot")
    assert model.words(0, 28)["word_id"].to_pylist() == ids.reshape(-1).tolist()
    agree(model, expected(module, hot, lambda values: values))


def test_states_are_chosen_by_name_and_pattern_and_made_by_functions(tmp_path):
    module = Tagger("three layers with dropout")
    assert rt.states(module)["encoder.layer2.f"] == 6
    model = recorded(module, [ids], tmp_path, states=["*.c", "encoder.layer1.h"])
    assert list(model.states) == ["encoder.layer1.c", "encoder.layer1.h", "encoder.layer2.c", "encoder.layer3.c"]
    model = recorded(module, [ids], tmp_path, name="own", states={"scores": lambda batch, output: output})
    with torch.no_grad():
        assert np.allclose(values(model, "scores"), module.eval()(ids).reshape(28, 11), atol=1e-5)


def test_annotations_come_by_batch(tmp_path):
    batch = {"words": ids, "kind": [["a", "b", "c", "d", "e", "f", "g"]] * 4, "speaker": torch.arange(4)}
    model = recorded(Tagger("gru"), [batch], tmp_path, annotations={"kind": "kind", "speaker": "speaker"})
    assert model.annotations(["kind"], 0, 28)["value"].to_pylist() == list("abcdefg") * 4
    assert model.annotations(["speaker"], 0, 28)["number"].to_pylist() == np.repeat(range(4), 7).tolist()


def test_square_batches_are_told_apart_by_what_is_read(tmp_path):
    square = torch.randint(0, 11, (6, 6), generator=torch.Generator().manual_seed(1))
    for batch_first in (True, False):
        module = Tagger("lstm", batch_first)
        sequences = square if batch_first else square.T
        agree(recorded(module, [square], tmp_path, name=f"{batch_first}"), expected(module, sequences))
    same = torch.zeros(3, 3, dtype=torch.long)
    with pytest.raises(StoreError, match="may be sequences of steps, or steps of sequences"):
        recorded(Tagger("lstm"), [same], tmp_path)
    assert recorded(Tagger("lstm"), [same], tmp_path, batch_first=True).steps == 9


def test_two_readings_of_a_part_are_both_said(tmp_path):
    with pytest.raises(StoreError, match="may be the lengths of its sequences or a label of each"):
        recorded(Classifier("gru"), [(ids, torch.tensor([1, 2, 1, 1]))], tmp_path)
    assert recorded(Classifier("gru"), [(ids, torch.tensor([1, 2, 1, 1]))], tmp_path, lengths=1).steps == 5


def flags(module):
    return [part.training for part in module.modules()]


@pytest.mark.parametrize("fails", [False, True])
def test_the_module_is_left_as_it_was(tmp_path, fails):
    module = Tagger("three layers with dropout")
    module.train()
    module.embedding.eval()
    before = flags(module)
    batches = [ids, torch.full((4, 7), 99)] if fails else [ids]
    with torch.enable_grad():
        if fails:
            with pytest.raises(StoreError, match="Word id 99 is outside the vocabulary of 11 words"):
                recorded(module, batches, tmp_path)
        else:
            model = recorded(module, batches, tmp_path)
            assert "in training, as the module was, encoder would" in model.card.settings["evaluation"]
        assert torch.is_grad_enabled()
    assert flags(module) == before
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert list(rnnstore.open(tmp_path).models) == ([] if fails else ["made"])


def test_control_c_leaves_a_store_that_opens(tmp_path):
    def interrupted():
        yield ids
        raise KeyboardInterrupt

    module = Tagger("lstm")
    recorded(module, [ids], tmp_path, name="before")
    for name in ("new", "before"):
        with pytest.raises(KeyboardInterrupt):
            recorded(module, interrupted(), tmp_path, name=name, replace=True)
    found = rnnstore.open(tmp_path)
    assert not found.problems and list(found.models) == ["before"] and found.model("before").steps == 28


def test_a_name_that_exists_asks_for_replace(tmp_path):
    recorded(Tagger("lstm"), [ids], tmp_path)
    with pytest.raises(StoreError, match="replace=True records it anew"):
        recorded(Tagger("gru"), [ids], tmp_path)
    assert "encoder.layer1.z" in recorded(Tagger("gru"), [ids], tmp_path, replace=True, steps=10).states
    assert rnnstore.open(tmp_path).model("made").steps == 10


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float64])
def test_other_precisions(tmp_path, precision):
    module = Tagger("lstm").to(precision)
    tolerance = 5e-2 if precision == torch.bfloat16 else 1e-5
    agree(recorded(module, [ids], tmp_path), expected(module, ids), tolerance)


@pytest.mark.long
def test_compiled_and_parallel_modules_are_unwrapped(tmp_path):
    module = Tagger("gru")
    agree(recorded(torch.compile(module), [ids], tmp_path), expected(module, ids))
    agree(recorded(nn.DataParallel(module), [ids], tmp_path, name="parallel"), expected(module, ids))


class Deceiving(Tagger):
    """Its recurrent weights are used otherwise than its layer says."""

    def __init__(self):
        super().__init__("lstm")
        self.encoder.register_forward_hook(lambda module, args, output: (output[0] * 1.5, output[1]))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.encoder = nn.Embedding(11, 4), nn.GRU(4, 3, batch_first=True)

    def forward(self, words):
        return self.encoder(self.embedding(words)[:, ::2])[0]


@pytest.mark.parametrize(
    ("module", "batches", "options", "sentence"),
    [
        (nn.Linear(3, 3), [ids], {}, "Linear has no nn.LSTM, nn.GRU, nn.RNN or cell"),
        (Tagger("lstm"), [ids], {"vocabulary": WORDS[:5]}, "outside the vocabulary of 5 words"),
        (Tagger("lstm"), [ids], {"vocabulary": [*WORDS[:10], "word1"]}, "has 'word1' twice"),
        (Tagger("lstm"), [ids], {"vocabulary": None}, "give vocabulary="),
        (Tagger("lstm"), [torch.randn(4, 7, 3)], {}, "numbers that are no rows of a one and zeros"),
        (Tagger("lstm"), [], {}, "There was nothing to record"),
        (Tagger("lstm"), 7, {}, "Batches were given as int"),
        (Tagger("lstm"), [ids[None]], {}, "stopped at batch 1|has the shape"),
        (Tagger("lstm"), [ids], {"descripton": "mine"}, "did you mean description"),
        (Tagger("lstm"), [ids], {"states": "*.k"}, "no state or gate of it"),
        (Tagger("lstm"), [{"a": ids}], {}, "none has a usual name"),
        (Packing("lstm"), [ids], {}, "needs lengths"),
        (Stateful(), [ids], {}, "stateful=True"),
        (Deceiving(), [ids], {}, r"encoder.layer1.h is not what its cell computes: unit \d at step \d of sequence \d"),
        (Encoder(), [ids], {}, "its steps are not those of the input"),
        (torch.jit.script(Tagger("lstm")), [ids], {}, "TorchScript"),
        (Tagger("lstm"), [(ids, ids)], {"targets": 5}, "has no part 5"),
        (Tagger("lstm"), [ids], {"outputs": "labels", "targets": lambda batch: ids + 20}, "A target is"),
    ],
)  # fmt: skip
def test_what_does_not_fit_gets_its_sentence_and_loses_nothing(tmp_path, module, batches, options, sentence):
    with pytest.raises(StoreError, match=sentence):
        recorded(module, batches, tmp_path, **options)
    assert not rnnstore.open(tmp_path).models
    assert not list(tmp_path.glob("model=*"))


PEAK = """
import resource, sys, tempfile, torch
import rnnstore.pytorch as rt
from torch import nn

steps, stateful = int(sys.argv[1]), sys.argv[2] == "stateful"
torch.manual_seed(0)

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.encoder, self.output = nn.Embedding(5000, 8), nn.GRU(8, 16), nn.Linear(16, 5000)

    def forward(self, words, hidden=None):
        values, hidden = self.encoder(self.embedding(words), hidden)
        return self.output(values), hidden

batches = (torch.randint(5000, (20, 40)) for _ in range(steps // 800))
words = [str(number) for number in range(5000)]
options = {"stateful": stateful, "network": False, "progress": False, "batch_first": False}
rt.record(Model(), batches, store=tempfile.mkdtemp(), name="m", vocabulary=words, **options)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.long
@pytest.mark.parametrize("how", ["stateful", "apart"])
def test_memory_does_not_grow_with_the_batches(how):
    def peak(steps):
        command = [sys.executable, "-c", PEAK, str(steps), how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    assert peak(160_000) < peak(32_000) + 60
