"""Co-clusters: groups of words and groups of units that respond alike (RNNVis, section 5.2).

The matrix of expected responses, words x units, is decomposed once into its strongest singular vectors, with their
signs; words and units are clustered in them by Ward's method, each side in a tree that is cut at any k. So every k is
answered from one decomposition, the same question always has the same answer, no cluster is empty, and one cluster more
splits one cluster. The paper's own method, spectral co-clustering of the matrix shifted until nothing is negative, is a
choice beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, nearest
from rnnstore.expected import ExpectedResponses
from rnnstore.ward import Tree, ward

RANK = 20
"""Singular vectors in which words and units are clustered, scaled by their singular values: one for each cluster that
can be asked for on a page."""

METHODS = ("signed", "spectral")


@dataclass(frozen=True)
class CoClusters:
    """k clusters of words and k of units, numbered 0..k-1 on either side, and how strongly each pair is linked.

    `rows` int64[n] are the words' rows in the `ExpectedResponses`; `word_cluster` int64[n] and `unit_cluster`
    int64[units] the numbers; `word_weight` float32[n] and `unit_weight` float32[units] the nearness to the centre of
    the own cluster, 1 for its nearest member and 0 for its farthest. `edges` float32[k, k] is the mean of s over word
    cluster i and unit cluster j (RNNVis, equation 8; 0 where one of them is empty), `partner` int64[k] the unit cluster
    opposite which word cluster i best stands: each once, with the largest sum of |edges|. `explained` is the R2 of
    the matrix that is made of these means. `notes` say what was left out or is odd, in sentences.
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
    edges: np.ndarray
    partner: np.ndarray
    explained: float
    notes: list[str]


@dataclass(frozen=True)
class Decomposition:
    """The chosen words' responses, float32[n, units], with the trees of words and of units."""

    state: str
    words: list[str]
    rows: np.ndarray
    response: np.ndarray
    word_tree: Tree = field(repr=False)
    unit_tree: Tree = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def most_clusters(self) -> int:
        """The largest k that can be asked for: the number of words or of units, whichever is smaller."""
        return min(self.response.shape)

    def clusters(self, k: int, method: str = "signed", seed: int = 0) -> CoClusters:
        """k word clusters and k unit clusters.

        `method` "signed": cuts of the two trees, none empty, and k + 1 clusters are these with one of either side
        split; the larger half keeps the number, the other gets number k. "spectral": scikit-learn's
        SpectralCoclustering of the shifted matrix as the paper has it, starting at random from `seed`; it can leave
        clusters empty, and says so. Raises `QuestionError` for any other method or a k out of range.
        """
        if method not in METHODS:
            raise QuestionError(f"There is no method {method!r} of co-clustering: {nearest(method, METHODS)}")
        if not 1 <= k <= self.most_clusters:
            raise QuestionError(
                f"{k} clusters were asked for; with {self.response.shape[0]:,} words and {self.response.shape[1]:,} "
                f"units there can be 1 to {self.most_clusters:,}. Ask for fewer, or let more words in."
            )
        if method == "spectral":
            word_cluster, unit_cluster = _spectral(self.response, k, seed)
        else:
            word_cluster, unit_cluster = self.word_tree.cut(k), self.unit_tree.cut(k)
        return _described(self, method, k, word_cluster, unit_cluster)


def decompose(
    expected: ExpectedResponses, words: int | None = 500, minimum_count: int = 1, always: Sequence[str] = ()
) -> Decomposition:
    """What serves every number of clusters: signed singular vectors and trees of the most frequent words' responses.

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
    left, right = _embedded(response)
    notes = _left_out(expected, rows, minimum_count)
    return Decomposition(
        expected.state, [expected.words[row] for row in rows], rows, response, ward(left), ward(right), notes
    )


def _left_out(expected: ExpectedResponses, rows: np.ndarray, minimum_count: int) -> tuple[str, ...]:
    left = len(expected.words) - len(rows)
    if not left:
        return ()
    share = 1 - expected.counts[rows].sum() / expected.counts.sum()
    rare = int(np.count_nonzero(expected.counts < minimum_count))
    why = f", {rare:,} of them read fewer than {minimum_count:,} times" if rare else ""
    return (
        f"{len(rows):,} of {len(expected.words):,} words are clustered; the {left:,} left out{why} stand at "
        f"{share:.1%} of the steps.",
    )


def _embedded(response: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(words, units) in the strongest singular vectors, scaled by the singular values: float64[., <= RANK]."""
    left, values, right = np.linalg.svd(response.astype(float), full_matrices=False)
    return left[:, :RANK] * values[:RANK], right[:RANK].T * values[:RANK]


