"""The page "Connectivity", whole: text, choices, shaded texts; what stands below them is in `below`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.parts.connectivity import queries
from pages.parts.connectivity.address import View
from pages.parts.connectivity.controls import choose
from pages.parts.connectivity.guide import explain
from pages.parts.connectivity.pairs_panel import show_known, show_pairs, take_away
from pages.parts.connectivity.text import show_text
from pages.parts.connectivity.typing_box import typing_box
from pages.parts.sentences.address import write_text
from pages.parts.shared.address import ALONE
from pages.parts.shared.current import architecture
from pages.parts.shared.markdown import escape
from rnnstore import Model, Store, StoreError
from rnnstore.connectivity.texts import TextConnectivity
from rnnstore.drawing.palette import palette
from rnnstore.networks import missing_network, open_network

FIRST_STEPS = {"character": 200, "word": 40}
"""Steps of the recording that are shown where nothing was asked for."""


def draw(store: Store, model: Model) -> None:
    """The page for the sidebar's model."""
    view = View.of_page(model=model, store_models=store.models)
    missing = _missing_network(model)
    _ask(model, view, missing)
    if missing is not None:
        st.info(escape(missing))
        explain()
        return
    reader = open_network(model)
    choose(store, model, view, list(reader.outputs) if reader.classifier else None, reader.completes)
    if view.target == "word" and not view.word:
        st.info("Which word's score is asked about? Name it above; it is then followed at every step.")
        explain()
        return
    texts = _texts(store, model, view)
    if texts:
        titles = [(each.model, _about(store.models[each.model], each)) for each in texts]
        show_text(
            texts,
            titles,
            palette(st.context.theme.type),
            held=view.at,
            notes=view.notes,
            later=view.later,
            absolute=view.absolute,
            own_scale=view.own_scale,
            difference=view.difference,
            target=view.target,
            hold=lambda at: view.change(at=at),
            file=f"connectivity-{model.name}",
        )
        _say(texts, view)
        take_away(model, texts)
        show_pairs(texts, view)
        show_known(store, [each.model for each in texts], view)
    explain()


def _missing_network(model: Model) -> str | None:
    message = missing_network(model, "text", "scores", "gradients")
    if message is None:
        return None
    what = message.partition(" No sentence")[0]
    return f"{what} Connectivity is worked out with the weights, of recorded text, too: there is none to show."


def _ask(model: Model, view: View, missing: str | None) -> None:
    """The box for one's own text."""

    @st.fragment
    def box() -> None:
        typing_box(model, view.text, missing, lambda text: write_text(ALONE, text, span=None))

    box()


def _texts(store: Store, model: Model, view: View) -> list[TextConnectivity]:
    """The text as each model connects it; those that cannot are said and left out."""
    text = view.text or view.span
    if not text:
        if not model.states:
            st.info("Type a text above; nothing of this model was recorded that could be shown instead.")
            return []
        text = (0, min(model.steps, FIRST_STEPS.get(model.card.level, FIRST_STEPS["word"])))
    names: Sequence[str] = (model.name, *view.others)
    found = []
    how: Any = {"target": view.target, "scale": view.scale, "word": view.word, "check": view.check_occlusion}
    question = (names, text, *how.values())
    waiting = queries.Waiting(question, len(names), "Following every score back to every input")
    done = [name for name in names if queries.connected.is_cached(store.models[name], text, **how)]
    if len(done) < len(names) and queries.was_stopped(question):
        names = done
    for name in names:
        each = store.models[name]
        try:
            if name != model.name and not isinstance(text, str):
                _check_same_recording(model, each, text)
            found.append(queries.connected(each, text, **how, progress=partial(waiting.progress, name)))
        except StoreError as error:
            message = str(error) if name == model.name and not view.others else f"{name}: {error}"
            st.error(escape(message))
            if name == model.name:
                break  # the others stand beside it
        waiting.next()
    waiting.over()
    return found


def _check_same_recording(model: Model, other: Model, span: tuple[int, int]) -> None:
    """Recorded spans stand beside each other where both models were recorded over the same text."""
    first, stop = span
    same = other.steps >= stop and (
        other.words(first, stop)["word"].to_pylist() == model.words(first, stop)["word"].to_pylist()
    )
    if not same:
        raise StoreError(
            f"It was not recorded over the same text as {model.name}, so steps {first:,} to {stop - 1:,} are others. "
            "Type the text instead; then both read it."
        )


def _about(model: Model, text: TextConnectivity) -> str:
    reads = "characters" if model.card.level == "character" else "words"
    reads += ", completes words" if model.card.task == "autocomplete" else ""
    source = "" if text.first is None else text.reading.source
    return ", ".join(filter(None, (architecture(model.card), f"reads {reads}", source)))


def _say(texts: list[TextConnectivity], view: View) -> None:
    lines = []
    for each in texts:
        notes = " ".join(each.reading.notes)
        if notes:
            lines.append(f"{each.model}: {notes}" if len(texts) > 1 else notes)
    most = max(len(each) for each in texts)
    if view.at is not None and view.at >= len(texts[0]):
        lines.append(f"The text has {len(texts[0]):,} steps, so step {view.at:,} cannot be held; the last is.")
    pairs = most * (most + 1) // 2
    lines.append(f"{most:,} steps, {pairs:,} pairs, none sampled. Click the text for the arrow keys.")
    st.caption("  \n".join(escape(sentence) for sentence in lines))
