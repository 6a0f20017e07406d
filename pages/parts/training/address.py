"""What the page "Training" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pages.parts.shared.parameters import Parameters, some
from rnnstore import Model, Store
from rnnstore.training import recorded_batches as batches
from rnnstore.training.charts.batch_tables import NORM, SHARE
from rnnstore.training.charts.batch_view import STACKED

BARS, HEAT = "bars", "heat map"
ONE, OWN = "one", "own"
MOST_MODELS = 5


@dataclass(frozen=True)
class Shown:
    """One batch that is shown: of which model, after which optimiser step."""

    model: Model
    step: int


@dataclass(frozen=True)
class View:
    """Recorded batches by `quantity`, and those of a stretch between two steps; one of them in detail, with the horizon
    of one `loss`; and one beside it, if any, on `own_scales` or on one for both."""

    layer: int
    quantity: str
    first: int
    last: int | None
    batch: Shown
    newest: bool
    beside: Shown | None
    value: str
    drawn: str
    own_scales: bool
    sequence: int
    loss: int | None
    models: tuple[str, ...]

    @property
    def stretch(self) -> tuple[int, int | None] | None:
        """From which step to which the training is looked at; None for all of it."""
        return (self.first, self.last) if self.first or self.last is not None else None


def read(
    given: Mapping[str, str], store: Store, model: Model, steps: np.ndarray, known: Sequence[int]
) -> tuple[View, list[str]]:
    """What the address `given` asks for, and sentences about what it names in vain.

    `steps` and the layers `known` are those that were recorded of the model.
    """
    asked = Parameters(given)
    last_step = int(steps[-1])
    first, last = asked.whole("from", 0, 0, last_step, "step"), asked.maybe("to", 0, last_step, "step")
    if last is not None and last < first:
        first, last = last, first
    recorded = {name: one for name, one in store.models.items() if batches.is_recorded(one)}
    other = asked.one_of("other", tuple(recorded), model.name)
    shown = Shown(model, _nearest(asked, "batch", steps, last_step))
    beside = None
    if "beside" in given or "other" in given:
        theirs = steps if other == model.name else batches.recorded_steps(recorded[other])
        beside = Shown(recorded[other], _nearest(asked, "beside", theirs, _near(theirs, shown.step)))
    named = [name.strip() for name in asked.text("models").split(",") if name.strip()]
    missing = [name for name in named if name not in recorded]
    if missing:
        asked.sentences.append(
            f"No training batches of {some(missing)} are recorded here; there are those of {', '.join(recorded)}."
        )
    models = tuple(dict.fromkeys([model.name, *(name for name in named if name in recorded)]))
    view = View(
        layer=asked.whole("layer", known[-1], known[0], known[-1], "layer"),
        quantity=asked.one_of("quantity", batches.QUANTITIES, batches.QUANTITIES[0]),
        first=first,
        last=last,
        batch=shown,
        newest="batch" not in given,
        beside=beside,
        value=asked.one_of("value", (SHARE, NORM), SHARE),
        drawn=asked.one_of("drawn", (BARS, HEAT), "") if "drawn" in given else "",
        own_scales=asked.one_of("scales", (ONE, OWN), ONE) == OWN,
        sequence=asked.whole("row", 0, 0, 10_000),
        loss=asked.maybe("loss", 0, 100_000, "step"),
        models=models[:MOST_MODELS],
    )
    return view, asked.sentences


def drawn(view: View, steps: int) -> str:
    """How a batch of so many steps is drawn: as the address says, else by its length."""
    return view.drawn or usually_drawn(steps)


def usually_drawn(steps: int) -> str:
    """How a batch of so many steps is drawn where nobody says otherwise."""
    return BARS if steps <= STACKED else HEAT


def _nearest(asked: Parameters, name: str, steps: np.ndarray, usual: int) -> int:
    """The recorded step nearest to the one that the address names."""
    step = asked.maybe(name, 0, int(steps[-1]), "step")
    if step is None:
        return usual
    near = _near(steps, step)
    if near != step:
        asked.sentences.append(
            f"The batch after step {step:,} was not recorded. Shown instead: the nearest one, after step {near:,}."
        )
    return near


def _near(steps: np.ndarray, step: int) -> int:
    return int(steps[np.abs(steps - step).argmin()])
