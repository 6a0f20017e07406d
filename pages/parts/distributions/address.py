"""What the page "Distributions" shows, as its address says it."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import OneOf, Real, Whole, Yes
from rnnstore import Model, State
from rnnstore.distributions.saturation import default_limits
from rnnstore.distributions.unit_distributions import MEASURES, MOVEMENTS

BANDS, HEAT = "bands", "heat"

STILL = 0.05
"""Movement up to which a unit counts as still, where the address says nothing."""


class View(Address):
    """What is shown of a state: units in the order of the measure `sort`, limits of saturation, and which unit."""

    # fmt: off
    model: Model
    state: State

    drawn = OneOf({BANDS: "bands", HEAT: "heat map"}, label="Draw as", widget=st.segmented_control)
    sort = OneOf(MEASURES, "median", label="Units sorted by")
    low = Real(lambda view: default_limits(view.state)[0], label="Lower limit")
    high = Real(lambda view: default_limits(view.state)[1], label="Upper limit")
    moves = OneOf({name: MEASURES[name] for name in MOVEMENTS}, label="Inactive if")
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
