"""Co-clusters: groups of words and groups of units that respond alike (RNNVis, Ming et al. 2017, section 5.2).

The matrix of expected responses, words x units, is decomposed once into its strongest singular vectors, signs included;
words and units are clustered in them by Ward's method, each side as a tree that can be cut at any k, and the two trees
are fitted to each other (`blocks`). So one decomposition serves every k, results are deterministic, no cluster is
empty, and k + 1 clusters split one of k. The paper's method, spectral co-clustering of the matrix shifted until nothing
is negative, is available as "spectral"; the shift hides the signs that the paper is about.

The sign of a unit is arbitrary: a network computes the same when h and all weights of a unit are negated. Units that
respond to the same words with opposite signs are two clusters by "signed", since the mean over both would be near zero,
and one cluster by "mirrored", which flips some of them. Where every group of units has its mirror image, "signed" flips
them too.

Use it for an overview of which words a layer distinguishes and which units do it. There are k clusters for any k, also
in noise: look at `explained`, and at whether words of a cluster have something in common, before naming one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rnnstore.co_clusters.blocks import fit_trees
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.co_clusters.pairing import partners
from rnnstore.co_clusters.singular import singular_embedding
from rnnstore.co_clusters.ward_tree import Tree, ward, ward_of_many
from rnnstore.errors import QuestionError, suggest
from rnnstore.threads import one_thread

METHODS = ("signed", "mirrored", "spectral")

RANK = 20
"""Singular vectors in which words and units are compared: as many as the clusters that the page offers."""

WORDS_IN_TREE = 5_000
"""The tree is made of the most frequent words, at most so many; others join the one that responds most alike."""

MIRRORED, BALANCED, A_CLUSTER = 0.95, 0.7, 20
"""Signs of units are taken as arbitrary where, over all k with `A_CLUSTER` units to a cluster, k clusters of units that
may be flipped explain at least a share `MIRRORED` of what 2 k clusters do (1 where every cluster has its mirror image),
and hold units of either sign as evenly as `BALANCED`. Networks trained on text have 0.80 to 0.92 of the first."""


@dataclass(frozen=True, eq=False)
class CoClusters:
    """k clusters of words and k of units, numbered 0..k-1 on either side, and how strongly each pair is linked.

    `rows` int64[n] are the words' rows in the `ExpectedResponses`; `word_cluster` int64[n] and `unit_cluster`
    int64[units] the numbers; `word_weight` float32[n] and `unit_weight` float32[units] the nearness to the centre of
    the own cluster, 1 for its nearest member and 0 for its farthest. `unit_sign` int8[units] is -1 for units that were
    flipped and 1 for all others (none is flipped unless the clusters are `mirrored`). `edges` float32[k, k] is the mean
    of s over word cluster i and unit cluster j (RNNVis, equation 8), where a flipped unit counts with its sign reversed
    and an empty block as 0. `partner` int64[k] is the unit cluster that word cluster i is drawn
    opposite to: the assignment with the largest sum of |edges|, with a small bonus for the pairs at k - 1. `explained`
    is the R2 of the block means. `notes` are sentences on what was left out or is unusual.
    """

    state: str
    method: str
    k: int
    words: list[str]
    rows: np.ndarray
    word_cluster: np.ndarray
    unit_cluster: np.ndarray
    word_weight: np.ndarray
    unit_weight: np.ndarray
    unit_sign: np.ndarray
    edges: np.ndarray
    partner: np.ndarray
    explained: float
    notes: list[str]

    @property
    def mirrored(self) -> bool:
        """Whether units that respond with opposite signs share clusters."""
        return bool((self.unit_sign < 0).any())


@dataclass(frozen=True, eq=False)
class Decomposition:
    """The chosen words' responses, float32[n, units], with words and units in the strongest singular vectors.

    `signs_arbitrary`: "signed" may flip units as "mirrored" does. Sentences on words `left_out` and on `approximations`
    in the trees go into the notes of the clusters that they concern.
    """

    state: str
    words: list[str]
    rows: np.ndarray
    response: np.ndarray = field(repr=False)
    embedding: tuple[np.ndarray, np.ndarray] = field(repr=False)
    word_tree: Tree = field(repr=False)
    unit_trees: tuple[Tree, Tree] = field(repr=False)
    signs_arbitrary: bool
    left_out: tuple[str, ...] = ()
    approximations: tuple[str, ...] = ()
    _fitted: dict[tuple[bool, bool], tuple[Tree, Tree]] = field(default_factory=dict, repr=False)

    @property
    def most_clusters(self) -> int:
        """The largest possible k: the number of words or of units, whichever is smaller."""
        return min(self.response.shape)

    def clusters(self, k: int, method: str = "signed", seed: int = 0) -> CoClusters:
        """k word clusters and k unit clusters.

        "signed" and "mirrored" are cuts of trees: none is empty, and k + 1 clusters are these with one of either side
        split, the larger half of which keeps the number while the other one gets number k. "spectral" is
        scikit-learn's SpectralCoclustering of the shifted matrix, as in the paper; it starts at random from `seed` and
        can leave clusters empty, which `notes` mention. Raises `QuestionError` for an impossible k or unknown method.
        """
        if method not in METHODS:
            raise QuestionError(f"There is no method {method!r} of co-clustering: {suggest(method, METHODS)}")
        if not 1 <= k <= self.most_clusters:
            raise QuestionError(
                f"{k} clusters were asked for; of {self.response.shape[0]:,} words and {self.response.shape[1]:,} "
                f"units there can be 1 to {self.most_clusters:,}. Ask for fewer, or let more words in."
            )
        with one_thread():
            if method == "spectral":
                return self._described(k, method, *_spectral(self.response, k, seed))
            mirrored = method == "mirrored" or self.signs_arbitrary
            words, units = self._trees(k, mirrored)
            return self._described(k, method, words.cut(k), units.cut(k), mirrored)

    def _trees(self, k: int, mirrored: bool) -> tuple[Tree, Tree]:
        """The trees of words and of units, fitted to each other, for cuts at k."""
        key = mirrored, k > RANK
        if key not in self._fitted:
            words, units = self.embedding
            most, at_most = min(RANK, self.most_clusters), WORDS_IN_TREE if k > RANK else None
            self._fitted[key] = fit_trees(
                words, units, self.word_tree, self.unit_trees[mirrored], most, mirrored, at_most
            )
        return self._fitted[key]

    def _described(
        self, k: int, method: str, word_cluster: np.ndarray, unit_cluster: np.ndarray, mirrored: bool = False
    ) -> CoClusters:
        n, units = self.response.shape
        signs = self._trees(k, True)[1].signs if mirrored else np.ones(units, np.int8)
        unit_sign = _majority_signs(signs, unit_cluster, k)
        of_words = np.eye(k, dtype=np.float32)[word_cluster]  # [n, k]
        of_units = np.eye(k, dtype=np.float32)[unit_cluster] * unit_sign[:, None]  # [units, k]
        word_sizes, unit_sizes = np.bincount(word_cluster, minlength=k), np.bincount(unit_cluster, minlength=k)
        word_sums, unit_sums = of_words.T @ self.response, self.response @ of_units  # [k, units], [n, k]
        sums = word_sums.astype(float) @ of_units
        blocks = np.outer(word_sizes, unit_sizes)
        edges = sums / np.maximum(blocks, 1)
        mean = sums.sum() / (n * units)
        variation = self._squares[0].sum() - n * units * mean**2
        between = (blocks * (edges - mean) ** 2).sum()
        if method == "spectral":
            partner = np.arange(k)  # its clusters are of words and units together
        else:
            whole = sums * _per_cluster(unit_sign * signs, unit_cluster, k)
            parents = (tree.parents(k) for tree in self._trees(k, mirrored))
            partner = partners(whole, word_sizes, unit_sizes, *parents)
        return CoClusters(
            self.state,
            method,
            k,
            self.words,
            self.rows,
            word_cluster,
            unit_cluster,
            _nearness(self.response, word_sums / np.maximum(word_sizes, 1)[:, None], self._squares[0], word_cluster),
            _nearness(
                self.response.T, (unit_sums / np.maximum(unit_sizes, 1)).T, self._squares[1], unit_cluster, unit_sign
            ),
            unit_sign,
            edges.astype(np.float32),
            partner,
            float(between / variation) if variation > 0 else 1.0,
            [
                *self.left_out,
                *(self.approximations if method != "spectral" else ()),
                *_notes_on_sizes(method, word_sizes, unit_sizes, unit_sign),
            ],
        )

    @cached_property
    def _squares(self) -> tuple[np.ndarray, np.ndarray]:
        """Sums of squares of each word's and of each unit's responses, float64."""
        by_word = np.einsum("ij,ij->i", self.response, self.response)
        by_unit = np.einsum("ij,ij->j", self.response, self.response)
        return by_word.astype(float), by_unit.astype(float)


def decompose(
    expected: ExpectedResponses, words: int | None = 500, minimum_count: int = 1, always: Sequence[str] = ()
) -> Decomposition:
    """The singular vectors of the responses and the trees in them, from which clusters for every k are cut.

    `words` most frequent words (None: all) that were read at least `minimum_count` times, and the words `always`
    whatever their count. Raises `UnknownName` for a word in `always` that was never read, `QuestionError` where no
    two words are left.
    """
    chosen = expected.most_frequent(words, minimum_count).tolist()
    rows = np.array(list(dict.fromkeys([*chosen, *(expected.row(word) for word in always)])), np.int64)
    if len(rows) < 2:
        raise QuestionError(
            f"{len(rows)} of {len(expected.words):,} words are left to cluster; at least 2 are needed. Ask for more "
            f"words, or lower the minimum count ({minimum_count:,})."
        )
    response = expected.response[rows]
    with one_thread():
        of_words, directions, scales = singular_embedding(response, RANK)
        of_units = directions * scales
        word_tree = ward_of_many(of_words, WORDS_IN_TREE)
        unit_trees = ward(of_units), ward(of_units, either_way=True)
    total = float(np.vdot(response, response))
    held = float((scales.astype(float) ** 2).sum()) / total if total else 1.0
    notes = []
    if held < 0.9995:
        notes.append(
            f"Words and units are compared in the {RANK} strongest singular vectors, which hold {held:.1%} of the "
            "sum of squares."
        )
    if len(rows) > WORDS_IN_TREE:
        notes.append(
            f"The first {WORDS_IN_TREE:,} words make the tree; the other {len(rows) - WORDS_IN_TREE:,} join it where "
            "those stand that respond most alike."
        )
    return Decomposition(
        expected.state,
        [expected.words[row] for row in rows],
        rows,
        response,
        (of_words, directions),
        word_tree,
        unit_trees,
        _signs_arbitrary(of_units, *unit_trees),
        tuple(_left_out(expected, rows, minimum_count)),
        tuple(notes),
    )


def _left_out(expected: ExpectedResponses, rows: np.ndarray, minimum_count: int) -> list[str]:
    left = len(expected.words) - len(rows)
    if not left:
        return []
    share = 1 - expected.counts[rows].sum() / expected.counts.sum()
    kept = np.isin(np.arange(len(expected.words)), rows)
    rare = int(np.count_nonzero((expected.counts < minimum_count) & ~kept))
    why = f", {rare:,} of them read fewer than {minimum_count:,} times," if rare else ""
    return [
        f"{len(rows):,} of {len(expected.words):,} words are clustered; the {left:,} left out{why} account "
        f"for {share:.1%} of the tokens."
    ]


def _signs_arbitrary(units: np.ndarray, signed: Tree, mirror: Tree) -> bool:
    """Whether every group of units has its mirror image; see `MIRRORED`. With fewer than 100 units: False."""
    squares = np.square(units, dtype=float).sum(axis=1)
    total = squares.sum()
    numbers = range(2, min(RANK, len(units) // A_CLUSTER) + 1)
    if len(numbers) < 4 or not total:
        return False
    shares, balances = [], []
    for k in numbers:
        shares.append((total - mirror.within(k)) / (total - signed.within(2 * k)))
        either = [np.bincount(mirror.cut(k), squares * (mirror.signs == sign), k) for sign in (-1, 1)]
        balances.append(2 * np.minimum(*either).sum() / total)
    return bool(np.mean(shares) >= MIRRORED and np.mean(balances) >= BALANCED)


def _spectral(response: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(word, unit) clusters of scikit-learn; words and units that are 0 throughout cannot be placed and are in 0."""
    from sklearn.cluster import SpectralCoclustering

    word_cluster, unit_cluster = (np.zeros(length, np.int64) for length in response.shape)
    shifted = response.astype(float) + abs(float(response.min()))
    words, units = (np.flatnonzero(shifted.sum(axis=axis) > 0) for axis in (1, 0))
    if k > 1 and min(len(words), len(units)) >= k:
        model = SpectralCoclustering(k, random_state=seed).fit(shifted[np.ix_(words, units)])
        word_cluster[words], unit_cluster[units] = model.row_labels_, model.column_labels_
    return word_cluster, unit_cluster


