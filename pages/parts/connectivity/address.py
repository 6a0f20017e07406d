"""What the page "Connectivity" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.sentences.address import TypedText
from pages.parts.shared.address import Address
from pages.parts.shared.parameters import MaybeWhole, OneOf, Parsed, Several, Spans, Text, Yes, no_model
from rnnstore import Model
from rnnstore.connectivity.norms import LONGEST
from rnnstore.connectivity.texts import SCALES, TARGETS

MOST_MODELS = 4
LONGEST_NOTES = 2000

SCALE_NAMES = {"embedding": "embedding", "one-hot": "one-hot", "times-input": "gradient × input"}


def _parse_notes(view: Any, text: str) -> str:
    if len(text) > LONGEST_NOTES:
        view.messages.append(f"The notes are cut to {LONGEST_NOTES:,} letters, which is what a link can hold.")
    return text[:LONGEST_NOTES]


class View(Address):
    """Everything that the page shows: one text, read by the sidebar's model and by `others`.

    Typed `text` goes before a recorded span. `at` is the held step, counted from the beginning of the text. `pairs` and
    `known` are the pictures below it.
    """

    # fmt: off
    model: Model
    store_models: Mapping[str, Model]

    long = Yes()
    text = TypedText("")
    spans = Spans(LONGEST, "worked out", most=1, url="span")
    others = Several(
        lambda view: list(view.store_models), url="with", label="Beside it",
        missing=no_model,
    )
    target = OneOf(
        TARGETS, label="Score of", widget=st.segmented_control,
        help="Whose logit is differentiated at every step",
    )
    word = Text(most=200, label="Word")
    scale = OneOf(
        {name: SCALE_NAMES[name] for name in SCALES}, url="input", label="With respect to", widget=st.segmented_control,
    )
    later = Yes(
        called=("back", "forward"), label="Look",
        help="Back: which inputs this prediction depends on. Forward: which later predictions depend on this input",
    )
    absolute = Yes(
        called=("relative", "absolute"), label="Shades",
        help="Relative to the most connected step of the row, or one scale for all rows",
    )
    check_occlusion = Yes(
        url="check", label="Occlusion check",
        help="Takes each input away in turn and reads on: costs about as much as all gradients together",
    )
    difference = Yes(label="Difference")
    own_scale = Yes(url="own", label="A scale for each model")
    at = MaybeWhole(0, LONGEST - 1, what="step")
    notes = Parsed(
        _parse_notes, "", label="What you see, with positions as @12", widget=st.text_area,
        help="Each @12 becomes a link to that step. Notes are part of the address. Ctrl+Enter keeps them",
    )
    pairs = Yes()
    known = Yes(label="Accuracy by known characters, over the whole recording")
    # fmt: on

    def check(self) -> None:
        self.others = tuple(name for name in self.others if name != self.model.name)
        if len(self.others) >= MOST_MODELS:
            self.messages.append(
                f"{MOST_MODELS} models at most stand on one text; shown: the first of those asked for."
            )
            self.others = self.others[: MOST_MODELS - 1]

    @property
    def span(self) -> tuple[int, int] | None:
        """The recorded span, where no text is typed."""
        return None if self.text or not self.spans else self.spans[0]
