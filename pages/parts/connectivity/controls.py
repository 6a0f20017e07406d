"""What can be chosen on the page "Connectivity": which text, which models, which score, and how it is shaded."""

from __future__ import annotations

import streamlit as st

from pages.parts.connectivity.address import LONGEST_NOTES, MOST_MODELS, View
from pages.parts.sentences.address import write_text
from pages.parts.shared.address import ALONE
from pages.parts.shared.controls import side_by_side
from rnnstore import Model
from rnnstore.connectivity.norms import LONGEST
from rnnstore.networks import has_network

TARGET_NAMES = {"true": "true next", "predicted": "prediction", "word": "a word"}
TARGET_NAMES_OF_WORDS = TARGET_NAMES | {"true": "true word"}
TARGET_NAMES_OF_LABELS = {"predicted": "its answer", "word": "a label"}
DEFAULT_STEPS = {"character": 200, "word": 60}


def choose(view: View, outputs: list[str] | None, completes: bool) -> None:
    """The choices; `outputs` are a classifier's labels, None where they are words, which a network may complete."""
    models = view.store_models.items()
    others = [name for name, each in models if name != view.model.name and has_network(each)]
    with side_by_side():
        view.control(
            "others",
            now=[name for name in view.others if name in others],
            options=others,
            max_selections=MOST_MODELS - 1,
            placeholder="other models, on the same text",
            width=330 if len(view.others) > 1 else 215,
        )
        _choose_target(view, outputs, completes)
        view.control("scale")
    with side_by_side():
        view.control("later")
        view.control("absolute")
        view.control("check_occlusion")
        if view.others:
            view.control("difference")
            if view.absolute:
                view.control("own_scale")
        _take_notes(view)
        _choose_span(view.model)
        if view.text or view.spans:
            st.button(
                "Clear",
                key="connectivity-clear",
                on_click=lambda: write_text(ALONE, "", span=None),
                help="Back to the beginning of the recording",
            )


def _choose_target(view: View, outputs: list[str] | None, completes: bool) -> None:
    """Whose score is differentiated, and of which word or label."""
    names = TARGET_NAMES_OF_WORDS if completes else TARGET_NAMES
    names = names if outputs is None else TARGET_NAMES_OF_LABELS
    now = view.target if view.target in names else next(iter(names))
    view.control("target", now=now, options=list(names), format_func=names.get)
    if view.target != "word":
        return
    if outputs is None:
        about = "One output of the model; ␣ stands for a blank, ↵ for the end of a line"
        view.control("word", width=130, help=about)
    else:
        listed = outputs if view.word in outputs else ["", *outputs]
        now = view.word if view.word in listed else ""
        view.control("word", label="Label", now=now, options=listed, widget=st.selectbox, width=150)


def _take_notes(view: View) -> None:
    with st.popover("Notes"), st.container(width=520):
        view.control("notes", max_chars=LONGEST_NOTES, height=160)
        if view.at is not None:
            st.button(
                f"Add @{view.at}",
                on_click=lambda: view.change(notes=f"{view.notes} @{view.at}".strip()[:LONGEST_NOTES]),
                key="connectivity-add",
            )


def _choose_span(model: Model) -> None:
    """A span of the recording instead of typed text."""
    default = DEFAULT_STEPS.get(model.card.level, DEFAULT_STEPS["word"])
    with st.popover("From the corpus", disabled=not model.states), st.container(width=460):
        with side_by_side():
            first = st.number_input("First step", 0, max(model.steps - 1, 0), key="connectivity-first")
            steps = st.number_input("Steps", 1, LONGEST, min(default, max(1, model.steps)), key="connectivity-steps")

            def show() -> None:
                write_text(ALONE, "", span=f"{int(first)}-{int(first) + int(steps) - 1}")

            st.button("Show it", on_click=show, type="primary", key="connectivity-show")
        st.caption(f"At most {LONGEST:,} steps: the pairs of a text grow with its square.")
