"""What the page "Distributions" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import OneOf, Real, Several, Text, Whole, Yes
from rnnstore import Model, State
from rnnstore.distributions.saturation import default_limits
from rnnstore.distributions.unit_distributions import MEASURES, MOVEMENTS

VALUES, TRAINING = "values", "training"
BANDS, HEAT = "bands", "heat"

STILL = 0.05
"""Movement up to which a unit counts as still, where the address says nothing."""

MOST_MODELS = 8
"""Trainings that are drawn over one another: more colours cannot be told apart."""

SECTIONS = {VALUES: "Values of states and gates", TRAINING: "Training and gradients"}


class Section(Address):
    """Whether values or training are shown."""

    view = OneOf(SECTIONS, label="Show", widget=st.segmented_control)


class View(Address):
    """What is shown of a state: units in the order of the measure `sort`, limits of saturation, and which unit."""

    # fmt: off
    state: State

    drawn = OneOf({BANDS: "bands", HEAT: "heat map"}, label="Draw as", widget=st.segmented_control)
    sort = OneOf(MEASURES, "median", label="Units sorted by")
    low = Real(lambda view: default_limits(view.state)[0], label="Lower limit")
    high = Real(lambda view: default_limits(view.state)[1], label="Upper limit")
    moves = OneOf({name: MEASURES[name] for name in MOVEMENTS}, label="A unit is still when its")
    still = Real(STILL, label="is at most")
    unit = Whole(0, 0, lambda view: view.state.units - 1, what="unit", label="Unit")
    everything = Yes(url="all")
    # fmt: on

    def check(self) -> None:
        if self.low >= self.high:
            low, high = default_limits(self.state)
            self.messages.append(
                f"The lower limit {self.low:g} is not below the upper one, {self.high:g}. Shown instead: {low:g} and "
                f"{high:g}."
            )
            self.low, self.high = low, high
        if self.still < 0:
            self.messages.append(
                f"Nothing moves by less than {self.still:g}; 0 or more was expected. Shown instead: {STILL}."
            )
            self.still = STILL


def _no_model(view: Any, missing: str) -> str:
    return f"The store has no model {missing}; it has {', '.join(view.store_models)}."


class TrainingView(Address):
    """What is shown of trainings: of which models, along which axis, and which gradients of which of them."""

    # fmt: off
    model: Model
    store_models: Mapping[str, Model]

    models = Several(
        lambda view: list(view.store_models), lambda view: (view.model.name,), missing=_no_model, most=MOST_MODELS,
        too_many=lambda count: f"{count} models are named; the first {MOST_MODELS} are shown.", label="Models",
    )
    axis = OneOf({"step": "steps", "epoch": "epochs", "time": "time"}, label="Along", widget=st.segmented_control)
    log = Yes(label="Loss on a log scale")
    gradients = OneOf(lambda view: view.models, label="Of")
    weight = Text(label="Weight", widget=st.selectbox)
    relative = Yes(
        label="As a share of the weight's norm",
        help="What a step of plain gradient descent changes, relative to what is there",
    )
    # fmt: on
