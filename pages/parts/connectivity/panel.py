"""The page "Connectivity", whole: text, choices, shaded texts; what stands below them is in `pairs_panel`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.parts.connectivity import queries
from pages.parts.connectivity.address import View
from pages.parts.connectivity.controls import choose
from pages.parts.connectivity.pairs_panel import offer_export, show_known, show_pairs
from pages.parts.connectivity.text import show_text
from pages.parts.connectivity.typing_box import typing_box
from pages.parts.sentences.address import write_text
from pages.parts.shared.address import ALONE
from pages.parts.shared.current import architecture
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours
from rnnstore import Model, StoreError
from rnnstore.connectivity.texts import TextConnectivity
from rnnstore.networks import missing_network, open_network

FIRST_STEPS = {"character": 200, "word": 40}
"""Steps of the recording that are shown where nothing was asked for."""


def draw(view: View) -> None:
    """What stands on the page, and how it is read."""
    model = view.model
    missing = _missing_network(model)
    _ask(view, missing)
    if missing is not None:
        st.info(escape(missing))
    else:
        reader = open_network(model)
        choose(view, list(reader.outputs) if reader.classifier else None, reader.completes)
        if view.target == "word" and not view.word:
            st.info("Which word's score is asked about? Name it above; it is then followed at every step.")
        else:
            _show(view)
    explain("connectivity")


def _show(view: View) -> None:
    """The shaded texts, and what stands below them."""
    texts = _texts(view)
    if texts:
        titles = [(each.model, _about(view.store_models[each.model], each)) for each in texts]
        show_text(
            texts,
            titles,
            colours(),
            held=view.at,
            notes=view.notes,
            later=view.later,
            absolute=view.absolute,
            own_scale=view.own_scale,
            difference=view.difference,
            target=view.target,
            hold=lambda at: view.change(at=at),
            file=f"connectivity-{view.model.name}",
        )
        _say(texts, view)
        offer_export(view.model, texts)
        show_pairs(texts, view)
        show_known(view, [each.model for each in texts])


def _missing_network(model: Model) -> str | None:
    message = missing_network(model, "text", "scores", "gradients")
    if message is None:
        return None
    what = message.partition(" No sentence")[0]
    return f"{what} Connectivity is worked out with the weights, of recorded text, too: there is none to show."


def _ask(view: View, missing: str | None) -> None:
    """The box for one's own text."""

    @st.fragment
    def box() -> None:
        typing_box(view.model, view.text, missing, lambda text: write_text(ALONE, text, span=None))

    box()


def _texts(view: View) -> list[TextConnectivity]:
    """The text as each model connects it; those that cannot are said and left out."""
    model, text = view.model, view.text or view.span
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
    done = [name for name in names if queries.connected.is_cached(view.store_models[name], text, **how)]
    if len(done) < len(names) and queries.was_stopped(question):
        names = done
    for name in names:
        each = view.store_models[name]
        with errors_as(st.error, about=f"{name}: " if view.others else ""):
            if name != model.name and not isinstance(text, str):
                _check_same_recording(model, each, text)
            found.append(queries.connected(each, text, **how, progress=partial(waiting.progress, name)))
        if not found:
            break  # the sidebar's model is the first, and the others stand beside it
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
