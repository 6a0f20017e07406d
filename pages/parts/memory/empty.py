"""The page "Memory" where no gradients were computed: what to do, and a first look at a few words now."""

from __future__ import annotations

import streamlit as st

from pages.parts.memory import queries
from pages.parts.memory.address import States
from pages.parts.shared.current import command
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model
from rnnstore.memory import samples
from rnnstore.memory import singular_values as memory
from rnnstore.memory.charts import curves_picture
from rnnstore.memory.gradients import ALL
from rnnstore.networks import has_network, open_network

DELAYS = 20
"""Delays of the first look."""


def say_missing(model: Model, view: States) -> None:
    """What to do where there are no gradients."""
    if not has_network(model):
        st.info(
            f"**{escape(model.name)}** has no state gradients, and none can be computed: they need the trained network "
            "itself, and this model's folder holds only what it did. A model that a recipe trains keeps its network; "
            "choose another model in the sidebar."
        )
        return
    found = open_network(model)
    there = memory.has_memory(model)
    st.info(
        f"**{escape(model.name)}** has no state gradients of {escape(view.state_name)} yet"
        + (f"; it has those of {escape(', '.join(there))} (choose one in the sidebar)." if there else ".")
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
    if view.look:
        with errors_as(st.warning):
            _follow_few(model, view)


def _follow_few(model: Model, view: States) -> None:
    found = queries.sample(model, view.state_name, ALL, DELAYS)
    show_picture(curves_picture(memory.of_classes([found.table], [found.name]), colours()), "memory_view")
    st.caption(
        f"{found.places:,} of {found.of:,} words, evenly spread over the recording. A mean over so few cancels less "
        "than one over thousands; the dashed line, the mean of single words' own, can be trusted within its band."
    )
