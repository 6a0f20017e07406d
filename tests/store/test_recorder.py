"""What goes into the recorder comes out of the store, however it is cut; what does not fit is refused in a sentence."""

from __future__ import annotations

import itertools
import os
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnstore
from rnnstore.store import recorder as recorder_module
from rnnstore.store import series
from tests.support.worlds import WORDS, random_world, record


def test_every_table_of_a_small_recording(tmp_path):
    store = record(
        tmp_path,
        words=["(", "1", ")", "("],
        states={"hidden": [[0.5, -1], [0.25, 1], [0.5, 1], [-0.5, 1]]},
        sequence_starts=[False, False, False, True],
        annotations={"level": [1, 1, 1, 1], "kind": ["open", "digit", None, "open"]},
        predictions=rnnstore.Predictions(
            np.array([[0, 1]] * 4), np.array([[0.5, 0.25]] * 4), np.array([1, 2, -1, -1]),
            np.array([0.25, 0.5, np.nan, np.nan]), np.array([1.5, 0.5, np.nan, np.nan]),
        ),
        thresholds=(0.5,),
    )  # fmt: skip
    assert store.sql("select * from tokens order by t").to_pylist() == [
        {"model": "small", "t": 0, "sequence": 0, "position": 0, "word_id": 0, "word": "("},
        {"model": "small", "t": 1, "sequence": 0, "position": 1, "word_id": 1, "word": "1"},
        {"model": "small", "t": 2, "sequence": 0, "position": 2, "word_id": 2, "word": ")"},
        {"model": "small", "t": 3, "sequence": 1, "position": 0, "word_id": 0, "word": "("},
    ]
    assert store.sql("select * from states order by t").to_pylist() == [
        {"model": "small", "state": "hidden", "t": 0, "u0": 0.5, "u1": -1.0},
        {"model": "small", "state": "hidden", "t": 1, "u0": 0.25, "u1": 1.0},
        {"model": "small", "state": "hidden", "t": 2, "u0": 0.5, "u1": 1.0},
        {"model": "small", "state": "hidden", "t": 3, "u0": -0.5, "u1": 1.0},
    ]
    assert store.sql("select threshold, unit, start, stop from on_states order by unit, start").to_pylist() == [
        {"threshold": 0.5, "unit": 0, "start": 0, "stop": 1},
        {"threshold": 0.5, "unit": 0, "start": 2, "stop": 3},
        {"threshold": 0.5, "unit": 1, "start": 1, "stop": 3},
        {"threshold": 0.5, "unit": 1, "start": 3, "stop": 4},
    ]
    assert store.sql("select * from annotations where t >= 2 order by track, t").to_pylist() == [
        {"model": "small", "track": "kind", "t": 2, "value": "", "number": None},
        {"model": "small", "track": "kind", "t": 3, "value": "open", "number": None},
        {"model": "small", "track": "level", "t": 2, "value": None, "number": 1.0},
        {"model": "small", "track": "level", "t": 3, "value": None, "number": 1.0},
    ]
    assert store.sql("select * exclude model from predictions where t in (1, 2) order by t, rank").to_pylist() == [
        {"t": 1, "rank": 1, "word_id": 0, "word": "(", "probability": 0.5,
         "target": ")", "target_probability": 0.5, "loss": 0.5},
        {"t": 1, "rank": 2, "word_id": 1, "word": "1", "probability": 0.25,
         "target": ")", "target_probability": 0.5, "loss": 0.5},
        {"t": 2, "rank": 1, "word_id": 0, "word": "(", "probability": 0.5,
         "target": None, "target_probability": None, "loss": None},
        {"t": 2, "rank": 2, "word_id": 1, "word": "1", "probability": 0.25,
         "target": None, "target_probability": None, "loss": None},
    ]  # fmt: skip
    responses = "select word, count, response, standard_error, quantile_50, quantile_count"
    assert store.sql(f"{responses} from expected_responses order by word_id").to_pylist() == [
        {"word": "(", "count": 2, "response": [0.0, 0.0], "standard_error": [0.5, 1.0],
         "quantile_50": [0.0, 0.0], "quantile_count": 2},
        {"word": "1", "count": 1, "response": [-0.25, 2.0], "standard_error": None,
         "quantile_50": [-0.25, 2.0], "quantile_count": 1},
        {"word": ")", "count": 1, "response": [0.25, 0.0], "standard_error": None,
         "quantile_50": [0.25, 0.0], "quantile_count": 1},
    ]  # fmt: skip
    card = store.model("small").card
    assert card.tracks["level"].model_dump(include={"kind", "minimum", "maximum"}) == {
        "kind": "scalar", "minimum": 1.0, "maximum": 1.0,
    }  # fmt: skip
    assert card.tracks["kind"].labels == ("open", "digit")
    assert (card.states["hidden"].minimum, card.states["hidden"].maximum) == (-1.0, 1.0)


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chunks_do_not_matter(data, tmp_path_factory):
    """Any cutting into chunks, over several row groups, gives what went in and the runs and responses of the whole."""
    path = tmp_path_factory.mktemp("store")
    words, values, starts = random_world(data.draw(st.integers(0, 1000)), steps=data.draw(st.integers(1, 400)))
    steps = len(words)
    cuts = [0, *sorted(data.draw(st.sets(st.integers(0, steps), max_size=6))), steps]
    depth = np.arange(steps) % 5
    group, recorder_module.GROUP = recorder_module.GROUP, 64
    cells, series.RUN_CELLS = series.RUN_CELLS, 500
    try:
        store = rnnstore.open(path)
        with store.record("m", thresholds=(0.3, -1)) as recorder:
            for begin, end in itertools.pairwise(cuts):
                recorder.add(
                    words=words[begin:end],
                    states={"a": values[begin:end], "b": values[begin:end, :1] * 2},
                    sequence_starts=starts[begin:end],
                    annotations={"depth": depth[begin:end]},
                )
    finally:
        recorder_module.GROUP, series.RUN_CELLS = group, cells
    model = store.model("m")
    np.testing.assert_array_equal(model.vectors("a", 0, steps), values)
    np.testing.assert_array_equal(model.unit_values("b", [0])[0], values[:, 0] * 2)
    assert model.words(0, steps)["word"].to_pylist() == words
    np.testing.assert_array_equal(model.sequence_starts, np.flatnonzero(starts))
    np.testing.assert_array_equal(model.annotations(["depth"], 0, steps)["number"].to_numpy(), depth)
    for threshold in (0.3, -1):
        recorded = store.sql(
            "select unit, start, stop from on_states where state = 'a' and threshold = $1 order by unit, start",
            [threshold],
        )
        assert recorded.to_pylist() == model.on_states("a", threshold).to_pylist()
    exact = values.astype(np.float64)
    response = exact - np.vstack([np.zeros(exact.shape[1]), exact[:-1]])
    response[starts] = exact[starts]
    for row in model.expected_responses("a").to_pylist():
        mine = response[[word == row["word"] for word in words]]
        assert row["count"] == row["quantile_count"] == len(mine)
        np.testing.assert_allclose(row["response"], mine.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(row["quantile_91"], np.quantile(mine, 0.91, axis=0), atol=1e-5)
        if len(mine) > 1:
            np.testing.assert_allclose(row["standard_error"], mine.std(axis=0, ddof=1) / len(mine) ** 0.5, atol=1e-4)
        else:
            assert row["standard_error"] is None


def test_a_frequent_words_quantiles_come_from_an_even_sample_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr("rnnstore.store.responses.SAMPLE", 10)
    words = ["a", "b"] * 30 + ["c"]
    values = np.arange(61, dtype=float)[:, None] ** 2
    store = record(tmp_path, words=words, states={"s": values}, dtype="float32")
    rows = {row["word"]: row for row in store.model("small").expected_responses("s").to_pylist()}
    response = np.diff(values[:, 0], prepend=0)
    assert [rows[word]["count"] for word in "abc"] == [30, 30, 1]
    assert [rows[word]["quantile_count"] for word in "abc"] == [8, 8, 1]
    np.testing.assert_allclose(rows["a"]["response"], [response[:60:2].mean()])
    np.testing.assert_allclose(rows["a"]["quantile_50"], [np.quantile(response[:60:2][::4], 0.5)])


def test_scattered_rows_and_words_come_in_the_order_asked(tmp_path):
    words, values, starts = random_world(1, steps=300)
    model = record(tmp_path, words=words, states={"s": values}, sequence_starts=starts).model("small")
    steps = np.array([299, 0, 5, 5, 20, 21, 22, 40])
    np.testing.assert_array_equal(model.vectors_at("s", steps), values[steps])
    assert model.words_at(steps)["word"].to_pylist() == [words[step] for step in steps]
    np.testing.assert_array_equal(model.unit_values("s", [2, 0], 10, 200), values[10:200, [2, 0]].T)
    for wrong in ([-1], [0, 300]):
        for question in (lambda steps: model.vectors_at("s", steps), model.words_at):
            with pytest.raises(rnnstore.QuestionError, match="Steps 0 to 299 are recorded"):
                question(wrong)


def test_blocks_of_a_long_recording_read_as_one(tmp_path, monkeypatch):
    for module in ("blocks", "series"):
        monkeypatch.setattr(f"rnnstore.store.{module}.STEPS_PER_BLOCK", 128)
    monkeypatch.setattr("rnnstore.store.recorder.GROUP", 64)
    words, values, starts = random_world(2, steps=500)
    store = record(tmp_path, words=words, states={"s": values}, sequence_starts=starts)
    model = store.model("small")
    assert len(model.card.files["states/s"]) == len(model.card.files["vectors/s"]) == 4
    np.testing.assert_array_equal(model.vectors("s", 100, 400), values[100:400])
    np.testing.assert_array_equal(model.vectors_at("s", np.array([127, 128, 383, 384])), values[[127, 128, 383, 384]])
    np.testing.assert_array_equal(model.unit_values("s", [3], 120, 390), values[120:390, [3]].T)
    assert model.words_at([255, 256])["word"].to_pylist() == [words[255], words[256]]
    assert store.sql("select count(*) as n, max(t) as last from states").to_pylist() == [{"n": 500, "last": 499}]


def test_any_parquet_reader_sees_the_tables_in_the_folder(tmp_path):
    record(tmp_path)
    table = pq.read_table(tmp_path / "model=small" / "tokens")
    assert table["word"].to_pylist() == list(WORDS)
    whole = pq.read_table(tmp_path / "model=small" / "states")
    assert set(whole.column_names) == {"t", "u0", "u1", "state"}


def test_a_given_vocabulary_takes_ids(tmp_path):
    store = record(tmp_path, words=np.array([2, 0, 2]), states={"s": np.zeros((3, 1))}, vocabulary=["a", "b", "c"])
    assert store.model("small").words(0, 3)["word"].to_pylist() == ["c", "a", "c"]
    assert store.model("small").card.vocabulary == 3


def test_values_too_large_for_half_precision_are_kept_as_float32_when_asked(tmp_path):
    values = np.array([[1e6], [1 + 2**-20]])
    store = record(tmp_path, words=["a", "b"], states={"s": values}, dtype="float32")
    np.testing.assert_array_equal(store.model("small").vectors("s", 0, 2), values.astype(np.float32))
    np.testing.assert_array_equal(store.model("small").unit_values("s", [0])[0], values[:, 0].astype(np.float32))


class OnTheGraphicsCard:
    def __array__(self, *_, **__):
        raise TypeError("copy me first")


GOOD = {"words": ["a", "b"], "states": {"s": np.zeros((2, 3))}}


@pytest.mark.parametrize(
    ("chunk", "sentence"),
    [
        ({"states": {"s": np.zeros((3, 3))}}, r"State 's' has shape \[3, 3\]; \[2, units\] was expected"),
        ({"states": {"s": np.zeros(2)}}, r"State 's' has shape \[2\]"),
        ({"states": {"s": np.array([["x"], ["y"]])}}, "real numbers were expected"),
        ({"states": {"s": [[1.0], [np.nan]]}}, "State 's', unit 0, is nan at step 1; a finite number was expected"),
        ({"states": {"s": [[1.0], [1e6]]}}, "record with dtype='float32'"),
        ({"states": {"../s": np.zeros((2, 3))}}, "cannot name a state"),
        ({"states": {}}, "brings no state"),
        ({"words": "ab"}, "list of words is expected"),
        ({"words": [1, 2]}, "The word 1 is no string; give a vocabulary"),
        ({"words": [0.1, 0.2]}, "Of an input that is numbers, the words are labels"),
        ({"sequence_starts": [True]}, r"sequence_starts has shape \[1\]"),
        ({"annotations": {"pos": ["N"]}}, r"Track 'pos' has shape \[1\]"),
        ({"annotations": {"a/b": ["N", "V"]}}, "cannot name a track"),
        ({"states": [[1.0], [2.0]]}, "The states were given as list; values by name were expected"),
        ({"states": {"s": [[1.0], [2.0, 3.0]]}}, "State 's' cannot be read as a NumPy array"),
        ({"states": {"s": OnTheGraphicsCard()}}, r"\(copy me first\); hand one over, from PyTorch by tensor\.detach"),
        ({"states": {"s": np.array([[True], [False]])}}, "holds bool; real numbers were expected"),
        ({"sequence_starts": [0, 7]}, "a mask was expected, not steps"),
        ({"words": ["a", "\ud800"]}, "is no text that can be stored"),
    ],
)
def test_a_chunk_that_makes_no_sense_is_refused_with_a_sentence(tmp_path, chunk, sentence):
    store = rnnstore.open(tmp_path)
    with pytest.raises(rnnstore.StoreError, match=sentence), store.record("m") as recorder:
        recorder.add(**{**GOOD, **chunk})
    assert store.models == {}


@pytest.mark.parametrize(
    ("chunk", "sentence"),
    [
        ({"states": {"s": np.zeros((2, 4))}}, r"state 's' has width \[4\] here and \[3\] in the first chunk"),
        ({"states": {"t": np.zeros((2, 3))}}, "This chunk lacks state 's'"),
        ({"annotations": {"pos": ["N", "V"]}}, "brings track 'pos', which the first one had not"),
    ],
)
def test_a_chunk_unlike_the_first_is_refused_with_a_sentence(tmp_path, chunk, sentence):
    store = rnnstore.open(tmp_path)
    with pytest.raises(rnnstore.StoreError, match=sentence), store.record("m") as recorder:
        recorder.add(**GOOD)
        recorder.add(**{**GOOD, **chunk})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"targets": [0]}, r"Predictions' targets has shape \[1\]; \[2\] was expected"),
        ({"loss": None}, r"Predictions' loss has shape \[\]"),
        ({"targets": [0, 2]}, "outside the vocabulary of 2 words"),
        ({"word_ids": [[0.0], [1.0]]}, "given as float64; ids were expected"),
        ({"probabilities": [[0.5, 0.5]] * 2}, r"shapes \[2, 1\] and \[2, 2\]"),
    ],
)
def test_predictions_that_make_no_sense_are_refused_with_a_sentence(tmp_path, changes, sentence):
    good = {"word_ids": [[0], [1]], "probabilities": [[0.5]] * 2, "targets": [1, -1]}
    good |= {"target_probabilities": [0.5, np.nan], "loss": [0.5, np.nan]}
    with pytest.raises(rnnstore.StoreError, match=sentence):
        record(tmp_path, **GOOD, predictions=rnnstore.Predictions(**{**good, **changes}))


