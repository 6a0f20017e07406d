"""How a page is drawn inside the application, and all that the name of the folder `pages` costs.

Until an application has called `st.navigation`, Streamlit takes a folder named `pages` beside the main script for one
of scripts that stand alone: a link straight to a page, as the first request of all, then runs that page without sidebar
and choice. So `show` starts over with streamlit_app.py where that has not run yet, and the pages' files are named by
absolute paths: a script elsewhere, with no `pages` beside it, can run the same application, as tests do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.parts.shared.current import OVERVIEW, PAGES, QUESTIONS
from pages.parts.shared.messages import errors_as
from rnnstore.registry import GROUPS, analyses

ROOT = Path(__file__).parents[3]

_FRAMED, _SIDEBAR_CHANGED = "framed", "sidebar-changed"
"""In the session: streamlit_app.py has run; a click in a page chose what the sidebar shows."""


def navigation() -> tuple[Any, dict[str, list[Any]]]:
    """The page that the address names, and all pages by their group; the links to them are drawn in the sidebar."""
    st.session_state[_FRAMED] = True
    pages = {path: st.Page(ROOT / path, title=title, default=path == OVERVIEW) for path, title in PAGES.items()}
    groups = {"": [pages[OVERVIEW]]} | {group: [] for group in GROUPS}
    for analysis in analyses():
        groups[analysis.group].append(pages[analysis.page])
    return st.navigation(list(pages.values()), position="hidden"), groups


def show_links(groups: Mapping[str, list[Any]], carried: Mapping[str, str]) -> None:
    """The links to all pages under the names of their groups; they carry the chosen model and state along."""
    for group, pages in groups.items():
        if group:
            st.caption(group.capitalize())
        for page in pages:
            st.page_link(page, query_params=dict(carried))


def show_title(title: str) -> None:
    """A page's heading, as its menu entry says it, beside what the page answers."""
    question = next(QUESTIONS[path] for path, name in PAGES.items() if name == title)
    with st.container(horizontal=True, vertical_alignment="bottom", key="page_title"):
        st.title(title, anchor=False, width="content")
        st.caption(question, width="content")


def show(draw: Callable[[], None], *, whole: bool = False) -> None:
    """Draw a page; a click runs `draw` again and not what surrounds it, unless the page is `whole`.

    What the store cannot do is said in its sentence.
    """
    if _FRAMED not in st.session_state:
        navigation()
        st.rerun()

    def screen() -> None:
        if st.session_state.pop(_SIDEBAR_CHANGED, False):
            st.rerun()
        with errors_as(st.error):
            draw()

    (screen if whole else st.fragment(screen))()


def sidebar_changed() -> None:
    """A click in a page chose another model or state: the sidebar has to follow."""
    st.session_state[_SIDEBAR_CHANGED] = True


def page_link(page: str, label: str, query_params: Mapping[str, str], help: str | None = None) -> None:
    """A link to a page of the application, by the name of its file."""
    st.page_link(ROOT / "pages" / f"{page}.py", label=label, query_params=dict(query_params), help=help)
