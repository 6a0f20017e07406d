"""Where hypotheses are kept: in the store by who may change it, for anyone else in their own visit, beside the store's.

A visit ends when its page is loaded anew. What a visitor keeps for it nobody else sees and nothing writes to the disk;
a file takes it along.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.current import current_store
from pages.parts.shared.hosting import may_change
from rnnstore import StoreError, hypotheses
from rnnstore.hypotheses import exchange, storage
from rnnstore.hypotheses.exchange import MOST_BYTES
from rnnstore.hypotheses.storage import Hypothesis, Saved
from rnnstore.store.card import checked_name

_KEPT = "hypotheses-of-this-visit"


def for_this_visit() -> bool:
    """Whether what the visitor keeps is for this visit only."""
    return not may_change()


def own() -> dict[str, Hypothesis]:
    """The hypotheses that this visit keeps, by name."""
    return dict(st.session_state.get(_KEPT, {}))


def saved() -> Saved:
    """All hypotheses that the visitor can look at: those of the store, then those of this visit."""
    found = storage.saved(current_store())
    return Saved({**found.hypotheses, **own()}, found.problems)


def may_manage(name: str) -> bool:
    """Whether the visitor may rename or delete a hypothesis."""
    return may_change() or name in own()


def save(hypothesis: Hypothesis, *, replace: bool = False) -> None:
    """Keep a hypothesis, where this visitor may; a `StoreError` says why not."""
    if may_change():
        hypotheses.save(current_store(), hypothesis, replace=replace)
        return
    name, mine = checked_name(hypothesis.name, "hypothesis"), own()
    _check_free(name, mine if not replace else {})
    _keep({**mine, name: hypothesis})


def rename(old: str, new: str) -> None:
    """Give a hypothesis another name."""
    if may_change():
        storage.rename(current_store(), old, new)
        return
    new, mine = checked_name(new.strip(), "hypothesis"), own()
    if old not in mine or old == new:
        return
    _check_free(new, mine)
    renamed = mine.pop(old).model_copy(update={"name": new})
    _keep({**mine, new: renamed})


def delete(name: str) -> None:
    """Delete a hypothesis."""
    if may_change():
        storage.delete(current_store(), name)
        return
    _keep({kept: one for kept, one in own().items() if kept != name})


def _check_free(name: str, mine: dict[str, Hypothesis]) -> None:
    if name in mine:
        raise StoreError(f"There is a hypothesis {name!r} already; choose another name or replace it.")
    if name in storage.saved(current_store()).hypotheses:
        raise StoreError(f"The store keeps a hypothesis {name!r}, which stays as it is; choose another name.")


def _keep(several: dict[str, Hypothesis]) -> None:
    if len(exchange.serialised_together(several.values())) > MOST_BYTES:
        raise StoreError(
            f"A visit keeps hypotheses of {MOST_BYTES:,} bytes together, and with this one they are more. Take them "
            "with you as a file and delete some."
        )
    st.session_state[_KEPT] = several
