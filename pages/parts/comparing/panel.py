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
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.export import exporting, offer_numbers
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model
from rnnstore.comparing.charts import labels_picture, losses_picture
from rnnstore.comparing.predictions import Disagreement, disagreement
from rnnstore.networks import missing_network


def show_groups(view: View) -> None:
    """The co-clusters of both; a word picked on one side is picked on the other."""
    linked = (*LINKED, "tags") if list(view.left.tracks) == list(view.model.tracks) else LINKED
    controls, found = st.container(), st.container()
    drawn = []
    for column, (model, state), prefix in zip(st.columns(2, gap="medium"), view.sides, (LEFT, RIGHT), strict=True):
        with column:
            st.markdown(f"**{escape(model.name)}** · {escape(state.name)}")
            panel = clusters.prepare(model, state, Names(prefix, linked))
            if panel is not None:
                drawn.append(panel)
                clusters.choose_units(panel)
                clusters.show(panel, narrow=True)
                show_detail(panel)
    if not drawn:
        return
    with controls:
        clusters.choose(drawn[0])
        with side_by_side():
            clusters.choose_words(drawn[0])
    with found:
        if drawn[0].view.find:
            clusters.show_found(drawn[0])


def show_sentences(view: View) -> None:
    """One sentence, or several, read by both models; the words stand above one another."""
    shared, reads = _shared_here(view), _reads(view.left)
    (asker, its), prefix = (view.sides[0], LEFT) if reads else (view.sides[1], RIGHT)
    asked_for = SentencesView(st.query_params, Names(prefix, shared), model=asker, state=its)
    ask(asked_for)
    if not asked_for.sentences and not asked_for.spans:
        st.caption("Type a sentence, and both read it. Until then each shows how its own recording begins.")
    _show_losses(view, asked_for.sentences)
    for column, (model, state), prefix in zip(st.columns(2, gap="medium"), view.sides, (LEFT, RIGHT), strict=True):
        with column:
            st.markdown(f"**{escape(model.name)}** · {escape(state.name)}")
            sentences.draw(model, state, prefix, shared, asking=False, narrow=True, guide=False)


def _reads(model: Model) -> bool:
    """Whether a model can read a sentence that is typed."""
    return missing_network(model, "text") is None


def _shared_here(view: View) -> tuple[str, ...]:
    """Recorded spans are shared, too, where both recordings are of the same steps."""
    same = view.left.steps == view.model.steps and view.left.card.recorded == view.model.card.recorded
    return (*READ, "span") if same else READ


def _show_losses(view: View, typed: Sequence[str]) -> None:
    """By how much the losses of both models differ at each word of a typed sentence."""
    if not typed or not (_reads(view.left) and _reads(view.model)):
        return  # the panel of one that cannot read says why
    if view.left.name == view.model.name:
        st.info("Both sides are states of one model, so its predictions are the same.")
        return
    text = typed[0]
    if len(typed) > 1:
        text = st.selectbox("Losses of the sentence", list(typed), width=500)
    with errors_as(st.info):
        _show_disagreement(_disagreement(view.left, view.model, text), view.left.name, view.model.name)


def _show_disagreement(found: Disagreement, left: str, right: str) -> None:
    if found.steps or found.label is not None:
        draw = labels_picture if found.label is not None else losses_picture
        picture = draw(found, colours(), left=left, right=right)
        show_picture(picture, "losses_view")
    st.caption(_summary(found, left, right))
    with exporting():
        save_picture_button("Losses as a picture", "losses_view", "losses")
        offer_numbers("Losses", "losses", lambda: found.table, kinds=("CSV",))


def _summary(found: Disagreement, left: str, right: str) -> str:
    lines = []
    if found.steps:
        better = left if found.loss_left < found.loss_right else right
        lines.append(
            f"Over {found.steps:,} words the mean loss is {found.loss_left:.3f} nats for {left} and "
            f"{found.loss_right:.3f} for {right}: {better} predicted this sentence better, by "
            f"{abs(found.loss_left - found.loss_right):.3f}. See Overview for the perplexity over a "
            "corpus."
        )
    what = "expect the same next one first" if found.label is None else "say the same label"
    lines.append(f"At {found.same:,} of {found.predicted:,} words both {what}.")
    return " ".join([*lines, *found.notes])


@cached
def _disagreement(left: Model, right: Model, text: str) -> Disagreement:
    return disagreement(queries.typed_reading(left, text), queries.typed_reading(right, text))
