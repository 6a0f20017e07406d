"""The page "Memory" where no gradients were computed: what to do, and a first look at a few words now."""

from __future__ import annotations

import streamlit as st

from pages.parts.memory import queries
from pages.parts.memory.address import States
from pages.parts.shared.current import command
from pages.parts.shared.markdown import escape
from rnnstore import Model, StoreError
from rnnstore.drawing.palette import palette
from rnnstore.errors import MissingNetwork
from rnnstore.memory import samples
from rnnstore.memory import singular_values as memory
from rnnstore.memory.charts import curves_picture
from rnnstore.memory.gradients import ALL
from rnnstore.networks import open_network

DELAYS = 20
"""Delays of the first look."""


def say_missing(model: Model, view: States) -> None:
    """What to do where there are no gradients."""
    try:
        found = open_network(model)
    except MissingNetwork:
        st.info(
            f"**{escape(model.name)}** has no state gradients, and none can be computed: they need the trained network "
            "itself, and this model's folder holds only what it did. A model that a recipe trains keeps its network; "
            "choose another model in the sidebar."
        )
        return
    there = memory.has_memory(model)
    st.info(
        f"**{escape(model.name)}** has no state gradients of {view.state_name} yet"
        + (f"; it has those of {', '.join(there)} (choose one in the sidebar)." if there else ".")
        + " This command computes them from the recorded words and the saved network, and says how long it will take:"
    )
    tracks = [name for name, track in model.tracks.items() if track.kind == "discrete"]
    classes = f" --classes {tracks[0]}" if tracks else ""
    st.code(command(memory.command_for(model) + f"{classes} --steps 0:10000"), language="bash")
    st.caption(
        f"The {min(10_000, model.steps):,} first of {model.steps:,} recorded steps; without `--steps` all of them. "
        + ("A class of words for each label of the track; " if tracks else "")
        + "`--classes name=word,word` makes one of a list of words."
    )
    if view.state_name in (*found.states, *found.gates):
        _look(model, view)


def _look(model: Model, view: States) -> None:
    """The curve of a few words, when it is asked for."""
    view.control("look", label=f"A first look, now: {samples.PLACES} words, {DELAYS} delays")
    if not view.look:
        return
    try:
        found = queries.sample(model, view.state_name, ALL, DELAYS)
    except StoreError as error:
        st.warning(escape(str(error)))
        return
    table = memory.of_classes([found.table], [found.name])
    with st.container(key="memory_view"):
        st.vega_lite_chart(
            curves_picture(table, palette(st.context.theme.type)).for_page(),
            theme=None,
            width="stretch",
            height="content",
        )
    st.caption(
        f"{found.places:,} of {found.of:,} words, evenly spread over the recording. A mean over so few cancels less "
        "than one over thousands; the dashed line, the mean of single words' own, can be trusted within its band."
    )
