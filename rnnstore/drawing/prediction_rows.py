"""What the rows of predictions under words are called: a language model foretells words, a classifier labels."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def row_titles(predictions: pa.Table) -> tuple[str, str]:
    """The titles of the predictions' rows and of the row that says how probable the right one was.

    A word that comes next follows on nearly every step, a label on the last of a text alone: where most of the steps
    have no target the targets are labels. Where none has one there is nothing in the second row, and it has no title.
    """
    targets = predictions.filter(pc.equal(predictions["rank"], 1))["target"]
    if targets.null_count == len(targets):
        return "predicted", ""
    if 2 * targets.null_count > len(targets):
        return "predicted", "p of label"
    return "predicted next", "p of next word"
