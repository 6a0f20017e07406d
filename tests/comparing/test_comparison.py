"""Two states compared: against formulas by hand, against scikit-learn and SciPy, and where the answer is known."""

import json

import numpy as np
import pytest
from scipy import stats

from rnnstore import QuestionError
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.comparing.charts import clusters_picture, words_picture
from rnnstore.comparing.similarity import cluster_agreement, compare, magnitude, participation, shared_words
from rnnstore.drawing.palette import DARK, LIGHT

vl_convert = pytest.importorskip("vl_convert")


def expected(response, words=None, counts=None, error=0.0, model="one", state="h"):
    response = np.asarray(response, np.float32)
    words = [f"w{row}" for row in range(len(response))] if words is None else list(words)
    counts = np.full(len(response), 100) if counts is None else np.asarray(counts)
    error = np.full(response.shape, error, np.float32)
    return ExpectedResponses(model, state, words, np.arange(len(words), dtype=np.int32), counts, response, error)


def planted(seed=0, words=60, units=40, groups=4):
    """Responses of words in groups that each move a pattern of their own, with some noise."""
    random = np.random.default_rng(seed)
    patterns = random.normal(0, 1, (groups, units))
    return patterns[np.arange(words) % groups] + random.normal(0, 0.2, (words, units))


def test_a_rotated_and_scaled_state_is_the_same():
    response = planted()
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0]
    found = compare(expected(response), expected(3 * response @ rotation, model="other"))
    assert found.rsa.value == pytest.approx(1, abs=1e-4)
    assert found.cka.value == pytest.approx(1, abs=1e-4)
    assert found.magnitudes == pytest.approx(1)
    assert found.table["shared_neighbours"].to_pylist() == [10] * 60
    np.testing.assert_allclose(found.table["agreement"], 1, atol=1e-4)
    assert found.rsa.p == found.cka.p == 1 / 100


def test_noise_beside_noise_is_nothing_even_with_many_units():
    random = np.random.default_rng(2)
    one, other = random.normal(size=(2, 50, 400))
    found = compare(expected(one), expected(other, model="other"))
    assert abs(found.cka.value) < 0.1 and abs(found.rsa.value) < 0.1
    assert abs(found.cka.chance.mean()) < 0.02
    usual = np.linalg.norm((one - one.mean(0)).T @ (other - other.mean(0))) ** 2  # the biased estimate is high
    for each in (one, other):
        usual /= np.linalg.norm((each - each.mean(0)).T @ (each - each.mean(0)))
    assert usual > 0.8


def test_a_state_that_no_word_moves_is_like_nothing_and_no_chance_says_otherwise():
    found = compare(expected(planted()), expected(np.zeros((60, 40)), model="still"), shuffles=9)
    assert np.isnan(found.cka.value) and np.isnan(found.cka.p)
    assert found.rsa.value == 0 and found.rsa.p == 1


def test_similarity_of_words_is_spearmans_correlation_over_pairs():
    one, other = planted(0)[:25], planted(0)[:25] + np.random.default_rng(3).normal(0, 1.5, (25, 40))
    found = compare(expected(one), expected(other, model="other"), shuffles=3)
    sides = []
    for response in (one.astype(np.float32).astype(float), other.astype(np.float32).astype(float)):
        centred = response - response.mean(axis=0)
        sides.append(
            [
                centred[a] @ centred[b] / np.linalg.norm(centred[a]) / np.linalg.norm(centred[b])
                for a in range(25)
                for b in range(a + 1, 25)
            ]
        )
    assert found.rsa.value == pytest.approx(stats.spearmanr(*sides).statistic, abs=1e-5)
    assert 0.05 < found.rsa.value < 0.95


def test_alignment_is_the_unbiased_estimate_by_its_definition():
    one, other = planted(4)[:21], planted(5)[:21]

    def hsic(k, m):
        n, ones = len(k), np.ones(len(k))
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        first, second = np.trace(k @ m), (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2))
        return (first + second - 2 / (n - 2) * ones @ k @ m @ ones) / (n * (n - 3))

    grams = []
    for response in (one, other):
        centred = response.astype(np.float32).astype(float)
        centred -= centred.mean(axis=0)
        grams.append(centred @ centred.T)
    by_hand = hsic(grams[0], grams[1]) / np.sqrt(hsic(grams[0], grams[0]) * hsic(grams[1], grams[1]))
    assert compare(expected(one), expected(other, model="b"), shuffles=0).cka.value == pytest.approx(by_hand)


def test_strength_is_without_what_chance_moves():
    found = magnitude(expected([[3, 4], [1, 1], [0, 0]], error=1))
    np.testing.assert_allclose(found, [np.sqrt((8 + 15) / 2), 0, 0])
    once = magnitude(expected([[3, 4]], error=np.nan))
    assert np.isnan(once).all()


