"""Clusterings saved in the store, for SQL and for later use: the table `co_clusters`.

The application clusters anew for every view, which takes less time than reading would; a clustering is saved only on
request. A state can have any number of them, one for each method and k; saving one again replaces it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.store.folder import Store
from rnnstore.store.tables import TABLES


def clustering_rows(expected: ExpectedResponses, clusters: CoClusters) -> pa.Table:
    """The rows of `co_clusters` for one clustering: a row a word, by falling frequency, then a row a unit."""
    words, units = len(clusters.rows), len(clusters.unit_cluster)
    columns = {
        "method": [clusters.method] * (words + units),
        "k": np.full(words + units, clusters.k),
        "kind": ["word"] * words + ["unit"] * units,
        "id": np.concatenate([expected.word_ids[clusters.rows], np.arange(units)]),
        "cluster": np.concatenate([clusters.word_cluster, clusters.unit_cluster]),
        "weight": np.concatenate([clusters.word_weight, clusters.unit_weight]),
        "sign": np.concatenate([np.ones(words, np.int16), clusters.unit_sign]),
    }
    return pa.table(columns).cast(TABLES["co_clusters"].schema)


def save_clustering(store: Store, expected: ExpectedResponses, clusters: CoClusters) -> None:
    """Write a clustering of `expected` into its model, in place of one by the same method and k.

    Raises `Busy` while another process writes the model.
    """
    with store.writer(expected.model) as writer:
        store.refresh()
        others = store.sql(
            """
            select method, k, kind, id, cluster, weight, sign
            from co_clusters
            where model = $model
              and state = $state
              and not (method = $method and k = $k)
            """,
            {"model": expected.model, "state": expected.state, "method": clusters.method, "k": clusters.k},
        )
        written = clustering_rows(expected, clusters)
        writer.replace("co_clusters", pa.concat_tables([others.cast(written.schema), written]), expected.state)
    store.refresh()
