"""Co-clusters: planted groups found again, small worlds by hand, and what stays when one more cluster is asked for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

import rnnstore
from rnnstore.co_clusters.blocks import _move_to_nearest
from rnnstore.co_clusters.decomposition import METHODS, decompose
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.co_clusters.pairing import partners
from rnnstore.co_clusters.singular import _by_gram, _by_krylov, singular_embedding


def responses(matrix, counts=None) -> ExpectedResponses:
    """Words w0, w1, ... with these responses, read 100, 99, ... times."""
    matrix = np.asarray(matrix, np.float32)
    ids = np.arange(len(matrix), dtype=np.int32)
    counts = np.arange(100 + len(matrix), 100, -1) if counts is None else np.asarray(counts)
    return ExpectedResponses("m", "s", [f"w{index}" for index in ids], ids, counts, matrix, np.zeros_like(matrix))


def planted(seed, words, units, groups, noise=0.5, random_signs=False):
    """(responses, groups of words, groups of units, signs of units): means of either sign, and noise."""
    random = np.random.default_rng(seed)
    of_words, of_units = np.arange(words) % groups, random.permutation(units) % groups
    signs = random.choice([-1, 1], units) if random_signs else np.ones(units, int)
    matrix = random.normal(size=(groups, groups))[of_words][:, of_units] * signs
    return responses(matrix + noise * random.normal(size=matrix.shape)), of_words, of_units, signs


def test_four_words_and_four_units_by_hand():
    """Two groups on either side, block means 2, -1, 0 and 3; the second word lies off the centre of its group."""
    matrix = [[2, 2, -1, -1], [2, 2, -1, -1], [0, 0, 3, 3], [0, 0, 3, 3], [0, 0, 3, 3.6]]
    found = decompose(responses(matrix), None).clusters(2)
    assert found.word_cluster.tolist() == [1, 1, 0, 0, 0]  # the larger half is number 0
    assert found.unit_cluster.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(found.edges, [[0, 3.1], [2, -1]], atol=1e-6)
    assert found.partner.tolist() == [1, 0]
    assert found.word_weight.tolist() == [1, 1, 1, 1, 0]
    assert found.unit_weight.tolist() == [1, 1, 1, 1]  # both of a pair are equally near to its centre
    values = np.array(matrix, float)
    means = np.array([[2, 2, -1, -1]] * 2 + [[0, 0, 3.1, 3.1]] * 3)
    assert found.explained == pytest.approx(1 - ((values - means) ** 2).sum() / ((values - values.mean()) ** 2).sum())
    assert (found.k, found.method, found.notes, found.mirrored) == (2, "signed", [], False)


@pytest.mark.parametrize("random_signs", [False, True])
@pytest.mark.parametrize(("words", "units", "groups"), [(300, 600, 10), (500, 240, 5), (1500, 1100, 20)])
def test_planted_groups_are_found(words, units, groups, random_signs):
    given, of_words, of_units, signs = planted(groups, words, units, groups, 0.3, random_signs)
    found = decompose(given, None).clusters(groups)
    assert adjusted_rand_score(of_words, found.word_cluster) >= 0.99
    assert adjusted_rand_score(of_units, found.unit_cluster) >= 0.99
    assert found.mirrored == random_signs
    agree = np.bincount(of_units, found.unit_sign * signs)
    assert (np.abs(agree) == np.bincount(of_units)).all()  # turned to one side within each group
    assert any("mirror image" in note for note in found.notes) == random_signs


def test_units_of_either_sign_are_two_clusters_unless_they_are_asked_to_be_one():
    """Three directions, of which only the first has units on both sides."""
    random = np.random.default_rng(0)
    direction, side = np.repeat([0, 0, 1, 2], 10), np.repeat([1, -1, 1, 1], 10)
    matrix = random.normal(size=(60, 3))[:, direction] * side + 0.1 * random.normal(size=(60, 40))
    decomposition = decompose(responses(matrix), None)
    assert adjusted_rand_score(direction + (side < 0) * 3, decomposition.clusters(4).unit_cluster) == 1
    mirrored = decomposition.clusters(3, "mirrored")
    assert adjusted_rand_score(direction, mirrored.unit_cluster) == 1
    assert mirrored.unit_sign.tolist() == side.tolist()  # halves are equal: the first unit stays as it is
    assert np.abs(mirrored.edges).max() > np.abs(decomposition.clusters(3).edges).max() / 2
    assert mirrored.explained > decomposition.clusters(3).explained
    assert not decomposition.signs_arbitrary and decomposition.clusters(4).unit_sign.min() == 1


@pytest.mark.parametrize("method", METHODS)
def test_numbers_of_a_clustering_are_what_they_are_said_to_be(method):
    """Edges, nearness and R2, each by its definition, one word and one unit at a time."""
    given, *_ = planted(3, 40, 30, 5)
    k = 6
    found = decompose(given, None).clusters(k, method)
    matrix = given.response[found.rows].astype(float) * found.unit_sign
    fitted = np.zeros_like(matrix)
    for i, j in itertools.product(range(k), range(k)):
        block = np.ix_(found.word_cluster == i, found.unit_cluster == j)
        mean = matrix[block].mean() if matrix[block].size else 0
        assert found.edges[i, j] == pytest.approx(mean, abs=1e-5)
        fitted[block] = mean
    for points, cluster, weight in (
        (matrix, found.word_cluster, found.word_weight),
        (matrix.T, found.unit_cluster, found.unit_weight),
    ):
        for number in np.unique(cluster):
            mine = points[cluster == number]
            distance = np.linalg.norm(mine - mine.mean(axis=0), axis=1)
            spread = distance.max() - distance.min()
            nearness = (distance.max() - distance) / spread if spread > 1e-3 * distance.max() else np.ones(len(mine))
            np.testing.assert_allclose(weight[cluster == number], nearness, atol=1e-3)
    residual, total = ((matrix - fitted) ** 2).sum(), ((matrix - matrix.mean()) ** 2).sum()
    assert found.explained == pytest.approx(1 - residual / total, abs=1e-5)
    assert sorted(found.partner) == list(range(k))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 30), st.sampled_from(["signed", "mirrored"]))
def test_one_more_cluster_splits_one_of_either_side(seed, words, units, method):
    matrix = np.random.default_rng(seed).integers(-2, 3, (words, units)) / 4
    decomposition = decompose(responses(matrix), None)
    before = decomposition.clusters(1, method)
    for k in range(2, min(words, units, 24) + 1):
        found = decomposition.clusters(k, method)
        for now, then in (
            (found.word_cluster, before.word_cluster),
            (found.unit_cluster, before.unit_cluster),
        ):
            assert np.unique(now).tolist() == list(range(k))  # none is empty
            moved = now != then
            assert (now[moved] == k - 1).all() and len(np.unique(then[moved])) == 1
        before = found


def test_the_same_question_has_the_same_answer():
    given, *_ = planted(4, 200, 80, 6, noise=2)
    first, again = decompose(given, None), decompose(given, None)
    for method in METHODS:
        one, other = first.clusters(9, method), again.clusters(9, method)
        for name in ("word_cluster", "unit_cluster", "word_weight", "edges", "partner"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_spectral_clusters_are_scikit_learn_s_and_empty_ones_are_said():
    from sklearn.cluster import SpectralCoclustering

    given, *_ = planted(5, 60, 40, 4, noise=1.5)
    shifted = given.response.astype(float) + abs(float(given.response.min()))
    empty = 0
    for k, seed in itertools.product((4, 15), (0, 1)):
        theirs = SpectralCoclustering(k, random_state=seed).fit(shifted)
        found = decompose(given, None).clusters(k, "spectral", seed)
        assert (found.word_cluster.tolist(), found.unit_cluster.tolist()) == (
            theirs.row_labels_.tolist(),
            theirs.column_labels_.tolist(),
        )
        for kind, cluster in (("word", found.word_cluster), ("unit", found.unit_cluster)):
            missing = k - len(np.unique(cluster))
            empty += missing
            assert any(f"left {missing} of {k} {kind} clusters empty" in note for note in found.notes) == (missing > 0)
        assert not any("singular" in note for note in found.notes)
    assert empty, "this world is to have empty clusters"


@pytest.mark.parametrize("method", METHODS)
def test_worlds_in_which_nothing_moves_or_all_is_alike(method):
    for matrix in (np.zeros((4, 3)), np.ones((4, 3)), np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 2, 0]])):
        for k in (1, 2, 3):
            found = decompose(responses(matrix), None).clusters(k, method)
            assert np.isfinite(found.edges).all() and np.isfinite(found.explained)
            assert ((found.word_weight >= 0) & (found.word_weight <= 1)).all()
            if method != "spectral":
                assert len(np.unique(found.word_cluster)) == len(np.unique(found.unit_cluster)) == k


def test_which_words_are_clustered_and_what_was_left_out():
    given = responses(np.random.default_rng(0).normal(size=(6, 3)), counts=[5, 50, 1, 20, 1, 23])
    assert decompose(given, 3).words == ["w1", "w5", "w3"]
    pinned = decompose(given, 2, always=["w4", "w1"])
    assert pinned.words == ["w1", "w5", "w4"]
    assert pinned.clusters(2).notes == ["3 of 6 words are clustered; the 3 left out account for 26.0% of the tokens."]
    often = decompose(given, None, minimum_count=5)
    assert often.words == ["w1", "w5", "w3", "w0"]
    assert "the 2 left out, 2 of them read fewer than 5 times, account for 2.0%" in often.clusters(2).notes[0]
    assert decompose(given, None).clusters(3).notes == []


def test_what_cannot_be_asked_is_said():
    given = responses(np.random.default_rng(0).normal(size=(6, 3)))
    decomposition = decompose(given)
    for k in (0, 4):
        with pytest.raises(rnnstore.QuestionError, match=f"{k} clusters were asked for; of 6 words and 3 units"):
            decomposition.clusters(k)
    with pytest.raises(rnnstore.QuestionError, match="did you mean spectral"):
        decomposition.clusters(2, "spectrum")
    with pytest.raises(rnnstore.QuestionError, match="0 of 6 words are left"):
        decompose(given, minimum_count=1000)
    with pytest.raises(rnnstore.UnknownName, match="'w9'"):
        decompose(given, always=["w9"])


def test_approximations_are_in_the_notes(monkeypatch):
    monkeypatch.setattr("rnnstore.co_clusters.decomposition.WORDS_IN_TREE", 200)
    given, of_words, of_units, _ = planted(6, 500, 60, 5)
    found = decompose(given, None).clusters(5)
    assert adjusted_rand_score(of_words, found.word_cluster) >= 0.99
    assert adjusted_rand_score(of_units, found.unit_cluster) >= 0.99
    assert any("The first 200 words make the tree; the other 300" in note for note in found.notes)
    assert any("20 strongest singular vectors" in note for note in found.notes)


@pytest.mark.parametrize("rank", [0, 2, 10, 60])
def test_singular_vectors_are_numpy_s(rank):
    random = np.random.default_rng(rank)
    matrix = random.normal(size=(150, rank)) @ random.normal(size=(rank, 90))
    matrix = (matrix + 0.2 * random.normal(size=(150, 90)) * (rank > 2)).astype(np.float32)
    left, values, right = np.linalg.svd(matrix.astype(float), full_matrices=False)
    for search in (_by_gram, _by_krylov):
        squares, vectors = search(matrix, 5)
        squares, vectors = squares[::-1], vectors[:, ::-1]
        np.testing.assert_allclose(squares, values[:5] ** 2, rtol=1e-3, atol=1e-6 * values[0] ** 2)
        kept = min(rank, 4)
        np.testing.assert_allclose(np.abs((right[:kept] * vectors[:, :kept].T).sum(axis=1)), 1, atol=1e-2)
    best = left[:, :5] * values[:5] @ right[:5]
    for either, expected in ((matrix, best), (matrix.T, best.T)):
        words, directions, scales = singular_embedding(either, 5)
        np.testing.assert_allclose(words @ directions.T, expected, atol=2e-3)
        np.testing.assert_allclose(np.linalg.norm(words, axis=0), scales, rtol=1e-2, atol=0.05)


@pytest.mark.parametrize("method", ["signed", "mirrored"])
def test_every_word_and_unit_is_with_the_nearest_block_means(method):
    given, *_ = planted(9, 60, 40, 5, noise=2)
    decomposition = decompose(given, None)
    found = decomposition.clusters(20, method)
    words, directions = decomposition.embedding
    matrix = words.astype(float) @ directions.T * found.unit_sign
    for table, mine, others in (
        (matrix, found.word_cluster, found.unit_cluster),
        (matrix.T, found.unit_cluster, found.word_cluster),
    ):
        points = np.stack([table[:, others == j].sum(axis=1) / np.sqrt((others == j).sum()) for j in range(20)], axis=1)
        centres = np.stack([points[mine == j].mean(axis=0) for j in range(20)])
        distance = ((points[:, None] - centres) ** 2).sum(axis=2)
        own = distance[np.arange(len(points)), mine]
        alone = np.bincount(mine)[mine] == 1  # must stay, where its cluster would be empty
        assert (alone | (own <= distance.min(axis=1) * (1 + 1e-6) + 1e-9)).all()


def test_fitted_trees_explain_more_than_ward_s_alone():
    given, *_ = planted(10, 300, 120, 30, noise=2)
    decomposition = decompose(given, None)
    for k in (5, 10, 20):
        rows, columns = decomposition.word_tree.cut(k), decomposition.unit_trees[0].cut(k)
        sums = np.eye(k)[rows].T @ decomposition.response @ np.eye(k)[columns]
        blocks = np.outer(np.bincount(rows), np.bincount(columns))
        mean = decomposition.response.mean(dtype=float)
        alone = (blocks * (sums / blocks - mean) ** 2).sum() / ((decomposition.response - mean) ** 2).sum()
        assert decomposition.clusters(k).explained > alone


def test_partners_are_the_best_assignment_and_stay_where_that_costs_little():
    """Of all ways to pair three clusters with three, by trying them; then a fourth that changes almost nothing."""
    random = np.random.default_rng(1)
    ones = np.ones(3, int)
    edges = random.normal(size=(3, 3))
    best = max(itertools.permutations(range(3)), key=lambda order: np.abs(edges[range(3), order]).sum())
    assert partners(edges, ones, ones, np.zeros(3, int), np.zeros(3, int)).tolist() == list(best)
    # Word clusters 0 and 2 were one, as were unit clusters 0 and 2: then 0 stood with 0 and 1 with 1.
    sums = np.array([[1.0, 0, 1.01], [0, 1, 0], [1.01, 0, 1]])
    assert partners(sums, ones, ones, np.array([0, 0, 0]), np.array([0, 0, 0])).tolist() == [0, 1, 2]
    sums[[0, 2], [2, 0]] = 1.5
    assert partners(sums, ones, ones, np.array([0, 0, 0]), np.array([0, 0, 0])).tolist() == [2, 1, 0]


@pytest.mark.parametrize("either_way", [False, True])
def test_a_point_goes_to_the_centre_that_is_nearest(either_way):
    """By the distances themselves; of a point that may be turned, its mirror image may be the nearer one."""
    random = np.random.default_rng(8)
    points, cluster = random.normal(size=(60, 3)), np.arange(60) % 4
    centres = np.array([points[cluster == k].mean(axis=0) for k in range(4)])
    distance = np.linalg.norm(points[:, None] - centres, axis=2)
    turned = np.linalg.norm(points[:, None] + centres, axis=2)
    moved, signs = _move_to_nearest(points, cluster, 4, np.ones(60), either_way)
    nearest = np.minimum(distance, turned if either_way else distance).argmin(axis=1)
    assert moved.tolist() == nearest.tolist()
    here = np.arange(60)
    closer = distance[here, nearest] <= turned[here, nearest]
    assert signs.tolist() == (np.where(closer, 1, -1) if either_way else np.ones(60)).tolist()
