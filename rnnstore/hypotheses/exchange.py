"""Hypotheses sent from one store to another, as one file of one or several, and what is wrong with one that came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial

from pydantic import BaseModel, Field

from rnnstore.errors import DamagedModel, StoreError
from rnnstore.hypotheses.reruns import stands
from rnnstore.hypotheses.storage import FORMAT, Hypothesis
from rnnstore.store.card import checked_name
from rnnstore.store.documents import parsed
from rnnstore.store.folder import Store

MOST_BYTES = 1_000_000
"""Bytes of a file that is taken for hypotheses."""


def serialised_together(hypotheses: Iterable[Hypothesis]) -> bytes:
    """Several hypotheses as one file."""
    several = [hypothesis.model_dump() for hypothesis in hypotheses]
    return json.dumps({"format": FORMAT, "hypotheses": several}, ensure_ascii=False, indent=1).encode()


_TOGETHER = re.compile(rb'\s*\{\s*"format"\s*:\s*\d+\s*,\s*"hypotheses"\s*:')


class _Several(BaseModel):
    format: int
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)


def deserialised(content: bytes, shown: str = "The file") -> list[Hypothesis]:
    """The hypotheses in the bytes of a file from elsewhere, which a sentence about it calls `shown`.

    It is what `serialised` or `serialised_together` gave.

    Raises `DamagedModel` for what is too large, no JSON, no hypothesis, of a newer format, or damaged, and `StoreError`
    for a name that cannot be one. Whether the hypothesis fits a store, `mismatch` says.
    """
    mending = "Ask for the file again, as rnnstore wrote it."
    if len(content) > MOST_BYTES:
        raise DamagedModel(
            f"{shown} has {len(content):,} bytes; a file of hypotheses has at most {MOST_BYTES:,}. Choose such a file."
        )
    read = partial(parsed, content, shown=shown, what="hypothesis", newest=FORMAT, mending=mending)
    found = list(read(_Several).hypotheses) if _TOGETHER.match(content) else [read(Hypothesis)]
    for hypothesis in found:
        checked_name(hypothesis.name, "hypothesis")
    return found


def mismatch(store: Store, hypothesis: Hypothesis) -> str:
    """Why a hypothesis is not, in this store, what it was where it was formed: a sentence, empty when it is."""
    words = "Its words can still be looked for, in any model of this store."
    try:
        model = store.model(hypothesis.model)
        units = model.state(hypothesis.state).units
    except StoreError as error:
        return f"{error} {words}"
    named = max((*hypothesis.units, *hypothesis.left_out, *hypothesis.pinned), default=0)
    if named >= units:
        return (
            f"It names unit {named:,} of {hypothesis.state}, and in {model.name} of this store that state has units 0 "
            f"to {units - 1:,}: it is another network of the same name. {words}"
        )
    if not stands(model, hypothesis):
        return (
            f"At steps {hypothesis.start:,} to {hypothesis.stop - 1:,} {model.name} of this store reads other words "
            f"than {hypothesis.quoted}: it was recorded over another text. {words}"
        )
    return ""
