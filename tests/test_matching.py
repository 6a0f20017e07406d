"""Matching against brute force over all ranges, and against tables written out by hand."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnstore import candidates, matching, ranges
from rnnstore.matching import match
from tests.worlds import ArrayModel


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
    units = draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    stays = draw(st.sampled_from([0.1, 0.5, 0.9]))
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
    }


@settings(max_examples=800, deadline=None)
@given(worlds(longest=40), questions(), small_blocks(), st.integers(1, 6), st.integers(0, 6))
def test_a_page_read_in_small_blocks_is_that_page_of_brute_force(world, question, sizes, limit, offset):
    with (
        mock.patch.multiple(
            candidates,
            ROWS_A_GROUP=sizes["group"],
            CELLS=sizes["cells"],
            PIECE=sizes["piece"],
            ROWS_WHEN=sizes["rows_when"],
            WINDOW=12,
        ),
        mock.patch.multiple(ranges, ROWS=sizes["block"], WHOLE_WHEN=sizes["whole_when"]),
        mock.patch.object(matching, "COUNTED", sizes["counted"]),
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
