"""Matching against brute force over all ranges, and against tables written out by hand."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnnstore
from rnnstore.errors import StoreError
from rnnstore.matching import candidates, ranges
from rnnstore.matching import matches as matching
from rnnstore.matching.matches import match
from tests.support.worlds import ArrayModel, drawn


def brute_force(
    on, sequence_starts, units, before, after, minimum=1, maximum=None, overlapping=False
) -> list[tuple[int, int, int, int]]:
    """(start, stop, overlap, union) of all matches, best first, from the definition: every range, every unit."""
    steps = len(on)
    chosen = set(units)
    bounds = [*sequence_starts, steps]

    def following(start, stop, low, high):
        found = set()
        for unit in range(on.shape[1]):
            throughout = all(on[t, unit] for t in range(start, stop))
            off_before = not any(on[t, unit] for t in range(max(low, start - before), start))
            off_after = not any(on[t, unit] for t in range(stop, min(high, stop + after)))
            if throughout and off_before and off_after:
                found.add(unit)
        return found

    rows = []
    for low, high in itertools.pairwise(bounds):
        for start, stop in itertools.combinations(range(low, high + 1), 2):
            length = stop - start
            if length < minimum or (maximum is not None and length > maximum):
                continue
            all_following = following(start, stop, low, high)
            shared = all_following & chosen
            if not shared:
                continue
            grown = []
            if maximum is None or length < maximum:
                if not before and start > low:
                    grown.append((start - 1, stop))
                if not after and stop < high:
                    grown.append((start, stop + 1))
            if any((following(*larger, low, high) & chosen) >= shared for larger in grown):
                continue
            rows.append((start, stop, len(shared), len(all_following | chosen)))
    rows.sort(key=lambda row: (-row[2], row[3], row[0] - row[1], row[0]))
    if overlapping:
        return rows
    shown = []
    for row in rows:
        if all(row[1] <= other[0] or other[1] <= row[0] for other in shown):
            shown.append(row)
    return shown


def rows_of(matches):
    return list(zip(*(matches.table[name].to_pylist() for name in ("start", "stop", "overlap", "union")), strict=True))


@st.composite
def worlds(draw, longest=24):
    steps = draw(st.integers(1, longest))
    units = draw(st.integers(1, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    stays = generator.choice(draw(st.sampled_from([[0.1], [0.5], [0.9], [0.2, 0.97]])), units)
    on = generator.random((steps, units)) < draw(st.sampled_from([0.2, 0.5, 0.8, 1.0]))
    for t in range(1, steps):
        same = generator.random(units) < stays
        on[t, same] = on[t - 1, same]
    starts = [0, *(t for t in range(1, steps) if generator.random() < draw(st.sampled_from([0.0, 0.1, 0.4])))]
    chosen = sorted(draw(st.sets(st.integers(0, units - 1), min_size=1)))
    return on, starts, chosen


@st.composite
def questions(draw):
    before, after = draw(st.tuples(*[st.sampled_from([0, 0, 1, 1, 2, 3, 9])] * 2))
    minimum = draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    maximum = draw(st.sampled_from([None, None, minimum, minimum + 1, minimum + 4]))
    return {
        "before": before,
        "after": after,
        "minimum": minimum,
        "maximum": maximum,
        "overlapping": draw(st.booleans()),
    }


def ask(on, starts, chosen, *, before, after, minimum, maximum, overlapping, **more):
    model = ArrayModel(np.where(on, np.float16(0.75), np.float16(-0.25)), starts)
    return match(
        model,
        "s",
        chosen,
        0.5,
        before,
        after,
        minimum_length=minimum,
        maximum_length=maximum,
        overlapping=overlapping,
        **more,
    )


@settings(max_examples=400, deadline=None)
@given(worlds(), questions())
def test_all_matches_equal_brute_force_over_all_ranges(world, question):
    matches = ask(*world, **question, limit=10_000)

    expected = brute_force(*world, **question)
    assert rows_of(matches) == expected
    assert matches.complete and matches.counted == len(expected)


@st.composite
def small_blocks(draw):
    """Sizes of the blocks in which a corpus is read, small enough for everything to cross a border."""
    return {
        "group": draw(st.sampled_from([1, 3, 16])),
        "cells": draw(st.sampled_from([1, 8, 64])),
        "piece": draw(st.sampled_from([1, 2, 5])),
        "rows_when": draw(st.sampled_from([0, 20])),
        "block": draw(st.sampled_from([1, 2, 7])),
        "whole_when": draw(st.sampled_from([0, 1, 6])),
        "counted": draw(st.sampled_from([1, 2, 4])),
        "chunk": draw(st.sampled_from([1, 3, 100])),
    }


@settings(max_examples=800, deadline=None)
@given(worlds(longest=40), questions(), small_blocks(), st.integers(1, 6), st.integers(0, 6))
def test_a_page_read_in_small_blocks_is_that_page_of_brute_force(world, question, sizes, limit, offset):
    with (
        mock.patch.multiple(
            candidates,
            ROWS_PER_GROUP=sizes["group"],
            CELLS=sizes["cells"],
            PIECE=sizes["piece"],
            ROWS_WHEN=sizes["rows_when"],
            WINDOW=12,
        ),
        mock.patch.multiple(ranges, ROWS=sizes["block"], WHOLE_WHEN=sizes["whole_when"]),
        mock.patch.multiple(matching, COUNTED=sizes["counted"], CHUNK=sizes["chunk"]),
    ):
        matches = ask(*world, **question, limit=limit, offset=offset)

    expected = brute_force(*world, **question)
    assert rows_of(matches) == expected[offset : offset + limit]
    assert matches.table["rank"].to_pylist() == [*range(offset + 1, offset + 1 + matches.table.num_rows)]
    counted = [row for row in expected if row[2] >= matches.lowest_overlap]
    assert matches.counted == len(counted)
    lengths = [stop - start for start, stop, _, _ in counted]
    assert matches.lengths.to_pylist() == [{"length": n, "count": lengths.count(n)} for n in sorted(set(lengths))]
    if matches.complete or len(expected) < offset + limit:
        assert matches.complete and len(counted) == len(expected)


EDGES = [-65504.0, -0.5, -0.3, -6e-8, -0.0, 0.0, 6e-8, 0.3, 0.5, 65504.0]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(EDGES), min_size=2, max_size=2), min_size=1, max_size=12),
    st.one_of(st.sampled_from([*EDGES, np.inf, -np.inf]), st.floats(-1, 1)),
    st.sampled_from([np.float16, np.float32]),
    st.sampled_from([(0, 0), (1, 0), (0, 1), (2, 2)]),
)
def test_values_are_compared_with_the_threshold_as_stored(values, threshold, dtype, limits):
    stored = np.array(values, dtype)

    matches = match(ArrayModel(stored), "s", [0, 1], threshold, *limits, limit=1000)

    on = stored.astype(np.float64) >= threshold
    assert rows_of(matches) == brute_force(on, [0], [0, 1], *limits)


FREE = drawn(
    "..####....##.#.",
    "...##.....###..",
    "#.........##..#",
)
"""Units 0 and 1 are selected below; unit 2 is not."""


def columns_of(matches, *names):
    return [tuple(row[name] for name in names) for row in matches.table.to_pylist()]


def test_free_on_both_sides_each_place_is_shown_once():
    matches = match(FREE, "s", [0, 1], 0.5)

    assert matches.table.to_pylist() == [
        {"rank": 1, "start": 3, "stop": 5, "length": 2, "overlap": 2, "union": 2, "sequence": 0},
        {"rank": 2, "start": 10, "stop": 12, "length": 2, "overlap": 2, "union": 3, "sequence": 0},
        {"rank": 3, "start": 13, "stop": 14, "length": 1, "overlap": 1, "union": 2, "sequence": 0},
    ]
    assert matches.complete and matches.counted == 3 and matches.lowest_overlap == 1
    assert matches.lengths.to_pylist() == [{"length": 1, "count": 1}, {"length": 2, "count": 2}]
    assert matches.note == "3 matches in the whole corpus."


def test_overlapping_shows_every_range_that_cannot_grow():
    matches = match(FREE, "s", [0, 1], 0.5, overlapping=True)

    assert columns_of(matches, "start", "stop", "overlap", "union") == [
        (3, 5, 2, 2),
        (10, 12, 2, 3),
        (2, 6, 1, 2),
        (10, 13, 1, 2),
        (13, 14, 1, 2),
    ]


def test_limited_on_the_left_runs_start_together():
    matches = match(FREE, "s", [0, 1], 0.5, off_before=1, overlapping=True)

    assert columns_of(matches, "start", "stop", "overlap", "union") == [
        (10, 12, 2, 3),
        (2, 6, 1, 2),
        (10, 13, 1, 2),
        (3, 5, 1, 2),
        (13, 14, 1, 2),
    ]


def test_limited_on_the_right_runs_stop_together():
    matches = match(FREE, "s", [0, 1], 0.5, off_after=1, overlapping=True)

    assert columns_of(matches, "start", "stop", "overlap", "union") == [
        (2, 6, 1, 2),
        (10, 13, 1, 2),
        (3, 5, 1, 2),
        (13, 14, 1, 2),
        (10, 12, 1, 3),
    ]


def test_limited_on_both_sides_the_very_runs_match():
    matches = match(FREE, "s", [0, 1], 0.5, off_before=1, off_after=1, overlapping=True)

    assert columns_of(matches, "start", "stop", "overlap", "union") == [
        (2, 6, 1, 2),
        (10, 13, 1, 2),
        (3, 5, 1, 2),
        (13, 14, 1, 2),
        (10, 12, 1, 3),
    ]


def test_more_steps_off_are_asked_only_as_far_as_the_sequence_reaches():
    model = drawn("#.#...#|#.#".replace("|", ""), sequence_starts=(0, 7))

    two_before = match(model, "s", [0], 0.5, off_before=2)
    two_after = match(model, "s", [0], 0.5, off_after=2)

    assert columns_of(two_before, "start", "sequence") == [(0, 0), (6, 0), (7, 1)]
    assert columns_of(two_after, "start", "sequence") == [(2, 0), (6, 0), (9, 1)]


def test_a_range_never_crosses_a_sequence_start():
    model = drawn("..######..", sequence_starts=(0, 4))

    matches = match(model, "s", [0], 0.5)

    assert columns_of(matches, "start", "stop", "sequence") == [(4, 8, 1), (2, 4, 0)]


def test_a_stretch_longer_than_allowed_matches_with_the_ranges_in_it_that_are_allowed():
    model = drawn(".#######.", "...#.....")

    once = match(model, "s", [0], 0.5, maximum_length=3)
    every = match(model, "s", [0], 0.5, minimum_length=3, maximum_length=3, overlapping=True)

    assert columns_of(once, "start", "stop", "union") == [(1, 4, 1), (4, 7, 1)]
    assert columns_of(every, "start", "stop") == [(1, 4), (2, 5), (3, 6), (4, 7), (5, 8)]


def test_only_ranges_long_enough_match():
    matches = match(FREE, "s", [0, 1], 0.5, minimum_length=3)

    assert columns_of(matches, "start", "stop", "overlap") == [(2, 6, 1), (10, 13, 1)]


def test_pages_follow_one_another():
    generator = np.random.default_rng(1)
    model = ArrayModel(generator.random((3000, 6)).astype(np.float16), [0, 100, 1700])

    whole = match(model, "s", [0, 2, 3], 0.6, limit=400)
    pages = [match(model, "s", [0, 2, 3], 0.6, limit=40, offset=offset) for offset in range(0, 400, 40)]

    assert [row for page in pages for row in page.table.to_pylist()] == whole.table.to_pylist()
    assert len({page.counted for page in pages}) == 1


def test_a_page_behind_the_last_match_is_empty_and_the_count_stays():
    matches = match(FREE, "s", [0, 1], 0.5, offset=50)

    assert matches.table.num_rows == 0 and matches.counted == 3 and matches.complete


def test_no_selected_unit_and_no_match_are_answers_with_a_sentence():
    nothing = match(FREE, "s", [], 0.5)
    nowhere = match(FREE, "s", [0, 1], 7)

    assert nothing.table.num_rows == nowhere.table.num_rows == 0
    assert nothing.note == "No unit is selected, so there is nothing to match."
    assert nowhere.note == "No range of the allowed lengths matches: none has a selected unit that follows the pattern."


def test_what_was_not_counted_is_said():
    generator = np.random.default_rng(2)
    model = ArrayModel((generator.random((40_000, 3)) < 0.4).astype(np.float16))

    several, all_of_one = match(model, "s", [0, 1, 2], 0.5), match(model, "s", [1], 0.5)

    assert not several.complete and several.lowest_overlap == 3 and several.counted > matching.COUNTED
    assert several.note == (
        f"{several.counted:,} matches with all 3 selected units; those with fewer were not counted."
    )
    assert all_of_one.complete


def test_progress_rises_to_the_end_and_what_it_raises_ends_the_question():
    class Stopped(Exception):
        pass

    def stop(share):
        raise Stopped

    told = []
    match(FREE, "s", [0, 1], 0.5, progress=told.append)
    assert told == sorted(told) and told[0] >= 0 and told[-1] == 1
    with pytest.raises(Stopped):
        match(FREE, "s", [0, 1], 0.5, progress=stop)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"units": [3]}, "There is no unit 3 to match: state 's' has units 0 to 2."),
        ({"threshold": float("nan")}, "The threshold is nan; a number was expected."),
        ({"off_after": -1}, "The pattern is to be off -1 steps after; 0 (a free side) to 1,000 were expected."),
        ({"minimum_length": 0}, "The minimum length is 0; at least 1 step was expected."),
        (
            {"minimum_length": 4, "maximum_length": 3},
            "The maximum length is 3, under the minimum of 4; no range has such a length.",
        ),
        (
            {"limit": 0},
            "Matches 1 to 0 were asked for; a limit of at least 1 and an offset of at least 0 were expected.",
        ),
        ({"state": "c"}, "Model 'world' has no state 'c'."),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(arguments, sentence):
    question = {"state": "s", "units": [0], "threshold": 0.5} | arguments
    with pytest.raises(StoreError) as raised:
        match(FREE, **question)
    assert str(raised.value) == sentence


def test_ranges_longer_than_what_is_held_at_once_are_counted_in_pieces():
    generator = np.random.default_rng(3)
    values = generator.random((70_000, 70)) < 0.99
    values[:, :2] = True
    model = ArrayModel(values.astype(np.float16), [0, 66_000])

    matches = match(model, "s", [0, 1], 0.5, minimum_length=2)

    assert columns_of(matches, "start", "stop", "overlap", "union") == [(0, 66_000, 2, 2), (66_000, 70_000, 2, 2)]


def test_a_recorded_model_answers_like_its_arrays(tmp_path):
    generator = np.random.default_rng(4)
    steps, units = 40_000, 30
    values = np.repeat(generator.uniform(-1, 1, (steps // 4, units)), 4, axis=0).astype(np.float16)
    starts = generator.random(steps) < 0.001
    store = rnnstore.open(tmp_path)
    with store.record("world") as recorder:
        recorder.add(words=["w"] * steps, states={"s": values}, sequence_starts=starts)
    model = rnnstore.open(tmp_path).model("world")
    arrays = ArrayModel(values, model.sequence_starts)

    for limits in [(0, 0), (1, 0), (0, 1), (2, 2)]:
        for units in ([5], [1, 2, 3, 8], list(range(20))):
            assert match(model, "s", units, 0.3, *limits).table == match(arrays, "s", units, 0.3, *limits).table


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_long_range_that_hides_many_good_ones_makes_room_for_lesser_ones(side):
    """The long range is met last, when the short ones under it have already been counted as matches."""
    rows = [*["#" * 40 + "." * 20] * 3, *[".####" * 8 + "." * 20] * 3]
    rows += ["." * 42 + "##...##...##......"] * 2
    if side == "right":
        rows = [row[::-1] for row in rows]
    model = drawn(*rows)

    with mock.patch.multiple(candidates, PIECE=4, CELLS=8), mock.patch.object(matching, "COUNTED", 1):
        matches = match(model, "s", range(8), 0.5, off_before=side == "left", off_after=side == "right", limit=3)

    assert columns_of(matches, "length", "overlap") == [(40, 3), (2, 2), (2, 2)]
    assert matches.counted == 4 and matches.lowest_overlap == 2
