"""Hypotheses: kept whole or not at all, run again where it makes sense, compared step by step."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnstore
from rnnstore.errors import DamagedModel, QuestionError, StoreError
from rnnstore.hypotheses import from_selection, load, rerun, reruns, save, storage
from rnnstore.hypotheses.comparison import compare
from rnnstore.hypotheses.exchange import deserialised, mismatch, serialised_together
from rnnstore.hypotheses.storage import Hypothesis, Saved, delete, rename, saved, serialised
from rnnstore.matching.matches import match
from rnnstore.matching.selection import Selection, select
from tests.support.worlds import random_world, record


def plain(name="nouns", **facts) -> Hypothesis:
    return Hypothesis(
        **{"model": "m", "state": "s", "start": 1, "stop": 3, "words": ("a", "b"), "threshold": 0.3, **facts},
        name=name,
    )


def world(path, name, seed=3, words_seed=3, **more):
    values = random_world(seed, steps=400, units=5)[1]
    words, _, starts = random_world(words_seed, steps=400, units=5, vocabulary=30)
    kinds = np.where(values[:, 0] > 0, "up", "down")
    states = {"s": values, "other": values[:, ::-1].copy(), "wide": np.tile(values, 2)}
    return record(
        path, name, words=words, states=states, sequence_starts=starts, annotations={"kind": kinds, "x": values[:, 0]}
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store")
    world(path, "one")
    world(path, "same words", seed=8)
    return world(path, "other words", words_seed=9)


@pytest.fixture
def empty(tmp_path):
    return rnnstore.open(tmp_path / "store")


@pytest.fixture
def formed(store):
    return from_selection(
        store.model("one"), Selection("s", 20, 22, -1.0, 0, 0), "two words", "why", left_out=[0], pinned=[4]
    )


# Keeping


def test_a_selection_is_formed_with_its_words_and_units(store, formed):
    assert formed.words == tuple(store.model("one").words(20, 22)["word"].to_pylist())
    expected = select(store.model("one"), Selection("s", 20, 22, -1.0), [0], [4]).units
    assert formed.units == tuple(expected.tolist())
    assert (formed.left_out, formed.pinned, formed.note) == ((0,), (4,), "why")


names = st.from_regex(r"[A-Za-zäß0-9][A-Za-z0-9 ._-]{0,20}[A-Za-z0-9]", fullmatch=True)
unit_lists = st.lists(st.integers(0, 10**6), max_size=5).map(tuple)


@given(
    hypothesis=st.builds(
        lambda start, words, **facts: plain(start=start, stop=start + len(words), words=tuple(words), **facts),
        start=st.integers(0, 2**40),
        words=st.lists(st.text(max_size=8), min_size=1, max_size=6),
        name=names,
        note=st.text(),
        model=st.text(),
        state=st.text(),
        threshold=st.floats(allow_nan=False, allow_infinity=False),
        off_before=st.integers(0, 1000),
        off_after=st.integers(0, 1000),
        left_out=unit_lists,
        pinned=unit_lists,
        units=unit_lists,
        shortest=st.integers(1, 100),
        longest=st.none() | st.integers(1, 100),
    )
)
@settings(max_examples=50, deadline=None)
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, hypothesis):
    store = rnnstore.open(tmp_path_factory.mktemp("trip") / "store")
    hypothesis = _storable(hypothesis)
    save(store, hypothesis)
    assert load(store, hypothesis.name) == hypothesis
    assert saved(store).hypotheses == {hypothesis.name: hypothesis} and not saved(store).problems


def _storable(hypothesis: Hypothesis) -> Hypothesis:
    """Without halves of surrogate pairs, which no UTF-8 file holds."""
    text = hypothesis.model_dump_json().encode("utf-8", "ignore").decode()
    return Hypothesis.model_validate_json(text)


def test_hypotheses_do_not_disturb_the_store(store, formed):
    save(store, formed, replace=True)
    again = rnnstore.open(store.path)
    assert list(again.models) == ["one", "other words", "same words"] and not again.problems


def test_names_are_changed_and_taken_back(empty):
    save(empty, plain("first"))
    save(empty, plain("second", note="old"))
    with pytest.raises(StoreError, match="There is a hypothesis 'first' already; choose another name or replace it"):
        save(empty, plain("first"))
    with pytest.raises(StoreError, match="'second' already; choose another name or delete it first"):
        rename(empty, "first", "second")
    save(empty, plain("second", note="new"), replace=True)
    rename(empty, "second", "third")
    rename(empty, "third", "third")
    assert {name: one.note for name, one in saved(empty).hypotheses.items()} == {"first": "", "third": "new"}
    delete(empty, "first")
    assert list(saved(empty).hypotheses) == ["third"]
    assert sorted(path.name for path in (empty.path / "hypotheses").iterdir()) == [".lock", "third.json"]


def test_an_empty_store_has_none(empty):
    assert saved(empty) == Saved({}, [])
    assert not empty.path.exists()
    for ask in (load, delete):
        with pytest.raises(StoreError, match="no hypothesis 'nouns': there is none yet"):
            ask(empty, "nouns")
    save(empty, plain("nouns"))
    with pytest.raises(StoreError, match="no hypothesis 'noun': did you mean nouns"):
        load(empty, "noun")


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "x" * 101, "ends."])
def test_a_name_is_no_path(empty, name):
    for ask in (lambda: save(empty, plain(name)), lambda: load(empty, name), lambda: delete(empty, name)):
        with pytest.raises(StoreError, match="cannot name a hypothesis"):
            ask()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "hypotheses/bad.json cannot be read"),
        ("{", "hypotheses/bad.json cannot be read"),
        ("[]", "is no hypothesis: it says no format"),
        ('{"format": 99}', "has format 99, and this program reads up to 1. Update rnnstore"),
        ('{"format": 1}', "is damaged: model"),
        (json.dumps({**plain().model_dump(), "threshold": "high"}), "is damaged: threshold"),
        (json.dumps({**plain().model_dump(), "stop": 7}), "is damaged: .*2 words for steps 1 to 7"),
        (json.dumps({**plain().model_dump(), "units": [-1]}), "is damaged: units"),
        (b"\xff\xfe", "cannot be read"),
        ("[" * 100_000, "cannot be read: it is no JSON"),
    ],
)
def test_damaged_files_are_told_by_name_and_leave_the_others(empty, content, sentence):
    save(empty, plain("good"))
    path = empty.path / "hypotheses" / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = saved(empty)
    assert list(found.hypotheses) == ["good"]
    assert [problem.name for problem in found.problems] == ["bad"]
    with pytest.raises(DamagedModel, match=sentence):
        load(empty, "bad")
    delete(empty, "bad")
    assert not saved(empty).problems


def test_a_file_that_was_renamed_by_hand_has_its_new_name(empty):
    save(empty, plain("old"))
    os.rename(empty.path / "hypotheses" / "old.json", empty.path / "hypotheses" / "new.json")
    assert load(empty, "new").name == "new"


def test_nothing_half_written_is_seen(empty, monkeypatch):
    save(empty, plain("kept", note="before"))
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(empty, plain("kept", note="after"), replace=True)
    assert load(empty, "kept").note == "before"
    assert sorted(path.name for path in (empty.path / "hypotheses").iterdir()) == [".lock", "kept.json"]


def test_of_many_writers_of_one_name_one_wins(empty):
    outcomes = []

    def write(note):
        try:
            save(empty, plain("contested", note=note))
            outcomes.append(note)
        except StoreError:
            pass

    threads = [threading.Thread(target=write, args=(str(index),)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [load(empty, "contested").note] == outcomes


def test_a_file_in_the_way_is_said(empty):
    empty.path.mkdir()
    (empty.path / "hypotheses").write_text("mine")
    with pytest.raises(StoreError, match="is a file; the hypotheses need a folder"):
        save(empty, plain())


# Giving away


def test_a_file_is_given_away_and_received(tmp_path, store, formed):
    other = rnnstore.open(tmp_path / "other")
    assert deserialised(serialised(formed)) == [formed]
    save(other, formed)
    assert load(other, formed.name) == formed
    assert (other.path / "hypotheses" / f"{formed.name}.json").read_bytes() == serialised(formed)


def test_several_are_given_away_in_one_file(formed):
    both = [formed, plain(note='it says "hypotheses": twice')]
    assert deserialised(serialised_together(both)) == both
    assert deserialised(serialised(both[1])) == both[1:]


def test_a_selection_of_very_many_words_is_not_kept(store, monkeypatch):
    monkeypatch.setattr(storage, "MOST_WORDS", 30)
    with pytest.raises(QuestionError, match="The selection has 31 words; a hypothesis has 30 at most"):
        from_selection(store.model("one"), Selection("s", 20, 51, -1.0), "long")


def letter(**facts) -> bytes:
    """A file as from elsewhere, with facts that no `Hypothesis` would have."""
    return json.dumps({**plain().model_dump(), **facts}).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[" * 500_000, "letter.json cannot be read: it is no JSON"),
        (b'{"format": 1, "start": ' + b"9" * 5_000 + b"}", "letter.json cannot be read: it is no JSON"),
        (letter(start=10**30, stop=10**30 + 2), "letter.json is damaged: start"),
        (letter(units=[10**12]), "letter.json is damaged: units"),
        (letter(shortest=10**400), "letter.json is damaged: shortest"),
        (letter(longest=-3), "letter.json is damaged: longest"),
        (letter(threshold=1e999), "letter.json is damaged: threshold"),
        (letter(start=0, stop=20_000, words=["a"] * 20_000), "letter.json is damaged: words"),
        (letter(note="x" * 20_001), "letter.json is damaged: note"),
        (letter(model="m" * 300), "letter.json is damaged: model"),
        (letter(name="a/../b"), "cannot name a hypothesis"),
        (b'{"format": 1, "hypotheses": []}', "letter.json is damaged: hypotheses"),
        (b'{"format": 1, "hypotheses": [' + letter(name="..") + b"]}", "cannot name a hypothesis"),
    ],
)
def test_a_file_that_means_harm_is_a_sentence(content, sentence):
    with pytest.raises(StoreError, match=sentence):
        deserialised(content, "letter.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "letter.json cannot be read: it is no JSON"),
        (b"PK\x03\x04", "letter.json cannot be read: it is no JSON"),
        (b'{"cells": []}', "letter.json is no hypothesis: it says no format"),
        (b'{"format": 2}', "letter.json has format 2, and this program reads up to 1. Update rnnstore"),
        (b'{"format": 1}', "letter.json is damaged: name"),
        (b" " * 1_000_001, "letter.json has 1,000,001 bytes; a file of hypotheses has at most"),
        (json.dumps(plain("../evil").model_dump()).encode(), "cannot name a hypothesis"),
    ],
)
def test_what_is_no_hypothesis_is_a_sentence(content, sentence):
    with pytest.raises(StoreError, match=sentence):
        deserialised(content, "letter.json")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, ""),
        ({"model": "onn"}, "has no model 'onn': did you mean one? Its words can still be looked for"),
        ({"state": "sss"}, "Model 'one' has no state 'sss': there is "),
        ({"pinned": (4, 999)}, "names unit 999 of s, and in one of this store that state has units 0 to "),
        ({"start": 120, "stop": 122}, "At steps 120 to 121 one of this store reads other words than"),
        ({"start": 9998, "stop": 10000}, "reads other words"),
    ],
)
def test_where_a_hypothesis_does_not_fit_a_store_it_is_said(store, formed, changes, sentence):
    said = mismatch(store, formed.model_copy(update=changes))
    assert sentence in said and bool(said) == bool(sentence)


# Running again


def test_run_where_it_was_formed_it_gives_its_own_matches_without_its_own_place(store, formed):
    model = store.model("one")
    again = rerun(model, formed, minimum_overlap=2)

    assert again.selection == Selection("s", 20, 22, -1.0)
    assert again.units.tolist() == list(formed.units)
    whole = match(model, "s", formed.units, -1.0, limit=10_000).table
    kept = [
        (row["start"], row["stop"])
        for row in whole.to_pylist()
        if row["overlap"] >= 2 and not (row["start"] < 22 and row["stop"] > 20)
    ]
    assert list(zip(again.found.start.tolist(), again.found.stop.tolist(), strict=True)) == kept
    assert "at step 20 (1 place) selects" in again.note


def test_by_words_it_selects_anew_in_another_state_and_model(store, formed):
    for name, state in (("one", "other"), ("same words", "s"), ("same words", "wide")):
        model = store.model(name)
        again = rerun(model, formed, state=state)
        assert again.selection == Selection(state, 20, 22, -1.0)
        assert again.units.tolist() == select(model, Selection(state, 20, 22, -1.0)).units.tolist()
        assert "left out or pinned by hand is not" in again.note


def test_within_a_slice_the_words_and_matches_are_found_there(tmp_path):
    words = ["x", "a", "b", "y"] * 5
    on = np.array([[word in "ab", word == "y"] for word in words], float)
    model = record(tmp_path / "store", words=words, states={"s": on}).model("small")
    formed = from_selection(model, Selection("s", 1, 3, 0.5), "a b")
    again = rerun(model, formed, start=8, stop=16)
    assert again.selection.start == 9 and again.hits == 2
    assert (again.found.start.tolist(), again.found.stop.tolist()) == ([13], [15])
    assert "matches within steps 8 to 15" in again.note
    assert rerun(model, formed).selection.start == 1


@pytest.mark.parametrize("block", [1, 3, 1000])
@pytest.mark.parametrize("level", ["word", "character"])
def test_every_place_of_the_words_is_found_whatever_they_are(tmp_path, monkeypatch, block, level):
    words = ["a", " ", " ", " ", "a b", " ", " ", ".", " ", " "]
    model = record(
        tmp_path / "store", words=words, level=level, sequence_starts=np.arange(10) == 6, states={"s": np.ones((10, 1))}
    ).model("small")
    monkeypatch.setattr(reruns, "STEPS_AT_ONCE", block)
    formed = from_selection(model, Selection("s", 2, 4, 0.5), "blanks")
    again = rerun(model, formed)
    assert (again.selection.start, again.hits) == (2, 3)  # at 1, 2 and 8; 5 and 6 are of two sequences
    assert rerun(model, formed, start=3).selection.start == 8


def test_by_units_it_is_asked_as_it_is(store, formed):
    model = store.model("same words")
    again = rerun(model, formed, by="units", minimum_overlap=2)
    whole = match(model, "s", formed.units, -1.0, limit=10_000).table
    assert again.found.start.tolist() == [row["start"] for row in whole.to_pylist() if row["overlap"] >= 2]
    assert again.selection is None and "only if it is the same network" in again.note
    own = rerun(store.model("one"), formed, by="units", minimum_overlap=2)
    assert own.found.start.tolist() == rerun(store.model("one"), formed, minimum_overlap=2).found.start.tolist()


@pytest.mark.parametrize(
    ("model", "how", "sentence"),
    [
        ("one", {"by": "unit"}, "cannot be run again by 'unit': did you mean units"),
        ("one", {"by": "units", "state": "other"}, "are of 's' and mean nothing in 'other'.* Run it by its words"),
        (
            "one",
            {"start": 30, "stop": 500},
            "30 to 500 .* are no part of the corpus of 'one', which has steps 0 to 400",
        ),
        ("one", {"start": 30, "stop": 60}, "stand nowhere in the corpus of 'one' within steps 30 to 59"),
        ("other words", {}, "stand nowhere in the corpus of 'other words', in this order"),
        ("one", {"state": "t"}, "has no state 't'"),
    ],
)
def test_what_cannot_be_run_again_is_a_sentence(store, formed, model, how, sentence):
    with pytest.raises(StoreError, match=sentence):
        rerun(store.model(model), formed, **how)


# Comparing


def test_two_hypotheses_are_compared_step_by_step(store, formed):
    model = store.model("one")
    first, second = rerun(model, formed, minimum_overlap=2), rerun(model, formed, state="other", minimum_overlap=2)
    told = compare(first, second, "kind")

    def steps(found):
        return {step for a, b in zip(found.start, found.stop, strict=True) for step in range(a, b)}

    one, other = steps(first.found), steps(second.found)
    touched = sum(
        bool(set(range(a, b)) & other) for a, b in zip(first.found.start, first.found.stop, strict=True)
    )  # fmt: skip
    assert (told.steps_shared, told.steps_either) == (len(one & other), len(one | other))
    assert told.jaccard == len(one & other) / len(one | other)
    assert told.first_shared == touched
    kinds = np.array(model.annotations(["kind"], 0, 400)["value"].to_pylist())
    for row in told.table.to_pylist():
        assert row["corpus_share"] == (kinds == row["label"]).mean()
        assert row["first_count"] == (kinds[first.found.start] == row["label"]).sum()
        assert row["second_share"] == pytest.approx((kinds[second.found.start] == row["label"]).mean())
        assert row["second_low"] <= row["second_share"] <= row["second_high"]
    assert "Jaccard" in told.note


def test_a_hypothesis_is_like_itself(store, formed):
    one = rerun(store.model("one"), formed, minimum_overlap=2)
    told = compare(one, one)
    assert told.jaccard == 1 and told.first_shared == len(one.found) and told.table.num_rows == 0


def test_models_of_the_same_words_share_places_and_others_do_not(store, formed):
    one = rerun(store.model("one"), formed, minimum_overlap=2)
    same = rerun(store.model("same words"), formed, minimum_overlap=2)
    assert compare(one, same).same_corpus
    elsewhere = from_selection(store.model("other words"), Selection("s", 5, 6, -1.0), "elsewhere")
    told = compare(one, rerun(store.model("other words"), elsewhere, minimum_overlap=1), "kind")
    assert not told.same_corpus and np.isnan(told.jaccard)
    assert told.note == "They were asked of different corpora, so their places cannot be compared."
    assert set(told.table["label"].to_pylist()) == {"up", "down"}


def test_numbers_are_no_agreement(store, formed):
    one = rerun(store.model("one"), formed)
    with pytest.raises(QuestionError, match="'x' holds numbers"):
        compare(one, one, "x")
    with pytest.raises(QuestionError, match="no track 'kinds'"):
        compare(one, one, "kinds")
