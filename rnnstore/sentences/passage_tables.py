"""Export tables of the numbers behind glyphs, predictions, coloured text and responses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.expected import QUANTILE_COLUMNS, WordResponse
from rnnstore.errors import QuestionError
from rnnstore.sentences.passages import Passage


def measures_table(passages: Sequence[Passage]) -> pa.Table:
    """All numbers of the glyphs, a row a passage, token and cluster: passage, title, index, step (of a recorded
    span), word, typed, unknown, cluster, units, positive, negative (means over the units), their changes, preserved
    (a sum) and preserved_share (null: nothing was there)."""
    parts = []
    for number, each in enumerate(passages):
        steps, clusters = each.measures.positive.shape
        index = np.repeat(np.arange(steps), clusters)
        measures = {
            "positive": each.measures.positive,
            "negative": each.measures.negative,
            "positive_change": each.measures.positive_change,
            "negative_change": each.measures.negative_change,
            "preserved": each.measures.preserved,
            "preserved_share": each.measures.preserved_share,
        }
        parts.append(
            pa.table(
                {
                    "passage": pa.array(np.full(len(index), number + 1), pa.int16()),
                    "title": pa.array([each.title] * len(index), pa.string()),
                    "index": pa.array(index, pa.int32()),
                    "step": pa.array([None] * len(index) if each.first is None else index + each.first, pa.int64()),
                    "word": pa.array(list(each.words), pa.string()).take(pa.array(index)),
                    "typed": pa.array(list(each.typed), pa.string()).take(pa.array(index)),
                    "unknown": pa.array(np.asarray(each.unknown, bool)[index], pa.bool_()),
                    "cluster": pa.array(np.tile(np.arange(clusters), steps), pa.int16()),
                    "units": pa.array(np.tile(each.measures.units, steps), pa.int32()),
                    **{name: pa.array(v.ravel(), pa.float64(), from_pandas=True) for name, v in measures.items()},
                }
            )
        )
    if not parts:
        raise QuestionError("There is no passage whose numbers could be given.")
    return pa.concat_tables(parts)


def predictions_table(passages: Sequence[Passage]) -> pa.Table | None:
    """What was predicted after each token, as in `Reading`, with the passage (from 1) and its title; None where there
    are no predictions."""
    parts = []
    for number, each in enumerate(passages, 1):
        if each.predictions is not None:
            rows = each.predictions
            parts.append(
                rows.add_column(0, "title", pa.array([each.title] * rows.num_rows, pa.string())).add_column(
                    0, "passage", pa.array(np.full(rows.num_rows, number), pa.int16())
                )
            )
    return pa.concat_tables(parts, promote_options="permissive") if parts else None


def values_table(passages: Sequence[Passage]) -> pa.Table:
    """The values that colour the words: passage (from 1), title, index, step (of a recorded span), word, value."""
    parts = []
    for number, each in enumerate(passages, 1):
        index = np.arange(len(each))
        parts.append(
            pa.table(
                {
                    "passage": pa.array(np.full(len(each), number), pa.int16()),
                    "title": pa.array([each.title] * len(each), pa.string()),
                    "index": pa.array(index, pa.int32()),
                    "step": pa.array([None] * len(each) if each.first is None else index + each.first, pa.int64()),
                    "word": pa.array(list(each.words), pa.string()),
                    "value": pa.array([None] * len(each) if each.values is None else each.values, pa.float64()),
                }
            )
        )
    if not parts:
        raise QuestionError("There is no passage whose values could be given.")
    return pa.concat_tables(parts)


def response_table(word: WordResponse, actual: np.ndarray, unit_cluster: np.ndarray) -> pa.Table:
    """One token's response beside the distribution of its word's: unit, cluster, response, mean, standard_error (null:
    read once) and the quantiles of `word`, a row a unit."""
    quantiles = {name: pa.array(row, pa.float32()) for name, row in zip(QUANTILE_COLUMNS, word.quantiles, strict=True)}
    return pa.table(
        {
            "unit": pa.array(np.arange(len(actual)), pa.int32()),
            "cluster": pa.array(np.asarray(unit_cluster), pa.int16()),
            "response": pa.array(np.asarray(actual, np.float32), pa.float32()),
            "mean": pa.array(word.mean, pa.float32()),
            "standard_error": pa.array(word.standard_error, pa.float32(), from_pandas=True),
            **quantiles,
        }
    )