def test_participation_is_the_share_of_units_that_respond():
    response = [[1, -1, 1, 1], [0, 7, 0, 0], [2, -2, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(participation(np.array(response)), [1, 0.25, 0.5, np.nan])
    np.testing.assert_allclose(participation(9.0 * np.array(response)), participation(np.array(response)))


def test_words_that_both_have_read_the_most_frequent_first():
    left = expected(planted()[:30], counts=np.r_[4, np.arange(100, 129)])
    words = [f"w{row}" for row in (*range(29, 4, -1), 0, 77)]
    right = expected(planted(1)[:27], words, counts=np.r_[np.arange(200, 225), 50, 3], model="right")
    found = shared_words(left, right, words=24)
    assert [left.words[row] for row in found.left] == found.words == [right.words[row] for row in found.right]
    frequency = np.minimum(left.counts[found.left] / left.counts.sum(), right.counts[found.right] / right.counts.sum())
    assert (np.diff(frequency) <= 0).all() and len(found.words) == 24
    assert "w0" not in shared_words(left, right, words=25).words  # read four times by the left one
    assert "the most frequent of 25 that both have read 5 times or more" in found.note
    assert "Read by one alone: 4 words; by right alone: 1." in found.note


def test_bad_questions_are_sentences():
    one = expected(planted())
    with pytest.raises(QuestionError, match="h of one stands on both sides"):
        compare(one, one)
    with pytest.raises(QuestionError, match="have both read 0 words"):
        compare(one, expected(planted(), [f"v{row}" for row in range(60)], model="other"))
    with pytest.raises(QuestionError, match="0 of them at least 101 times"):
        compare(one, expected(planted(), model="other"), minimum_count=101)
    with pytest.raises(QuestionError, match="5 words cannot be compared"):
        compare(one, expected(planted(), model="other"), words=5)
    found = compare(one, expected(planted(), model="other"), shuffles=0)
    with pytest.raises(QuestionError, match="'v' is not among the 60 words"):
        found.near("v")


def test_the_nearest_words_on_either_side():
    response = planted(words=40)
    moved = response.copy()
    moved[0] = response[1] + 0.01  # on the right, word 0 belongs to the group of word 1
    found = compare(expected(response), expected(moved, model="other"))
    near = found.near("w0")
    group = {side: {int(word[1:]) % 4 for word in near[side].to_pylist()[:9]} for side in ("left", "right")}
    assert group == {"left": {0}, "right": {1}}
    assert near["right"][0].as_py() == "w1"
    agreement = dict(zip(found.table["word"].to_pylist(), found.table["agreement"].to_pylist(), strict=True))
    assert min(agreement, key=agreement.get) == "w0"


def test_a_word_that_moves_nothing_is_compared_too():
    response = planted()
    still = response.copy()
    still[5] = still.mean(axis=0) * 0
    found = compare(expected(still, error=0.1), expected(response, model="other", error=0.1), shuffles=1)
    assert np.isnan(found.table["participation_left"][5].as_py())
    assert np.isfinite([found.rsa.value, found.cka.value, found.magnitudes, found.participations]).all()


def test_groups_agree_as_far_as_their_words_do():
    left = decompose(expected(planted(), model="a")).clusters(4)
    same = cluster_agreement(left, decompose(expected(planted(7), model="b")).clusters(4))
    assert (same.rand, same.information, same.words) == (pytest.approx(1), pytest.approx(1), 60)
    assert sorted(same.counts.max(axis=1).tolist()) == [15] * 4 and same.counts.sum() == 60
    random = np.random.default_rng(8)
    other = cluster_agreement(left, decompose(expected(random.normal(size=(60, 40)), model="c")).clusters(4))
    assert abs(other.rand) < 0.15
    few = decompose(expected(planted()[:12], model="d")).clusters(3)
    with pytest.raises(QuestionError, match="12 words in common; 20 are needed"):
        cluster_agreement(left, few)


@pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
def test_pictures_compile(colours):
    found = compare(expected(planted()), expected(planted(1), model="other"), shuffles=1)
    groups = cluster_agreement(
        decompose(expected(planted())).clusters(4), decompose(expected(planted(1), model="other")).clusters(6)
    )
    pictures = [words_picture(found, quantity, colours, picked=["w3"]) for quantity in ("magnitude", "participation")]
    pictures.append(clusters_picture(groups, colours, left="a", right="b"))
    for picture in pictures:
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))
    assert sum(pictures[-1].tables["cells"]["count"].to_pylist()) == 60
