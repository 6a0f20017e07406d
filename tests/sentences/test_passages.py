"""Passages: sentences cut from a text, side by side, measured as told, and their numbers."""

import numpy as np
import pytest

from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.errors import QuestionError
from rnnstore.networks.reading import Reading
from rnnstore.sentences.passage_tables import measures_table
from rnnstore.sentences.passages import (
    Colouring,
    coloured_values,
    common_words,
    moving_words,
    offsets,
    passage,
    response_at,
    same_word_tokens,
    sentences_of,
    strongest,
)

CLUSTERS = np.array([0, 1, 0])
VALUES = np.array([[1.0, -1.0, 0.0], [0.5, -1.0, -0.25], [0.0, 2.0, -0.25]], np.float32)


def reading(words="a b c", values=VALUES, starts=(0,), gates=None, before=(0, 0, 0)):
    words = words.split()
    return Reading(
        words=words,
        typed=list(words),
        unknown=np.zeros(len(words), bool),
        starts=np.isin(np.arange(len(words)), starts),
        states={"layer1.c": values[: len(words)]},
        gates=gates or {},
        before={"layer1.c": np.array(before, np.float32)},
        predictions=None,
        source="typed",
        keeping={"layer1.c": "layer1.f"} if gates else {},
    )


def measured(words="a b c", **options):
    return passage(reading(words), "layer1.c", CLUSTERS, **options)


def test_sentences_are_lines_and_by_character_what_stands_between_empty_lines():
    assert sentences_of("one two\n\n  \n three ", by_character=False) == ["one two", "three"]
    assert sentences_of("def f():\n    return\n \nx = 1\n", by_character=True) == ["def f():\n    return", "x = 1"]
    assert sentences_of(" \n\t\n", by_character=False) == sentences_of("\n \n", by_character=True) == []


def test_a_passage_is_measured_by_its_clusters_and_takes_its_values_from_a_unit_or_a_cluster():
    found = measured(colouring=Colouring(unit=1))
    np.testing.assert_allclose(found.measures.positive, [[0.5, 0], [0.25, 0], [0, 2]])
    np.testing.assert_allclose(found.measures.negative_change, [[0, -1], [-0.125, 0], [0, 1]])
    assert found.values.tolist() == [-1, -1, 2]
    np.testing.assert_allclose(
        coloured_values(reading(), "layer1.c", CLUSTERS, Colouring(cluster=0)), [0.5, 0.125, -0.125]
    )


def test_by_the_gate_where_it_was_read_and_a_sentence_where_not():
    gates = {"layer1.f": np.full((3, 3), 0.5, np.float32)}
    found = passage(reading(gates=gates), "layer1.c", CLUSTERS, by_gate=True)
    np.testing.assert_allclose(found.measures.preserved_share[1:], 0.5)
    with pytest.raises(QuestionError, match="cannot be taken from a gate"):
        measured(by_gate=True)


def test_a_turned_unit_counts_with_its_sign_reversed():
    turned = measured(unit_sign=np.array([1, -1, 1]), colouring=Colouring(cluster=1))
    np.testing.assert_allclose(turned.measures.positive[:, 1], [1, 1, 0])
    np.testing.assert_allclose(turned.measures.negative[:, 1], [0, 0, -2])
    np.testing.assert_array_equal(turned.measures.preserved, measured().measures.preserved)
    assert turned.values.tolist() == [1, 1, -2]
    assert measured(unit_sign=np.array([1, -1, 1]), colouring=Colouring(unit=1)).values.tolist() == [-1, -1, 2]


@pytest.mark.parametrize("colouring", [Colouring(unit=3), Colouring(cluster=2)])
def test_colouring_by_what_is_not_there_is_refused(colouring):
    with pytest.raises(QuestionError):
        measured(colouring=colouring)


def test_another_state_is_refused_with_those_that_are_there():
    with pytest.raises(QuestionError, match=r"no state layer2.h; it has layer1.c"):
        passage(reading(), "layer2.h", CLUSTERS)


def test_the_response_of_a_token_is_its_change_and_starts_from_zero():
    np.testing.assert_allclose(response_at(reading(before=(0, 1, 0)), "layer1.c", 0), [1, -2, 0])
    np.testing.assert_allclose(response_at(reading(), "layer1.c", 2), [-0.5, 3, 0])
    np.testing.assert_allclose(response_at(reading(starts=(0, 2)), "layer1.c", 2), VALUES[2])
    with pytest.raises(QuestionError, match="no token 3; the passage has 3"):
        response_at(reading(), "layer1.c", 3)


def test_passages_are_aligned_at_the_first_such_word_of_each():
    passages = [measured("a b c"), measured("b c"), measured("c a a")]
    assert common_words(passages) == ["a", "b", "c"]
    assert offsets(passages) == (0, 0, 0)
    assert offsets(passages, "c") == (0, 1, 2)
    assert offsets(passages, "b") == (0, 1, 0)  # the third has none and begins at the left
    assert same_word_tokens([reading("a b c"), reading("b c"), reading("c a a")], (2, 2)) == [(2, 2), (0, 0)]


def test_the_strongest_token_is_the_one_that_moved_the_clusters_most():
    assert strongest([measured("a"), measured("a b c")]) == (1, 2)  # |0| + |2 + 1| there, |1/2| + |-1| at the first
    assert strongest([measured("a b c")], [(0, 2)]) == (0, 0)
    assert strongest([]) is None


def test_the_words_that_move_a_cluster_most_are_named_with_their_direction():
    clusters = CoClusters(
        state="s", method="mirrored", k=2, words=["c", "a"], rows=np.array([2, 0]), word_cluster=np.array([0, 1]),
        unit_cluster=np.array([0, 1, 0]), word_weight=np.ones(2), unit_weight=np.ones(3),
        unit_sign=np.array([1, 1, -1]), edges=np.zeros((2, 2)), partner=np.arange(2), explained=1.0, notes=[],
    )  # fmt: skip
    response = np.array([[1, 4, 3], [9, 9, 9], [2, -5, 1]], np.float32)  # of a, b, which is not clustered, and c
    expected = ExpectedResponses("m", "s", ["a", "b", "c"], np.arange(3), np.ones(3), response, response)
    found = moving_words(clusters, expected)
    assert found == [[("a", -1.0), ("c", 0.5)], [("c", -5.0), ("a", 4.0)]]
    assert moving_words(clusters, expected, words=1) == [[("a", -1.0)], [("c", -5.0)]]


def test_the_numbers_of_the_glyphs_are_all_there():
    table = measures_table([measured("a b", title="one"), measured("a b c", first=40)])
    assert table.num_rows == 2 * 2 + 3 * 2
    last = table.slice(9).to_pylist()[0]
    assert last == {
        "passage": 2, "title": "typed", "index": 2, "step": 42, "word": "c", "typed": "c", "unknown": False,
        "cluster": 1, "units": 1, "positive": 2.0, "negative": 0.0, "positive_change": 2.0, "negative_change": 1.0,
        "preserved": 0.0, "preserved_share": 0.0,
    }  # fmt: skip
    assert table["step"].null_count == 4 and table["preserved_share"].null_count == 4
