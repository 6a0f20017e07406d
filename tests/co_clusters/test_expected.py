"""Expected responses as they are asked for: against numbers worked out by hand and against a loop over single steps."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import rnnstore
from rnnstore.co_clusters import expected
from rnnstore.co_clusters.expected import expected_responses, responses_between, word_response, word_tags, words_of_unit
from tests.store.test_responses import QUANTILES, responses_step_by_step
from tests.support.worlds import random_world, record


def by_hand(path):
    """Two sequences; unit 0 stands at zero at first and changes its sign, unit 1 never moves from zero."""
    words = ["the", "cat", "the", "the", "dog"]
    states = {"s": [[0.0, 0.0], [0.5, 0.0], [-0.25, 0.0], [1.0, 0.0], [1.0, 0.0]]}
    starts = [True, False, False, True, False]
    return record(path, words=words, states=states, sequence_starts=starts).model("small")


def test_a_small_world_by_hand(tmp_path):
    """the: 0 at the first token, -0.75 as the sign changes, 1 where the second sequence starts. cat and dog: once."""
    model = by_hand(tmp_path)
    found = expected_responses(model, "s")
    assert (found.words, found.counts.tolist()) == (["the", "cat", "dog"], [3, 1, 1])
    np.testing.assert_allclose(found.response, [[0.25 / 3, 0], [0.5, 0], [0, 0]], atol=1e-7)
    responses = np.array([0, -0.75, 1])
    assert found.standard_error[0, 0] == pytest.approx(responses.std(ddof=1) / np.sqrt(3))
    assert np.isnan(found.standard_error[1:]).all()
    assert found.most_frequent(2).tolist() == [0, 1]  # cat and dog are equally frequent
    assert found.most_frequent(minimum_count=2).tolist() == [0]
    the, cat = word_response(model, "s", "the"), word_response(model, "s", "cat")
    assert (the.count, the.quantile_count, cat.count) == (3, 3, 1)
    np.testing.assert_allclose(the.quantiles[:, 0], np.percentile(responses, [9, 25, 50, 75, 91]), atol=1e-6)
    assert cat.quantiles.tolist() == [[0.5, 0.0]] * 5
    assert cat.mean.tolist() == [0.5, 0.0] and np.isnan(cat.standard_error).all()


def test_words_of_a_unit_by_falling_response(tmp_path):
    model = by_hand(tmp_path)
    rows = words_of_unit(model, "s", 0, 2).to_pylist()
    assert [(row["word"], row["count"]) for row in rows] == [("cat", 1), ("the", 3)]
    assert rows[0]["standard_error"] is None and rows[0]["quantile_91"] == 0.5
    assert rows[1]["quantile_50"] == 0.0 and rows[1]["quantile_count"] == 3
    assert words_of_unit(model, "s", 0, 2, minimum_count=2)["word"].to_pylist() == ["the"]
    assert words_of_unit(model, "s", 0, 1, words=["dog", "cat"])["word"].to_pylist() == ["cat", "dog"]
    assert words_of_unit(model, "s", 1, 3)["word"].to_pylist() == ["the", "cat", "dog"]  # all zero: by id
    assert words_of_unit(model, "s", 0, 0).num_rows == 0


@pytest.mark.parametrize("all_to", [0, 1 << 20])
def test_every_word_and_unit_against_a_loop_over_steps(tmp_path, monkeypatch, all_to):
    """With the quantiles that were recorded, and with those of the states."""
    monkeypatch.setattr(expected, "ALL_TO", all_to)
    words, values, starts = random_world(7, 400, units=3, vocabulary=40)
    model = record(tmp_path, words=words, states={"s": values}, sequence_starts=starts).model("small")
    truth = responses_step_by_step(words, values, starts)
    found = expected_responses(model, "s")
    assert set(found.words) == truth.keys()
    for word in found.words:
        mine = truth[word]
        one = word_response(model, "s", word)
        assert one.count == found.counts[found.row(word)] == len(mine)
        np.testing.assert_allclose(one.mean, mine.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(one.quantiles, np.percentile(mine, [9, 25, 50, 75, 91], axis=0), atol=1e-5)
    for unit in range(3):
        rows = words_of_unit(model, "s", unit, 10).to_pylist()
        largest = sorted(truth, key=lambda word: -abs(truth[word].mean(axis=0)[unit]))[:10]
        assert [row["word"] for row in rows] == largest
        for row in rows:
            for column, percent in QUANTILES.items():
                assert row[column] == pytest.approx(np.percentile(truth[row["word"]][:, unit], percent), abs=1e-5)


def test_responses_of_a_stretch(tmp_path, monkeypatch):
    """A stretch that begins inside a sequence looks at the step before it; blocks of 16 steps change nothing."""
    monkeypatch.setattr(expected, "_BLOCK", 16)
    words, values, starts = random_world(8, 200, units=3, vocabulary=9)
    starts[50:60] = False
    starts[[64, 80, 81]] = True
    model = record(tmp_path, words=words, states={"s": values}, sequence_starts=starts).model("small")
    for start, stop in ((0, 200), (55, 133), (64, 65), (80, 200)):
        lead = start and not starts[start]
        part = slice(start - lead, stop)
        truth = responses_step_by_step(["before"] * lead + words[start:stop], values[part], starts[part])
        truth.pop("before", None)
        found = responses_between(model, "s", start, stop)
        assert set(found.words) == truth.keys()
        for row, word in enumerate(found.words):
            assert found.counts[row] == len(truth[word])
            np.testing.assert_allclose(found.response[row], truth[word].mean(axis=0), atol=1e-5)
    whole, recorded = responses_between(model, "s"), expected_responses(model, "s")
    np.testing.assert_allclose(whole.response, recorded.response, atol=1e-6)
    np.testing.assert_allclose(whole.standard_error, recorded.standard_error, atol=1e-4)
    assert responses_between(model, "s", 7, 7).words == []
    with pytest.raises(rnnstore.QuestionError, match="0 to 200"):
        responses_between(model, "s", 0, 201)


def test_tags_are_the_most_frequent_labels(tmp_path):
    words = ["run", "run", "run", "a", "a", "oh", "b"]
    tags = ["verb", "noun", "verb", "det", "", "", "noun"]
    store = record(tmp_path, words=words, states={"s": np.zeros((7, 1))}, annotations={"pos": tags, "depth": range(7)})
    model = store.model("small")
    found = word_tags(model, "pos")
    assert found.label == ["verb", "det", "", "noun"]
    assert found.labels == ["noun", "verb", "det"]
    assert found.count.tolist() == [2, 1, 0, 1]
    np.testing.assert_allclose(found.share, [2 / 3, 1, np.nan, 1])
    with pytest.raises(rnnstore.QuestionError, match="holds numbers"):
        word_tags(model, "depth")
    with pytest.raises(rnnstore.UnknownName, match="did you mean pos"):
        word_tags(model, "poss")


def test_a_tag_that_ties_is_the_first_in_the_alphabet(tmp_path):
    store = record(tmp_path, words=["w", "w"], states={"s": [[0.0], [1.0]]}, annotations={"pos": ["verb", "noun"]})
    assert word_tags(store.model("small"), "pos").label == ["noun"]


def test_tags_over_several_parts_equal_counting_step_by_step(tmp_path, monkeypatch):
    monkeypatch.setattr(expected, "STEPS_PER_BLOCK", 70)
    random = np.random.default_rng(5)
    words = [f"w{number}" for number in random.integers(0, 12, 400)]
    tags = ["" if number > 6 else f"t{number}" for number in random.integers(0, 9, 400)]
    store = record(tmp_path, words=words, states={"s": np.zeros((400, 1))}, annotations={"pos": tags})
    model = store.model("small")
    found = word_tags(model, "pos")
    for word, label, count, share in zip(model.vocabulary, found.label, found.count, found.share, strict=True):
        its = Counter(tag for each, tag in zip(words, tags, strict=True) if each == word and tag)
        best = min(its, key=lambda tag: (-its[tag], tag))
        assert (label, count) == (best, its[best])
        assert share == pytest.approx(its[best] / its.total())
    everywhere = Counter(filter(None, tags))
    assert found.labels == sorted(everywhere, key=lambda tag: (-everywhere[tag], tag))


def test_a_track_that_says_nothing_tags_nothing(tmp_path):
    store = record(tmp_path, words=["w", "w"], states={"s": [[0.0], [1.0]]}, annotations={"pos": ["", ""]})
    found = word_tags(store.model("small"), "pos")
    assert (found.labels, found.label, found.count.tolist()) == ([], [""], [0]) and np.isnan(found.share).all()


def test_what_is_not_there_is_said(tmp_path):
    model = by_hand(tmp_path)
    for asked, sentence in (
        (lambda: word_response(model, "s", "cats"), "did you mean cat"),
        (lambda: words_of_unit(model, "s", 2, 3), "units 0 to 1, none 2"),
        (lambda: expected_responses(model, "t"), "no state 't'"),
    ):
        with pytest.raises(rnnstore.UnknownName, match=sentence):
            asked()
    with pytest.raises(rnnstore.QuestionError, match="-1 words"):
        words_of_unit(model, "s", 0, -1)


def test_a_recording_without_responses_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("rnnstore.store.series.LABELS_FROM", 4)
    store = record(tmp_path, words=["t1", "t2", "t3", "t4", "t5"], states={"s": np.zeros((5, 1))})
    with pytest.raises(rnnstore.QuestionError, match="most words were read once"):
        expected_responses(store.model("small"), "s")


def test_matrices_are_kept_until_others_need_the_room(tmp_path, monkeypatch):
    monkeypatch.setattr(expected, "_recent", expected._RecentMatrices())
    store = record(tmp_path, words=["a", "b"], states={name: np.zeros((2, 4)) for name in "rst"})
    model = store.model("small")
    first = expected_responses(model, "r")
    assert expected_responses(model, "r") is first
    monkeypatch.setattr(expected, "CACHED_BYTES", 2 * 2 * 2 * 4 * 4)  # of two states, response and error
    expected_responses(model, "s")
    assert expected_responses(model, "r") is first
    expected_responses(model, "t")
    assert expected_responses(model, "r") is first
    assert len(expected._recent._held) == 2
    record(tmp_path, words=["a", "b", "c"], states={"r": np.ones((3, 4))})
    assert expected_responses(rnnstore.open(tmp_path).model("small"), "r").words == ["a", "b", "c"]


def test_a_stretch_from_the_second_step_looks_at_the_first(tmp_path):
    """Its first response is the change from a quarter to a half, not from zero."""
    model = record(tmp_path, words=["the", "cat", "sat"], states={"s": [[0.25], [0.5], [0.5]]}).model("small")
    assert responses_between(model, "s", 1, 2).response.tolist() == [[0.25]]
    assert responses_between(model, "s", 0, 2).response.tolist() == [[0.25], [0.25]]
