"""What every page offers to export: numbers as files, lines of a notebook, and the link to what is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pyarrow as pa
import streamlit as st

from pages.parts.shared.address import link
from rnnstore import Model, State
from rnnstore.export import csv, parquet

WRITERS = {"CSV": csv, "Parquet": parquet}


@contextmanager
def exporting() -> Iterator[None]:
    """The button that opens what can be exported, which is offered inside."""
    with st.popover("Export"), st.container(width=380):
        yield


def offer_numbers(
    label: str, file: str, table: Callable[[], pa.Table], *, kinds: tuple[str, ...] = ("CSV", "Parquet"), key: str = ""
) -> None:
    """A button for each kind of file; the table is made when one is clicked. `key` tells two panels apart."""
    for kind in kinds:
        st.download_button(
            f"{label} as {kind}",
            partial(_written, kind, table),
            f"{file}.{kind.lower()}",
            key=f"{key}download-{label}-{kind}",
            on_click="ignore",
            width="stretch",
        )


def _written(kind: str, table: Callable[[], pa.Table]) -> bytes:
    return WRITERS[kind](table())


def offer_code(*lines: str) -> None:
    """The lines of a notebook that draw the same, after those that open the library."""
    st.caption("The same in a notebook")
    st.code("\n".join(("import rnnstore", "from rnnstore import pictures", "", *lines)), language="python")


def offer_link(model: Model, state: State, sentence: str = "Link to exactly this view") -> None:
    """The address of what is shown, to copy."""
    st.caption(sentence)
    st.code(link(model, state), language=None, wrap_lines=True)
