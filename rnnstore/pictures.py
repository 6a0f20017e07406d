"""The pictures of the application, each by one call, for notebooks and programs.

They ask the store the same questions as the pages and hand the answers to the same functions of `rnnstore.charts`, so
what is shown is what the application shows at the same steps. A `Picture` shows itself in a notebook; its `chart()` is
an Altair chart to save or change, its `tables` are the numbers. The pictures of what a hypothesis is worth
(`rnnstore.charts.worth`) and of the lengths of matches (`rnnstore.charts.match.length_picture`) take one answer each
and are called as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rnnstore.charts import distributions as distribution_charts
from rnnstore.charts import training as training_charts
from rnnstore.charts.match import COUNT, match_picture
from rnnstore.charts.palette import palette
from rnnstore.charts.picture import Picture
from rnnstore.charts.select import Below, drawn, select_picture
from rnnstore.curves import curves, gradients
from rnnstore.distributions import MEASURES, distribution, is_gate, unit_values, usual_limits
from rnnstore.errors import QuestionError
from rnnstore.matching import Matches
from rnnstore.model import Model
from rnnstore.selection import Selection, select, units_on
from rnnstore.together import Also, check_same_words, select_also
from rnnstore.windows import cells_of_matches, window, window_start


def selection_picture(
    model: Model,
    selection: Selection,
    *,
    at: int | None = None,
    steps: int = 80,
    tracks: Sequence[str] = (),
    predicted: int = 0,
    left_out: Iterable[int] = (),
    pinned: Iterable[int] = (),
    matches: Matches | None = None,
    hit: tuple[int, int] | None = None,
    below: Sequence[Also] = (),
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The select view: `steps` steps from `at` (None: so that the selection stands a fifth from the left).

    `tracks` stand under the words, and the `predicted` most probable next words; units are left out and pinned as in
    `rnnstore.select`; `matches` are marked where they lie in the window, and
    the words at steps `hit` (start, stop) are framed. Other states, of this model or of one that
    read the same words, stand `below` over the same steps, each with the units that the same words select in it.
    `theme` is "light" or "dark". Raises `QuestionError` as `rnnstore.select` does, for steps that are not in the
    corpus, and for a model below that reads other words there.

    >>> selection = Selection("layer1.c", 396, 400, 0.3, 1, 1)
    >>> selection_picture(model, selection, tracks=["nesting"])  # doctest: +SKIP
    >>> selection_picture(model, selection, below=[Also(model, "layer1.h", 0.2)])  # doctest: +SKIP
    """
    start = window_start(model, selection.start, steps) if at is None else at
    stop = min(model.steps, start + steps)
    left_out, pinned = tuple(left_out), tuple(pinned)
    units = select(model, selection, left_out, pinned).units
    return select_picture(
        window(model, selection.state, start, stop),
        drawn(selection, units, matches, left_out, pinned),
        palette(theme),
        on=units_on(model, selection.state, units, selection.threshold, start, stop),
        tracks={name: model.tracks[name] for name in tracks},
        annotations=model.annotations(tracks, start, stop),
        predictions=model.predictions(start, stop) if predicted else None,
        predicted=predicted,
        hit=hit,
        title=selection.state,
        below=[_below(model, also, selection, start, stop) for also in below],
        width=width,
    )


def _below(first: Model, also: Also, selection: Selection, start: int, stop: int) -> Below:
    """What stands below the first state of `also` over steps start..stop-1."""
    asked = also.asks(selection)
    check_same_words(first, also.model, start, stop)
    units = select_also(first, also, selection).units
    return Below(
        also.called(first),
        window(also.model, also.state, start, stop),
        drawn(asked, units, also.matches),
        units_on(also.model, also.state, units, also.threshold, start, stop),
    )


def matches_picture(
    model: Model,
    selection: Selection,
    units: Sequence[int] | np.ndarray,
    matches: Matches,
    *,
    before: int = 3,
    after: int = 8,
    tracks: Sequence[str] = (),
    mapped: str | None = COUNT,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The match view of `matches`, found with `units` and the selection's state and threshold.

    A row a match, from `before` steps before to `after` steps after its start, with a heat map of how many of the units
    are on and one for each of `tracks`; the colours of the heat map `mapped` lie behind the words (None: none). Raises
    `QuestionError` when there are no matches to show.
    """
    if not matches.table.num_rows:
        raise QuestionError(f"There are no matches to show. {matches.note}")
    starts = matches.table["start"].to_numpy()
    return match_picture(
        matches.table,
        cells_of_matches(model, selection.state, units, selection.threshold, starts, before, after, tracks),
        len(units),
        palette(theme),
        tracks={name: model.tracks[name] for name in tracks},
        mapped=mapped,
        before=before,
        after=after,
        width=width,
    )


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

    Units stand in the order of a measure (`rnnstore.distributions.MEASURES`); `limits` of saturation are those usual
    for the state unless given, `unit` is framed.
    """
    found = distribution(model, state)
    low, high = limits or usual_limits(model.state(state))
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
    limits = limits or usual_limits(model.state(state))
    return distribution_charts.unit_picture(unit_values(model, state, unit), palette(theme), state=state, limits=limits)


def saturation_picture(model: Model, states: Sequence[str] = (), *, theme: str = "light") -> Picture:
    """How often each unit of `states` is left and right saturated: without any, of every gate that was recorded.

    Raises `QuestionError` where none was.
    """
    chosen = list(states) or [state.name for state in model.states.values() if is_gate(state)]
    if not chosen:
        raise QuestionError(f"No gates of {model.name!r} were recorded; name the states to look at instead.")
    limits = [usual_limits(model.state(state)) for state in chosen]
    found = [distribution(model, state) for state in chosen]
    return distribution_charts.saturation_picture(found, palette(theme), limits=limits)


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
    found = curves([models] if isinstance(models, Model) else models)
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
    found = gradients(model)
    if not found.weights:
        raise QuestionError(found.note)
    if weight is None:
        return training_charts.norms_picture(found, palette(theme), relative=relative)
    if weight not in found.weights:
        raise QuestionError(f"{model.name!r} has no weight {weight!r}; it has {', '.join(found.weights)}.")
    return training_charts.decades_picture(found, weight, palette(theme))
