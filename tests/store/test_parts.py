"""A recording in parts is the recording in one go: every table, every answer; and what parts do when processes stop."""

from __future__ import annotations

import itertools
import os
import time
from multiprocessing import Pipe

import numpy as np
import pytest

import rnnstore
from rnnstore.integrity.checking import check
from rnnstore.matching.matches import match
from rnnstore.matching.text_search import search
from rnnstore.store import merging, parts, recorder, series
from tests.support.processes import forked
from tests.support.waiting import until
from tests.support.worlds import random_world

VOCABULARY = [f"w{index}" for index in range(7)]
SQL = {
    "tokens": "select t, sequence, position, word_id, word from tokens order by t",
    "annotations": "select track, t, value, number from annotations order by track, t",
    "predictions": "select * exclude model from predictions order by t, rank",
    "states": "select * exclude model from states order by state, t",
    "runs": "select state, threshold, unit, start, stop from on_states order by all",
    "models": "select steps, vocabulary, units, states, tracks, notes from models",
}


@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.long)])
def world(request, monkeypatch):
    """Chunks of 400 steps for one part each; small row groups and blocks, so that a part has several."""
    for module, name, value in ((recorder, "GROUP", 64), (series, "RUN_CELLS", 500)):
        monkeypatch.setattr(module, name, value)
    for module in ("blocks", "series"):
        monkeypatch.setattr(f"rnnstore.store.{module}.STEPS_PER_BLOCK", 128)
    chunks = [chunk(seed) for seed in range(4 * request.param, 4 * request.param + 4)]
    for each in chunks:
        del each["predictions"]  # of words by their numbers, which a part numbers by itself
    return chunks


def chunk(seed: int, ids: bool = False, steps: int = 400) -> dict:
    words, values, starts = random_world(seed, steps=steps, vocabulary=4 + seed % 4)
    count = np.arange(steps)
    numbers = np.array([VOCABULARY.index(word) for word in words])
    known = len(set(words))
    return {
        "words": numbers if ids else words,
        "states": {"a": values, "b c": values[:, :2] * seed},
        "sequence_starts": starts,
        "annotations": {"depth": count % (5 + seed), "kind": [f"k{(n * n) % (3 + seed)}" for n in count]},
        "predictions": rnnstore.Predictions(
            word_ids=np.stack([numbers % known, (numbers + 1) % known], axis=1),
            probabilities=np.full((steps, 2), 0.25),
            targets=np.append(numbers[1:] % known, -1),
            target_probabilities=np.append(np.full(steps - 1, 0.5), np.nan),
            loss=np.append(np.full(steps - 1, 0.7), np.nan),
        ),
    }


OPTIONS = {"thresholds": (0.3, -0.5), "track_sources": {"depth": "gold"}, "recorded": "train"}


def whole(path, chunks, **options) -> rnnstore.Store:
    store = rnnstore.open(path)
    with store.record("m", **{**OPTIONS, **options}) as recording:
        for each in chunks:
            recording.add(**each)
    return store


def in_parts(path, chunks, order=None, append=False, **options) -> rnnstore.Store:
    store = rnnstore.open(path)
    for index in order or range(len(chunks)):
        with store.writer("m").part(index, of=len(chunks), **{**OPTIONS, **options}) as recording:
            for first in range(0, len(chunks[index]["words"]), 150):
                recording.add(**cut(chunks[index], slice(first, first + 150)))
    store.writer("m").commit(append=append)
    return store


def cut(given: dict, span: slice) -> dict:
    fields = ("word_ids", "probabilities", "targets", "target_probabilities", "loss")
    found = {
        "words": given["words"][span],
        "states": {name: values[span] for name, values in given["states"].items()},
        "sequence_starts": given["sequence_starts"][span],
        "annotations": {name: values[span] for name, values in given["annotations"].items()},
    }
    if predictions := given.get("predictions"):
        found["predictions"] = rnnstore.Predictions(**{name: getattr(predictions, name)[span] for name in fields})
    return found


