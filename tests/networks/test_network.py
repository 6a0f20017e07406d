"""A saved network read with NumPy: its files looked at before they are believed, texts of every kind, recordings."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

import rnnstore
from rnnstore.errors import DamagedModel, MissingNetwork, QuestionError, StoreError
from rnnstore.networks import open_network, recorded_reading
from rnnstore.networks.predictions import highest
from tests.support.worlds import record

WORDS = ["<unk>", "the", "cat", "sat", "<eos>"]
LAYERS = [{"cell": "lstm", "units": 3, "peepholes": False}, {"cell": "gru", "units": 2, "reset": "after"}]
HOW = {"level": "word", "unknown": "<unk>", "end": "<eos>"}


def weights(seed=0):
    random = np.random.default_rng(seed)
    shapes = {
        "embedding": (5, 4), "layer1.kernel": (4, 12), "layer1.recurrent": (3, 12), "layer1.bias": (12,),
        "layer2.kernel": (3, 6), "layer2.recurrent": (2, 6), "layer2.bias": (6,), "layer2.bias_recurrent": (6,),
        "output.kernel": (2, 5), "output.bias": (5,),
    }  # fmt: skip
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def saved(store, arrays=None, name="small", **changes):
    """A model in a store whose folder holds a network; `changes` are made to its facts."""
    opened = rnnstore.open(store)
    with opened.writer(name) as writer:
        folder = writer.folder("network")
    np.savez(folder / "weights.npz", **(weights() if arrays is None else arrays))
    sizes = {"vocabulary": 5, "embedding": 4, "layers": LAYERS, "tie": False, "dropout": 0.5}
    facts = {"format": 1, "network": sizes, "level": "word", "vocabulary": WORDS, "tokenisation": HOW, **changes}
    (folder / "network.json").write_text(json.dumps(facts), "utf-8")
    opened.refresh()
    return opened.model(name)


def test_a_network_says_what_it_is(tmp_path):
    found = open_network(saved(tmp_path))
    assert repr(found) == "Network('small', 5 words, states layer1.c, layer1.h, layer2.h)"
    assert found.states == ["layer1.c", "layer1.h", "layer2.h"]
    assert found.gates == [*(f"layer1.{gate}" for gate in "ifgo"), *(f"layer2.{gate}" for gate in "zrg")]
    assert (found.outputs, found.classifier) == (WORDS, False)


def test_a_typed_sentence_becomes_a_reading(tmp_path):
    reading = open_network(saved(tmp_path)).read("the dog sat")
    assert reading.words == ["the", "<unk>", "sat", "<eos>"]
    assert reading.typed == ["the", "dog", "sat", ""]
    assert reading.unknown.tolist() == [False, True, False, False]
    assert (reading.source, len(reading)) == ("typed", 4)
    assert {name: values.shape for name, values in reading.states.items()} == {
        "layer1.c": (4, 3), "layer1.h": (4, 3), "layer2.h": (4, 2),
    }  # fmt: skip
    assert all(not values.any() for values in reading.before.values())
    table = reading.predictions
    assert table["t"].to_pylist() == [t for t in range(4) for _ in range(5)]
    assert table["rank"].to_pylist() == [1, 2, 3, 4, 5] * 4
    probability = table["probability"].to_numpy().reshape(4, 5)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    assert (np.diff(probability, axis=1) <= 0).all()
    assert table["target"].to_pylist()[::5] == ["<unk>", "sat", "<eos>", None]
    for t, word in enumerate(["<unk>", "sat", "<eos>"]):
        rows = table.slice(5 * t, 5).to_pylist()
        chance = next(row["probability"] for row in rows if row["word"] == word)
        assert rows[0]["target_probability"] == pytest.approx(chance, rel=1e-5)
        assert rows[0]["loss"] == pytest.approx(-np.log(chance), rel=1e-5)
    assert table["loss"].to_pylist()[-1] is table["target_probability"].to_pylist()[-1] is None


def test_a_sentence_that_starts_anew_is_read_like_one_of_its_own(tmp_path):
    found = open_network(saved(tmp_path, tokenisation=HOW | {"starts": "line"}))
    both, second = found.read("the cat\nthe sat"), found.read("the sat")
    for name, values in second.states.items():
        np.testing.assert_array_equal(both.states[name][3:], values)
    assert both.predictions["target"].to_pylist()[2 * 5] is None  # the end of a sequence has no next word
    stream = open_network(saved(tmp_path)).read("the cat\nthe sat")
    assert not np.allclose(stream.states["layer1.c"][3], second.states["layer1.c"][0])


def test_without_an_unknown_word_the_input_of_one_is_zero(tmp_path):
    arrays = weights()
    arrays["layer1.bias"][:] = 0
    found = open_network(saved(tmp_path, arrays, tokenisation={"level": "word"}))
    reading = found.read("dog the dog")
    assert not reading.states["layer1.c"][0].any()  # nothing came in
    assert reading.states["layer1.c"][1:].all()
    target = reading.predictions.slice(5, 1).to_pylist()[0]
    assert (target["target"], target["target_probability"], target["loss"]) == ("dog", None, None)


def test_a_long_text_is_read_to_a_limit_and_says_so(tmp_path):
    found = open_network(saved(tmp_path))
    reading = found.read("the " * 10_000)
    assert (len(reading), reading.predictions.num_rows) == (1000, 5000)
    assert reading.notes[-1] == "The text has 10,001 steps; the first 1,000 of them were read."
    assert reading.predictions["target"].to_pylist()[-1] == "the"
    assert len(found.read("the cat sat", limit=2)) == 2


@pytest.mark.parametrize("text", ["", " \n ", "\ufeff"])
def test_an_empty_sentence_is_answered_with_a_sentence(tmp_path, text):
    with pytest.raises(QuestionError, match="There is nothing to read: type at least one word"):
        open_network(saved(tmp_path)).read(text)


def test_a_classifier_says_labels_after_every_step(tmp_path):
    arrays = weights()
    arrays |= {"output.kernel": np.ones((2, 2), np.float32), "output.bias": np.array([0, 1], np.float32)}
    sizes = {"vocabulary": 5, "embedding": 4, "layers": LAYERS, "tie": False, "outputs": 2}
    model = saved(tmp_path, arrays, network=sizes, task="classifier", labels=["bad", "good"])
    found = open_network(model)
    table = found.read("the cat", predictions=7).predictions
    assert found.classifier
    assert table["word"].to_pylist() == ["good", "bad"] * 3
    assert table["probability"].to_pylist() == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.e)] * 3)
    assert table["target"].null_count == table["loss"].null_count == 6


def test_networks_are_kept_ready_until_their_files_change(tmp_path):
    model = saved(tmp_path)
    assert open_network(model) is open_network(model)
    before = open_network(model).read("the").states["layer2.h"]
    model = saved(tmp_path, weights(seed=1))
    assert not np.allclose(open_network(model).read("the").states["layer2.h"], before)


def test_equal_scores_come_in_the_order_of_their_numbers():
    random = np.random.default_rng(0)
    for scores in (random.normal(size=(5, 300)), random.integers(0, 9, (5, 300)).astype(float), np.zeros((2, 4))):
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :4]
        assert highest(scores, 4).tolist() == expected.tolist()


# What is missing or damaged


def test_a_model_without_a_network_says_what_can_be_shown(tmp_path):
    model = record(tmp_path).model("small")
    with pytest.raises(MissingNetwork) as caught:
        open_network(model)
    assert str(caught.value) == (
        "There is no network in the folder of 'small': only its states were recorded or imported. No sentence can be "
        "read by it; stretches of its recording can be shown."
    )
    assert recorded_reading(model, 0, 3).words == ["the", "cat", "sat"]


def test_an_unfinished_training_is_no_network(tmp_path):
    model = saved(tmp_path)
    (model.folder / "network" / "network.json").unlink()
    with pytest.raises(MissingNetwork, match="it has not been trained to its end"):
        open_network(model)


def test_a_network_that_does_not_say_how_text_becomes_words_says_what_to_do(tmp_path):
    found = open_network(saved(tmp_path, tokenisation=None))
    with pytest.raises(MissingNetwork, match="`python -m pipelines record` with its recipe writes that down"):
        found.tokenise("the cat")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 2}, "is damaged: format"),
        ({"network": {}}, r"is damaged: network\.vocabulary is missing"),
        ({"vocabulary": WORDS[:4]}, "lists 4 words for a vocabulary of 5"),
        ({"vocabulary": "abcde"}, "is damaged: vocabulary"),
        ({"tokenisation": {"level": "page"}}, r"is damaged: tokenisation\.level"),
        (
            {"network": {"vocabulary": 5, "embedding": 4, "layers": [{"cell": "os.system", "units": 3}]}},
            r"network\.layers\[0\]\.cell is 'os.system'",
        ),
        ({"network": {"vocabulary": 5, "embedding": 4, "layers": []}}, r"network\.layers"),
        ({"network": {"vocabulary": 5, "embedding": 4, "layers": LAYERS, "tie": True}}, "ties the output"),
        ({"network": {"vocabulary": 5, "embedding": 4, "layers": LAYERS, "outputs": 9}}, "names 5 outputs for 9"),
        (
            {"network": {"vocabulary": 5, "embedding": 4_000_000, "layers": LAYERS}},
            r"'embedding' as float32 of shape \(5, 4\), and its network needs float32 of shape \(5, 4000000\)",
        ),
        (
            {"network": {"vocabulary": 5, "embedding": 4, "layers": [*LAYERS, {"cell": "vanilla", "units": 2}]}},
            r"lacks the weights 'layer3\.kernel'",
        ),
    ],
)
def test_a_description_that_does_not_fit_is_refused_with_its_place(tmp_path, changes, sentence):
    with pytest.raises(DamagedModel, match=sentence):
        open_network(saved(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"null", b'{"vocabulary": ["\\ud83d"]}'])
def test_facts_that_are_no_json_are_refused(tmp_path, content):
    model = saved(tmp_path)
    (model.folder / "network" / "network.json").write_bytes(content)
    with pytest.raises(DamagedModel, match=r"model=small/network/network\.json"):
        open_network(model)


def test_weights_that_would_run_code_or_fill_the_memory_are_not_opened(tmp_path):
    arrays = weights()
    model = saved(tmp_path)
    path = model.folder / "network" / "weights.npz"

    def with_weights(sentence):
        with pytest.raises(DamagedModel, match=sentence):
            open_network(model)

    np.savez(path, **(arrays | {"embedding": np.full((5, 4), {"any": "object"}, object)}))
    with_weights("'embedding' as object of shape")
    np.savez(path, **(arrays | {"embedding": arrays["embedding"].astype(np.float64)}))
    with_weights("'embedding' as float64")
    np.savez_compressed(path, **arrays)
    with_weights("compressed; weights are stored as they are")
    np.savez(path, **(arrays | {"output.bias": np.zeros(6, np.float32)}))
    with_weights(r"'output\.bias' as float32 of shape \(6,\)")
    shutil.copyfile(__file__, path)
    with_weights("is no file of weights that can be read")


def test_a_header_that_promises_more_than_the_file_has_is_noticed(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (5, 4)})
    model = saved(tmp_path)
    path = model.folder / "network" / "weights.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in weights().items():
            data = io.BytesIO()
            np.save(data, array)
            content = header.getvalue() if name == "embedding" else data.getvalue()
            archive.writestr(f"{name}.npy", content)
    with pytest.raises(DamagedModel, match="for 'embedding' instead of 80"):
        open_network(model)


def test_a_file_of_weights_cut_short_anywhere_is_noticed(tmp_path):
    model = saved(tmp_path)
    path = model.folder / "network" / "weights.npz"
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedModel, match="is no file of weights that can be read"):
            open_network(model)


def test_any_byte_may_be_wrong_and_nothing_but_a_sentence_comes_of_it(tmp_path):
    model = saved(tmp_path)
    path = model.folder / "network" / "weights.npz"
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for place in random.integers(0, len(whole), 400):
        path.write_bytes(whole[:place] + bytes([random.integers(256)]) + whole[place + 1 :])
        try:
            open_network(model).read("the cat")
        except DamagedModel as error:
            assert "model=small/network" in str(error) or "'small'" in str(error)


def test_weights_that_changed_or_went_while_a_network_was_ready_are_said(tmp_path):
    model = saved(tmp_path)
    found = open_network(model)
    saved(tmp_path, weights(seed=1))
    with pytest.raises(StoreError, match="changed while it was being read; read the sentence again"):
        found.read("the cat")
    (model.folder / "network" / "weights.npz").unlink()
    with pytest.raises(StoreError, match="cannot be read any more"):
        found.read("the cat")


def test_weights_may_lie_column_by_column(tmp_path):
    arrays = weights()
    expected = open_network(saved(tmp_path / "rows", arrays)).read("the cat the").states
    columns = {name: np.asfortranarray(array) for name, array in arrays.items()}
    found = open_network(saved(tmp_path / "columns", columns)).read("the cat the").states
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_values_that_are_no_numbers_are_said(tmp_path):
    arrays = weights()
    arrays["layer1.bias"][0] = np.nan
    with pytest.raises(DamagedModel, match="gives values that are no numbers"):
        open_network(saved(tmp_path, arrays)).read("the cat")
    arrays = weights()
    arrays["output.bias"][2] = np.inf
    with pytest.raises(DamagedModel, match="gives values that are no numbers"):
        open_network(saved(tmp_path, arrays)).read("the cat")


def test_a_reading_without_predictions_has_none(tmp_path):
    assert open_network(saved(tmp_path)).read("the cat", predictions=0).predictions is None


# Recorded stretches


def test_a_recorded_stretch_is_what_the_store_holds(tmp_path):
    words = ["the", "cat", "sat", "<eos>", "the", "<unk>", "sat"]
    random = np.random.default_rng(0)
    states = {name: random.normal(size=(7, 3)).astype(np.float16) for name in ("layer1.c", "layer1.f", "layer1.h")}
    starts = [True, False, False, False, True, False, False]
    top = np.tile(np.arange(2, dtype=np.int32), (7, 1))
    chances = np.tile(np.array([0.5, 0.25], np.float32), (7, 1))
    missing = np.full(7, np.nan, np.float32)
    predictions = rnnstore.Predictions(
        word_ids=top,
        probabilities=chances,
        targets=np.full(7, -1, np.int32),
        target_probabilities=missing,
        loss=missing,
    )
    record(
        tmp_path, words=np.array([WORDS.index(word) for word in words]), states=states, sequence_starts=starts,
        vocabulary=WORDS, predictions=predictions, recorded="a story, test split",
    )  # fmt: skip
    model = saved(tmp_path)
    reading = recorded_reading(model, 2, 6)
    assert reading.words == reading.typed == words[2:6]
    assert reading.unknown.tolist() == [False, False, False, True]
    assert reading.starts.tolist() == [False, False, True, False]
    assert set(reading.states) == {"layer1.c", "layer1.h"}
    assert set(reading.gates) == {"layer1.f"}
    for name, values in (reading.states | reading.gates).items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, states[name][2:6])
    np.testing.assert_array_equal(reading.before["layer1.c"], states["layer1.c"][1])
    assert reading.predictions["t"].to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert reading.predictions["word"].to_pylist() == ["<unk>", "the"] * 4
    assert reading.source == "steps 2 to 5 of a story, test split"
    for start in (0, 4):
        assert not any(values.any() for values in recorded_reading(model, start, 6).before.values())


def test_a_stretch_that_is_none_is_refused(tmp_path):
    model = record(tmp_path).model("small")
    for start, stop in ((3, 3), (5, 2), (6, 20), (-1, 4)):
        with pytest.raises(QuestionError):
            recorded_reading(model, start, stop)
    assert recorded_reading(model, 0, 2).predictions is None
