"""How did training go, what did single batches teach the network, and how far back did their gradients reach?

Curves of trainings, and the gradients of their weights; or recorded batches of the sidebar's model, one of them in
detail or two side by side, and the horizon of the gradient over training, of several models. A training that still
runs is followed.
"""

import time

import streamlit as st

from pages.parts.shared.address import change
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import chosen_model, command, current_store, recipe_of, store_path
from pages.parts.shared.frame import show
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.training import queries
from pages.parts.training.address import CURVES, CurvesView, Section, View
from pages.parts.training.curves_panel import draw_curves
from pages.parts.training.overview_panel import show_overview
from pages.parts.training.panel import ends, offer_export, outlines_of, show_batches, show_over_training
from rnnstore import Model, fingerprint
from rnnstore.store.overview import being_written
from rnnstore.training import recorded_batches as batches
from rnnstore.training.recorded_batches import RECORDING

EVERY = 8
"""Seconds after which it is looked whether a training that still runs has written more."""

MOST_OFFERED = 6
"""Models with recorded batches that are offered where there are none."""


def draw() -> None:
    """Curves, or recorded batches. What breaks while a training writes is looked at again."""
    model = chosen_model()
    runs = being_written(model)
    drawn = fingerprint(store_path()), runs
    try:
        if runs:
            with errors_as(lambda _: st.caption("The training wrote more while it was read; the page looks again.")):
                show_section(model, runs)
        else:
            show_section(model, runs)
    finally:
        st.session_state["followed"] = drawn, time.monotonic()


def show_section(model: Model, runs: bool) -> None:
    """What the address asks for: curves, batches, or what to do where there are none."""
    section = Section.of_page(model=model)
    section.control("view", label_visibility="collapsed")
    if section.view == CURVES:
        draw_curves(CurvesView.of_page(model=model, store_models=current_store().models))
    elif batches.is_recorded(model):
        show_all(model, runs)
    else:
        say_none(model, runs)


@st.fragment(run_every=EVERY)
def follow() -> None:
    """Draws the page anew when the training has written more since it was drawn, and only then: nothing flickers.

    What has only just been drawn stays, so that a slow machine does not do nothing but draw.
    """
    drawn, when = st.session_state["followed"]
    if time.monotonic() - when > EVERY / 2 and drawn != (fingerprint(store_path()), being_written(chosen_model())):
        st.rerun()


def show_all(model: Model, runs: bool) -> None:
    """All that was recorded, as the address describes it."""
    store = current_store()
    steps, layers = queries.recorded_steps(model), queries.layers(model)
    recorded = {name: each for name, each in store.models.items() if batches.is_recorded(each)}
    view = View.of_page(model=model, recorded=recorded, steps=steps, layers=layers)
    if runs:
        shown = "The newest batch is shown." if view.chosen is None else "The chosen batch stays."
        with side_by_side("center"):
            st.info(
                f"**{escape(model.name)} is still being trained or recorded**; what it writes appears here "
                f"within {EVERY} seconds. {shown}"
            )
            if view.chosen is not None:
                st.button("Follow the newest", on_click=view.change, kwargs={"chosen": None})
    broken = say_trouble(model)
    models = [store.models[name] for name in view.models]
    over = outlines_of(view, models)
    if not over[0].table.num_rows:
        st.info("No batch was recorded between these steps.")
        st.button("All of the training", on_click=view.change, kwargs={"first": 0, "last": None})
        return
    outline = show_overview(model, view, broken, ends(over))
    st.subheader("One batch" if view.beside is None else "Two batches", anchor=False)
    found = show_batches(view)
    st.subheader("Over training", anchor=False)
    show_over_training(view, models, over, broken)
    offer_export(view, outline, found, over)
    explain("training")


def say_trouble(model: Model) -> int | None:
    """Says where the training came to no number; the step after which it did."""
    found = queries.trouble(model)
    if found:
        with side_by_side("center"):
            st.error(
                f"After step {found.step:,} (epoch {found.epoch:.2f}, learning rate {found.learning_rate:g}) the loss "
                "or the gradient was no number, and the training stopped. The weights are those before that step."
            )
            st.button("Show that batch", on_click=change, kwargs={"batch": found.step})
    return found.step if found else None


def say_none(model: Model, runs: bool) -> None:
    """What to do for a model without recorded batches."""
    if runs:
        st.info(f"**{escape(model.name)}** is being trained; no batch has been recorded yet. This page looks again.")
        return
    if model.card.settings.get("training"):
        st.info(
            f"No training batches of **{escape(model.name)}** were recorded. Write this line into its recipe, under "
            "`training`, and train it anew:"
        )
        st.code(f"training:\n  {RECORDING}", language="yaml")
        st.code(command(f"python -m pipelines train {recipe_of(model)} --again"), language="bash")
        st.caption("Recording every 100th batch changes nothing of what is learned.")
    else:
        st.info(
            f"**{escape(model.name)}** was trained elsewhere. Gradients of single batches are recorded while a "
            "recipe's training runs, so there are none of it. A small model that has some is trained in a minute or "
            "two by"
        )
        st.code(command("python -m pipelines train python-char-rnn-100"), language="bash")
    recorded = [name for name, other in current_store().models.items() if batches.is_recorded(other)]
    if recorded:
        with side_by_side("center"):
            st.caption("Batches were recorded of", width="content")
            for name in recorded[:MOST_OFFERED]:
                if st.button(escape(name), key=f"look-at-{name}"):
                    change(model=name, state=None, view=None)
                    st.rerun()  # the sidebar's choice, too
    explain("training")


show(draw)
if being_written(chosen_model()):
    follow()
