"""What is chosen about the glyphs of sentences: clusters, arrangement, alignment, colours."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.sentences.address import View
from pages.parts.shared.controls import side_by_side
from rnnstore.sentences.charts.layout import Arrangement
from rnnstore.sentences.passages import Colouring, Passage, common_words


def choose(view: View, arrangement: Arrangement, passages: Sequence[Passage]) -> None:
    """Clusters, arrangement, alignment and colours."""
    with side_by_side():
        view.control("k", width=110)
        view.control("per_line", now=arrangement.per_line, width=120)
        view.control("predicted", width=110)
        view.control("direction", width=110)
        common = common_words(passages)
        if common:
            options = ["", *common] if view.align in ("", *common) else ["", view.align, *common]
            view.control(
                "align",
                options=options,
                format_func=lambda word: word or "nothing",
                also=lambda _: {"shown": None},
                width=150,
            )
        _choose_colour(view)
        with st.popover("More"), st.container(width=340):
            view.control("by_gate")
            view.control("own_scale")
            view.control("method")
            if view.method == "spectral":
                view.control("seed")
            view.control("words")


def _choose_colour(view: View) -> None:
    """What colours the words: nothing, or a unit or a cluster by its number."""
    now, kind_key = view.colouring, f"{view.prefix}sentences-kind"
    kind = "nothing" if now is None else "a unit" if now.unit is not None else "a cluster"
    first = {"nothing": None, "a unit": Colouring(unit=0), "a cluster": Colouring(cluster=view.chip or 0)}
    st.session_state[kind_key] = kind
    st.selectbox(
        "Colour words by",
        list(first),
        key=kind_key,
        on_change=lambda: view.change(colouring=first[st.session_state[kind_key]]),
        width=140,
        help=View.colouring.help,
    )
    if now is None:
        return
    by, last = ("unit", view.state.units - 1) if now.unit is not None else ("cluster", view.k - 1)
    number_key = f"{view.prefix}sentences-colour"
    st.session_state[number_key] = getattr(now, by)
    st.number_input(
        by.capitalize(),
        0,
        last,
        key=number_key,
        on_change=lambda: view.change(colouring=Colouring(**{by: st.session_state[number_key]})),
        width=110,
    )
