"""Searching: against Python's own regular expressions over whole sequences, whatever the blocks, and written out."""

from __future__ import annotations

import itertools
import re
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnstore
from rnnstore.errors import QuestionError
from rnnstore.matching import text_search as searching
from rnnstore.matching.text_search import search
from tests.support.worlds import TextModel

CORPUS = TextModel(
    "the cat saw the Cat . the category | The cat saw . a cat".replace("| ", "").split(), sequence_starts=(0, 8)
)


def places(hits):
    return list(zip(hits.table["start"].to_pylist(), hits.table["stop"].to_pylist(), strict=True))


def test_a_phrase_is_whole_words_of_one_sequence():
    hits = search(CORPUS, "the cat")

    assert hits.table.to_pylist() == [
        {"start": 0, "stop": 2, "sequence": 0, "before": "", "words": "the cat", "after": "saw the Cat . the category"},
        {"start": 3, "stop": 5, "sequence": 0, "before": "the cat saw", "words": "the Cat", "after": ". the category"},
        {"start": 8, "stop": 10, "sequence": 1, "before": "", "words": "The cat", "after": "saw . a cat"},
    ]
    assert hits.total == 3 and hits.note == "3 hits, capitals and small letters alike."
    assert search(CORPUS, "the cat", ignore_case=False).note == "1 hit."


def test_case_can_be_told_apart():
    assert places(search(CORPUS, "the cat", ignore_case=False)) == [(0, 2)]
    assert places(search(CORPUS, "CAT", regex=True, ignore_case=False)) == []
    assert len(places(search(CORPUS, "CAT", regex=True))) == 5


def test_a_phrase_does_not_reach_into_the_next_sequence():
    assert places(search(CORPUS, "category the")) == []
    assert places(search(CORPUS, "category the", regex=True)) == []


def test_a_label_with_blanks_is_found_whole():
    corpus = TextModel(["2024-03-01 06:00", "2024-03-01 06:01", "06:00"])
    assert places(search(corpus, "2024-03-01 06:01")) == [(1, 2)]
    assert places(search(corpus, " 06:00 ")) == [(2, 3)]
    assert places(search(corpus, "06:0", regex=True)) == [(0, 1), (1, 2), (2, 3)]


def test_places_of_a_phrase_may_overlap():
    assert places(search(TextModel(["a", "a", "a", "b", "a", "a"]), "a a")) == [(0, 2), (1, 3), (4, 6)]


def test_a_regular_expression_covers_whole_steps_and_counts_a_step_once():
    assert places(search(CORPUS, "ateg.r", regex=True)) == [(7, 8)]
    assert places(search(CORPUS, "t saw|t c", regex=True)) == [(1, 3), (9, 11)]
    assert places(search(TextModel(["banana", "an"]), "an", regex=True)) == [(0, 1), (1, 2)]
    assert places(search(CORPUS, " ", regex=True)) == []


def test_anchors_are_the_ends_of_a_sequence():
    assert places(search(CORPUS, r"^the", regex=True)) == [(0, 1), (8, 9)]
    assert places(search(CORPUS, r"\w+$", regex=True)) == [(7, 8), (13, 14)]


def test_a_text_by_character_is_searched_anywhere():
    model = TextModel("def f(x): return f(x)", level="character")

    hits = search(model, "f(x)", context=3)

    assert hits.table.to_pylist() == [
        {"start": 4, "stop": 8, "sequence": 0, "before": "ef ", "words": "f(x)", "after": ": r"},
        {"start": 17, "stop": 21, "sequence": 0, "before": "rn ", "words": "f(x)", "after": ""},
    ]
    assert places(search(model, r"\bf\b", regex=True)) == [(4, 5), (17, 18)]


def test_letters_of_several_bytes_are_one_step():
    model = TextModel("naïve café 本", level="character")

    assert places(search(model, "é")) == [(9, 10)]
    assert places(search(model, "ï..", regex=True)) == [(2, 5)]
    assert places(search(model, "本")) == [(11, 12)]


def test_pages_and_the_total():
    model = TextModel(["a", "b"] * 50)

    hits = search(model, "b", limit=3, offset=10)

    assert places(hits) == [(21, 22), (23, 24), (25, 26)] and hits.total == 50
    assert places(search(model, "b", offset=50)) == []


def test_nothing_found_says_which_word_is_unknown():
    assert search(CORPUS, "cat cat").note == "No hit."
    assert search(CORPUS, "the catt").note == "No hit: no step reads the word 'catt'; did you mean cat?"
    assert search(CORPUS, "xylophone").note == (
        "No hit: no step reads the word 'xylophone'; a regular expression also finds parts of words."
    )
    assert search(CORPUS, "x+", regex=True).note == "No hit."


