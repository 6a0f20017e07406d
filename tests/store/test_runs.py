"""Runs against a loop over single steps, and on-ness against exact comparison."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnstore.store.runs import RunEncoder, all_finite, is_on, single, unit_runs

halves = st.integers(0, 0xFFFF).map(lambda bits: np.uint16(bits).view(np.float16))
singles = st.integers(0, 0xFFFFFFFF).map(lambda bits: np.uint32(bits).view(np.float32))


def runs_step_by_step(on, starts):
    found, begin = [], None
    for t, value in enumerate([*on, False]):
        if begin is not None and (not value or t in starts):
            found.append((begin, t))
            begin = None
        if value and begin is None:
            begin = t
    return found


@pytest.mark.parametrize("kind", [halves, singles])
def test_on_compares_the_stored_value_with_the_threshold_exactly(kind):
    @given(st.lists(kind, min_size=1, max_size=20), st.one_of(st.floats(allow_nan=False, allow_infinity=False), halves))
    def check(values, threshold):
        threshold = float(threshold)
        if not np.isfinite(threshold):
            return
        expected = [
            not np.isnan(value)
            and (value == np.inf or (value != -np.inf and Fraction(float(value)) >= Fraction(threshold)))
            for value in values
        ]
        assert is_on(np.array(values), threshold).tolist() == expected

    check()


def test_nothing_is_on_at_a_threshold_that_is_no_number():
    assert not is_on(np.array([1, np.nan], np.float16), np.nan).any()


@given(st.lists(st.booleans(), max_size=30), st.sets(st.integers(0, 29)))
def test_runs_of_a_unit_equal_a_walk_over_its_steps(on, starts):
    starts = np.array(sorted(start for start in starts if start < len(on)), np.int64)
    start, stop = unit_runs(np.array(on, bool), starts)
    assert list(zip(start.tolist(), stop.tolist(), strict=True)) == runs_step_by_step(on, set(starts.tolist()))


@given(st.data())
def test_row_groups_encode_to_the_same_runs_as_the_whole(data):
    units, steps = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 40))
    values = np.array(data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=units * steps, max_size=units * steps)))
    values = values.reshape(units, steps).astype(np.float16)
    starts = np.array(sorted(data.draw(st.sets(st.integers(0, steps - 1)))), np.int64)
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, steps)))), steps]
    encoder, found = RunEncoder(units, 0.5), set()
    for begin, end in itertools.pairwise(cuts):
        if begin < end:
            inside = starts[(starts >= begin) & (starts < end)]
            found |= set(
                zip(*(column.tolist() for column in encoder.encode(values[:, begin:end], begin, inside)), strict=True)
            )
    found |= set(zip(*(column.tolist() for column in encoder.finish(steps)), strict=True))
    assert found == {
        (unit, *run) for unit in range(units) for run in runs_step_by_step(values[unit] > 0.5, set(starts.tolist()))
    }


def test_half_precision_is_widened_exactly():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    for values in (every, finite, finite.reshape(-1, 64), finite.reshape(-1, 64)[:, ::3]):
        np.testing.assert_array_equal(single(values).view(np.int32), values.astype(np.float32).view(np.int32))
    assert all_finite(finite)
    assert not all_finite(np.array([1, np.inf], np.float16))
    assert not all_finite(np.array([1, np.nan], np.float32))


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64, np.uint8, np.float64, bool])
def test_what_is_no_half_or_single_is_compared_as_it_is(dtype):
    values = np.array([0, 1, 1, 0, 1], dtype)
    assert is_on(values, 0.5).tolist() == [False, True, True, False, True]
    assert is_on(values, 0).all() and not is_on(values, 1.5).any()
