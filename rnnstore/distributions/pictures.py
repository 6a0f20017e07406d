"""Values of all units, of one unit, and saturation of gates (page "Distributions"), each by one call."""

from __future__ import annotations

from collections.abc import Sequence

from rnnstore.distributions import charts as distribution_charts
from rnnstore.distributions.saturation import default_limits, is_gate
from rnnstore.distributions.single_unit import unit_values
from rnnstore.distributions.unit_distributions import MEASURES, distribution
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.store.model import Model


def distribution_picture(
    model: Model,
    state: str,
    *,
    sort: str = "median",
    limits: tuple[float, float] | None = None,
    heat: bool = False,
    unit: int | None = None,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """How the values of every unit of a state are distributed over all steps: a column a unit, as bands or a heat map.

    Units are sorted by "median", "mean", "deviation", "width" (of the middle 98 %), "range", "change" (mean |h(t) -
    h(t-1)|), "left", "right" or "saturated" (shares beyond the limits), or "unit". `limits` are those of saturation
    (default: those that suit the state); `unit` is framed.
    """
    found = distribution(model, state)
    low, high = limits or default_limits(model.state(state))
    draw = distribution_charts.heat_picture if heat else distribution_charts.bands_picture
    return draw(
        found,
        found.order(sort, low, high),
        palette(theme),
        limits=(found.edge(low), found.edge(high)),
        unit=unit,
        sorted_by=MEASURES[sort],
        width=width,
    )


def unit_picture(
    model: Model, state: str, unit: int, *, limits: tuple[float, float] | None = None, theme: str = "light"
) -> Picture:
    """The histogram of one unit over all steps."""
    limits = limits or default_limits(model.state(state))
    return distribution_charts.unit_picture(unit_values(model, state, unit), palette(theme), state=state, limits=limits)


def saturation_picture(model: Model, states: Sequence[str] = (), *, theme: str = "light") -> Picture:
    """How often each unit of `states` is left and right saturated: without any, of every gate that was recorded.

    Raises `QuestionError` where none was.
    """
    chosen = list(states) or [state.name for state in model.states.values() if is_gate(state, model.card.cell)]
    if not chosen:
        raise QuestionError(f"No gates of {model.name!r} were recorded; name the states to look at instead.")
    limits = [default_limits(model.state(state)) for state in chosen]
    found = [distribution(model, state) for state in chosen]
    return distribution_charts.saturation_picture(found, palette(theme), limits=limits)
