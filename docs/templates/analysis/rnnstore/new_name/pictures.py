"""The pictures of the page "New name", each by one call."""

from __future__ import annotations

from rnnstore.new_name import charts
from rnnstore.new_name.answers import unit_means

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.store.model import Model


def new_name_picture(model: Model, state: str, *, theme: str = "light", width: int = 1100) -> Picture:
    """The mean of every unit of a state. `theme` is "light" or "dark".

    >>> new_name_picture(model, "layer1.c")  # doctest: +SKIP
    """
    return charts.means_picture(unit_means(model, state), palette(theme), width=width)
