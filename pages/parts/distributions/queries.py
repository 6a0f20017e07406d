"""Cached counts of values; counting a long recording shows its progress."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.distributions import single_unit
from rnnstore.distributions import unit_distributions as counting
from rnnstore.distributions.unit_distributions import Distribution

AT_ONCE = 150_000_000
"""Values of several states that are counted without being asked; about two seconds' worth."""

A_SECOND = 80_000_000
"""Values that are counted in a second, about."""

SLOW = 0.4
"""Seconds after which a count shows how far it is."""


@cached
def distribution(model: Model, state: str) -> Distribution:
    """The distribution of a state, counted now or before."""
    began, bar = time.monotonic(), st.empty()

    def progress(share: float) -> None:
        if time.monotonic() - began > SLOW:
            bar.progress(share, text=f"Counting the values of {state}")

    found = counting.distribution(model, state, progress)
    bar.empty()
    return found


def several(model: Model, states: Sequence[str], asked_for: bool) -> list[Distribution] | None:
    """The distributions of several states; None where counting them takes long and was not asked for."""
    if not asked_for and uncounted(model, states) > AT_ONCE:
        return None
    return [distribution(model, name) for name in states]


def uncounted(model: Model, states: Sequence[str]) -> int:
    """How many values of these states are still to be counted."""
    wanted = [name for name in states if not distribution.is_cached(model, name)]
    return model.steps * sum(model.states[name].units for name in wanted)


unit_values = cached(single_unit.unit_values)
