"""The pictures of trainings by one call: one curve, curves over one another, gradients weight by weight."""

from __future__ import annotations

from collections.abc import Sequence

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.store.model import Model
from rnnstore.training.charts import history as training_charts
from rnnstore.training.charts.losses import training_curve
from rnnstore.training.history import training_curves, weight_gradients


def curve_picture(model: Model, *, theme: str = "light", width: int = 420) -> Picture:
    """The training and validation loss of one model, as on its card; raises `QuestionError` where there is none."""
    training = model.table("training")
    if not training.num_rows:
        raise QuestionError(f"{model.name!r} was not trained here, so it has no training curve.")
    return training_curve(training, palette(theme), width)


def training_picture(
    models: Model | Sequence[Model],
    *,
    quantity: str = "loss",
    axis: str = "step",
    log: bool = False,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The loss (or "learning_rate", "gradient_norm") of one or several trainings along "step", "epoch" or "time".

    Raises `QuestionError` where none of them was trained here.
    """
    found = training_curves([models] if isinstance(models, Model) else models)
    if not found.table.num_rows:
        raise QuestionError(" ".join(found.notes) or "No model was given.")
    if quantity == "loss":
        return training_charts.loss_picture(found, palette(theme), axis=axis, log=log, width=width)
    return training_charts.quantity_picture(found, quantity, palette(theme), axis=axis, log=log, width=width)


def gradients_picture(
    model: Model, weight: str | None = None, *, relative: bool = False, theme: str = "light"
) -> Picture:
    """The norm of every weight's gradient over training; of one `weight`, how its entries are spread over decades.

    Raises `QuestionError` where no gradients were written down, or for a weight that the network does not have.
    """
    found = weight_gradients(model)
    if not found.weights:
        raise QuestionError(found.note)
    if weight is None:
        return training_charts.norms_picture(found, palette(theme), relative=relative)
    if weight not in found.weights:
        raise QuestionError(f"{model.name!r} has no weight {weight!r}; it has {', '.join(found.weights)}.")
    return training_charts.decades_picture(found, weight, palette(theme))
