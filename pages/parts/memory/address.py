"""What the page "Memory" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import OneOf, Several, Text, Whole, Yes, no_model
from rnnstore import Model
from rnnstore.memory.charts import PROPERTY_MEASURES
from rnnstore.memory.gradients import ALL
from rnnstore.memory.singular_values import has_memory

CURVES, PROPERTIES = "curves", "properties"

MOST_MODELS, MOST_STATES = 4, 6

FEW = 3
"""Curves with which the means of single words are drawn too, unless the address says otherwise."""

OWN_CLASSES = "Words with commas between, or TRACK:LABEL,LABEL"


def _no_gradients(view: Any, missing: str) -> str:
    there = has_memory(view.model)
    return f"{view.model.name} has no gradients of {missing}" + (
        f"; there are those of {', '.join(there)}." if there else " yet."
    )


def _no_class(view: Any, missing: str) -> str:
    return f"No gradients were computed for the class {missing}; there are {', '.join(view.known)}."


def _few_curves(view: Any) -> bool:
    return len(view.models) * len(view.states) * len(view.classes) + bool(view.own) <= FEW


class States(Address):
    """The states and gates whose gradients are shown: the sidebar's where the address names none; none where there are
    no gradients of that. `look` asks for a first look at a few words there."""

    # fmt: off
    model: Model
    state_name: str

    states = Several(
        lambda view: has_memory(view.model),
        lambda view: (view.state_name,) if view.state_name in has_memory(view.model) else (),
        missing=_no_gradients, most=MOST_STATES, label="States and gates",
        help="Gates are computed where the command names them: `--state layer1.f`. Directions are of the first.",
    )
    look = Yes(help="Follows so few words that it takes seconds (minutes for a network of more than 1,000 units)")
    # fmt: on


class View(States):
    """Models, states, classes and measure of the curves; a curve of the reader's own; a delay with a class and a
    direction; properties.

    `known` gives the longest delay of each class. Directions and properties are of the first state. `own` is a word or
    a class, and `first` and `second` the classes of a property, all three as `memory.word_classes` writes classes.
    """

    # fmt: off
    store_models: Mapping[str, Model]
    known: Mapping[str, int]
    embedding: int

    show = OneOf(
        {CURVES: "How long, and in which directions", PROPERTIES: "Properties of words"},
        label="Show", widget=st.segmented_control,
    )
    models = Several(
        lambda view: list(view.store_models), lambda view: (view.model.name,), missing=no_model, most=MOST_MODELS,
        too_many=lambda count: f"{count} models are named; the first {MOST_MODELS} are shown.", label="Models",
    )
    classes = Several(
        lambda view: list(view.known), (ALL,), missing=_no_class, label="Classes of words",
        help="Computed by the command: `--classes TRACK`, `--classes name=word,word`",
    )
    own = Text(label="A word or class of your own")
    measure = OneOf(
        {
            "sigma_1": "Largest singular value", "total": "Sum", "ratio": "Largest / sum",
            "effective_rank": "Effective rank", "mean_norm": "Mean norm",
        },
        label="Measure", widget=st.segmented_control,
        help="Of the mean gradient: its singular values, which say how strongly directions of the embedding are "
        "kept. Mean norm: of single words' gradients, in which nothing cancels.",
    )
    log = Yes(label="Log scale")
    single = Yes(
        _few_curves, label="Mean of single words'", explicit=True,
        help="Dashed: what does not cancel in the mean, with its 95 % interval",
    )
    word_class = OneOf(lambda view: list(view.known), ALL, url="class", label="Class of words")
    delay = Whole(0, 0, lambda view: view.known[view.word_class], what="delay", label="Delay (steps)")
    direction = Whole(1, 1, lambda view: view.embedding, what="direction", label="Direction")
    how = OneOf(
        {name: words.capitalize() for name, words in PROPERTY_MEASURES.items()}, "cosine",
        label="Measure", widget=st.segmented_control,
    )
    n = Whole(lambda view: min(5, view.embedding), 1, lambda view: view.embedding, label="Best-kept directions")
    first = Text(label="Your own property: first class", help=OWN_CLASSES)
    second = Text(label="second class", help=OWN_CLASSES)
    probes = Yes(label="Are the classes separable at all? (trains classifiers)")
    # fmt: on

    def check(self) -> None:
        self.own, self.first, self.second = self.own.strip(), self.first.strip(), self.second.strip()


def with_memory(models: Mapping[str, Model], states: tuple[str, ...]) -> list[str]:
    """The models that have gradients of one of these states."""
    return [name for name, model in models.items() if set(states) & set(has_memory(model))]
