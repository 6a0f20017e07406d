"""How controls stand beside one another, the table of a search's hits, and a button that breaks off a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal

import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState


def side_by_side(align: Literal["top", "center", "bottom"] = "bottom", **options: Any) -> DeltaGenerator:
    """Controls side by side, on one line with their lower edges where not said otherwise."""
    return st.container(horizontal=True, vertical_alignment=align, **({"gap": "small"} | options))


def clickable_table(table: pa.Table, key: str, go: Callable[[int], None], *, height: int, **options: Any) -> None:
    """A table of which a cell can be clicked: `go` is called with its row. It is `height` pixels high at most."""

    def take() -> None:
        for place, _ in st.session_state[key].selection.cells:
            go(place)

    st.dataframe(
        table,
        key=key,
        on_select=take,
        selection_mode="single-cell",
        hide_index=True,
        height=min(38 + 35 * table.num_rows, height),
        **options,
    )


def of_no_fragment() -> AbstractContextManager[Any]:
    """A button drawn in it breaks off the run that draws it. One that belongs to a fragment is heard only when that
    run has come to its end: Streamlit lets no fragment overtake a script."""
    return ThreadState.scoped(fragment_id=None)
