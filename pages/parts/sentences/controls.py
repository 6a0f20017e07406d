"""What is chosen about the glyphs of sentences: clusters, arrangement, alignment, colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.parts.co_clusters.address import FEWEST
from pages.parts.sentences.address import MOST_A_LINE, WORDS, Names, View, most_clusters, most_predicted
from pages.parts.shared.controls import controlled, number
from rnnstore import Model, State
from rnnstore.co_clusters.decomposition import METHODS
from rnnstore.sentences.charts.layout import FEWEST_COLUMNS, Arrangement
from rnnstore.sentences.passages import Passage, common_words


def choose(
    model: Model, state: State, view: View, arrangement: Arrangement, passages: Sequence[Passage], names: Names
) -> None:
    """Clusters, arrangement, alignment and colours."""
    prefix = names.prefix
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        most = most_clusters(model, state)
        number("Clusters", names("k"), view.k, min(FEWEST, most), most, width=110, key=f"{prefix}sentences-k")
        number(
            "Glyphs a line",
            names("line"),
            arrangement.per_line,
            FEWEST_COLUMNS,
            MOST_A_LINE,
            width=120,
            key=f"{prefix}sentences-line",
        )
        most = most_predicted(model)
        number("Predicted", names("predicted"), view.predicted, 0, most, width=110, key=f"{prefix}sentences-predicted")
        controlled(
            st.selectbox,
            "Direction",
            names("direction"),
            "down" if view.down else "across",
            options=["across", "down"],
            usual="across",
            width=110,
            key=f"{prefix}sentences-direction",
        )
        common = common_words(passages)
        if common:
            options = ["", *common] if view.align in ("", *common) else ["", view.align, *common]
            controlled(
                st.selectbox,
                "Align at",
                names("align"),
                view.align,
                options=options,
                format_func=lambda word: word or "nothing",
                usual="",
                also=lambda _: {names("shown"): None},
                width=150,
                key=f"{prefix}sentences-align",
            )
        _choose_colour(state, view, names)
        with st.popover("More"), st.container(width=340):
            _choose_more(view, names)


def _choose_colour(state: State, view: View, names: Names) -> None:
    """What colours the words: a unit or a cluster, by its number."""
    prefix, colouring = names.prefix, view.colouring
    kind = "nothing" if colouring is None else "a unit" if colouring.unit is not None else "a cluster"

    def choose(chosen: str) -> dict[str, Any]:
        return {names("colour"): {"a unit": "unit-0", "a cluster": f"cluster-{view.chip or 0}"}.get(chosen)}

    controlled(
        st.selectbox,
        "Colour words by",
        names("kind"),
        kind,
        options=["nothing", "a unit", "a cluster"],
        usual=kind,
        also=lambda chosen: {**choose(chosen), names("kind"): None},
        width=140,
        key=f"{prefix}sentences-kind",
        help="Or click a cell of a memory chip, which is a unit",
    )
    if colouring is None:
        return
    of_unit = colouring.unit is not None
    now = colouring.unit if of_unit else colouring.cluster
    key = f"{prefix}sentences-colour"
    st.session_state[key] = now
    st.number_input(
        "Unit" if of_unit else "Cluster",
        0,
        state.units - 1 if of_unit else view.k - 1,
        key=key,
        width=110,
        on_change=lambda: names.change(colour=f"{'unit' if of_unit else 'cluster'}-{st.session_state[key]}"),
    )


def _choose_more(view: View, names: Names) -> None:
    prefix = names.prefix
    controlled(
        st.toggle,
        "Preserved: by the gate",
        names("gates"),
        view.by_gate,
        usual=False,
        key=f"{prefix}sentences-gates",
        help="The LSTM's forget gate or the GRU's update gate says what is kept, instead of the values themselves",
    )
    controlled(
        st.toggle,
        "Each cluster on a scale of its own",
        names("own"),
        view.own_scale,
        usual=False,
        key=f"{prefix}sentences-own",
        help="Bars of different clusters cannot be compared then, but small clusters are seen",
    )
    controlled(
        st.selectbox,
        "Clusters by",
        names("method"),
        view.method,
        options=list(METHODS),
        usual=METHODS[0],
        key=f"{prefix}sentences-method",
        help="Signed: singular vectors with their signs, never empty, always the same. Mirrored: units that move "
        "opposite ways share a cluster. Spectral: as in the paper",
    )
    if view.method == "spectral":
        number("Seed", names("seed"), view.seed, 0, 10_000, usual=0, key=f"{prefix}sentences-seed")
    number(
        "Words in the clustering",
        names("words"),
        view.words,
        *WORDS,
        usual=500,
        key=f"{prefix}sentences-words",
        help="The most frequent ones; their expected responses group the units",
    )
