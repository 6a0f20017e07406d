"""What the page "Distributions" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.parts.shared.parameters import Parameters, some
from rnnstore import Model, State, Store
from rnnstore.distributions.saturation import default_limits
from rnnstore.distributions.unit_distributions import MEASURES, MOVEMENTS

VALUES, TRAINING = "values", "training"
BANDS, HEAT = "bands", "heat"
STILL = 0.05
"""Movement up to which a unit counts as still, where the address says nothing."""

AXES = ("step", "epoch", "time")
MOST_MODELS = 8
"""Trainings that are drawn over one another: more colours cannot be told apart."""


@dataclass(frozen=True)
class View:
    """What is shown of a state: units in the order of the measure `sort`, limits of saturation, and which unit."""

    sort: str
    drawn: str
    low: float
    high: float
    moves: str
    still: float
    unit: int
    everything: bool


@dataclass(frozen=True)
class TrainingView:
    """What is shown of trainings: of which models, along which axis, and whether the loss is on a log scale."""

    models: tuple[str, ...]
    axis: str
    log: bool
    gradients: str


def section(given: Mapping[str, str]) -> tuple[str, list[str]]:
    """Whether values or training are shown."""
    asked = Parameters(given)
    return asked.one_of("view", (VALUES, TRAINING), VALUES), asked.sentences


def read(given: Mapping[str, str], state: State) -> tuple[View, list[str]]:
    """What the address `given` asks for of this state, and sentences about what it names in vain."""
    asked = Parameters(given)
    usual = default_limits(state)
    low, high = asked.number("low", usual[0]), asked.number("high", usual[1])
    if low >= high:
        asked.sentences.append(
            f"The lower limit {low:g} is not below the upper one, {high:g}. Shown instead: {usual[0]:g} and "
            f"{usual[1]:g}."
        )
        low, high = usual
    still = asked.number("still", STILL)
    if still < 0:
        asked.sentences.append(f"Nothing moves by less than {still:g}; 0 or more was expected. Shown instead: {STILL}.")
        still = STILL
    view = View(
        sort=asked.one_of("sort", tuple(MEASURES), "median"),
        drawn=asked.one_of("drawn", (BANDS, HEAT), BANDS),
        low=low,
        high=high,
        moves=asked.one_of("moves", MOVEMENTS, MOVEMENTS[0]),
        still=still,
        unit=asked.whole("unit", 0, 0, state.units - 1, "unit"),
        everything=asked.yes("all"),
    )
    return view, asked.sentences


def read_training(given: Mapping[str, str], store: Store, model: Model) -> tuple[TrainingView, list[str]]:
    """What the address asks for of trainings: the sidebar's model where it names none."""
    asked = Parameters(given)
    named = [name.strip() for name in asked.text("models").split(",") if name.strip()]
    known = tuple(dict.fromkeys(name for name in named if name in store.models))
    missing = [name for name in named if name not in store.models]
    if missing:
        asked.sentences.append(f"The store has no model {some(missing)}; it has {', '.join(store.models)}.")
    if len(known) > MOST_MODELS:
        asked.sentences.append(f"{len(known)} models are named; the first {MOST_MODELS} are shown.")
        known = known[:MOST_MODELS]
    known = known or (model.name,)
    gradients = asked.one_of("gradients", known, known[0]) if "gradients" in given else known[0]
    return TrainingView(known, asked.one_of("axis", AXES, "step"), asked.yes("log"), gradients), asked.sentences
