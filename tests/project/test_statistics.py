"""Intervals, tests and corrections against scipy and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnnstore.statistics import benjamini_hochberg, fisher, holm, wilson


@settings(deadline=None)  # the first one imports scipy.stats
@given(
    steps=st.integers(20, 400),
    drawn=st.integers(1, 20),
    data=st.data(),
)
def test_fisher_equals_the_hypergeometric_distribution(steps, drawn, data):
    corpus = data.draw(st.integers(0, steps))
    hits = data.draw(st.integers(max(0, drawn + corpus - steps), min(drawn, corpus)))
    ways = stats.hypergeom.pmf(np.arange(drawn + 1), steps, corpus, drawn)
    expected = min(ways[ways <= ways[hits] * (1 + 1e-7)].sum(), 1)
    assert fisher(np.array([hits]), drawn, np.array([corpus]), steps)[0] == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)  # the first one imports scipy.stats
@given(of=st.integers(1, 5000), data=st.data())
def test_intervals_equal_scipys(of, data):
    hits = data.draw(st.integers(0, of))
    truth = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert [float(bound) for bound in wilson(hits, of)] == pytest.approx([truth.low, truth.high], abs=1e-9)


@settings(deadline=None)  # the first one imports scipy.stats
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_corrections(p):
    p = np.array(p)
    by_discovery = benjamini_hochberg(p)
    by_holm = holm(p)
    for index, value in enumerate(p):  # the definitions
        larger = np.sort(p)[np.sort(p) >= value]
        ranks = np.arange(len(p) - len(larger) + 1, len(p) + 1)
        assert by_discovery[index] == pytest.approx(min((larger * len(p) / ranks).min(), 1))
        smaller = np.sort(p[p <= value])
        expected = max((len(p) - rank) * each for rank, each in enumerate(smaller) if each <= value)
        assert by_holm[index] == pytest.approx(min(expected, 1))


def test_written_out():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg(p).tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_nothing_was_counted():
    assert wilson(0, 0) == (0, 1)
    low, high = wilson(np.array([0, 3, 5]), 5)
    assert (low[0], high[2]) == (0, 1) and wilson(3, 5) == (low[1], high[1])
