"""What the page "Training" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import MaybeWhole, OneOf, Several, Text, Whole, Yes, no_model
from rnnstore import Model
from rnnstore.training import recorded_batches as batches
from rnnstore.training.charts.batch_tables import NORM, SHARE
from rnnstore.training.charts.batch_view import STACKED

CURVES, BATCHES = "curves", "batches"
BARS, HEAT = "bars", "heat map"
ONE, OWN = "one", "own"
MOST_MODELS = 5

MOST_CURVES = 8
"""Trainings that are drawn over one another: more colours cannot be told apart."""

QUANTITIES = {"maximum": "Maximum", "mean": "Mean", "half_life": "Half-life", "horizon": "Horizon", "loss": "Loss"}


@dataclass(frozen=True)
class Shown:
    """One batch that is shown: of which model, after which optimiser step."""

    model: Model
    step: int


class Recorded(MaybeWhole):
    """A recorded step: the one nearest to that of the address; `steps` gives those that there are."""

    def __init__(self, steps: Any, **options: Any) -> None:
        super().__init__(0, lambda view: int(steps(view)[-1]), what="step", **options)
        self.steps = steps

    def parse(self, view: Any, text: str) -> int | None:
        step = super().parse(view, text)
        if step is None:
            return None
        near = nearest(self.steps(view), step)
        if near != step:
            view.messages.append(
                f"The batch after step {step:,} was not recorded. Shown instead: the nearest one, after step {near:,}."
            )
        return near


def nearest(steps: np.ndarray, step: int) -> int:
    return int(steps[np.abs(steps - step).argmin()])


def _end(view: Any) -> int:
    return int(view.steps[-1])


def _steps_beside(view: Any) -> np.ndarray:
    other = view.recorded[view.other]
    return view.steps if view.other == view.model.name else batches.recorded_steps(other)


def _not_recorded(view: Any, missing: str) -> str:
    return f"No training batches of {missing} are recorded here; there are those of {', '.join(view.recorded)}."


class Section(Address):
    """Whether curves of trainings or single batches are shown; batches where any are recorded and nothing is said."""

    model: Model

    view = OneOf(
        {CURVES: "Curves", BATCHES: "Gradient flow per batch"},
        lambda view: BATCHES if batches.is_recorded(view.model) else CURVES, label="Show", widget=st.segmented_control,
    )  # fmt: skip


class CurvesView(Address):
    """What is shown of trainings: of which models, along which axis, and which gradients of which of them."""

    # fmt: off
    model: Model
    store_models: Mapping[str, Model]

    models = Several(
        lambda view: list(view.store_models), lambda view: (view.model.name,), missing=no_model, most=MOST_CURVES,
        too_many=lambda count: f"{count} models are named; the first {MOST_CURVES} are shown.", label="Models",
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


class View(Address):
    """Recorded batches by `quantity`, and those of a span between two steps; one of them in detail, with the horizon
    of one `loss`; and one beside it, if any, on `own_scales` or on one for both.

    `steps` and `layers` are those that were recorded of the model, and `recorded` the models that have any.
    """

    # fmt: off
    model: Model
    recorded: Mapping[str, Model]
    steps: np.ndarray
    layers: Sequence[int]

    quantity = OneOf(QUANTITIES, label="A bar is the batch's", widget=st.segmented_control)
    layer = Whole(
        lambda view: view.layers[-1], lambda view: view.layers[0], lambda view: view.layers[-1], what="layer",
        label="Layer", widget=st.selectbox,
    )
    first = Whole(0, 0, _end, what="step", url="from", label="From step", help="Optimiser steps done before the batch")
    last = MaybeWhole(0, _end, what="step", url="to", label="To step")
    chosen = Recorded(lambda view: view.steps, url="batch", label="Batch after step")
    other = OneOf(lambda view: list(view.recorded), lambda view: view.model.name, label="Beside it, of")
    other_step = Recorded(_steps_beside, url="beside", label="the batch after step")
    value = OneOf({SHARE: "Signed share", NORM: "Norm"}, label="Parts", widget=st.segmented_control)
    drawn = OneOf({BARS: "Bars by lag", HEAT: "Heat map"}, "", label="Drawn as", widget=st.segmented_control)
    scales = OneOf({ONE: "One for both", OWN: "Each its own"}, label="Scale of the bars", widget=st.segmented_control)
    sequence = Whole(0, 0, 10_000, url="row", label="Words of text")
    loss = MaybeWhole(0, 100_000, what="step")
    compared = Several(
        lambda view: list(view.recorded), url="models", label="Compare with the trainings of", missing=_not_recorded,
    )
    # fmt: on

    def check(self) -> None:
        if self.last is not None and self.last < self.first:
            self.first, self.last = self.last, self.first

    @property
    def batch(self) -> Shown:
        return Shown(self.model, _end(self) if self.chosen is None else self.chosen)

    @property
    def beside(self) -> Shown | None:
        if not {"beside", "other"} & set(self.given):
            return None
        step = nearest(_steps_beside(self), self.batch.step) if self.other_step is None else self.other_step
        return Shown(self.recorded[self.other], step)

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose trainings are compared, the page's own first."""
        return tuple(dict.fromkeys([self.model.name, *self.compared]))[:MOST_MODELS]

    @property
    def span(self) -> tuple[int, int | None] | None:
        """The steps from which to which the training is looked at; None for all of it."""
        return (self.first, self.last) if self.first or self.last is not None else None

    def drawn_as(self, steps: int) -> str:
        """How a batch of so many steps is drawn: as the address says, else by its length."""
        return self.drawn or (BARS if steps <= STACKED else HEAT)
