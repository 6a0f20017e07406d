"""Importing LSTMVis folders: what arrives equals what was written, and what is wrong is said and leaves no trace.

The folders are written by `lstmvis_folder` with h5py, from the format's description and not with the reader.
"""

import copy
import itertools
import re
import subprocess
import sys
import tracemalloc

import h5py
import numpy as np
import pytest

import rnnstore
from pipelines import __main__ as command_line
from pipelines import lstmvis
from pipelines.lstmvis import datasets, dictionary
from pipelines.lstmvis.importing import ORIGIN
from rnnstore.drawing.palette import LIGHT
from rnnstore.errors import StoreError
from rnnstore.matching.charts.select_view import DrawnSelection, select_picture
from rnnstore.matching.matches import match
from rnnstore.matching.selection import Selection
from rnnstore.matching.selection import select as select_units
from rnnstore.matching.windows import window
from tests.matching.test_matching import brute_force, rows_of
from tests.pipelines import lstmvis_folder
from tests.support import worlds


@pytest.fixture
def folder(tmp_path):
    return lstmvis_folder.write(tmp_path / "brackets")


@pytest.fixture
def path(tmp_path):
    """A store with a model in it, which no import may touch."""
    worlds.record(tmp_path / "store", "other")
    return tmp_path / "store"