def assert_alike(one: rnnstore.Store, other: rnnstore.Store, tolerance: float = 0, sql: bool = True) -> None:
    for query in SQL.values() if sql else ():
        assert one.sql(query).to_pylist() == other.sql(query).to_pylist()
    first, second = one.model("m"), other.model("m")
    for name in first.states:
        np.testing.assert_array_equal(first.vectors(name, 0, first.steps), second.vectors(name, 0, first.steps))
        np.testing.assert_array_equal(first.unit_values(name, [0, 1]), second.unit_values(name, [0, 1]))
        for row, like in zip(
            first.expected_responses(name).to_pylist(), second.expected_responses(name).to_pylist(), strict=True
        ):
            for column, value in row.items():
                if isinstance(value, list):
                    np.testing.assert_allclose(like[column], value, rtol=tolerance or 1e-6, atol=tolerance or 1e-7)
                else:
                    assert like[column] == value, column
    np.testing.assert_array_equal(first.sequence_starts, second.sequence_starts)
    assert first.card.states == second.card.states and first.card.tracks == second.card.tracks
    assert (first.card.recorded, first.card.notes) == (second.card.recorded, second.card.notes)
    found = [match(model, "a", [0, 2], 0.3) for model in (first, second)]
    assert found[0].table.num_rows > 5 and found[0].table.to_pylist() == found[1].table.to_pylist()
    hits = [search(model, "w1 w2") for model in (first, second)]
    assert hits[0].table.num_rows > 5 and hits[0] == hits[1]


def test_answers_are_those_of_one_recording(tmp_path, world):
    one, other = whole(tmp_path / "one", world), in_parts(tmp_path / "parts", world, order=[2, 0, 3, 1])
    assert_alike(one, other)
    assert not check(tmp_path / "parts" / "model=m", full=True).findings
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [".locks", "model=m"]


def test_words_predicted_by_their_numbers_in_a_part(tmp_path):
    store = rnnstore.open(tmp_path)
    for index, words in enumerate((["b", "a"], ["a", "c"])):
        with store.writer("m").part(index, of=2) as recording:
            predictions = rnnstore.Predictions([[0], [1]], [[0.5]] * 2, [1, -1], [0.5, np.nan], [0.7, np.nan])
            recording.add(words=words, states={"s": [[1.0], [2.0]]}, predictions=predictions)
    store.writer("m").commit()
    rows = store.sql("select t, word_id, word, target from predictions order by t")
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (0, 0, "b", "a"), (1, 1, "a", None), (2, 1, "a", "c"), (3, 2, "c", None),
    ]  # fmt: skip
    words = store.sql("select sequence, word_id, word from tokens order by t").to_pylist()
    assert [tuple(row.values()) for row in words] == [(0, 0, "b"), (0, 1, "a"), (1, 1, "a"), (1, 2, "c")]


def test_with_a_vocabulary_given_and_labels_predicted(tmp_path, world):
    given = [chunk(seed, ids=True) for seed in range(3)]
    options = {"vocabulary": VOCABULARY, "outputs": list("abcdefg"), "dtype": "float32"}
    assert_alike(whole(tmp_path / "one", given, **options), in_parts(tmp_path / "parts", given, **options))


def test_more_of_the_corpus_is_appended(tmp_path, world):
    one = whole(tmp_path / "one", world)
    in_parts(tmp_path / "parts", world[:2])
    other = in_parts(tmp_path / "parts", world[2:], append=True)
    assert_alike(one, other, tolerance=1e-5)
    assert not check(tmp_path / "parts" / "model=m", full=True).findings


def test_where_files_can_have_one_name_only(tmp_path, world, monkeypatch):
    def no_links(*_):
        raise OSError("not supported")

    monkeypatch.setattr(merging.os, "link", no_links)
    assert_alike(whole(tmp_path / "one", world[:2]), in_parts(tmp_path / "parts", world[:2]))


