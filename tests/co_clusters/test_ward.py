"""Ward's tree against SciPy's, which keeps every distance, and against sums of squares worked out directly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, linkage

from rnnstore.co_clusters.ward_tree import ward, ward_of_many


def groups(label) -> set[frozenset[int]]:
    """A clustering without its numbers."""
    return {frozenset(np.flatnonzero(label == number).tolist()) for number in np.unique(label)}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 120), st.integers(1, 6))
def test_the_tree_is_ward_s(seed, n, dimensions):
    points = np.random.default_rng(seed).normal(size=(n, dimensions))
    tree, other = ward(points), linkage(points, "ward")
    np.testing.assert_allclose(np.sqrt(2 * tree.heights), other[:, 2], rtol=1e-9, atol=1e-12)
    for k in {1, 2, min(7, n), n}:
        assert groups(tree.cut(k)) == groups(cut_tree(other, k)[:, 0])


def test_the_tree_is_ward_s_in_single_precision(monkeypatch):
    monkeypatch.setattr("rnnstore.co_clusters.ward_tree.DOUBLE_TO", 0)
    monkeypatch.setattr("rnnstore.co_clusters.ward_tree._DISTANCES_AT_ONCE", 1000)
    points = 100 + np.random.default_rng(1).normal(size=(600, 5))
    tree, other = ward(points), linkage(points, "ward")
    np.testing.assert_allclose(np.sqrt(2 * tree.heights), other[:, 2], rtol=1e-4)
    assert groups(tree.cut(20)) == groups(cut_tree(other, 20)[:, 0])


def test_a_cut_by_hand():
    """On a line: 0 and 1, then 10 and 12, then 30. Joins raise the sum of squares by 1/2, 2, 2 * 2 / 4 * 10.5^2, ..."""
    tree = ward(np.array([[0.0], [1.0], [10.0], [12.0], [30.0]]))
    assert tree.heights.tolist() == pytest.approx([0.5, 2, 110.25, 4 / 5 * (30 - 5.75) ** 2])
    assert tree.cut(1).tolist() == [0, 0, 0, 0, 0]
    assert tree.cut(2).tolist() == [0, 0, 0, 0, 1]  # the larger half keeps the number
    assert tree.cut(3).tolist() == [0, 0, 2, 2, 1]  # equal halves: the one with the first point keeps it
    assert tree.cut(5).tolist() == [0, 4, 2, 3, 1]
    assert tree.parents(5).tolist() == [0, 0, 0, 2, 0]
    assert tree.within(2) == pytest.approx(0.5 + 2 + 110.25)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([1, 3, 100]), st.booleans())
def test_cuts_split_one_cluster_and_leave_none_empty(seed, n, distinct, either_way):
    """Also with many equal points, where every order of joins would do."""
    points = np.random.default_rng(seed).integers(-distinct, distinct + 1, (n, 2)).astype(float)
    tree = ward(points, either_way)
    before = tree.cut(1)
    for k in range(2, n + 1):
        label, parents = tree.cut(k), tree.parents(k)
        assert np.unique(label).tolist() == list(range(k))
        moved = label != before
        assert (label[moved] == k - 1).all() and (before[moved] == parents[k - 1]).all()
        assert np.count_nonzero(moved) <= np.count_nonzero(label == parents[k - 1])
        before = label


def test_the_order_of_points_does_not_matter():
    points = np.random.default_rng(5).normal(size=(80, 3))
    shuffled = np.random.default_rng(6).permutation(80)
    label, other = ward(points).cut(9), ward(points[shuffled]).cut(9)
    assert groups(label[shuffled]) == groups(other)


def test_points_that_differ_by_their_sign_are_one_cluster_either_way():
    """Four directions in space, each with points on both sides of the origin."""
    random = np.random.default_rng(2)
    direction, side = random.integers(0, 4, 60), random.choice([-1, 1], 60)
    points = side[:, None] * (np.eye(4)[direction] * 3 + 0.1 * random.normal(size=(60, 4)))
    tree = ward(points, either_way=True)
    label = tree.cut(4)
    assert groups(label) == groups(direction)
    for number in range(4):
        inside = label == number
        assert abs((tree.signs * side)[inside].sum()) == inside.sum()  # all turned to one side
    turned = points * tree.signs[:, None]
    centres = np.stack([turned[label == number].mean(axis=0) for number in range(4)])
    assert tree.within(4) == pytest.approx(((turned - centres[label]) ** 2).sum())
    assert groups(ward(points).cut(8)) == groups(direction * 2 + (side > 0))


def test_further_points_stand_with_the_nearest_of_the_first():
    random = np.random.default_rng(3)
    points = random.normal(size=(90, 3))
    tree, first = ward_of_many(points, 40), ward(points[:40])
    nearest = ((points[40:, None] - points[None, :40]) ** 2).sum(axis=2).argmin(axis=1)
    for k in (2, 5, 20):
        label = tree.cut(k)
        assert groups(label[:40]) == groups(first.cut(k))
        assert (label[40:] == label[nearest]).all()
    assert groups(tree.cut(90)) == {frozenset([point]) for point in range(90)}
    assert ward_of_many(points, 90).cut(7).tolist() == ward(points).cut(7).tolist()
