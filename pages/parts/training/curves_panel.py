"""Curves of several trainings on the page "Training", and the gradients of one model's weights."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import command, recipe_of
from pages.parts.shared.export import exporting, offer_code, offer_numbers
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from pages.parts.shared.parameters import abbreviated
from pages.parts.shared.pictures import colours, show_picture
from pages.parts.training import queries
from pages.parts.training.address import CurvesView
from rnnstore.training import history as curves
from rnnstore.training.charts import history as charts
from rnnstore.training.history import TrainingCurves, WeightGradients


def draw_curves(view: CurvesView) -> None:
    """Trainings, as the address describes them."""
    _choose(view)
    models = [view.store_models[name] for name in view.models]
    found = curves.training_curves(models)
    for note in found.notes:
        if "over time" not in note or view.axis == "time":
            st.info(note)
    if found.table.num_rows:
        _curves(found, view)
    chosen = view.store_models[view.gradients]
    gradients = queries.gradients(chosen)
    if found.table.num_rows or gradients.weights:
        st.subheader("Gradients, weight by weight", anchor=False)
        _of_weights(gradients, view, recipe_of(chosen) if chosen.card.settings.get("training") else None)
    with exporting():
        _offer_export(found, gradients)
    explain("training", guide="guide_curves")


def _choose(view: CurvesView) -> None:
    with side_by_side():
        view.control("models", width=480)
        view.control("axis")
        view.control("log")


def _curves(found: TrainingCurves, view: CurvesView) -> None:
    show_picture(charts.loss_picture(found, colours(), axis=view.axis, log=view.log), "loss_view")
    st.caption("Thin: training, the mean since the row before. Points: validation, after every epoch.")
    left, right = st.columns(2, gap="medium")
    with left:
        show_picture(charts.quantity_picture(found, "learning_rate", colours(), axis=view.axis), "rate_view")
    with right:
        show_picture(charts.quantity_picture(found, "gradient_norm", colours(), axis=view.axis), "norm_view")


def _of_weights(found: WeightGradients, view: CurvesView, recipe: str | None) -> None:
    """The gradients of a model's weights; `recipe` is what it was trained by, None where it was trained elsewhere."""
    chosen = side_by_side()
    if len(view.models) > 1:
        with chosen:
            view.control("gradients", width=240)
    if not found.weights:
        st.info(f"{escape(found.note)} Trained anew by its recipe it has them:" if recipe else escape(found.note))
        if recipe:
            st.code(command(f"python -m pipelines train {recipe} --again"), language="bash")
        return
    if view.weight and view.weight not in found.weights:
        there = ", ".join(found.weights)
        st.warning(escape(f"{found.model} has no weight {abbreviated([view.weight])}; it has {there}."))
    weight = view.weight if view.weight in found.weights else found.weights[0]
    with chosen:
        view.control("weight", now=weight, options=found.weights, width=240)
        view.control("relative")
    left, right = st.columns(2, gap="medium")
    with left:
        show_picture(
            charts.norms_picture(found, colours(), relative=view.relative, weight=weight),
            "norms_view",
            f"norms-{found.model}",
            {"clicked_weight": ("weight", lambda clicked: view.change(weight=clicked))},
            alt="The norm of every weight's gradient over training; click a line for its distribution.",
        )
    with right:
        show_picture(charts.decades_picture(found, weight, colours()), "decades_view")
    st.caption(f"Gradients before clipping, at the steps that were written down. {escape(found.note)}")


def _offer_export(found: TrainingCurves, gradients: WeightGradients) -> None:
    if found.table.num_rows:
        save_picture_button("Losses as a picture", "loss_view", "losses")
        offer_numbers("Curves", "training", lambda: found.table)
    if gradients.weights:
        save_picture_button("Norms as a picture", "norms_view", f"gradient-norms-{gradients.model}")
        save_picture_button("Distribution as a picture", "decades_view", f"gradients-{gradients.model}")
        offer_numbers("Gradients", f"gradients-{gradients.model}", lambda: gradients.table, kinds=("Parquet",))
    models = f"models = [store.model(name) for name in {found.models}]"
    offer_code('store = rnnstore.open("store")', models, "pictures.training_picture(models)")
