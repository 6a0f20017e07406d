"""What the page "Compare" shows, as its address says it: the right side, what is shown of both, and over which words.

The left side is the model and state of the sidebar. Parameters of the panels begin with `a.` on the left and `b.` on
the right; those that both sides share, such as the words picked and the sentences typed, have no prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.co_clusters.address import AnyWords
from pages.parts.shared.address import Address
from pages.parts.shared.parameters import OneOf, Parsed, Whole, abbreviated
from rnnstore import Model, State
from rnnstore.comparing.similarity import FEWEST, MOST
from rnnstore.distributions.saturation import is_gate

GROUPS, SENTENCES, DIFFERENCES = "groups", "sentences", "differences"

LEFT, RIGHT = "a.", "b."

LINKED = ("word", "find", "pin", "k", "words", "method", "seed", "share", "thick", "equal", "sort", "m", "least")
"""Parameters of co-clusters that both sides share; and `tags` where both have the same tracks."""

READ = ("text", "long", "k", "line", "predicted", "direction", "method", "seed", "words", "at", "shown", "align", "own")
"""Parameters of sentences that both sides share."""


def _parse_other(view: Any, name: str) -> str:
    if name in view.recorded:
        return name
    what = "no recorded states" if name in view.store_models else "no place in the store"
    default = _partner(view)[0]
    view.messages.append(f"The model {abbreviated([name])} has {what}. Shown instead: {default}.")
    return default


def _parse_other_state(view: Any, name: str) -> str:
    model, default = view.recorded[view.other], _other_state(view)
    if name in model.states:
        return name
    if "other" in view.given:  # else the sidebar chose another model, to which the address does not refer
        view.messages.append(
            f"{model.name} has no state {abbreviated([name])}; it has {', '.join(model.states)}. "
            f"Shown instead: {default}."
        )
    return default


def _partner(view: Any) -> tuple[str, str]:
    found = partner(view.recorded, view.left, view.left_state)
    assert found is not None, "without a partner there is nothing to read"
    return found


def _other_state(view: Any) -> str:
    model, state = _partner(view)
    return state if view.other == model else _like(view.recorded[view.other], view.left_state)


class View(Address):
    """The right side, the part that is shown, and the words compared: so many, read so often at least."""

    # fmt: off
    left: Model
    left_state: State
    store_models: Mapping[str, Model]
    recorded: Mapping[str, Model]

    show = OneOf(
        {GROUPS: "Groups of words and units", SENTENCES: "Sentences", DIFFERENCES: "What differs"},
        label="Show", widget=st.segmented_control,
    )
    other = Parsed(
        _parse_other, lambda view: _partner(view)[0], label="Right side: model", widget=st.selectbox, explicit=True,
        help="The left side is the model and state of the sidebar",
    )
    other_state = Parsed(_parse_other_state, _other_state, label="State", widget=st.selectbox, explicit=True)
    words = Whole(
        500, FEWEST, MOST, what="number of words", url="compared", label="Words compared",
        help="The most frequent words that both have read",
    )
    least = Whole(
        5, 1, 1_000_000, what="number of times", url="often", label="Min. occurrences",
        help="Times, by either; the mean response to a rare word is mostly chance",
    )
    picked = AnyWords(url="word")
    # fmt: on

    @property
    def model(self) -> Model:
        return self.recorded[self.other]

    @property
    def state(self) -> State:
        return self.model.states[self.other_state]

    @property
    def sides(self) -> tuple[tuple[Model, State], tuple[Model, State]]:
        """Model and state on the left and on the right."""
        return (self.left, self.left_state), (self.model, self.state)


def partner(recorded: Mapping[str, Model], left: Model, state: State) -> tuple[str, str] | None:
    """The model and state beside the left one where the address names none: a model of the same corpus, else another
    state of the same model, else any other model."""
    others = [model for model in recorded.values() if model.name != left.name]
    alike = [model for model in others if left.card.corpus and model.card.corpus == left.card.corpus]
    for model in alike:
        return model.name, _like(model, state)
    own = [name for name, each in left.states.items() if name != state.name and not is_gate(each, left.card.cell)]
    if own:
        hidden = [name for name in own if name.rpartition(".")[2] == state.name.rpartition(".")[2]]
        return left.name, (hidden or own)[-1]
    for model in others:
        return model.name, _like(model, state)
    return None


def _like(model: Model, state: State) -> str:
    return state.name if state.name in model.states else next(iter(model.states))
