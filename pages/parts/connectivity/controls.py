"""What can be chosen on the page "Connectivity": which text, which models, which score, and how it is shaded."""

from __future__ import annotations

import streamlit as st

from pages.parts.connectivity.address import LONGEST_NOTES, MOST_MODELS, View
from pages.parts.sentences.address import write_text
from pages.parts.shared.controls import controlled
from pages.parts.shared.parameters import ALONE, change
from rnnstore import Model, Store
from rnnstore.connectivity.norms import LONGEST
from rnnstore.connectivity.texts import SCALES, TARGETS
from rnnstore.networks import has_network

SAID_TARGETS = {"true": "true next", "predicted": "prediction", "word": "a word"}
SAID_WORDS = SAID_TARGETS | {"true": "true word"}
SAID_LABELS = {"predicted": "its answer", "word": "a label"}
SAID_SCALES = {"embedding": "embedding", "one-hot": "one-hot", "times-input": "gradient × input"}
USUAL_STEPS = {"character": 200, "word": 60}


def choose(store: Store, model: Model, view: View, outputs: list[str] | None, completes: bool) -> None:
    """The choices; `outputs` are a classifier's labels, None where they are words, which a network may complete."""
    said = SAID_LABELS if outputs is not None else SAID_WORDS if completes else SAID_TARGETS
    targets = list(TARGETS if outputs is None else SAID_LABELS)
    others = [name for name, each in store.models.items() if name != model.name and has_network(each)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.multiselect,
            "Beside it",
            "with",
            [name for name in view.others if name in others],
            options=others,
            max_selections=MOST_MODELS - 1,
            placeholder="other models, on the same text",
            key="connectivity-with",
            usual=[],
            width=330 if len(view.others) > 1 else 215,
        )
        controlled(
            st.segmented_control,
            "Score of",
            "target",
            view.target if view.target in targets else targets[0],
            options=targets,
            format_func=said.get,
            key="connectivity-target",
            usual=targets[0],
            required=True,
            help="Whose logit is differentiated at every step",
        )
        if view.target == "word":
            if outputs is None:
                controlled(
                    st.text_input,
                    "Word",
                    "word",
                    view.word,
                    key="connectivity-word",
                    usual="",
                    width=130,
                    help="One output of the model; ␣ stands for a blank, ↵ for the end of a line",
                )
            else:
                listed = outputs if view.word in outputs else ["", *outputs]
                now = view.word if view.word in listed else ""
                controlled(
                    st.selectbox, "Label", "word", now, options=listed, key="connectivity-label", usual="", width=150
                )
        controlled(
            st.segmented_control,
            "With respect to",
            "input",
            view.scale,
            options=list(SCALES),
            format_func=SAID_SCALES.get,
            key="connectivity-input",
            usual=SCALES[0],
            required=True,
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.segmented_control,
            "Look",
            "later",
            view.later,
            options=[False, True],
            format_func={False: "back", True: "forward"}.get,
            key="connectivity-later",
            usual=False,
            required=True,
            help="Back: which inputs this prediction depends on. Forward: which later predictions depend on this input",
        )
        controlled(
            st.segmented_control,
            "Shades",
            "absolute",
            view.absolute,
            options=[False, True],
            format_func={False: "relative", True: "absolute"}.get,
            key="connectivity-absolute",
            usual=False,
            required=True,
            help="Relative to the most connected step of the row, or one scale for all rows",
        )
        controlled(
            st.toggle,
            "Occlusion check",
            "check",
            view.check,
            key="connectivity-check",
            usual=False,
            help="Takes each input away in turn and reads on: costs about as much as all gradients together",
        )
        if view.others:
            controlled(
                st.toggle, "Difference", "difference", view.difference, key="connectivity-difference", usual=False
            )
            if view.absolute:
                controlled(
                    st.toggle, "A scale for each model", "own", view.own_scale, key="connectivity-own", usual=False
                )
        _take_notes(view)
        _choose_stretch(model)
        if view.text or view.stretch:
            st.button(
                "Clear",
                key="connectivity-clear",
                on_click=lambda: (write_text(ALONE, ""), change(stretch=None, at=None)),
                help="Back to the beginning of the recording",
            )


def _take_notes(view: View) -> None:
    with st.popover("Notes"), st.container(width=520):
        controlled(
            st.text_area,
            "What you see, with positions as @12",
            "notes",
            view.notes,
            key="connectivity-notes",
            usual="",
            max_chars=LONGEST_NOTES,
            height=160,
            help="Each @12 becomes a link to that step. Notes are part of the address. Ctrl+Enter keeps them",
        )
        if view.at is not None:
            st.button(
                f"Add @{view.at}",
                on_click=lambda: change(notes=f"{view.notes} @{view.at}".strip()[:LONGEST_NOTES]),
                key="connectivity-add",
            )


def _choose_stretch(model: Model) -> None:
    """A stretch of the recording instead of typed text."""
    usual = USUAL_STEPS.get(model.card.level, USUAL_STEPS["word"])
    with st.popover("From the corpus", disabled=not model.states), st.container(width=460):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            first = st.number_input("First step", 0, max(model.steps - 1, 0), key="connectivity-first")
            steps = st.number_input("Steps", 1, LONGEST, min(usual, max(1, model.steps)), key="connectivity-steps")

            def show() -> None:
                write_text(ALONE, "")
                change(stretch=f"{int(first)}-{int(first) + int(steps) - 1}", at=None)

            st.button("Show it", on_click=show, type="primary", key="connectivity-show")
        st.caption(f"At most {LONGEST:,} steps: the pairs of a text grow with its square.")