def test_a_classifier_predicts_labels_that_are_no_words(tmp_path):
    predictions = rnnstore.Predictions(
        word_ids=[[2, 0], [0, 2]],
        probabilities=[[0.5, 0.25], [0.75, 0.125]],
        targets=[-1, 2],
        target_probabilities=[np.nan, 0.125],
        loss=[np.nan, 2.0],
    )
    store = record(tmp_path, **GOOD, predictions=predictions, outputs=["bad", "fair", "good"])
    rows = store.sql("select t, rank, word_id, word, target from predictions order by t, rank").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        (0, 1, 2, "good", None),
        (0, 2, 0, "bad", None),
        (1, 1, 0, "bad", "good"),
        (1, 2, 2, "good", "good"),
    ]
    (model,) = store.models.values()
    assert model.words(0, 2).column("word").to_pylist() == list(GOOD["words"])
    with pytest.raises(rnnstore.StoreError, match="outside the vocabulary of 2 words"):
        record(tmp_path / "other", **GOOD, predictions=predictions, outputs=["bad", "good"])


@pytest.mark.parametrize("thresholds", [0.3, None, ("x",), (0.3, np.nan), (np.inf,), {"s": (np.inf,)}])
def test_thresholds_are_finite_numbers(tmp_path, thresholds):
    with pytest.raises(rnnstore.StoreError, match="finite numbers was expected, for example"):
        record(tmp_path, thresholds=thresholds)


