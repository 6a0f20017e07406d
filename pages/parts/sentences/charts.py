"""The two charts of the page "Sentences" that take the mouse: the glyphs, and the strip that chooses them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.sentences.address import View
from pages.parts.shared.controls import clicked_since, last_selections
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.sentences.charts.layout import Arrangement
from rnnstore.sentences.charts.overview import overview_picture
from rnnstore.sentences.passages import Colouring, Passage


def show_glyphs(picture: Picture, key: str, view: View) -> None:
    """The glyphs; clicks on words, bars, memory chips and their cells go into the address."""
    with st.container(key=f"{view.prefix}glyph_view"):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=lambda: _take_click(key, view),
            selection_mode=["clicked_token", "clicked_bar", "clicked_chip", "clicked_cell"],
            theme=None,
            width="stretch",
            height=int(picture.specification["height"]),
            alt="A glyph for every word: what it left in each cluster of units, what it changed and what it preserved.",
        )


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
    picture = overview_picture(passages, begin, palette(st.context.theme.type), brush=held["began"])

    def take() -> None:
        chosen = dict(st.session_state[key].selection).get("brush", {}).get("mid")
        if not chosen or chosen == held.get("seen"):
            return
        held["seen"] = chosen
        first, last = max(0, round(chosen[0])), max(0, round(chosen[1]) - 1)
        if last >= first and held["shown"] != (first, last + 1):  # a chart says at first with which brush it began
            held["shown"] = (first, last + 1) if (first, last + 1) != (0, columns) else None
            view.change(shown=(first, last))

    with st.container(key=f"{prefix}course_view"):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=take,
            selection_mode=["brush"],
            theme=None,
            width="stretch",
            height=int(picture.specification["height"]),
            alt="What every word changed in every cluster; drag over it to choose the words that are drawn as glyphs.",
        )


def _take_click(key: str, view: View) -> None:
    """A click on a word, a bar, a memory chip or one of its cells."""
    before, now = last_selections(key)
    # A click tells all parameters whose field its mark has, so that the most telling one is asked first.
    for bar in clicked_since(before, now, "clicked_bar", "bar"):
        place, _, cluster = bar.rpartition(":")
        again = view.at is not None and place == f"{view.at[0]}:{view.at[1]}" and view.chip == int(cluster)
        view.change(at=place, chip=None if again else cluster)
        return
    for unit in clicked_since(before, now, "clicked_cell", "unit"):
        again = view.colouring == Colouring(unit=int(unit))
        view.change(colouring=None if again else Colouring(unit=int(unit)))
        return
    for place in clicked_since(before, now, "clicked_token", "place"):
        view.change(at=place)
        return
    for cluster in clicked_since(before, now, "clicked_chip", "cluster"):
        view.change(chip=None if view.chip == cluster else cluster)
        return
