"""Findings: what stands out in the store's models, as pictures whose sentences lead on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import streamlit as st

from pages.parts.shared.cache import cached
from pages.parts.shared.frame import page_link
from pages.parts.shared.markdown import escape
from rnnstore import Model, Store
from rnnstore.drawing.picture import Picture
from rnnstore.findings import MOST_MODELS, MOST_STEPS, Finding, View, findings_of, strongest
from rnnstore.registry import analyses

HEIGHT = 420
"""Pixels kept free for the picture while it is being looked for, so that nothing below jumps."""


@cached
def found_in(model: Model) -> list[Finding]:
    return findings_of(model)


@cached
def picture_of(model: Model, analysis: str, state: str | None, arguments: dict[str, Any], theme: str) -> Picture:
    pictures = import_module(f"rnnstore.{analysis}.pictures")
    return pictures.finding_picture(model, state, **arguments, theme=theme)


def show_findings(store: Store) -> None:
    """The strongest finding of each analysis among the store's models: one is drawn, the others are a click away."""
    models = [model for model in store.models.values() if model.states][:MOST_MODELS]
    place = st.empty()
    place.skeleton(height=HEIGHT)
    found = strongest(finding for model in models for finding in found_in(model))
    with place.container():
        if found:
            st.fragment(_panel)(store, found)


def _panel(store: Store, found: list[Finding]) -> None:
    titles = [finding.title for finding in found]
    chosen = st.segmented_control(
        "What stands out", titles, default=titles[0], required=True, key="finding", format_func=escape
    )
    finding = found[titles.index(chosen)]
    model = store.models[finding.model]
    number = min(st.session_state.get(f"view-{finding.analysis}", 0), len(finding.views) - 1)
    view = finding.views[number]
    picture = picture_of(model, finding.analysis, finding.state, dict(view.picture), st.context.theme.type or "light")
    st.vega_lite_chart(
        picture.for_page(), theme=None, width="stretch", height="content", key=f"finding-{finding.analysis}"
    )
    for index, each in enumerate(finding.views):
        _sentence(finding, index, each, index == number)
    title = next(analysis.title for analysis in analyses() if analysis.name == finding.analysis)
    where = {"model": model.name, **({"state": finding.state} if finding.state else {}), **view.address}
    page_link(finding.analysis, f"Open this in {title} →", where)
    st.caption(
        f"Of {escape(model.name)}, chosen by its score of {finding.score:.2f}: {escape(finding.measure)}. "
        f"At most {MOST_STEPS:,} steps of {MOST_MODELS} models are looked at."
    )


def _sentence(finding: Finding, index: int, view: View, shown: bool) -> None:
    """A sentence whose phrase shows its view."""
    if shown:
        st.markdown(f"**{escape(view.phrase)}**{escape(view.rest)}.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if st.button(escape(view.phrase), type="tertiary", key=f"phrase-{finding.analysis}-{index}"):
            st.session_state[f"view-{finding.analysis}"] = index
            st.rerun(scope="fragment")
        st.markdown(escape(view.rest.strip(" ,;:")) + ".")
