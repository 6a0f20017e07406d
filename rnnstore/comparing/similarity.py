"""Similarity of two recorded states: do they treat the words that both have read alike?

Units of two networks do not correspond, so their responses cannot be subtracted. What can be compared does not depend
on the numbering of units: distances between words (representational similarity, invariant to rotation and scale), how
much of the state a word changes, and the clusters that words form. Every measure comes with its number of words;
similarities come with their distribution over shuffled words, agreements of clusters are corrected for chance.

Use it to ask whether two layers, cells or trainings arrived at similar codes for words. All measures rest on expected
responses, which are means over contexts: two states can agree here and still treat sentences differently. A high
similarity says nothing about which information is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.errors import QuestionError

FEWEST = 20
"""Fewest shared words for a comparison: similarities among fewer mean little."""

MOST = 1000
"""Most shared words that are compared, since every pair of them is visited for every shuffle."""

NEIGHBOURS = 10
SHUFFLES = 99


@dataclass(frozen=True)
class SharedWords:
    """Words that two models have read: `left` and `right` int64[n] are their rows in the `ExpectedResponses` of each.

    The most frequent first, by the smaller of the two relative frequencies. `note` says how many there are in all.
    """

    words: list[str]
    left: np.ndarray
    right: np.ndarray
    note: str


@dataclass(frozen=True)
class Similarity:
    """How similarly two states treat n words, and the same number when the words of one state are shuffled.

    `chance` float64[shuffles]; `p` is the share of shuffles, the real order counted with them, that reach `value`, NaN
    where that has no value.
    """

    value: float
    chance: np.ndarray

    @property
    def p(self) -> float:
        if np.isnan(self.value):
            return float("nan")
        return float((1 + np.count_nonzero(self.chance >= self.value)) / (1 + len(self.chance)))


@dataclass(frozen=True)
class Comparison:
    """What two states have in common over shared words.

    `rsa`: Spearman correlation of the similarities of all pairs of words; `cka`: linear centred kernel alignment,
    debiased. `table` has a row a word, in the order of the shared words: word, count_left, count_right,
    magnitude_left, magnitude_right (see `magnitude`), participation_left, participation_right (see `participation`),
    agreement (correlation of the word's similarities to all others), shared_neighbours (of its `NEIGHBOURS` nearest).
    `magnitudes` and `participations` are the Spearman correlations of these columns. `neighbours` is (left, right)
    int64[n, NEIGHBOURS], `similarity` (left, right) float32[n, n].
    """

    left: tuple[str, str]
    right: tuple[str, str]
    shared: SharedWords
    rsa: Similarity
    cka: Similarity
    magnitudes: float
    participations: float
    table: pa.Table
    neighbours: tuple[np.ndarray, np.ndarray]
    similarity: tuple[np.ndarray, np.ndarray]

    def near(self, word: str) -> pa.Table:
        """The words nearest to `word` in either state: rank, left, similarity_left, right, similarity_right."""
        if word not in self.shared.words:
            raise QuestionError(f"{word!r} is not among the {len(self.shared.words):,} words compared.")
        row = self.shared.words.index(word)
        columns: dict[str, object] = {"rank": np.arange(1, self.neighbours[0].shape[1] + 1)}
        for side, near, similarity in zip(("left", "right"), self.neighbours, self.similarity, strict=True):
            columns[side] = [self.shared.words[other] for other in near[row].tolist()]
            columns[f"similarity_{side}"] = similarity[row, near[row]]
        return pa.table(columns)


def shared_words(
    left: ExpectedResponses, right: ExpectedResponses, words: int = 500, minimum_count: int = 5
) -> SharedWords:
    """The `words` most frequent words that both have read at least `minimum_count` times.

    Raises `QuestionError` where fewer than `FEWEST` are left, and for more than `MOST`.
    """
    if not FEWEST <= words <= MOST:
        raise QuestionError(f"{words:,} words cannot be compared; {FEWEST} to {MOST:,} were expected.")
    rows = {word: row for row, word in reversed(list(enumerate(right.words)))}
    found = [(row, rows[word]) for row, word in enumerate(left.words) if word in rows]
    of_left, of_right = (np.array([pair[side] for pair in found], np.int64) for side in (0, 1))
    often = (left.counts[of_left] >= minimum_count) & (right.counts[of_right] >= minimum_count)
    if often.sum() < FEWEST:
        raise QuestionError(
            f"{left.model} and {right.model} have both read {len(found):,} words, {int(often.sum()):,} of them at "
            f"least {minimum_count:,} times; {FEWEST} are needed to compare them. Choose two models of like texts "
            "(both by word or both by character), or lower the count."
        )
    kept_left, kept_right = of_left[often], of_right[often]
    frequency = np.minimum(left.counts[kept_left] / left.counts.sum(), right.counts[kept_right] / right.counts.sum())
    order = np.argsort(-frequency, kind="stable")[:words]
    note = f"{len(order):,} words are compared, the most frequent of {int(often.sum()):,} that "
    if left.model == right.model:
        note += f"{left.model} has read {minimum_count:,} times or more."
    else:
        alone = (len(each.words) - len(found) for each in (left, right))
        note += f"both have read {minimum_count:,} times or more. Read by {left.model} alone: {next(alone):,} words; "
        note += f"by {right.model} alone: {next(alone):,}."
    return SharedWords(
        [left.words[row] for row in kept_left[order].tolist()], kept_left[order], kept_right[order], note
    )


def compare(
    left: ExpectedResponses,
    right: ExpectedResponses,
    words: int = 500,
    minimum_count: int = 5,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Comparison:
    """The similarity of two states over the words that both have read (chosen by `shared_words`).

    Similarities are cosines between expected responses, centred for each unit: what all words do alike does not
    distinguish them. Raises `QuestionError` where a state is compared with itself,
    or too few words are shared.
    """
    if (left.model, left.state) == (right.model, right.state):
        raise QuestionError(
            f"{left.state} of {left.model} stands on both sides; choose another model or another state of it."
        )
    shared = shared_words(left, right, words, minimum_count)
    columns: dict[str, Any] = {
        "word": shared.words,
        "count_left": left.counts[shared.left],
        "count_right": right.counts[shared.right],
    }
    similarities, near, centred = [], [], []
    for side, expected, rows in (("left", left, shared.left), ("right", right, shared.right)):
        columns[f"magnitude_{side}"] = magnitude(expected)[rows]
        columns[f"participation_{side}"] = participation(expected.response[rows])
        responses = expected.response[rows].astype(float)
        responses -= responses.mean(axis=0)
        centred.append(responses)
        similarities.append(_cosines(responses))
        near.append(_nearest(similarities[-1]))
    random = np.random.default_rng(seed)
    orders = [random.permutation(len(shared.words)) for _ in range(shuffles)]
    columns["agreement"] = _agreement(*similarities)
    columns["shared_neighbours"] = _in_both(*near)
    return Comparison(
        left=(left.model, left.state),
        right=(right.model, right.state),
        shared=shared,
        rsa=_rsa(similarities[0], similarities[1], orders),
        cka=_cka(centred[0], centred[1], orders),
        magnitudes=_spearman(columns["magnitude_left"], columns["magnitude_right"]),
        participations=_spearman(columns["participation_left"], columns["participation_right"]),
        table=pa.table(columns),
        neighbours=(near[0], near[1]),
        similarity=(similarities[0].astype(np.float32), similarities[1].astype(np.float32)),
    )


def magnitude(expected: ExpectedResponses) -> np.ndarray:
    """float64[words]: the root mean square over units of the expected response s(w).

    The squares of the standard errors are subtracted first (down to 0), since chance alone makes the mean of a rare
    word large. NaN for a word read once, of which the error is not known.
    """
    response, error = expected.response.astype(float), expected.standard_error.astype(float)
    return np.sqrt(np.maximum((response**2 - error**2).mean(axis=1), 0))


def participation(response: np.ndarray) -> np.ndarray:
    """float64[words]: the share of units that carry a word's response, (sum s^2)^2 / (D sum s^4), between 1/D and 1.

    It is 1 where all units respond equally and 1/D where one responds alone; it does not depend on the scale of s.
    Noise spreads over all units, so that it is larger for rare words. NaN for a word without any response.
    """
    squares = response.astype(float) ** 2
    with np.errstate(invalid="ignore"):
        return squares.sum(axis=1) ** 2 / (response.shape[1] * (squares**2).sum(axis=1))


@dataclass(frozen=True)
class ClusterAgreement:
    """How two clusterings of words agree, over the n words that both hold.

    `rand` and `information` are the adjusted Rand index and the adjusted mutual information: 1 for the same groups, 0
    for what chance gives. `counts` int64[k, l] are the words in each pair of clusters; `members` lists them.
    """

    words: int
    rand: float
    information: float
    counts: np.ndarray
    members: pa.Table


def cluster_agreement(left: CoClusters, right: CoClusters) -> ClusterAgreement:
    """How the word clusters of two states agree; `members` has word, left, right (numbers of clusters).

    Raises `QuestionError` where fewer than `FEWEST` words are in both.
    """
    of_right = dict(zip(right.words, right.word_cluster.tolist(), strict=True))
    of_left = zip(left.words, left.word_cluster.tolist(), strict=True)
    both = [(word, cluster, of_right[word]) for word, cluster in of_left if word in of_right]
    if len(both) < FEWEST:
        raise QuestionError(
            f"The clusters have {len(both):,} words in common; {FEWEST} are needed to compare them. Ask for more words."
        )
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    words, one, other = (list(column) for column in zip(*both, strict=True))
    counts = np.zeros((left.k, right.k), np.int64)
    np.add.at(counts, (one, other), 1)
    return ClusterAgreement(
        len(both),
        float(adjusted_rand_score(one, other)),
        float(adjusted_mutual_info_score(one, other)),
        counts,
        pa.table({"word": words, "left": pa.array(one, pa.int32()), "right": pa.array(other, pa.int32())}),
    )


def _cosines(responses: np.ndarray) -> np.ndarray:
    """float64[n, n]; 0 with a word that moves nothing."""
    lengths = np.linalg.norm(responses, axis=1, keepdims=True)
    unit = np.divide(responses, lengths, out=np.zeros_like(responses), where=lengths > 0)
    return unit @ unit.T


def _nearest(similarity: np.ndarray) -> np.ndarray:
    """int64[n, <= NEIGHBOURS]: the most similar other words, ties by frequency."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    return np.argsort(-others, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(similarity) - 1)]


def _in_both(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """int64[n]: how many of the nearest words are the same."""
    return np.array([len(np.intersect1d(a, b)) for a, b in zip(left, right, strict=True)], np.int64)


def _agreement(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float64[n]: for each word the correlation of its similarities to all others; NaN where they are constant."""
    n = len(left)
    others = ~np.eye(n, dtype=bool)
    one, other = (similarity[others].reshape(n, n - 1) for similarity in (left, right))
    one, other = (rows - rows.mean(axis=1, keepdims=True) for rows in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """float64: ranks from 0, those of equal values their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[places]


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < 3:
        return float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(_ranks(one[known]), _ranks(other[known]))[0, 1])


def _rsa(left: np.ndarray, right: np.ndarray, orders: Sequence[np.ndarray]) -> Similarity:
    """Spearman correlation over pairs of words (Kriegeskorte et al., 2008); shuffled as Mantel (1967) does."""
    n = len(left)
    above = np.triu_indices(n, 1)
    whole = []
    for similarity in (left, right):
        ranks = _ranks(similarity[above])
        matrix = np.zeros((n, n), np.float32)
        spread = ranks.std() or 1.0
        matrix[above] = (ranks - ranks.mean()) / spread
        whole.append(matrix + matrix.T)
    pairs = n * (n - 1)

    def correlation(order: np.ndarray) -> float:
        return float(np.vdot(whole[0], whole[1][np.ix_(order, order)]) / pairs)

    return Similarity(correlation(np.arange(n)), np.array([correlation(order) for order in orders]))


def _cka(left: np.ndarray, right: np.ndarray, orders: Sequence[np.ndarray]) -> Similarity:
    """Linear CKA (Kornblith et al., 2019) with the unbiased estimate of HSIC (Song et al., 2012).

    The biased estimate grows with the ratio of units to words: for 600 units and 500 words it is high for noise, for
    which this one is 0 in the mean.
    """
    grams = []
    for responses in (left, right):
        gram = responses @ responses.T
        np.fill_diagonal(gram, 0)
        grams.append(gram)
    scale = np.sqrt(max(_hsic(grams[0], grams[0]), 0) * max(_hsic(grams[1], grams[1]), 0))

    def alignment(order: np.ndarray) -> float:
        return _hsic(grams[0], grams[1][np.ix_(order, order)]) / scale if scale > 0 else float("nan")

    return Similarity(alignment(np.arange(len(left))), np.array([alignment(order) for order in orders]))


def _hsic(one: np.ndarray, other: np.ndarray) -> float:
    """Unbiased HSIC of two Gram matrices whose diagonals are 0."""
    n = len(one)
    inner = np.vdot(one, other)
    sums = one.sum() * other.sum() / ((n - 1) * (n - 2))
    cross = 2 * (one.sum(axis=0) @ other.sum(axis=0)) / (n - 2)
    return float((inner + sums - cross) / (n * (n - 3)))
