"""Selecting units: small worlds written out, the definition applied unit by unit, and a sentence for every mistake."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnstore.errors import QuestionError, StoreError
from rnnstore.matching.selection import Selection, select, units_on
from tests.support.worlds import ArrayModel, drawn

WORLD = drawn(
    ".##.....",  # unit 0: on exactly at steps 1 and 2
    "###.....",  # unit 1: on before them too
    ".####...",  # unit 2: on after them too
    ".#.#....",  # unit 3: off in between
    "########",  # unit 4: always on
)


def chosen(start, stop, before=0, after=0, model=WORLD, threshold=0.5, **more):
    return select(model, Selection("s", start, stop, threshold, before, after), **more).units.tolist()


def test_units_on_throughout_are_selected_and_limits_ask_for_off_beside():
    assert chosen(1, 3) == [0, 1, 2, 4]
    assert chosen(1, 3, before=1) == [0, 2]
    assert chosen(1, 3, after=1) == [0, 1]
    assert chosen(1, 3, before=1, after=1) == [0]


def test_every_step_that_the_pattern_covers_must_be_off():
    model = drawn(".#.##...", "#...#...", "....#..#")

    assert chosen(4, 5, before=1, model=model) == [1, 2]
    assert chosen(4, 5, before=4, model=model) == [2]
    assert chosen(4, 5, before=3, after=3, model=model) == [1]


def test_steps_outside_the_sequence_ask_nothing():
    model = drawn("##|##".replace("|", ""), "#..#", sequence_starts=(0, 2))

    assert chosen(0, 1, before=3, model=model) == [0, 1]
    assert chosen(2, 4, before=1, after=1, model=model) == [0]
    assert chosen(3, 4, before=1, after=2, model=model) == [1]


def test_units_are_left_out_and_pinned_by_hand():
    found = select(WORLD, Selection("s", 1, 3, 0.5), left_out=[4, 0, 3], pinned=[3, 1])

    assert found.units.tolist() == [1, 2, 3]
    assert found.following.tolist() == [0, 1, 2, 4]
    assert found.left_out.tolist() == [0, 4]
    assert found.pinned.tolist() == [3]


def test_nothing_selected_is_an_answer_not_an_error():
    found = select(WORLD, Selection("s", 0, 8, 0.5, 0, 0), left_out=[4])

    assert found.units.tolist() == [] and found.left_out.tolist() == [4]


def test_units_on_counts_selected_units_at_each_step():
    assert units_on(WORLD, "s", [0, 1, 4], 0.5, 0, 8).tolist() == [2, 3, 3, 1, 1, 1, 1, 1]
    assert units_on(WORLD, "s", [], 0.5, 2, 4).tolist() == [0, 0]


@pytest.mark.parametrize(
    "selection, sentence",
    [
        (Selection("s", 3, 3, 0.5), "Steps 3 to 3 hold no step; select at least one."),
        (Selection("s", 3, 2, 0.5), "Steps 3 to 2 hold no step; select at least one."),
        (Selection("s", -1, 2, 0.5), "Steps -1 to 1 are not all in the corpus, which has steps 0 to 3."),
        (Selection("s", 3, 5, 0.5), "Steps 3 to 4 are not all in the corpus, which has steps 0 to 3."),
        (
            Selection("s", 1, 3, 0.5),
            "Steps 1 to 2 reach into another sequence, which starts at step 2; select steps of one sequence.",
        ),
        (Selection("s", 0, 1, float("nan")), "The threshold is nan; a number was expected."),
        (Selection("s", 0, 1, None), "The threshold is None; a number was expected."),
        (
            Selection("s", 0, 1, 0.5, -1, 0),
            "The pattern is to be off -1 steps before; 0 (a free side) to 1,000 were expected.",
        ),
        (
            Selection("s", 0, 1, 0.5, 0, -2),
            "The pattern is to be off -2 steps after; 0 (a free side) to 1,000 were expected.",
        ),
        (Selection("c", 0, 1, 0.5), "Model 'world' has no state 'c'."),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused_with_a_sentence(selection, sentence):
    with pytest.raises(StoreError) as raised:
        select(drawn("####", sequence_starts=(0, 2)), selection)
    assert str(raised.value) == sentence


def test_a_unit_that_does_not_exist_is_refused():
    with pytest.raises(QuestionError, match=r"There is no unit 5 to pin: state 's' has units 0 to 4\."):
        chosen(1, 3, pinned=[5])
    with pytest.raises(QuestionError, match=r"There is no unit -1 to leave out: state 's' has units 0 to 4\."):
        chosen(1, 3, left_out=[-1])


def test_a_model_without_steps_says_so():
    with pytest.raises(QuestionError, match="has no recorded steps to select from"):
        chosen(0, 1, model=ArrayModel(np.zeros((0, 2), np.float16)))


EDGES = np.array([-np.inf, -65504, -0.5, -0.3, -6e-8, -0.0, 0.0, 6e-8, 0.3, 0.5, 1, 65504, np.inf])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(EDGES[1:-1].tolist()), min_size=1, max_size=8),
    st.one_of(st.sampled_from(EDGES.tolist()), st.floats(-1, 1), st.integers(-2, 2)),
    st.sampled_from([np.float16, np.float32]),
)
def test_on_means_that_the_stored_value_reaches_the_threshold_exactly(values, threshold, dtype):
    stored = np.array([values], dtype)

    on = stored[0].astype(np.float64) >= threshold

    assert chosen(0, 1, model=ArrayModel(stored), threshold=threshold) == np.flatnonzero(on).tolist()
