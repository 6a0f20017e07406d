"""Trainings on the page "Distributions": curves of several models, and the gradients of one model's weights."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from pages.parts.distributions.address import TrainingView
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import clicked_chart
from pages.parts.shared.current import command, recipe_of
from pages.parts.shared.export import offer_numbers
from pages.parts.shared.parameters import abbreviated
from pages.parts.training import queries
from rnnstore import Model
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.training import history as curves
from rnnstore.training.charts import history as charts
from rnnstore.training.history import TrainingCurves, WeightGradients


def draw_training(store_models: Mapping[str, Model], view: TrainingView) -> None:
    """Trainings, as the address describes them."""
    _choose(view)
    models = [store_models[name] for name in view.models]
    found = curves.training_curves(models)
    for note in found.notes:
        if "over time" not in note or view.axis == "time":
            st.info(note)
    if found.table.num_rows:
        _curves(found, view)
    gradients = queries.gradients(store_models[view.gradients])
    if found.table.num_rows or gradients.weights:
        st.subheader("Gradients, weight by weight", anchor=False)
        chosen = store_models[view.gradients]
        _of_weights(gradients, view, recipe_of(chosen) if chosen.card.settings.get("training") else None)
    with st.popover("Take away"), st.container(width=380):
        _take_away(found, gradients)
    _explain()


def _choose(view: TrainingView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        view.control("models", width=480)
        view.control("axis")
        view.control("log")


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
            view.control("gradients", width=240)
    if not found.weights:
        st.info(f"{found.note} Trained anew by its recipe it has them:" if recipe else found.note)
        if recipe:
            st.code(command(f"python -m pipelines train {recipe} --again"), language="bash")
        return
    if view.weight and view.weight not in found.weights:
        st.warning(f"{found.model} has no weight {abbreviated([view.weight])}; it has {', '.join(found.weights)}.")
    weight = view.weight if view.weight in found.weights else found.weights[0]
    with chosen:
        view.control("weight", now=weight, options=found.weights, width=240)
        view.control("relative")
    colours = palette(st.context.theme.type)
    left, right = st.columns(2, gap="medium")
    with left:
        clicked_chart(
            charts.norms_picture(found, colours, relative=view.relative, weight=weight),
            "norms_view",
            f"norms-{found.model}",
            "clicked_weight",
            "weight",
            lambda clicked: view.change(weight=clicked),
            alt="The norm of every weight's gradient over training; click a line for its distribution.",
        )
    with right:
        _chart(charts.decades_picture(found, weight, colours), "decades_view")
    st.caption(f"Gradients before clipping, at the steps that were written down. {found.note}")


def _chart(picture: Picture, key: str) -> None:
    with st.container(key=key):
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")


def _take_away(found: TrainingCurves, gradients: WeightGradients) -> None:
    if found.table.num_rows:
        save_picture_button("Losses as a picture", "loss_view", "losses")
        offer_numbers("Curves", "training", lambda: found.table)
    if gradients.weights:
        save_picture_button("Norms as a picture", "norms_view", f"gradient-norms-{gradients.model}")
        save_picture_button("Distribution as a picture", "decades_view", f"gradients-{gradients.model}")
        offer_numbers("Gradients", f"gradients-{gradients.model}", lambda: gradients.table, kinds=("Parquet",))
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
