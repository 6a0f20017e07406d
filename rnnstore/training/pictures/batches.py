"""The pictures of recorded training batches by one call: all of them, one of them, how far back they reached."""

from __future__ import annotations

from collections.abc import Sequence

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError, suggest
from rnnstore.store.model import Model
from rnnstore.training import recorded_batches as batches
from rnnstore.training.charts import batch_overview as outlines
from rnnstore.training.charts import batch_view as charts
from rnnstore.training.charts import reach
from rnnstore.training.charts.batch_tables import SHARE


def batches_picture(
    model: Model,
    *,
    layer: int | None = None,
    quantity: str = "maximum",
    first: int = 0,
    last: int | None = None,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """A bar for every recorded batch of a training, or group of neighbours; `quantity` is "maximum", "mean",
    "half_life", "horizon" or "loss".

    Of the top layer unless one is named, of all of the training or from step `first` to `last`. Raises `QuestionError`
    where no batches were recorded.
    """
    if quantity not in batches.QUANTITIES:
        raise QuestionError(f"Nothing of a batch is called {quantity!r}: {suggest(quantity, batches.QUANTITIES)}")
    found = batches.batch_overview(model, batches.layers(model)[-1] if layer is None else layer, first, last)
    return outlines.overview_picture(found, palette(theme), quantity=quantity, width=width)


def batch_picture(
    model: Model,
    step: int,
    *,
    layer: int | None = None,
    value: str = SHARE,
    drawn: str | None = None,
    sequence: int = 0,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The recorded batch after `step` optimiser steps: its words, its gradient by step and lag.

    `value` is "share" (signed; the parts of a step add up) or "norm", `drawn` "bars" or "heat map" (None: by the number
    of steps), `sequence` the text whose words are shown. Raises `QuestionError` where that batch was not recorded, with
    the nearest ones.
    """
    found = batches.batch(model, step, batches.layers(model)[-1] if layer is None else layer)
    return charts.batch_picture(found, palette(theme), value=value, drawn=drawn, sequence=sequence, width=width)


def reach_picture(
    models: Model | Sequence[Model], *, layer: int | None = None, theme: str = "light", width: int = 1100
) -> Picture:
    """Half-life and horizon of the recorded batches over the training of one model, or of several."""
    several = [models] if isinstance(models, Model) else list(models)
    found = [batches.batch_overview(model, batches.layers(model)[-1] if layer is None else layer) for model in several]
    return reach.reach_picture(found, palette(theme), width=width)
