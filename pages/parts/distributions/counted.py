"""Distributions that were counted, kept for all visitors; counting a long recording shows how far it is."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from pages.parts.shared import asked
from pages.parts.shared.kept import kept
from rnnstore import Model
from rnnstore.distributions import unit_distributions as counting
from rnnstore.distributions.unit_distributions import Distribution, UnitValues

AT_ONCE = 150_000_000
"""Values of several states that are counted without being asked; about two seconds' worth."""

A_SECOND = 80_000_000
"""Values that are counted in a second, about."""

SLOW = 0.4
"""Seconds after which a count shows how far it is."""


@kept()
def _distribution(store: asked.Store, _model: Model, model: str, state: str) -> Distribution:
    began, bar = time.monotonic(), st.empty()

    def progress(share: float) -> None:
        if time.monotonic() - began > SLOW:
            bar.progress(share, text=f"Counting the values of {state}")

    found = counting.distribution(_model, state, progress)
    bar.empty()
    return found


def distribution(model: Model, state: str) -> Distribution:
    """The distribution of a state, counted now or before."""
    return _distribution(asked.as_of(model), model, model.name, state)


def several(model: Model, states: Sequence[str], asked_for: bool) -> list[Distribution] | None:
    """The distributions of several states; None where counting them takes long and was not asked for."""
    if not asked_for and uncounted(model, states) > AT_ONCE:
        return None
    return [distribution(model, name) for name in states]


def uncounted(model: Model, states: Sequence[str]) -> int:
    """How many values of these states are still to be counted."""
    wanted = [name for name in states if not _distribution.is_kept(asked.as_of(model), model, model.name, name)]
    return model.steps * sum(model.states[name].units for name in wanted)


@kept()
def unit_values(store: asked.Store, _model: Model, model: str, state: str, unit: int) -> UnitValues:
    return counting.unit_values(_model, state, unit)
