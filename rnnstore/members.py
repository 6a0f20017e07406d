"""Which group each word and each unit is in, as a table to take away."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters import CoClusters
from rnnstore.expected import ExpectedResponses


def members(clusters: CoClusters, expected: ExpectedResponses) -> pa.Table:
    """A clustering, a row a word or unit: kind, id (a word's or a unit's), word, count, cluster, weight.

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
