"""Trainings on the page "Distributions": curves of several models, and the gradients of one model's weights."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.distributions.address import AXES, MOST_MODELS, TrainingView
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import clicked_chart, controlled
from pages.parts.shared.current import command, recipe_of
from pages.parts.shared.parameters import change
from pages.parts.training import queries
from rnnstore import Store
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.export import csv, parquet
from rnnstore.training import history as curves
from rnnstore.training.charts import history as charts
from rnnstore.training.history import TrainingCurves, WeightGradients


def draw_training(store: Store, view: TrainingView) -> None:
    """Trainings, as the address describes them."""
    _choose(store, view)
    models = [store.models[name] for name in view.models]
    found = curves.training_curves(models)
    for note in found.notes:
        if "over time" not in note or view.axis == "time":
            st.info(note)
    if found.table.num_rows:
        _curves(found, view)
    gradients = queries.gradients(store.models[view.gradients])
    if found.table.num_rows or gradients.weights:
        st.subheader("Gradients, weight by weight", anchor=False)
        chosen = store.models[view.gradients]
        _of_weights(gradients, view, recipe_of(chosen) if chosen.card.settings.get("training") else None)
    with st.popover("Take away"), st.container(width=380):
        _take_away(found, gradients)
    _explain()


def _choose(store: Store, view: TrainingView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.multiselect,
            "Models",
            "models",
            list(view.models),
            options=list(store.models),
            max_selections=MOST_MODELS,
            width=480,
        )
        controlled(
            st.segmented_control,
            "Along",
            "axis",
            view.axis,
            options=list(AXES),
            format_func={"step": "steps", "epoch": "epochs", "time": "time"}.get,
            usual=AXES[0],
            required=True,
        )
        controlled(st.toggle, "Loss on a log scale", "log", view.log, usual=False)


def _curves(found: TrainingCurves, view: TrainingView) -> None:
    colours = palette(st.context.theme.type)
    _chart(charts.loss_picture(found, colours, axis=view.axis, log=view.log), "loss_view")
    st.caption("Thin: training, the mean since the row before. Points: validation, after every epoch.")
    left, right = st.columns(2, gap="medium")
    with left:
        _chart(charts.quantity_picture(found, "learning_rate", colours, axis=view.axis), "rate_view")
    with right:
        _chart(charts.quantity_picture(found, "gradient_norm", colours, axis=view.axis), "norm_view")


def _of_weights(found: WeightGradients, view: TrainingView, recipe: str | None) -> None:
    """The gradients of a model's weights; `recipe` is what it was trained by, None where it was trained elsewhere."""
    chosen = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    if len(view.models) > 1:
        with chosen:
            controlled(
                st.selectbox,
                "Of",
                "gradients",
                view.gradients,
                options=list(view.models),
                usual=view.models[0],
                width=240,
            )
    if not found.weights:
        st.info(f"{found.note} Trained anew by its recipe it has them:" if recipe else found.note)
        if recipe:
            st.code(command(f"python -m pipelines train {recipe} --again"), language="bash")
        return
    named = st.query_params.get("weight", found.weights[0])
    if named not in found.weights:
        st.warning(f"{found.model} has no weight {named}; it has {', '.join(found.weights)}.")
    weight = named if named in found.weights else found.weights[0]
    relative = st.query_params.get("relative") == "yes"
    with chosen:
        controlled(st.selectbox, "Weight", "weight", weight, options=found.weights, usual=found.weights[0], width=240)
        controlled(
            st.toggle,
            "As a share of the weight's norm",
            "relative",
            relative,
            usual=False,
            help="What a step of plain gradient descent changes, relative to what is there",
        )
    colours = palette(st.context.theme.type)
    left, right = st.columns(2, gap="medium")
    with left:
        clicked_chart(
            charts.norms_picture(found, colours, relative=relative, weight=weight),
            "norms_view",
            f"norms-{found.model}",
            "clicked_weight",
            "weight",
            lambda clicked: change(weight=clicked),
            alt="The norm of every weight's gradient over training; click a line for its distribution.",
        )
    with right:
        _chart(charts.decades_picture(found, weight, colours), "decades_view")
    st.caption(f"Gradients before clipping, at the steps that were written down. {found.note}")


def _chart(picture: Picture, key: str) -> None:
    with st.container(key=key):
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")


def _take_away(found: TrainingCurves, gradients: WeightGradients) -> None:
    options: dict[str, Any] = {"on_click": "ignore", "width": "stretch"}
    if found.table.num_rows:
        save_picture_button("Losses as a picture", "loss_view", "losses")
        st.download_button("Curves as CSV", lambda: csv(found.table), "training.csv", "text/csv", **options)
        st.download_button("Curves as Parquet", lambda: parquet(found.table), "training.parquet", **options)
    if gradients.weights:
        save_picture_button("Norms as a picture", "norms_view", f"gradient-norms-{gradients.model}")
        save_picture_button("Distribution as a picture", "decades_view", f"gradients-{gradients.model}")
        st.download_button(
            "Gradients as Parquet", lambda: parquet(gradients.table), f"gradients-{gradients.model}.parquet", **options
        )
    st.caption("The same in a notebook")
    st.code(
        "import rnnstore\nfrom rnnstore import pictures\n\n"
        f'store = rnnstore.open("store")\nmodels = [store.model(name) for name in {found.models}]\n'
        "pictures.training_picture(models)",
        language="python",
    )


def _explain() -> None:
    """How to read the page, with formulas."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**Loss** is the cross entropy of the next word in nats, $-\log p$; its exponential, the perplexity, is in the tooltip.
Losses of models by word and by character, or over different vocabularies, cannot be compared.

**Norm of the gradient** is $\lVert g \rVert$ over all weights before clipping: a longer gradient than `training.clip`
is scaled down to it. A norm that grows while the loss does says that the learning rate is too high, one that falls to
nothing that nothing is learnt any more.

**Weight by weight** it is $\lVert g_W \rVert$ of each weight $W$. `recurrent` multiplies the state before, `kernel`
the input of the layer; a recurrent weight whose gradient is orders of magnitude below its kernel's learns little from
the past. The heat map says, for one weight, which share of the entries of $g_W$ lies in each decade of $|g|$ at the
steps that were written down; entries at the bottom get no gradient: words that did not occur, units that are
saturated.

Two of the four experts whom RNNVis asked (Ming et al. 2017, [*Understanding Hidden Memories of Recurrent Neural
Networks*](https://arxiv.org/abs/1710.10777), section 7.3) wanted loss curves and gradient distributions beside the
states. Time is that of training steps, without validation.
"""
        )
