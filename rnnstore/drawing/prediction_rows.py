"""Titles of the rows of predictions under words: a language model predicts words, a classifier labels."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def row_titles(predictions: pa.Table) -> tuple[str, str]:
    """(title of the predictions, title of the probability that the right one had; empty without any target).

    A language model has a target at nearly every step, a classifier at the last step of a text alone; so the targets
    are taken for labels where most steps have none.
    """
    targets = predictions.filter(pc.equal(predictions["rank"], 1))["target"]
    if targets.null_count == len(targets):
        return "predicted", ""
    if 2 * targets.null_count > len(targets):
        return "predicted", "p of label"
    return "predicted next", "p of next word"
