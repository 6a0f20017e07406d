"""Two states side by side on the page "Compare": their co-clusters, and one sentence read by both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.co_clusters import panel as clusters
from pages.parts.co_clusters.response_panel import show_detail
from pages.parts.comparing.address import LEFT, LINKED, READ, RIGHT, View
from pages.parts.sentences import panel as sentences
from pages.parts.sentences import queries
from pages.parts.sentences.address import View as SentencesView
from pages.parts.sentences.input import ask
from pages.parts.shared.address import Names
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.cache import cached
from pages.parts.shared.markdown import escape
from rnnstore import Model, State, StoreError
from rnnstore.comparing.charts import labels_picture, losses_picture
from rnnstore.comparing.predictions import Disagreement, disagreement
from rnnstore.drawing.palette import palette
from rnnstore.export import csv
from rnnstore.networks import missing_network


def show_groups(model: Model, state: State, view: View) -> None:
    """The co-clusters of both; a word picked on one side is picked on the other."""
    linked = (*LINKED, "tags") if list(model.tracks) == list(view.model.tracks) else LINKED
    controls, found = st.container(), st.container()
    drawn = []
    for column, (each, its), prefix in zip(
        st.columns(2, gap="medium"), ((model, state), (view.model, view.state)), (LEFT, RIGHT), strict=True
    ):
        with column:
            st.markdown(f"**{each.name}** · {its.name}")
            panel = clusters.prepare(each, its, Names(prefix, linked))
            if panel is not None:
                drawn.append(panel)
                clusters.choose_units(panel)
                clusters.show(panel, narrow=True)
                show_detail(panel)
    if not drawn:
        return
    with controls:
        clusters.choose(drawn[0])
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            clusters.choose_words(drawn[0])
    with found:
        if drawn[0].view.find:
            clusters.show_found(drawn[0])


def show_sentences(model: Model, state: State, view: View) -> None:
    """One sentence, or several, read by both models; the words stand above one another."""
    shared = _shared_here(model, view)
    asker, its, prefix = (model, state, LEFT) if _reads(model) else (view.model, view.state, RIGHT)
    asked_for = SentencesView(st.query_params, Names(prefix, shared), model=asker, state=its)
    ask(asker, asked_for)
    if not asked_for.sentences and not asked_for.spans:
        st.caption("Type a sentence, and both read it. Until then each shows how its own recording begins.")
    _show_losses(model, view, asked_for.sentences)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{model.name}** · {state.name}")
        sentences.draw(model, state, LEFT, shared, asking=False, narrow=True, guide=False)
    with right:
        st.markdown(f"**{view.model.name}** · {view.state.name}")
        sentences.draw(view.model, view.state, RIGHT, shared, asking=False, narrow=True, guide=False)


def _reads(model: Model) -> bool:
    """Whether a model can read a sentence that is typed."""
    return missing_network(model, "text") is None


def _shared_here(model: Model, view: View) -> tuple[str, ...]:
    """Recorded spans are shared, too, where both recordings are of the same steps."""
    same = model.steps == view.model.steps and model.card.recorded == view.model.card.recorded
    return (*READ, "span") if same else READ


def _show_losses(model: Model, view: View, typed: Sequence[str]) -> None:
    """By how much the losses of both models differ at each word of a typed sentence."""
    if not typed:
        return
    if not (_reads(model) and _reads(view.model)):
        return  # the panel of the one that cannot says why
    if model.name == view.model.name:
        st.info("Both sides are states of one model, so its predictions are the same.")
        return
    text = typed[0]
    if len(typed) > 1:
        text = st.selectbox("Losses of the sentence", list(typed), width=500)
    try:
        found = _disagreement(model, view.model, text)
    except StoreError as error:
        st.info(escape(str(error)))
        return
    if found.steps or found.label is not None:
        draw = labels_picture if found.label is not None else losses_picture
        picture = draw(found, palette(st.context.theme.type), left=model.name, right=view.model.name)
        with st.container(key="losses_view"):
            st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")
    st.caption(_summary(found, model.name, view.model.name))
    with st.popover("Take it away"), st.container(width=320):
        save_picture_button("As a picture", "losses_view", "losses")
        st.download_button("As CSV", csv(found.table), "losses.csv", "text/csv", on_click="ignore")


def _summary(found: Disagreement, left: str, right: str) -> str:
    lines = []
    if found.steps:
        better = left if found.loss_left < found.loss_right else right
        lines.append(
            f"Over {found.steps:,} words the mean loss is {found.loss_left:.3f} nats for {left} and "
            f"{found.loss_right:.3f} for {right}: {better} predicted this sentence better, by "
            f"{abs(found.loss_left - found.loss_right):.3f}. One sentence is an anecdote; perplexities over a whole "
            "corpus stand on the overview."
        )
    what = "expect the same next one first" if found.label is None else "say the same label"
    lines.append(f"At {found.same:,} of {found.predicted:,} words both {what}.")
    return " ".join([*lines, *found.notes])


@cached
def _disagreement(left: Model, right: Model, text: str) -> Disagreement:
    return disagreement(queries.typed_reading(left, text), queries.typed_reading(right, text))
