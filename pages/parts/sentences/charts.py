"""The two charts of the page "Sentences" that take the mouse: the glyphs, and the strip that chooses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.parts.sentences.address import View
from pages.parts.shared.pictures import Clicks, colours, show_picture
from rnnstore.drawing.picture import Picture
from rnnstore.sentences.charts.layout import Arrangement
from rnnstore.sentences.charts.overview import overview_picture
from rnnstore.sentences.passages import Colouring, Passage


def show_glyphs(picture: Picture, key: str, view: View) -> None:
    """The glyphs; clicks on words, bars, memory chips and their cells go into the address."""

    def bar(clicked: str) -> None:
        place, _, cluster = clicked.rpartition(":")
        again = view.at is not None and place == f"{view.at[0]}:{view.at[1]}" and view.chip == int(cluster)
        view.change(at=place, chip=None if again else cluster)

    def cell(unit: float) -> None:
        colouring = Colouring(unit=int(unit))
        view.change(colouring=None if view.colouring == colouring else colouring)

    clicks: Clicks = {  # a click tells all selections whose field its mark has, so that the most telling one is first
        "clicked_bar": ("bar", bar),
        "clicked_cell": ("unit", cell),
        "clicked_token": ("place", lambda place: view.change(at=place)),
        "clicked_chip": ("cluster", lambda cluster: view.change(chip=None if view.chip == cluster else cluster)),
    }
    alt = "A glyph for every word: what it left in each cluster of units, what it changed and what it preserved."
    show_picture(picture, f"{view.prefix}glyph_view", key, clicks, fixed=True, alt=alt)


def show_course(
    view: View, passages: Sequence[Passage], begin: tuple[int, ...], arrangement: Arrangement, columns: int
) -> None:
    """The heat map of all tokens, on which the mouse chooses those that are drawn as glyphs."""
    prefix = view.prefix
    now: tuple[int, int] | None = (arrangement.first, arrangement.last or 0)
    now = None if now == (0, columns) else now
    held = st.session_state.setdefault(f"{prefix}sentences-held", {"version": 0, "shown": None, "began": None})
    titles = [each.title for each in passages]
    if held["shown"] != now or held.get("titles") != titles:
        held.update(version=held["version"] + 1, shown=now, began=now, titles=titles, seen=None)
    key = f"{prefix}sentences-course-{held['version']}"
    picture = overview_picture(passages, begin, colours(), brush=held["began"])

    def take() -> None:
        chosen = dict(st.session_state[key].selection).get("brush", {}).get("mid")
        if not chosen or chosen == held.get("seen"):
            return
        held["seen"] = chosen
        first, last = max(0, round(chosen[0])), max(0, round(chosen[1]) - 1)
        if last >= first and held["shown"] != (first, last + 1):  # a chart says at first with which brush it began
            held["shown"] = (first, last + 1) if (first, last + 1) != (0, columns) else None
            view.change(shown=(first, last))

    alt = "What every word changed in every cluster; drag over it to choose the words that are drawn as glyphs."
    options: Any = {"on_select": take, "selection_mode": ["brush"], "alt": alt}
    show_picture(picture, f"{prefix}course_view", key, fixed=True, **options)