def test_one_long_sequence_is_cut_with_a_warm_up(tmp_path, monkeypatch):
    """States as they were recorded in one go, so that all else must be what it was: positions, runs, responses."""
    monkeypatch.setattr(recorder, "GROUP", 64)
    steps, edges = 900, [0, 300, 420, 470, 900]
    given = chunk(3, steps=steps)
    del given["predictions"]
    given["sequence_starts"] = np.isin(np.arange(steps), (0, 350, 420, 800))
    given["states"]["a"][:, 1] = 1  # a run that goes through a whole part, cut where sequences start
    one = whole(tmp_path / "one", [given])
    other = rnnstore.open(tmp_path / "parts")
    for index, (first, stop) in enumerate(itertools.pairwise(edges)):
        with other.writer("m").part(index, of=4, warm_up=70, **OPTIONS) as recording:
            for begin in range(max(first - 70, 0), stop, 50):
                recording.add(**cut(given, slice(begin, min(stop, begin + 50))))
    other.writer("m").commit()
    (note,) = other.model("m").card.notes
    assert "read on after a warm-up of 70 steps, not after all that came before" in note
    other.model("m").card = other.model("m").card.model_copy(update={"notes": ()})
    for query in list(SQL.values())[:-1]:
        assert one.sql(query).to_pylist() == other.sql(query).to_pylist()
    assert_alike(one, other, sql=False)
    assert not check(tmp_path / "parts" / "model=m", full=True).findings


def test_responses_that_one_part_left_out_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(series, "RESPONSES", 7 * 6)
    chunks = [chunk(seed) for seed in range(2)]
    chunks[1]["words"] = [f"x{word}" for word in chunks[1]["words"]]  # each part has few words, both have too many
    model = in_parts(tmp_path, chunks).model("m")
    assert model.expected_responses("a").num_rows == 0 and model.card.notes == (series.TOO_MANY,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda given: given["states"].pop("b c"), "do not fit together: the states: a, b c and a"),
        (lambda given: given["states"].update({"b c": np.zeros((400, 3))}), "the units of state 'b c': 2 and 3"),
        (lambda given: given["annotations"].pop("kind"), "the annotations: depth, kind and depth"),
        (
            lambda given: given["annotations"].update(depth=["x"] * 400),
            "the kind of track 'depth': scalar and discrete",
        ),
        (lambda given: given.pop("predictions"), "the predictions a step: 2 and 0"),
    ],
)
def test_parts_that_do_not_agree_are_refused_and_change_nothing(tmp_path, change, sentence):
    store = rnnstore.open(tmp_path)
    given = [chunk(0), chunk(1)]
    change(given[1])
    for index, each in enumerate(given):
        with store.writer("m").part(index, of=2) as recording:
            recording.add(**each)
    with pytest.raises(rnnstore.StoreError, match=sentence):
        store.writer("m").commit()
    assert rnnstore.open(tmp_path).models == {} and store.writer("m").status().done == (0, 1)
    store.writer("m").drop_parts()
    assert [entry.name for entry in tmp_path.iterdir()] == [".locks"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dtype": "float32"}, "the type of state 'a': float16 and float32"),
        ({"thresholds": (0.5,)}, "the thresholds of state 'a'"),
        ({"vocabulary": VOCABULARY}, "whether a vocabulary was given"),
        ({"outputs": VOCABULARY}, "what they predict is not the same"),
    ],
)
def test_options_are_those_of_all_parts(tmp_path, options, sentence):
    store = rnnstore.open(tmp_path)
    for index, more in enumerate(({}, options)):
        with store.writer("m").part(index, of=2, **more) as recording:
            recording.add(**chunk(3, ids="vocabulary" in more))
    with pytest.raises(rnnstore.StoreError, match=sentence):
        store.writer("m").commit()


def test_status_says_what_is_done_running_and_missing(tmp_path):
    store = rnnstore.open(tmp_path)
    assert store.writer("m").status() == parts.PartsStatus(0)
    with pytest.raises(rnnstore.StoreError, match="has no parts; record them"):
        store.writer("m").commit()
    with store.writer("m").part(1, of=3) as recording:
        recording.add(**chunk(1))
        assert store.writer("m").status() == parts.PartsStatus(3, (), (1,), (0, 2))
    with store.writer("m").part(0, of=3) as recording:
        recording.add(**chunk(0))
        assert str(store.writer("m").status()) == "3 parts: 1 done (1), 1 running (0), 1 missing (2)"
        with pytest.raises(rnnstore.StoreError, match=r"Not all parts of model 'm' are there \(3 parts: 1 done"):
            store.writer("m").commit()
    with pytest.raises(rnnstore.StoreError, match="is being recorded in 3 parts already, not in 2"):
        store.writer("m").part(0, of=2).__enter__()
    for wrong in ((3, 3), (-1, 3), (0, 10**6), ("0", 3)):
        with pytest.raises(rnnstore.StoreError, match="there are 0 to N - 1"):
            store.writer("m").part(wrong[0], of=wrong[1])
    assert rnnstore.open(tmp_path).models == {}


