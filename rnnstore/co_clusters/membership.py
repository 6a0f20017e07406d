"""Members of co-clusters: adding words to an existing clustering, and a clustering as one table for export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses


def with_words(clusters: CoClusters, expected: ExpectedResponses, words: Sequence[str]) -> CoClusters:
    """The clustering with `words` added, each to the word cluster whose centre is nearest.

    Clusters, edges and `explained` do not change. The weight of an added word is on the scale of its cluster, and 0 at
    least. Raises `UnknownName` for a word that was never read.
    """
    there = set(clusters.rows.tolist())
    rows = np.array([row for row in dict.fromkeys(map(expected.row, words)) if row not in there], np.int64)
    if not len(rows):
        return clusters
    response = expected.response[clusters.rows]
    sizes = np.bincount(clusters.word_cluster, minlength=clusters.k)
    centres = np.full((clusters.k, expected.units), np.inf)  # an empty cluster is near to nothing
    for number in np.flatnonzero(sizes):
        centres[number] = response[clusters.word_cluster == number].mean(axis=0)
    own = np.linalg.norm(response - centres[clusters.word_cluster], axis=1)
    distances = np.stack([np.linalg.norm(expected.response[row] - centres, axis=1) for row in rows])
    nearest = distances.argmin(axis=1)
    weights = []
    for distance, number in zip(distances.min(axis=1), nearest, strict=True):
        here = own[clusters.word_cluster == number]
        spread = here.max() - here.min()
        weights.append(np.clip((here.max() - distance) / spread, 0, 1) if spread else float(distance <= here.max()))
    return replace(
        clusters,
        words=[*clusters.words, *(expected.words[row] for row in rows)],
        rows=np.concatenate([clusters.rows, rows]),
        word_cluster=np.concatenate([clusters.word_cluster, nearest]),
        word_weight=np.concatenate([clusters.word_weight, np.array(weights, np.float32)]),
    )


def members(clusters: CoClusters, expected: ExpectedResponses) -> pa.Table:
    """A clustering, a row per word or unit: kind, id (a word's or a unit's), word, count, cluster, weight.

    `weight` is the nearness to the centre of the group, `count` how often a word was read; units have neither word nor
    count.
    """
    units = len(clusters.unit_cluster)
    ids = np.concatenate([expected.word_ids[clusters.rows], np.arange(units)])
    counts = [*expected.counts[clusters.rows].tolist(), *[None] * units]
    return pa.table(
        {
            "kind": pa.array(["word"] * len(clusters.rows) + ["unit"] * units, pa.string()),
            "id": pa.array(ids, pa.int32()),
            "word": pa.array([*clusters.words, *[None] * units], pa.string()),
            "count": pa.array(counts, pa.int64()),
            "cluster": pa.array(np.concatenate([clusters.word_cluster, clusters.unit_cluster]), pa.int32()),
            "weight": pa.array(np.concatenate([clusters.word_weight, clusters.unit_weight]), pa.float32()),
        }
    )