def _notes_on_sizes(method: str, word_sizes: np.ndarray, unit_sizes: np.ndarray, unit_sign: np.ndarray) -> list[str]:
    notes = []
    for kind, sizes in (("word", word_sizes), ("unit", unit_sizes)):
        empty = np.count_nonzero(sizes == 0)
        if empty:
            notes.append(f"The spectral method left {empty} of {len(sizes)} {kind} clusters empty.")
    turned = np.count_nonzero(unit_sign < 0)
    if turned:
        why = "Every group of units has its mirror image here: units" if method == "signed" else "Units"
        notes.append(
            f"{why} that move opposite ways share a cluster. {turned:,} of {len(unit_sign):,} units are turned, which "
            "means that they count in the edges with their sign reversed."
        )
    return notes


def _nearness(
    points: np.ndarray,
    centres: np.ndarray,
    squares: np.ndarray,
    cluster: np.ndarray,
    sign: np.ndarray | int = 1,
) -> np.ndarray:
    """float32[n]: 1 for the point of a cluster that is nearest to its centre, 0 for the farthest, linear between."""
    centres = centres.astype(np.float32)  # in double precision the product would copy the matrix
    own = (points @ centres.T)[np.arange(len(points)), cluster] * sign
    distance = np.sqrt(np.maximum(squares - 2.0 * own + np.square(centres, dtype=float).sum(axis=1)[cluster], 0))
    least, most = np.full(len(centres), np.inf), np.zeros(len(centres))
    np.minimum.at(least, cluster, distance)
    np.maximum.at(most, cluster, distance)
    least, most = least[cluster], most[cluster]
    alike = most - least <= 1e-3 * most  # rounding must not rank the two members of a pair
    return np.where(alike, 1, (most - distance) / np.where(alike, 1, most - least)).astype(np.float32)


def _majority_signs(signs: np.ndarray, cluster: np.ndarray, k: int) -> np.ndarray:
    """The signs, reversed in clusters in which most are negative, or half of them and the first."""
    balance = np.bincount(cluster, signs, k)
    return (signs * np.where(balance, np.sign(balance), _per_cluster(signs, cluster, k))[cluster]).astype(np.int8)


def _per_cluster(values: np.ndarray, cluster: np.ndarray, k: int) -> np.ndarray:
    """The value of each cluster's first member, 1 for an empty one."""
    found = np.ones(k, values.dtype)
    numbers, first = np.unique(cluster, return_index=True)
    found[numbers] = values[first]
    return found
