"""What every page offers to take away: numbers as files, and the link to what is shown."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from pages.parts.shared.address import link
from rnnstore import Model, State
from rnnstore.export import csv, parquet

WRITERS = {"CSV": csv, "Parquet": parquet}


def offer_numbers(
    label: str, file: str, table: Callable[[], pa.Table], *, kinds: tuple[str, ...] = ("CSV", "Parquet"), key: str = ""
) -> None:
    """A button for each kind of file; the table is made when one is clicked. `key` tells two panels apart."""
    for kind in kinds:
        _offer(label, file, table, kind, key)


def _offer(label: str, file: str, table: Callable[[], pa.Table], kind: str, key: str) -> None:
    st.download_button(
        f"{label} as {kind}",
        lambda: WRITERS[kind](table()),
        f"{file}.{kind.lower()}",
        key=f"{key}download-{label}-{kind}",
        on_click="ignore",
        width="stretch",
    )


def offer_link(model: Model, state: State, sentence: str = "Link to exactly this view") -> None:
    """The address of what is shown, to copy."""
    st.caption(sentence)
    st.code(link(model, state), language=None, wrap_lines=True)
