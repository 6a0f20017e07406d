"""The detail view of the co-clusters: picked words over all units, and the words of picked units."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.parts.co_clusters import queries
from pages.parts.co_clusters.address import TOGETHER
from pages.parts.co_clusters.panel import Panel, pick_unit, pick_word
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.pictures import Clicks, colours, show_picture
from rnnstore.co_clusters.charts.responses import response_picture
from rnnstore.co_clusters.charts.unit_words import unit_words_picture

DETAIL = 620
"""Pixels that the detail view is laid out for."""


def show_detail(panel: Panel) -> None:
    """Both halves of the detail view, each as soon as something is picked for it."""
    if panel.view.picked:
        show_words(panel)
    if panel.view.units:
        show_units(panel)
    if not (panel.view.picked or panel.view.units):
        st.info(
            f"Click words in the clouds (up to {TOGETHER}) to compare how they move each unit, or squares on the chips "
            "to see which words move a unit most. Hover a chip or a cloud to see what belongs to it, click "
            "to pin it."
        )


def show_words(panel: Panel) -> None:
    """Bands of the picked words over all units."""
    view = panel.view
    with side_by_side():
        st.markdown("**What the words do to each unit**", width="stretch")
        if len(view.picked) > 1:
            view.control("sort", now=view.order, options=list(view.picked), width=170)
    picture = response_picture(
        [queries.word_response(view.model, view.state.name, word) for word in view.picked],
        colours(),
        sorted_by=view.picked.index(view.order),
        clusters=panel.clusters.unit_cluster,
        width=DETAIL,
    )
    clicks: Clicks = {"clicked_unit": ("unit", partial(pick_unit, panel))}
    alt = "The picked words, a band each: how every unit responds to them on average."
    show_picture(picture, f"{panel.prefix}response_view", _key(panel, "response"), clicks, fixed=True, alt=alt)


def show_units(panel: Panel) -> None:
    """Box plots of the words that move the picked units most."""
    view = panel.view
    with side_by_side():
        st.markdown("**Which words move the units most**", width="stretch")
        view.control("boxes", width=110)
        view.control("least", width=120)
    tables = {
        unit: queries.words_of_unit(view.model, view.state.name, unit, view.boxes, view.least) for unit in view.units
    }
    if not any(table.num_rows for table in tables.values()):
        st.info(f"No word has {view.least:,} occurrences; ask for fewer.")
        return
    picture = unit_words_picture(
        tables,
        colours(),
        columns=min(len(tables), 2),
        clusters=panel.clusters.unit_cluster,
        width=DETAIL,
    )
    clicks: Clicks = {"clicked_word": ("word_id", lambda word: pick_word(panel, view.model.vocabulary[word]))}
    alt = "The picked units, a box plot each of their responses to the words that move them most."
    show_picture(picture, f"{panel.prefix}unit_view", _key(panel, "unit"), clicks, fixed=True, alt=alt)


def _key(panel: Panel, name: str) -> str:
    return f"{panel.prefix}{name}-{panel.name}-{st.context.theme.type}"