def _spectral(response: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import SpectralCoclustering

    model = SpectralCoclustering(k, random_state=seed).fit(response.astype(float) + abs(float(response.min())))
    return model.row_labels_.astype(np.int64), model.column_labels_.astype(np.int64)


def _described(
    decomposition: Decomposition, method: str, k: int, word_cluster: np.ndarray, unit_cluster: np.ndarray
) -> CoClusters:
    from scipy.optimize import linear_sum_assignment

    response = decomposition.response.astype(float)
    of_words, of_units = np.eye(k)[word_cluster], np.eye(k)[unit_cluster]  # [n, k], [units, k]
    word_sizes, unit_sizes = of_words.sum(axis=0), of_units.sum(axis=0)
    word_sums, unit_sums = of_words.T @ response, response @ of_units  # [k, units], [n, k]
    blocks = np.outer(word_sizes, unit_sizes)
    edges = (word_sums @ of_units) / np.maximum(blocks, 1)
    mean = response.mean()
    total = ((response - mean) ** 2).sum()
    explained = float(1 - (total - (blocks * (edges - mean) ** 2).sum()) / total) if total else 1.0
    notes = list(decomposition.notes)
    for kind, sizes in (("word", word_sizes), ("unit", unit_sizes)):
        empty = np.flatnonzero(sizes == 0)
        if len(empty):
            notes.append(f"The spectral method left {len(empty)} of {k} {kind} clusters empty.")
    return CoClusters(
        decomposition.state,
        method,
        k,
        decomposition.words,
        decomposition.rows,
        word_cluster,
        unit_cluster,
        _nearness(response, word_sums / np.maximum(word_sizes, 1)[:, None], word_cluster),
        _nearness(response.T, (unit_sums / np.maximum(unit_sizes, 1)).T, unit_cluster),
        edges.astype(np.float32),
        linear_sum_assignment(-np.abs(edges))[1],
        explained,
        notes,
    )


def _nearness(points: np.ndarray, centres: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """float32[n]: 1 for the point of a cluster that is nearest to its centre, 0 for the farthest, linear between."""
    distance = np.sqrt(((points - centres[cluster]) ** 2).sum(axis=1))
    least, most = np.full(len(centres), np.inf), np.zeros(len(centres))
    np.minimum.at(least, cluster, distance)
    np.maximum.at(most, cluster, distance)
    spread = (most - least)[cluster]
    return np.where(spread > 0, (most[cluster] - distance) / np.where(spread > 0, spread, 1), 1).astype(np.float32)


def members(clusters: CoClusters, expected: ExpectedResponses) -> pa.Table:
    """A clustering as a table, a row a word or unit: kind, id (a word's or a unit's), word, count, cluster, weight."""
    units = len(clusters.unit_cluster)
    ids = np.concatenate([expected.word_ids[clusters.rows], np.arange(units)])
    counts = pa.array([*expected.counts[clusters.rows].tolist(), *[None] * units], pa.int64())
    return pa.table(
        {
            "kind": pa.array(["word"] * len(clusters.rows) + ["unit"] * units, pa.string()),
            "id": pa.array(ids, pa.int32()),
            "word": pa.array([*clusters.words, *[None] * units], pa.string()),
            "count": counts,
            "cluster": pa.array(np.concatenate([clusters.word_cluster, clusters.unit_cluster]), pa.int32()),
            "weight": pa.array(np.concatenate([clusters.word_weight, clusters.unit_weight]), pa.float32()),
        }
    )