def test_of_two_that_write_one_part_the_first_wins(tmp_path):
    store = rnnstore.open(tmp_path)
    slower = store.writer("m").part(0, of=1)
    with (
        pytest.raises(
            rnnstore.StoreError, match=r"Part 0 of 1 of model 'm' has been recorded already.* That one stays"
        ),
        slower as late,
    ):
        late.add(**chunk(1))
        with store.writer("m").part(0, of=1) as recording:
            recording.add(**chunk(0))
    with pytest.raises(rnnstore.StoreError, match=r"It stays; store.writer\('m'\).drop_parts\(\) deletes all of them"):
        store.writer("m").part(0, of=1).__enter__()
    assert len(list((tmp_path / ".parts-m").iterdir())) == 1
    store.writer("m").commit(description="won")
    model = store.model("m")
    assert model.words(0, 400)["word"].to_pylist() == chunk(0)["words"] and model.card.description == "won"


def begin(path, tell) -> None:
    with rnnstore.open(path).writer("m").part(1, of=2) as recording:
        recording.add(**chunk(5))
        tell.send("begun")
        time.sleep(600)


def test_a_killed_part_is_written_again_and_the_finished_ones_stay(tmp_path, monkeypatch):
    store = rnnstore.open(tmp_path)
    with store.writer("m").part(0, of=2) as recording:
        recording.add(**chunk(0))
    done = (tmp_path / ".parts-m" / "00000-of-00002" / parts.CARD).stat()
    told, tell = Pipe(duplex=False)
    process = forked(begin, tmp_path, tell)
    assert told.recv() == "begun" and store.writer("m").status() == parts.PartsStatus(2, (0,), (1,), ())
    process.kill()
    process.join()
    (beat,) = (tmp_path / ".parts-m").glob(".writing-*/beat-1-of-2")
    os.utime(beat, (0, beat.stat().st_mtime - 2 * parts.LATE))
    assert store.writer("m").status() == parts.PartsStatus(2, (0,), (), (1,))
    with store.writer("m").part(1, of=2) as recording:
        recording.add(**chunk(1))
    assert (tmp_path / ".parts-m" / "00000-of-00002" / parts.CARD).stat() == done
    assert len(list((tmp_path / ".parts-m").iterdir())) == 2
    store.writer("m").commit()
    assert store.model("m").words(398, 402)["word"].to_pylist() == chunk(0)["words"][-2:] + chunk(1)["words"][:2]


def test_a_heart_beats_while_a_part_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "BEAT", 0.01)
    with rnnstore.open(tmp_path).writer("m").part(0, of=1) as recording:
        recording.add(**chunk(0))
        (beat,) = tmp_path.glob(".parts-m/.writing-*/beat-0-of-1")
        os.utime(beat, (0, 0))
        until(lambda: beat.stat().st_mtime != 0)


def test_a_failed_commit_leaves_the_parts_and_the_recording_before(tmp_path, monkeypatch):
    store = whole(tmp_path, [chunk(3)])
    for index in range(2):
        with store.writer("m").part(index, of=2, **OPTIONS) as recording:
            recording.add(**chunk(index))
    with monkeypatch.context() as patched:
        patched.setattr("rnnstore.store.commit.write_card", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.writer("m").commit()
    assert rnnstore.open(tmp_path).model("m").steps == 400
    store.writer("m").commit()
    assert rnnstore.open(tmp_path).model("m").steps == 800


def test_appending_asks_for_the_same_vocabulary_and_a_recording(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.writer("m").part(0, of=1, vocabulary=["b", "a"]) as recording:
        recording.add(words=[1, 0], states={"s": [[1.0], [2.0]]})
    with pytest.raises(rnnstore.StoreError, match="There is no recording to append to"):
        store.writer("m").commit(append=True)
    with store.record("m", vocabulary=["a", "b"]) as recording:
        recording.add(words=[0], states={"s": [[1.0]]})
    with pytest.raises(rnnstore.StoreError, match="Word id 0 is 'a' in the present recording, and 'b' in the parts"):
        store.writer("m").commit(append=True)
