"""Previews of recorded batches, shown while the pointer is over a bar of the overview.

All previews of an overview are one query and sent at once, so that nothing is requested while the pointer moves. A
batch of many steps is reduced to `PLACES` places; of a batch of several texts the words of the first one are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.store.model import Model

PLACES = 50
"""Places of a preview, at most."""


@dataclass(frozen=True)
class BatchPreviews:
    """Previews of some batches of one layer.

    table   step (of the batch), place, norm (of the gradient through the weights' copy at that place), label,
            predicted, right (null where no label was asked for); by step, then place
    places  places of the longest batch
    each    steps of a batch in one place; words are included only where that is one
    """

    table: pa.Table
    places: int
    each: int


def batch_previews(model: Model, steps: Sequence[int], window: int, layer: int = 1) -> BatchPreviews:
    """Previews of the batches after the optimiser steps `steps`, of which the longest has `window` steps.

    The norm is the sum of the signed shares through a step, which is exact; means where steps are put together.
    """
    each = max(1, -(-window // PLACES))
    asked = {"steps": [int(step) for step in steps], "first": int(min(steps)), "last": int(max(steps))}
    chosen = "step between $first and $last and step in (select unnest($steps))"
    norms = model.ask(
        "itemized_gradients",
        f"""
        select step, (j // $each)::int as place, sum(share) / count(distinct j) as norm
        from {{itemized_gradients}}
        where layer = $layer and {chosen}
        group by step, place
        order by step, place
        """,
        layer=layer,
        each=each,
        **asked,
    )
    words = model.ask(
        "training_batches",
        f"""
        select step, position as place, label, predicted
        from {{training_batches}}
        where sequence = 0 and $each = 1 and {chosen}
        """,
        each=each,
        **asked,
    )
    table = norms.join(words, keys=["step", "place"], join_type="left outer").sort_by(
        [("step", "ascending"), ("place", "ascending")]
    )
    right = pc.equal(table["label"], table["predicted"])
    return BatchPreviews(table.append_column("right", right), -(-window // each), each)