@pytest.mark.parametrize(
    "text, more, sentence",
    [
        ("", {}, "There is nothing to search for: type a phrase or a regular expression."),
        ("  ", {}, "There is nothing to search for: type a phrase or a regular expression."),
        (
            "a(b",
            {"regex": True},
            "'a(b' is no regular expression (RE2): missing ): a(b. To look for it as it stands, search for a phrase.",
        ),
        ("a", {"limit": 0}, "0 hits from number 0 were asked for; at least 1 from 0 on were expected."),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_with_a_sentence(text, more, sentence):
    with pytest.raises(QuestionError) as raised:
        search(CORPUS, text, **more)
    assert str(raised.value) == sentence


def test_what_would_hang_a_backtracking_engine_does_not():
    model = TextModel("a" * 30_000, level="character")

    assert search(model, "(a+)+$", regex=True).total == 1
    assert search(model, "(a|aa)+b", regex=True).total == 0


def test_a_hit_too_long_for_a_block_is_said_to_be_cut():
    model = TextModel("x" * 100, level="character")
    with mock.patch.multiple(searching, BLOCK=40, LONGEST=10):
        hits = search(model, "x+", regex=True)

    assert hits.note.endswith("Hits of more than 10 steps may be cut.")
    assert [step for start, stop in places(hits) for step in range(start, stop)] == list(range(100))


def expected(model, pattern, joint, flags):
    """Hits by Python's own engine over the text of each whole sequence, letter by letter mapped to steps."""
    found = []
    for low, high in itertools.pairwise([*model.sequence_starts.tolist(), model.steps]):
        owner = []
        for step in range(low, high):
            owner += [step] * len(model.all[step]) + ([None] * len(joint) if step < high - 1 else [])
        for hit in re.finditer(pattern, joint.join(model.all[low:high]), flags):
            steps = [step for step in owner[hit.start() : hit.end()] if step is not None]
            if steps and (not found or found[-1] != (steps[0], steps[-1] + 1)):
                found.append((steps[0], steps[-1] + 1))
    return found


PATTERNS = [
    "a", "ab", "b a", "a+", "aa", "(a|b) ", " a", r"\ba", r"a\b", r"\Ba", "^a", "^.", "b$", "[^a]b?", "é", "aé|b",
    ".{3}", "a.a", "(?s:a.b)", "b?a", "x*", r"\w{2,4}", "a b|b", "c",
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "aa", "ab", "é", "c", "A"]), min_size=1, max_size=60),
    st.sets(st.integers(1, 59), max_size=3),
    st.sampled_from(PATTERNS),
    st.booleans(),
    st.booleans(),
    st.integers(12, 25),
)
def test_blocks_make_no_difference(words, starts, pattern, by_character, ignore_case, block):
    starts = [0, *sorted(start for start in starts if start < len(words))]
    model = TextModel(words, starts, "character" if by_character else "word")
    with mock.patch.multiple(searching, BLOCK=block, LONGEST=8):
        hits = search(model, pattern, regex=True, ignore_case=ignore_case, limit=1000)

    wanted = expected(model, pattern, "" if by_character else " ", re.ASCII | (re.IGNORECASE if ignore_case else 0))
    if "cut" not in hits.note:
        assert places(hits) == wanted
        assert hits.total == len(wanted)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "A"]), min_size=1, max_size=40),
    st.sets(st.integers(1, 39), max_size=3),
    st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3),
    st.integers(1, 7),
)
def test_phrases_are_found_across_blocks(words, starts, phrase, block):
    starts = [0, *sorted(start for start in starts if start < len(words))]
    with mock.patch.object(searching, "BLOCK", block):
        hits = search(TextModel(words, starts), " ".join(phrase), limit=1000)

    lowered = [word.lower() for word in words]
    size = len(phrase)
    assert places(hits) == [
        (t, t + size)
        for t in range(len(words) - size + 1)
        if lowered[t : t + size] == phrase and not any(t < start < t + size for start in starts)
    ]


def test_a_recorded_model_is_searched(tmp_path):
    words = ["one", "two", "three"] * 7000
    starts = np.zeros(len(words), bool)
    starts[::700] = True
    with rnnstore.open(tmp_path).record("world") as recorder:
        recorder.add(words=words, states={"s": np.zeros((len(words), 1))}, sequence_starts=starts)
    model = rnnstore.open(tmp_path).model("world")

    # of 30 sequences of 700 steps, 9 start between the two words
    assert search(model, "three one").total == search(model, "three one", regex=True).total == 6999 - 9
