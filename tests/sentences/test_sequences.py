"""The measures behind the glyphs: a sentence followed by hand, brute force over random ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rnnstore.errors import QuestionError
from rnnstore.sentences.measures import sequence_measures

# Three steps of four units; units 0 and 2 are cluster 0, units 1 and 3 cluster 1.
H = [[0.5, -0.2, 0.1, 0.0], [0.2, 0.4, -0.3, 0.0], [0.2, 0.0, -0.6, 0.0]]
CLUSTERS = [0, 1, 0, 1]


def test_a_sentence_from_its_first_word_by_hand():
    found = sequence_measures(np.array(H), np.zeros(4), np.array(CLUSTERS))
    assert found.units.tolist() == [2, 2]
    np.testing.assert_allclose(found.positive, [[0.3, 0], [0.1, 0.2], [0.1, 0]])
    np.testing.assert_allclose(found.negative, [[0, -0.1], [-0.15, 0], [-0.3, 0]])
    np.testing.assert_allclose(found.positive_change, [[0.3, 0], [-0.2, 0.2], [0, -0.2]], atol=1e-12)
    np.testing.assert_allclose(found.negative_change, [[0, -0.1], [-0.15, 0.1], [-0.15, 0]], atol=1e-12)
    # At the second step unit 0 keeps 0.2 of 0.5, unit 1 changes its sign and keeps nothing, as does unit 2; at the
    # third unit 0 keeps all of 0.2 and unit 2, which grows, all of 0.3. Before the first step nothing was there.
    np.testing.assert_allclose(found.preserved, [[0, 0], [0.2, 0], [0.5, 0]])
    np.testing.assert_allclose(found.preserved_share, [[np.nan, np.nan], [0.2 / 0.6, 0], [1, 0]])


def test_what_was_before_a_stretch_counts_at_its_first_step():
    found = sequence_measures(np.array(H[1:]), np.array(H[0]), np.array(CLUSTERS))
    whole = sequence_measures(np.array(H), np.zeros(4), np.array(CLUSTERS))
    for name, values in vars(found).items():
        expected = getattr(whole, name)
        np.testing.assert_array_equal(values, expected if name == "units" else expected[1:], err_msg=name)


def test_nothing_reaches_over_the_start_of_a_sequence():
    starts = np.array([False, True, False])
    found = sequence_measures(np.array(H), np.full(4, 0.1), np.array(CLUSTERS), starts=starts)
    alone = sequence_measures(np.array(H[1:]), np.zeros(4), np.array(CLUSTERS))
    np.testing.assert_array_equal(found.preserved_share[1:], alone.preserved_share)
    np.testing.assert_array_equal(found.positive_change[1:], alone.positive_change)
    assert found.preserved[0, 0] == pytest.approx(0.2)  # the first step goes on from what was before it


def test_a_gate_says_what_is_kept_instead():
    forget = np.array([[0.9] * 4, [0.5, 1.0, 0.0, 0.3], [0.1, 0.5, 0.5, 0.5]])
    found = sequence_measures(np.array(H), np.zeros(4), np.array(CLUSTERS), forget=forget)
    np.testing.assert_allclose(found.preserved, [[0, 0], [0.25, 0.2], [0.02 + 0.15, 0.2]])
    np.testing.assert_allclose(found.preserved_share, [[np.nan, np.nan], [0.25 / 0.6, 1], [0.17 / 0.5, 0.5]])


def test_units_in_no_cluster_and_clusters_without_units_count_for_nothing():
    found = sequence_measures(np.array([[1.0, 3.0, -2.0]]), np.zeros(3), np.array([0, -1, 2]))
    assert found.units.tolist() == [1, 0, 1]
    assert found.positive.tolist() == [[1, 0, 0]]
    assert found.negative.tolist() == [[0, 0, -2]]


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(QuestionError, match="The state has 4 units, but its clusters 3; take both from one state"):
        sequence_measures(np.array(H), np.zeros(4), np.array([0, 1, 0]))
    with pytest.raises(QuestionError, match="but the state before it 2"):
        sequence_measures(np.array(H), np.zeros(2), np.array(CLUSTERS))
    with pytest.raises(QuestionError, match="3 x 4 values, its gate 3 x 5"):
        sequence_measures(np.array(H), np.zeros(4), np.array(CLUSTERS), forget=np.zeros((3, 5)))


values = st.floats(-2, 2).map(lambda value: round(value, 2))


@given(st.data(), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_every_measure_equals_its_formula_unit_by_unit(data, steps, units, gated):
    h = data.draw(arrays(float, (steps, units), elements=values))
    before = data.draw(arrays(float, units, elements=values))
    clusters = data.draw(arrays(int, units, elements=st.integers(0, 2)))
    starts = data.draw(arrays(bool, steps))
    gate = data.draw(arrays(float, (steps, units), elements=st.floats(0, 1))) if gated else None
    found = sequence_measures(h, before, clusters, gate, starts)
    for t in range(steps):
        last = before if t == 0 else np.zeros(units) if starts[t] else h[t - 1]
        for cluster in range(clusters.max() + 1):
            members = [unit for unit in range(units) if clusters[unit] == cluster]
            size = max(len(members), 1)
            up, down = sum(h[t, u] for u in members if h[t, u] > 0), sum(h[t, u] for u in members if h[t, u] < 0)
            up_last = sum(last[u] for u in members if last[u] > 0)
            kept = 0.0
            for u in members:
                if last[u] != 0:
                    kept += abs(last[u]) * (gate[t, u] if gated else min(max(h[t, u] / last[u], 0), 1))
            there = sum(abs(last[u]) for u in members)
            assert found.positive[t, cluster] == pytest.approx(up / size)
            assert found.negative[t, cluster] == pytest.approx(down / size)
            assert found.positive_change[t, cluster] == pytest.approx((up - up_last) / size)
            assert found.preserved[t, cluster] == pytest.approx(kept)
            if there:
                assert found.preserved_share[t, cluster] == pytest.approx(kept / there)
                assert gated or -1e-9 <= found.preserved_share[t, cluster] <= 1 + 1e-9
            else:
                assert np.isnan(found.preserved_share[t, cluster])