def test_thresholds_by_state_name_recorded_states(tmp_path):
    with pytest.raises(
        rnnstore.StoreError, match=r"Thresholds were given for the state 'hiden': did you mean hidden\?"
    ):
        record(tmp_path, thresholds={"hiden": (0.3,)})


def test_a_threshold_given_twice_is_recorded_once(tmp_path):
    store = record(tmp_path, words=["a"], states={"s": [[1.0]]}, thresholds=(0.5, 0.25, 0.5))
    assert store.sql("select threshold from on_states order by 1").to_pylist() == [
        {"threshold": 0.25},
        {"threshold": 0.5},
    ]


def test_an_unknown_option_is_told_with_the_nearest_one(tmp_path):
    with pytest.raises(rnnstore.StoreError, match=r"no option 'threshold': did you mean thresholds\?"):
        record(tmp_path, threshold=(0.3,))


@pytest.mark.parametrize("vocabulary", [{"a": 1, "b": 0}, 2])
def test_a_vocabulary_is_a_list_by_id(tmp_path, vocabulary):
    with pytest.raises(rnnstore.StoreError, match="a list was expected, with the word of id 0 first"):
        record(tmp_path, vocabulary=vocabulary)


def test_steps_are_added_inside_the_with_only(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        recorder = writer.record()
        with pytest.raises(rnnstore.StoreError, match="not open; add steps inside its `with`"):
            recorder.add(**GOOD)
        with recorder:
            recorder.add(**GOOD)
        with pytest.raises(rnnstore.StoreError, match="not open"):
            recorder.add(**GOOD)


def test_missing_values_of_a_track_are_missing_whatever_they_are_called(tmp_path):
    tracks = {
        "labels": ["N", None, float("nan"), "V"],
        "bytes": np.array([b"N", b"", b"", b"V"]),
        "numbers": [1, None, float("nan"), 2.5],
        "infinite": [1.0, np.inf, -np.inf, np.nan],
        "mixed": [1, "a", None, True],
        "flags": [True, None, None, False],
        "never": [None] * 4,
    }
    store = record(tmp_path, words=list("abcd"), states={"s": np.zeros((4, 1))}, annotations=tracks)
    model = store.model("small")

    def stored(track):
        rows = model.annotations([track], 0, 4)
        return rows["value" if model.tracks[track].kind == "discrete" else "number"].to_pylist()

    assert {track: stored(track) for track in tracks} == {
        "labels": ["N", "", "", "V"],
        "bytes": ["N", "", "", "V"],
        "numbers": [1, None, None, 2.5],
        "infinite": [1, np.inf, -np.inf, None],
        "mixed": ["1", "a", "", "True"],
        "flags": ["true", "", "", "false"],
        "never": [""] * 4,
    }
    assert (model.tracks["infinite"].minimum, model.tracks["infinite"].maximum) == (1, 1)


def test_a_track_of_numbers_may_say_nothing_for_a_whole_chunk(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.record("m") as recorder:
        for values in ([1, 2], [None, None], [np.nan, 3]):
            recorder.add(**GOOD, annotations={"x": values})
    assert store.model("m").annotations(["x"], 0, 6)["number"].to_pylist() == [1, 2, None, None, None, 3]


def test_words_of_any_text_come_back_as_they_were(tmp_path):
    words = ["漢\0x", "", "é" * 100_000, "\0", "\n", "'", "NULL", "nan", "__HIVE_DEFAULT_PARTITION__"]
    store = record(tmp_path, words=words, states={"s": np.zeros((9, 1))})
    assert store.sql("select word from tokens order by t")["word"].to_pylist() == words
    assert store.model("small").words_at(range(9))["word"].to_pylist() == words


def test_expected_responses_too_large_to_keep_are_missing_and_the_card_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "RESPONSES", 7 * 2)  # seven words of two units
    store = record(tmp_path, states={"narrow": np.zeros((8, 1)), "wide": np.zeros((8, 2))})
    assert store.sql("select count(*) as n from expected_responses").to_pylist() == [{"n": 0}]
    assert store.model("small").expected_responses("wide").num_rows == 0
    (note,) = store.sql("select unnest(notes) as note from models")["note"].to_pylist()
    assert note.startswith("Expected responses were not recorded: so many words and units")
    model = record(tmp_path, states={"wide": np.zeros((8, 2))}).model("small")
    assert (model.card.notes, model.expected_responses("wide").num_rows) == ((), 7)


def test_labels_that_never_come_again_get_no_expected_responses(tmp_path, monkeypatch):
    times = [f"09:00:{second:02}" for second in range(8)]
    kept = record(tmp_path, words=times, states={"s": np.zeros((8, 2))}).model("small")
    assert (kept.card.notes, kept.expected_responses("s").num_rows) == ((), 8)  # so few cost nothing
    monkeypatch.setattr(series, "LABELS_FROM", 8)
    for sure in (100, 8):  # decided at the end, or underway
        monkeypatch.setattr(series, "SURE_FROM", sure)
        model = record(tmp_path, words=times, states={"s": np.ones((8, 2)), "wide": np.ones((8, 3))}).model("small")
        (note,) = model.card.notes
        assert note.startswith("Expected responses were not recorded: most words were read once, as labels")
        assert model.expected_responses("wide").num_rows == 0
        assert model.words(0, 8)["word"].to_pylist() == times
    twice = record(tmp_path, words=times * 2, states={"s": np.ones((16, 2))}, sequence_starts=None, annotations=None)
    assert twice.model("small").expected_responses("s").num_rows == 8


def test_facts_that_a_recording_found_are_found_anew_by_the_next(tmp_path):
    record(tmp_path, vocabulary=["a", "b", "c"], words=[0], states={"s": [[1.0]]})
    card = record(tmp_path, words=["a"], states={"s": [[1.0, 2.0]]}).model("small").card
    assert (card.vocabulary, card.units) == (1, 2)
    with rnnstore.open(tmp_path).writer("small") as writer:
        writer.describe(vocabulary=10_000)
    card = record(tmp_path, words=["a"], states={"s": [[1.0]]}).model("small").card
    assert (card.vocabulary, card.units) == (10_000, 1)


@pytest.mark.parametrize(("interrupted", "call"), [("rename", 1), ("replace", 0)])
def test_an_interruption_while_publishing_leaves_one_whole_recording_and_no_other_file(
    tmp_path, monkeypatch, interrupted, call
):
    record(tmp_path)
    with monkeypatch.context() as patched:
        real, calls = getattr(os, interrupted), iter(range(100))

        def stop(*arguments):
            real(*arguments)
            if next(calls) == call:
                raise KeyboardInterrupt

        patched.setattr(os, interrupted, stop)
        with pytest.raises(KeyboardInterrupt):
            record(tmp_path, words=["a"], states={"hidden": [[1.0]]})
    store = rnnstore.open(tmp_path)
    assert (store.problems, store.model("small").steps) == ([], 8 if interrupted == "rename" else 1)
    assert files_of(tmp_path / "model=small") == {"card.json", *listed(store)}


def files_of(folder):
    """Paths inside a model's folder of all its files."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def listed(store):
    return {file.path for blocks in store.model("small").card.files.values() for file in blocks}


def test_two_models_are_recorded_at_once_by_two_threads(tmp_path):
    store, wrong = rnnstore.open(tmp_path), []

    def write(name):
        try:
            with store.record(name) as recorder:
                for _ in range(20):
                    recorder.add(words=[name] * 2000, states={"s": np.full((2000, 2), ord(name))})
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for name in "ab":
        assert (store.model(name).vectors("s", 0, 40_000) == ord(name)).all()


def test_a_word_outside_the_vocabulary_is_named(tmp_path):
    with pytest.raises(rnnstore.StoreError, match="Word id 7 is outside the vocabulary of 2 words"):
        record(tmp_path, words=[0, 7], states={"s": np.zeros((2, 1))}, vocabulary=["a", "b"])


def test_recording_nothing_is_an_error(tmp_path):
    store = rnnstore.open(tmp_path)
    with pytest.raises(rnnstore.StoreError, match="Nothing was recorded"), store.record("m"):
        pass


def test_a_failed_recording_leaves_the_one_before(tmp_path):
    store = record(tmp_path, words=["a"], states={"s": [[1.0]]})
    with pytest.raises(ZeroDivisionError), store.record("small") as recorder:
        recorder.add(words=["b"] * 40_000, states={"s": np.zeros((40_000, 1))})
        raise ZeroDivisionError
    assert rnnstore.open(tmp_path).model("small").words(0, 1)["word"].to_pylist() == ["a"]
    assert files_of(tmp_path / "model=small") == {"card.json", *listed(rnnstore.open(tmp_path))}


def test_a_first_recording_that_fails_leaves_no_model_and_a_later_one_no_new_facts(tmp_path):
    store = rnnstore.open(tmp_path)
    for options in ({"description": "new"}, {"thresholds": "x"}, {"units": "many"}):
        with pytest.raises((ZeroDivisionError, rnnstore.StoreError)), store.record("small", **options) as recorder:
            recorder.add(words=["b"], states={"s": [[1.0]]})
            raise ZeroDivisionError
        assert [entry.name for entry in tmp_path.iterdir()] == [".locks"] and store.models == {}
    record(tmp_path, description="old")
    with pytest.raises(ZeroDivisionError), store.record("small", description="new"):
        raise ZeroDivisionError
    assert rnnstore.open(tmp_path).model("small").card.description == "old"
    with store.record("small", description="new") as recorder:
        recorder.add(words=["b"], states={"s": [[1.0]]})
    assert store.model("small").card.description == "new"


def test_a_new_recording_replaces_the_old_one_and_keeps_the_training(tmp_path):
    store = record(tmp_path, annotations={"x": [1] * 8})
    with store.writer("small") as writer:
        columns = ("step", "epoch", "loss", "validation_loss", "learning_rate", "gradient_norm", "tokens_per_second")
        writer.replace("training", pa.table({name: [1.0] for name in columns}))
    with store.record("small") as recorder:
        recorder.add(words=["a"], states={"other": [[1.0]]})
    assert store.sql("select count(*) as n from tokens").to_pylist() == [{"n": 1}]
    assert store.sql("select distinct state from states").to_pylist() == [{"state": "other"}]
    assert store.sql("select count(*) as n from annotations").to_pylist() == [{"n": 0}]
    assert store.model("small").table("training")["step"].to_pylist() == [1]
    assert files_of(tmp_path / "model=small") == {"card.json", *listed(store)}
