"""How a page is read: `guide.md` in the folder of its parts, with formulas and the sections of the papers."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

PARTS = Path(__file__).parents[1]


def explain(analysis: str, *, guide: str = "guide", **facts: str) -> None:
    """The guide of an analysis, closed; `{{name}}` in it is replaced by a fact of that name."""
    text = (PARTS / analysis / f"{guide}.md").read_text("utf-8")
    for name, fact in facts.items():
        text = text.replace(f"{{{{{name}}}}}", fact)
    with st.expander("How to read this"):
        st.markdown(text)