def contents(path):
    """Every file below a folder with its bytes, but the locks, which hold nothing."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and ".locks" not in file.parts
    }


def imported(folder, path, **options):
    project = lstmvis.import_folder(folder.path, path, **options)
    return rnnstore.open(path).model(project.name)


# --- what arrives -------------------------------------------------------------------------------------------


def test_tables_equal_the_arrays_of_the_folder(folder, path):
    model = imported(folder, path)
    steps = len(folder.states1)
    assert (model.name, model.steps, model.card.level) == ("Brackets small", steps, "character")
    assert model.words(0, steps)["word"].to_pylist() == folder.symbols[:steps]
    assert model.vocabulary == lstmvis_folder.SYMBOLS
    assert model.sequence_starts.tolist() == [0]
    written = {
        "layer1.state": np.tanh(folder.states1),
        "layer1.output": folder.outputs1,
        "layer2.state": np.tanh(folder.states2),
    }
    assert list(model.states) == list(written)
    for name, values in written.items():
        stored = values.astype(np.float16)
        np.testing.assert_array_equal(model.vectors(name, 0, steps), stored)
        np.testing.assert_array_equal(model.unit_values(name, range(values.shape[1])), stored.T)


def test_tracks_equal_the_arrays_of_the_folder(folder, path):
    model = imported(folder, path)
    steps = len(folder.states1)
    ids = folder.ids[:steps]

    def track(name, column):
        return model.annotations([name], 0, steps)[column].to_pylist()

    assert {name: track.kind for name, track in model.tracks.items()} == {
        "nesting": "discrete", "depth": "scalar", "part": "discrete", "rarity": "scalar",
    }  # fmt: skip
    assert track("nesting", "value") == [str(level) for level in folder.nesting[:steps]]
    assert track("depth", "number") == folder.depth.astype(float).tolist()
    assert track("part", "value") == [lstmvis_folder.PARTS[folder.part_of[id_] - 10] for id_ in ids]
    assert track("rarity", "number") == folder.rarity[ids].tolist()
    assert model.tracks["part"].source == "tracks.h5, part_of_word, by word"


def test_predictions_are_ranked_and_end_where_the_file_ends(folder, path):
    model = imported(folder, path)
    steps, known = len(folder.states1), len(folder.top)
    rows = model.predictions(0, steps)
    assert rows.num_rows == 3 * steps and model.predictions_per_step == 3
    words = np.array(rows["word"].to_pylist(), object).reshape(steps, 3)
    symbols = dict(zip((lstmvis_folder.FIRST_ID + 2 * i for i in range(7)), lstmvis_folder.SYMBOLS, strict=True))
    order = np.argsort(-folder.scores, axis=1)
    for t in range(known):
        assert words[t].tolist() == [symbols[int(id_)] for id_ in folder.top[t][order[t]]]
    probabilities = np.array(rows["probability"].to_pylist(), float).reshape(steps, 3)
    np.testing.assert_allclose(probabilities[:known], np.exp(np.take_along_axis(folder.scores, order, 1)), rtol=1e-6)
    assert (words[known:] == None).all() and np.isnan(probabilities[known:]).all()  # noqa: E711
    assert rows["target"].null_count == rows["loss"].null_count == rows.num_rows


@pytest.mark.parametrize("state", ["layer1.state", "layer1.output", "layer2.state"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (2, 1)])
def test_selection_and_matches_equal_brute_force_over_the_file(folder, path, state, before, after):
    model = imported(folder, path)
    file, dataset, squash = {
        "layer1.state": ("states.h5", "states1", np.tanh),
        "layer1.output": ("states.h5", "lstm/output1", np.asarray),
        "layer2.state": ("second.hdf5", "states2", np.tanh),
    }[state]
    with h5py.File(folder.path / file) as opened:
        values = squash(opened[dataset][:]).astype(np.float16)
    asked = 0
    for start, length, threshold in itertools.product(range(5, 110, 15), (1, 2, 4), (0.0, 0.3)):
        stop, on = start + length, values.astype(float) >= threshold
        off = ~on[start - before : start].any(axis=0) & ~on[stop : stop + after].any(axis=0)
        selected = np.flatnonzero(on[start:stop].all(axis=0) & off)
        found = select_units(model, Selection(state, start, stop, threshold, before, after))
        assert found.units.tolist() == selected.tolist()
        if len(selected) > 1 and asked < 3:
            asked += 1
            matches = match(model, state, found.units, threshold, before, after)
            assert rows_of(matches) == brute_force(on, [0], selected, before, after)[:50]
            assert matches.table.num_rows
    assert asked or before


def test_the_card_says_which_transform_was_applied(folder, path):
    card = imported(folder, path).card
    assert card.recorded == (
        "imported from the LSTMVis folder brackets "
        "(layer1.state and layer2.state after tanh, layer1.output as in the file)"
    )
    states = card.settings[ORIGIN]["states"]
    assert {name: (state["transform"], state["transform_stated"]) for name, state in states.items()} == {
        "layer1.state": ("tanh", False), "layer1.output": ("none", True), "layer2.state": ("tanh", True),
    }  # fmt: skip
    assert states["layer2.state"]["file"] == "second.hdf5"
    assert card.description == "A bracket language" and card.layers == 2
    assert "the last 7 of 127 words have no states and are left out" in card.settings[ORIGIN]["notes"]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("none", lambda x: x),
        ("tanh", np.tanh),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
        ("tanh_abs", lambda x: np.abs(np.tanh(x))),
    ],
)
def test_a_transform_for_all_states_replaces_that_of_the_file(folder, path, transform, expected):
    project = lstmvis.import_folder(folder.path, path, transform=transform, dtype="float32")
    model = rnnstore.open(path).model(project.name)
    for name, raw in (("layer1.state", folder.states1), ("layer1.output", folder.outputs1)):
        want = expected(raw.astype(np.float32))
        np.testing.assert_allclose(model.vectors(name, 0, model.steps), want, rtol=2e-6, atol=1e-7)
        state = next(state for state in project.states if state.name == name)
        np.testing.assert_allclose(
            state.range, (want.min(), want.max()), rtol=1e-5, atol=1e-4 if transform != "tanh_abs" else 0.05
        )


def test_a_transform_or_precision_that_there_is_none_of_is_refused(folder):
    with pytest.raises(StoreError, match=r"^transform is 'tan'; did you mean tanh\?$"):
        lstmvis.read(folder.path, transform="tan")
    with pytest.raises(StoreError, match=r"^dtype is 'double'; expected one of: float16 or float32\.$"):
        lstmvis.read(folder.path, dtype="double")


def test_names_are_made_to_fit_the_store(folder, path):
    folder.yml["name"] = "∑ " + "é" * 150 + "!"
    folder.yml["meta"]["a/b: c?"] = folder.yml["meta"]["depth"]
    folder.save()
    model = imported(folder, path)
    assert model.name == "é" * 100 and "a-b c" in model.tracks


def test_outputs_that_look_squashed_already_are_pointed_out(folder, path):
    del folder.yml["states"]["types"][1]["transform"]
    folder.save()
    project = lstmvis.import_folder(folder.path, path, dry_run=True)
    assert any(note.startswith("layer1.output lies within -1 and 1 before tanh") for note in project.notes)
    assert not any("layer1.state" in note for note in project.notes)


@pytest.mark.parametrize(("factor", "reason"), [(1e5, "beyond the 65,504 of half"), (1e-7, "too small for half")])
def test_values_that_half_precision_cannot_hold_are_stored_in_single(folder, path, factor, reason):
    values = (folder.outputs1 * np.float64(factor)).astype(np.float32)
    folder.replace("states.h5", **{"lstm/output1": values})
    project = lstmvis.import_folder(folder.path, path)
    assert any("layer1.output" in note and reason in note for note in project.notes)
    model = rnnstore.open(path).model(project.name)
    assert {state.dtype for state in model.states.values()} == {"float32"}
    np.testing.assert_array_equal(model.vectors("layer1.output", 0, model.steps), values)
    with pytest.raises(StoreError, match=r"layer1\.output .* half precision; float32 is needed"):
        lstmvis.import_folder(folder.path, path, name="again", dtype="float16")


def test_a_folder_may_hold_no_more_than_words_and_one_state(folder, path):
    del folder.yml["meta"], folder.yml["etc"], folder.yml["description"]
    del folder.yml["word_sequence"]["dict_file"]
    folder.yml["states"] = {"types": [{"file": "states", "path": "states1"}]}
    folder.yml["name"] = 7
    folder.save()
    model = imported(folder, path)
    assert (model.name, model.card.description, list(model.states)) == ("7", "7", ["states1"])
    assert model.words(0, 3)["word"].to_pylist() == [str(id_) for id_ in folder.ids[:3]]
    assert not model.tracks and not model.has_predictions


def test_states_of_one_type_and_layer_get_different_names(folder, path):
    types = folder.yml["states"]["types"]
    types[1] = {"type": "state", "layer": 1, "path": "lstm/output1"}
    types.append({"type": "state", "layer": 1, "path": "states1", "transform": "none"})
    types.append({"type": "gate i", "layer": "top", "path": "states1", "transform": "sigmoid"})
    folder.save()
    assert [state.name for state in lstmvis.read(folder.path).states] == [
        "layer1.state.states1.states.tanh",
        "layer1.state.lstm-output1",
        "layer2.state",
        "layer1.state.states1.states.none",
        "top.gate i",
    ]


@pytest.mark.parametrize(
    ("scores", "scale", "note"),
    [
        (lambda scores: np.exp(scores), "probability", None),
        (lambda scores: scores, "logarithm", "taken as logarithms of probabilities"),
        (lambda scores: scores + 9, "other", "neither probabilities nor their logarithms"),
        (lambda scores: None, "", "has no scores"),
    ],
)
def test_scores_are_taken_for_what_they_are(folder, path, scores, scale, note):
    scores = scores(folder.scores)
    folder.replace("top.h5", scores=scores)
    if scores is None:
        del folder.yml["meta"]["next"]["weights_path"]
        folder.save()
    project = lstmvis.import_folder(folder.path, path)
    assert project.predictions.scale == scale
    assert note is None or any(note in each for each in project.notes)
    rows = rnnstore.open(path).model(project.name).predictions(0, 1)
    if scale in ("probability", "logarithm"):
        np.testing.assert_allclose(rows["probability"].to_pylist(), np.sort(np.exp(folder.scores[0]))[::-1], rtol=1e-6)
    else:
        assert rows["probability"].to_pylist() == [None] * 3


def test_predicted_words_outside_the_words_of_the_corpus_are_kept(folder, path):
    (folder.path / "more.dict").write_text("".join(f"w{id_} {id_}\n" for id_ in range(40)))
    folder.yml["files"]["more"] = "more.dict"
    folder.yml["meta"]["next"]["dict"] = "more"
    folder.yml["meta"]["again"] = folder.yml["meta"]["next"]
    folder.save()
    project = lstmvis.import_folder(folder.path, path)
    model = rnnstore.open(path).model(project.name)
    assert set(model.predictions(0, 100)["word"].to_pylist()) <= {f"w{id_}" for id_ in range(40)}
    assert model.words(0, 120)["word"].to_pylist() == folder.symbols[:120]
    assert "again is left out: a model has one set of predictions, here next" in project.notes


def test_the_select_view_shows_steps_without_predictions(folder, path):
    model = imported(folder, path)
    seen, predictions = window(model, "layer1.state", 90, 110), model.predictions(90, 110)
    picture = select_picture(seen, DrawnSelection(0.3, 95, 98), LIGHT, predictions=predictions, predicted=3)
    assert picture.tables["predictions"].num_rows == 3 * 10


def test_tracks_may_end_early_and_hold_text(folder, path):
    with h5py.File(folder.path / "tracks.h5", "a") as file:
        file["said"] = np.array(["high", "low"] * 20, h5py.string_dtype())
    folder.replace("tracks.h5", depth=np.full(50, np.nan))
    folder.yml["meta"]["said"] = {"file": "tracks", "path": "said", "vis": {"type": "discrete"}}
    folder.save()
    project = lstmvis.import_folder(folder.path, path)
    model = rnnstore.open(path).model(project.name)
    assert {"said covers the first 40 of 120 steps", "depth covers the first 50 of 120 steps"} <= set(project.notes)
    assert model.annotations(["said"], 38, 42)["value"].to_pylist()[:2] == ["high", "low"]
    assert not any(model.annotations(["said"], 40, 120)["value"].to_pylist())
    assert model.annotations(["depth"], 0, 120)["number"].null_count == 120


# --- dict files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the 0\ncat 1\n", {0: "the", 1: "cat"}),
        ("the 10\r\ncat\t-2\r\n\r\n", {10: "the", -2: "cat"}),
        ("  4\n( 5", {4: " ", 5: "("}),
        (" 4\n", {4: " "}),
        ("a 1\n\n 2\n  3\n\t 4\n", {1: "a", 2: "\n", 3: " ", 4: "\t"}),
        ("7 1\n1 7\n  padded   2 \n", {1: "7", 7: "1", 2: "padded"}),
        ("\ufeffé 1\nto\u00a0be 2\n\u2028 3\n", {1: "é", 2: "to\u00a0be", 3: "\u2028"}),
        ("same 1\nsame 1\nsame 2\n", {1: "same", 2: "same"}),
    ],
)
def test_dict_files_in_all_their_forms(tmp_path, text, words):
    path = tmp_path / "words.dict"
    path.write_bytes(text.encode())
    read = dictionary.load(path, "files")
    assert dict(zip(read.ids.tolist(), read.words, strict=True)) == words
    assert read.ids.tolist() == sorted(words)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a 1\nthe cat 2\n", "line 2, is 'the cat 2': several words; one word and its id were expected."),
        (b"a 1\nthe\n", "line 2, is 'the'; a word, a space and its id were expected."),
        (b"a 1.0\n", "line 1, is 'a 1.0'; a word, a space and its id were expected."),
        (b"a 1\n2\n", "line 2, is '2': an id without a word; write the word before it."),
        (b"a 1\nb 2\nc 1\n", "line 3, gives the id 1 to 'c'; line 1 gave it to 'a'."),
        (b"a 1\nb\xff 2\n", "line 2, is not UTF-8 text; a word, a space and its id were expected."),
        (b"a 99999999999999999999\n", "line 1, has the id 99999999999999999999, which is too large"),
        (b"\n\n", "is empty; a word, a space and its id were expected on each line."),
    ],
)
def test_a_wrong_line_of_a_dict_file_is_named(folder, path, content, sentence):
    (folder.path / "words.dict").write_bytes(content)
    refused(folder, path, f"{folder.path}: word_sequence.dict_file: words.dict", sentence)


# --- breaking a folder --------------------------------------------------------------------------------------


def refused(folder, path, *parts):
    """Assert that an import fails with a sentence holding `parts`, dry or not, and leaves the store as it was."""
    before = contents(path)
    sentences = []
    for dry_run in (True, False):
        with pytest.raises(StoreError) as error:
            lstmvis.import_folder(folder if not hasattr(folder, "yml") else folder.path, path, dry_run=dry_run)
        sentences.append(str(error.value))
    assert sentences[0] == sentences[1]
    for part in parts:
        assert part in sentences[0]
    assert sentences[0].count("\n") == 0 and sentences[0].endswith((".", "?"))
    assert contents(path) == before
    assert list(rnnstore.open(path).models) == ["other"]
    return sentences[0]


def changed(**keys):
    """A break that sets keys of lstm.yml: dots lead inside, a number into a list, None takes the key away."""

    def make(folder):
        for dotted, value in keys.items():
            *way, last = dotted.split("__")
            here = folder.yml
            for key in way:
                here = here[int(key) if key.isdigit() else key]
            if value is None:
                del here[last]
            else:
                here[last] = value
        folder.save()

    return make


def rewritten(file, **arrays):
    """A break that puts an array, made from the one that is there, in place of a dataset."""

    def make(folder):
        with h5py.File(folder.path / file) as opened:
            new = {
                name.replace("__", "/"): change(opened[name.replace("__", "/")][:]) for name, change in arrays.items()
            }
        folder.replace(file, **new)

    return make


def with_value(place, value):
    """Put a value at a place of an array."""

    def change(array):
        array = array.astype(float) if isinstance(value, float) and array.dtype.kind != "f" else array.copy()
        array[place] = value
        return array

    return change


def cut_off(folder):
    whole = (folder.path / "second.hdf5").read_bytes()
    (folder.path / "second.hdf5").write_bytes(whole[: len(whole) // 2])


def linked(folder):
    folder.replace("states.h5", states1=h5py.ExternalLink("elsewhere.h5", "/states1"))


def spoilt(folder):
    """Bytes inside a compressed piece of second.hdf5 change, which only reading it shows."""
    with h5py.File(folder.path / "second.hdf5") as opened:
        place = opened["states2"].id.get_chunk_info(3)
    with open(folder.path / "second.hdf5", "r+b") as file:
        file.seek(place.byte_offset)
        file.write(b"\x00" * place.size)


def text_of(content):
    return lambda folder: (folder.path / "lstm.yml").write_text(content)


BREAKS = {
    "no lstm.yml": (
        lambda folder: (folder.path / "lstm.yml").unlink(),
        ["{folder} holds no lstm.yml, so it is no LSTMVis project folder."],
    ),
    "lstm.yml is a tab-indented copy": (
        text_of("name: x\nstates:\n\tfile: states\n"),
        ["lstm.yml, line 3, column 1: there is a tab, where YAML allows only spaces. The file is not valid YAML."],
    ),
    "lstm.yml is no settings": (text_of("just words"), ["lstm.yml holds no settings; name, files, word_sequence"]),
    "lstm.yml says a key twice": (
        lambda folder: (folder.path / "lstm.yml").write_text("name: a\nname: b\n"),
        ["lstm.yml, line 2, column 1: name is given twice."],
    ),
    "lstm.yml is not UTF-8": (
        lambda folder: (folder.path / "lstm.yml").write_bytes(b"name: \xff"),
        ["lstm.yml is no text: byte 6 is not UTF-8. A YAML file was expected."],
    ),
    "a misspelt key": (
        changed(states__types__0__transfrom="none"),
        ["states.types[0].transfrom is not a setting; did you mean transform?"],
    ),
    "a misspelt key of a track": (
        changed(meta__part__dictionary="parts"),
        ["meta.part.dictionary is not a setting; did you mean dict?"],
    ),
    "a misspelt section": (changed(metadata={}), ["lstm.yml: metadata is not a setting; did you mean meta?"]),
    "no word sequence": (changed(word_sequence=None), ["lstm.yml: word_sequence is missing: the word at each step."]),
    "no states": (changed(states__types=[]), ["lstm.yml: states.types is empty; give at least 1."]),
    "an unknown transform": (
        changed(states__types__0__transform="tahn"),
        ["states.types[0].transform is 'tahn'; did you mean tanh?"],
    ),
    "an unknown kind of track": (
        changed(meta__nesting__vis={"type": "categorical"}),
        ["meta.nesting.vis.type is 'categorical'; expected one of: discrete, scalar or wordvec."],
    ),
    "a range that is none": (
        changed(meta__nesting__vis={"type": "discrete", "range": "1-4"}),
        ["meta.nesting.vis.range must be [smallest, largest], a...b, dict or a list of labels."],
    ),
    "colours from a dictionary that is not named": (
        changed(meta__part__dict=None),
        ["meta.part.vis.range is dict, but there is no dict; name one that is listed in files."],
    ),
    "a track that is none": (changed(meta__part=3), ["meta.part is 3; expected settings, as in {key: value}."]),
    "scores of a track without words": (
        changed(meta__nesting__weights_path="scores"),
        ["meta.nesting.weights_path is for a track of type: wordvec, and this one is discrete."],
    ),
    "two kinds of one track": (
        changed(meta__next__type="general"),
        ["meta.next.type is general and vis.type is wordvec; both or neither must be wordvec."],
    ),
    "a file that is not listed": (
        changed(word_sequence__file="trian"),
        ["lstm.yml: word_sequence.file is 'trian', which files does not name; did you mean train?"],
    ),
    "a track's file that is not listed": (
        changed(meta__part__dict="part"),
        ["lstm.yml: meta.part.dict is 'part', which files does not name; did you mean parts?"],
    ),
    "a file that is not there": (
        lambda folder: (folder.path / "second.hdf5").unlink(),
        ["{folder}: states.types[2]: second.hdf5 is not there; it was looked for in {folder}."],
    ),
    "a dict file that is not there": (
        lambda folder: (folder.path / "words.dict").unlink(),
        ["{folder}: word_sequence.dict_file: words.dict is not there; it was looked for in {folder}."],
    ),
    "a file that is no HDF5": (
        lambda folder: (folder.path / "train.h5").write_text("1 2 3"),
        [
            "{folder}: word_sequence: train.h5 is no HDF5 file that can be read (",
            "); it may be cut off, or of another kind.",
        ],
    ),
    "a file that is cut off": (
        cut_off,
        ["{folder}: states.types[2]: second.hdf5 is no HDF5 file that can be read (", "truncated"],
    ),
    "a piece of a file that is spoilt": (
        spoilt,
        ["states.types[2]: dataset 'states2' of second.hdf5 cannot be read from step 0 to 119 ("],
    ),
    "a dataset that is not there": (
        changed(states__types__0__path="state1"),
        ["{folder}: states.types[0]: states.h5 has no dataset 'state1'; did you mean states1?"],
    ),
    "a group for a dataset": (
        changed(states__types__1__path="lstm"),
        ["{folder}: states.types[1]: 'lstm' of states.h5 is a group, not a dataset; did you mean lstm/output1?"],
    ),
    "a link to another file": (
        linked,
        ["{folder}: states.types[0]: 'states1' of states.h5 is an external link, which may lead to any file"],
    ),
    "states by batch": (
        rewritten("states.h5", states1=lambda values: values.reshape(12, 10, 6)),
        ["states.types[0]: dataset 'states1' of states.h5 holds float32[12, 10, 6]; numbers, [steps, units], was"],
    ),
    "states of complex numbers": (
        rewritten("states.h5", states1=lambda values: values.astype(complex)),
        ["states.types[0]: dataset 'states1' of states.h5 holds complex128; numbers were expected."],
    ),
    "states of text": (
        rewritten("states.h5", states1=lambda values: values.astype("S5")),
        ["dataset 'states1' of states.h5 holds text[120, 6]; numbers, [steps, units],"],
    ),
    "no states in the dataset": (
        rewritten("states.h5", states1=lambda values: values[:0]),
        ["dataset 'states1' of states.h5 holds float32[0, 6]; numbers, [steps, units],"],
    ),
    "states of different lengths": (
        rewritten("second.hdf5", states2=lambda values: values[:119]),
        [
            "{folder}: states.types[2]: dataset 'states2' of second.hdf5 holds float64[119, 5], but 'states1' of "
            "states.h5 has 120 steps; the same number of steps was expected of every state."
        ],
    ),
    "more states than words": (
        rewritten("train.h5", words=lambda ids: ids[:100]),
        [
            "{folder}: states.types[0]: dataset 'states1' of states.h5 holds float32[120, 6], more steps than "
            "there are words; at most the 100 of word_sequence ('words' of train.h5) were expected."
        ],
    ),
    "a value that is no number": (
        rewritten("states.h5", states1=with_value((77, 4), np.nan)),
        ["{folder}: states.types[0]: dataset 'states1' of states.h5 is nan at step 77, unit 4; finite numbers were"],
    ),
    "an infinite value": (
        rewritten("second.hdf5", states2=with_value((3, 0), -np.inf)),
        ["states.types[2]: dataset 'states2' of second.hdf5 is -inf at step 3, unit 0; finite numbers were expected."],
    ),
    "negative values said to be unsigned": (
        lambda folder: (
            rewritten("states.h5", states1=lambda values: with_value((50, 2), -1.5)(np.abs(values)))(folder),
            changed(states__types__0__unsigned=True)(folder),
        ),
        ["dataset 'states1' of states.h5 is -1.5 at step 50, unit 2, but is said to be unsigned; values from 0 were"],
    ),
    "one state twice": (
        changed(states__types__1__path="states1", states__types__1__transform="tanh"),
        ["states.types[1]: dataset 'states1' of states.h5 is also that of states.types[0]; leave one of the two out."],
    ),
    "values beyond any precision": (
        lambda folder: (
            rewritten("second.hdf5", states2=lambda values: values * 1e300)(folder),
            changed(states__types__2__transform="none")(folder),
        ),
        ["states.types[2]: dataset 'states2' of second.hdf5 reaches", "beyond single precision; transform it."],
    ),
    "word ids by batch": (
        rewritten("train.h5", words=lambda ids: ids[:120].reshape(12, 10)),
        ["word_sequence: dataset 'words' of train.h5 holds int32[12, 10]; a word id for each step, [steps], was"],
    ),
    "a word id that is not in the dictionary": (
        rewritten("train.h5", words=with_value(60, 4)),
        [
            "{folder}: word_sequence: dataset 'words' of train.h5 has the id 4 at row 60, which is not in the "
            "dictionary: words.dict has 7 ids, from 3 to 15."
        ],
    ),
    "a word id that is not whole": (
        rewritten("train.h5", words=with_value(60, 3.5)),
        ["word_sequence: dataset 'words' of train.h5 is 3.5 at row 60; whole numbers were expected as word ids."],
    ),
    "several words on a line of the dictionary": (
        lambda folder: (folder.path / "parts.dict").write_text("open 10\nclosing bracket 11\n"),
        ["meta.part.dict: parts.dict, line 2, is 'closing bracket 11': several words; one word and its id"],
    ),
    "a track longer than the corpus": (
        rewritten("tracks.h5", nesting=lambda values: np.resize(values, 128)),
        [
            "meta.nesting: dataset 'nesting' of tracks.h5 holds uint8[128], more rows than there are words; at most "
            "one for each of the 127 words of word_sequence was expected."
        ],
    ),
    "a track of several values": (
        rewritten("tracks.h5", depth=lambda values: np.stack([values, values], axis=1)),
        ["meta.depth: dataset 'depth' of tracks.h5 holds float32[120, 2]; one value a step, [steps], was expected"],
    ),
    "a label that is not in the dictionary": (
        rewritten("tracks.h5", part_of_word=with_value(9, 14)),
        ["meta.part: dataset 'part_of_word' of tracks.h5 has the id 14 at row 9, which is not in the dictionary:"],
    ),
    "a label that is not whole": (
        rewritten("tracks.h5", nesting=with_value(8, 1.25)),
        ["meta.nesting: dataset 'nesting' of tracks.h5 is 1.25 at row 8; whole numbers were expected as labels."],
    ),
    "too few rows by word": (
        rewritten("tracks.h5", rarity=lambda values: values[:15]),
        [
            "meta.rarity: dataset 'rarity' of tracks.h5 has a row for each of the word ids 0 to 14, but the word at",
            "has the id 15.",
        ],
    ),
    "an infinite number in a track": (
        rewritten("tracks.h5", depth=with_value(5, np.inf)),
        ["meta.depth: dataset 'depth' of tracks.h5 is inf at row 5; finite numbers were expected."],
    ),
    "a scalar track of text": (
        rewritten("tracks.h5", depth=lambda values: values.astype("S4")),
        ["meta.depth: dataset 'depth' of tracks.h5 holds text[120]; a value for each step, [steps], was expected."],
    ),
    "two tracks of one name": (
        lambda folder: changed(**{"meta__depth?": folder.yml["meta"]["depth"]})(folder),
        ["meta.depth? would be the second track called 'depth'; give it another name."],
    ),
    "scores of another shape": (
        rewritten("top.h5", scores=lambda values: values[:, :2]),
        [
            "meta.next.weights_path: dataset 'scores' of top.h5 holds float32[100, 2]; a score for each word of "
            "'preds', [100, 3], was expected."
        ],
    ),
    "scores that are no numbers": (
        rewritten("top.h5", scores=with_value((4, 1), np.nan)),
        ["meta.next.weights_path: dataset 'scores' of top.h5 is nan at step 4, column 1; a score was expected."],
    ),
    "predictions of one word": (
        rewritten("top.h5", preds=lambda values: values[:, 0]),
        ["meta.next: dataset 'preds' of top.h5 holds float32[100]; word ids, [steps, words], was expected."],
    ),
    "a predicted word that is not in the dictionary": (
        rewritten("top.h5", preds=with_value((99, 2), 0)),
        ["meta.next: dataset 'preds' of top.h5 has the id 0 at row 99, which is not in the dictionary: words.dict"],
    ),
    "a name that is none": (changed(name="???"), ["name is '???', which cannot name a model; choose one with --name."]),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_folder_is_refused_with_its_sentence_and_the_store_stays(folder, path, name):
    make, parts = BREAKS[name]
    make(folder)
    refused(folder, path, *(part.replace("{folder}", str(folder.path)) for part in parts))


def test_a_folder_of_folders_and_a_missing_one_are_told_apart(folder, path, tmp_path):
    assert refused(tmp_path, path).endswith("but these folders in it do: brackets. Name one.")
    assert refused(tmp_path / "nowhere", path).startswith(f"There is no folder {tmp_path / 'nowhere'}; ")
    assert "is a file; name the LSTMVis project folder" in refused(folder.path / "states.h5", path)
    assert lstmvis.read(folder.path / "lstm.yml").steps == 120


def test_several_mistakes_are_said_together(folder, path):
    rewritten("tracks.h5", nesting=with_value(8, 1.25), depth=with_value(5, np.inf))(folder)
    with pytest.raises(StoreError) as error:
        lstmvis.read(folder.path)
    first, *lines = str(error.value).splitlines()
    assert first == f"{folder.path}:" and [line.split(":")[0] for line in lines] == ["meta.nesting", "meta.depth"]
    changed(states__types__0__unsinged=True, meta__depth__path=None, meta__depth__pth="x")(folder)
    with pytest.raises(StoreError) as error:
        lstmvis.read(folder.path)
    assert [line.split()[0] for line in str(error.value).splitlines()[1:]] == [
        "states.types[0].unsinged",
        "meta.depth.path",
        "meta.depth.pth",
    ]


def places(given, way=()):
    """Every place in nested settings."""
    for key, inside in given.items() if isinstance(given, dict) else enumerate(given):
        yield (*way, key)
        if isinstance(inside, dict | list):
            yield from places(inside, (*way, key))


@pytest.mark.parametrize("value", [None, 3, "x", True, [], {"a": 1}], ids=str)
def test_whatever_stands_anywhere_in_the_settings_is_answered_with_sentences(folder, value):
    answers = {"imported": 0, "refused": 0}
    whole = copy.deepcopy(folder.yml)
    for *way, last in places(whole):
        folder.yml = here = copy.deepcopy(whole)
        for key in way:
            here = here[key]
        here[last] = value
        folder.save()
        try:
            lstmvis.read(folder.path)
            answers["imported"] += 1
        except StoreError as error:
            answers["refused"] += 1
            assert all(line.endswith((".", "?", ":")) for line in str(error).splitlines())
    assert answers["refused"] > answers["imported"]


# --- nothing is left, nothing is overwritten ----------------------------------------------------------------


@pytest.mark.parametrize("error", [StoreError("stop"), OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_import_that_fails_half_way_leaves_nothing(folder, path, monkeypatch, error):
    before = contents(path)

    def progress(doing, done, total):
        if doing == "importing" and done > 50:
            raise error

    with pytest.raises((StoreError, KeyboardInterrupt)) as raised:
        lstmvis.import_folder(folder.path, path, rows=40, progress=progress)
    assert isinstance(error, KeyboardInterrupt) or re.search("stop|disk is full", str(raised.value))
    assert contents(path) == before
    assert list(rnnstore.open(path).models) == ["other"]
    assert imported(folder, path).steps == 120


def test_an_import_never_replaces_a_model(folder, path):
    imported(folder, path)
    before = contents(path)
    for name in (None, "other"):
        with pytest.raises(StoreError, match="already; choose another name with --name, or delete that one"):
            lstmvis.import_folder(folder.path, path, name=name)
    assert contents(path) == before
    assert imported(folder, path, name="a second one").name == "a second one"


def test_what_a_killed_import_left_is_taken_up(folder, path):
    with rnnstore.open(path).writer("Brackets small") as writer:
        writer.describe(settings={ORIGIN: {}})
    assert imported(folder, path).steps == 120


def test_no_room_on_the_disk_is_said_before_anything_is_written(folder, path, monkeypatch):
    before = contents(path)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(StoreError, match=r"has 1\.0 kB free; Brackets small needs 4\.3 kB at least"):
        lstmvis.import_folder(folder.path, path)
    assert contents(path) == before


# --- memory -------------------------------------------------------------------------------------------------


def test_no_more_than_a_piece_is_ever_read(folder, path, monkeypatch):
    asked = []
    read = datasets.read

    def counted(dataset, start, stop):
        asked.append((dataset.path, start, stop))
        return read(dataset, start, stop)

    monkeypatch.setattr(datasets, "read", counted)
    whole = imported(folder, path)
    in_pieces = lstmvis.import_folder(folder.path, path, name="in pieces", rows=7)
    assert {stop - start for name, start, stop in asked if name == "states1"} == {120, 7, 1}
    pieces = [(start, stop) for name, start, stop in asked if name == "states1" and stop - start <= 7]
    assert pieces == 2 * [(start, min(start + 7, 120)) for start in range(0, 120, 7)]  # to check, to import
    model = rnnstore.open(path).model(in_pieces.name)
    for state in whole.states:
        np.testing.assert_array_equal(model.vectors(state, 0, 120), whole.vectors(state, 0, 120))
    assert model.predictions(0, 120).equals(whole.predictions(0, 120))
    assert model.annotations(list(model.tracks), 0, 120).equals(whole.annotations(list(model.tracks), 0, 120))


@pytest.mark.long
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    def peak(steps):
        folder = tmp_path / f"of {steps}"
        folder.mkdir()
        with h5py.File(folder / "all.h5", "w") as file:
            file.create_dataset(
                "states", (steps, 256), np.float32, fillvalue=0.5, chunks=(4096, 256), compression="gzip"
            )
            file["words"] = np.arange(steps, dtype=np.int32) % 5
        (folder / "lstm.yml").write_text(
            "name: long\nfiles: {all: all.h5}\nword_sequence: {file: all, path: words}\n"
            "states: {file: all, types: [{type: state, layer: 1, path: states}]}\n"
        )
        tracemalloc.start()
        try:
            lstmvis.import_folder(folder, tmp_path / f"store {steps}", rows=4096)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(70_000), peak(210_000)  # from 65,536 steps on, runs of so many units are written as they come
    assert large < 1.1 * small + 8 * 140_000  # the states alone grow by 140,000 x 1,024 bytes


@pytest.mark.parametrize(
    ("shapes", "together", "rows"),
    [
        ([(10**9, 650)], 1, 2**26 // 2600),
        ([(10**9, 650), (10**9, 650)], 1000, 12_000),
        ([(10**9, 4)], 1, 65_536),
        ([(10**9, 650)], 50_000, 50_000),  # a piece of HDF5 that is a little more
        ([(10**9, 650)], 10**9, 2**26 // 2600),  # one that is everything
    ],
)
def test_pieces_are_of_a_size_that_fits_memory_and_file(tmp_path, shapes, together, rows):
    found = [datasets.Dataset("k", tmp_path, "d", shape, np.dtype(np.float32), together) for shape in shapes]
    assert datasets.rows_a_piece(found) == rows


# --- the command --------------------------------------------------------------------------------------------


def call(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["python -m pipelines", "import-lstmvis", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


def test_a_dry_run_prints_what_an_import_would_bring(folder, tmp_path, capsys, monkeypatch):
    store = tmp_path / "new"
    code, out, err = call(capsys, monkeypatch, folder.path, "--store", store, "--dry-run")
    assert (code, err) == (0, "") and not store.exists()
    said = out.strip().splitlines()
    assert said[0] == f"Would import {folder.path} into {store} as Brackets small"
    assert said[1] == "Brackets, small: 120 steps, 7 different characters, one sequence"
    assert said[2].startswith("  state layer1.state: 6 units, states.h5, states1, float32, ")
    assert said[2].endswith(", tanh applied (as LSTMVis does where lstm.yml says nothing)")
    assert "  track rarity: scalar, tracks.h5, rarity, by word" in said
    assert "  predictions next: 3 words a step, top.h5, preds" in said
    assert "  Note: next covers the first 100 of 120 steps." in said
    code, out, _ = call(capsys, monkeypatch, folder.path, "--store", store, "--name", "mine", "--transform", "none")
    assert code == 0 and f"Imported {folder.path} into {store} as mine" in out
    assert rnnstore.open(store).model("mine").card.recorded.endswith("layer2.state as in the file)")
    assert not any("tanh" in line for line in out.splitlines())


def test_the_command_says_an_error_in_a_line_and_starts_no_tensorflow(folder, tmp_path):
    code = (
        "import sys; sys.argv = ['', 'import-lstmvis', *sys.argv[1:]]\n"
        "from pipelines.__main__ import main\n"
        "try: main()\n"
        "finally: assert not {'tensorflow', 'keras', 'streamlit'} & set(sys.modules)"
    )

    def run(*arguments):
        command = [sys.executable, "-c", code, *map(str, arguments), "--store", str(tmp_path / "store")]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    ended = run(folder.path, "--transform", "tanh", "--dtype", "float32")
    assert (ended.returncode, ended.stderr) == (0, "") and "stored as float32" in ended.stdout
    ended = run(tmp_path / "nowhere")
    assert ended.returncode == 1 and ended.stdout.strip() == ""
    assert (
        ended.stderr == f"Error: There is no folder {tmp_path / 'nowhere'}; name the folder that holds an lstm.yml.\n"
    )
