"""The pictures of the application, each by one call, for notebooks and programs.

They ask the store the same questions as the pages and hand the answers to the same functions of `rnnstore.charts`, so
what is shown is what the application shows at the same steps. A `Picture` shows itself in a notebook; its `chart()` is
an Altair chart to save or change, its `tables` are the numbers. The pictures of what a hypothesis is worth
(`rnnstore.charts.worth`) and of the lengths of matches (`rnnstore.charts.match.length_picture`) take one answer each
and are called as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rnnstore.charts import distributions as distribution_charts
from rnnstore.charts import training as training_charts
from rnnstore.charts.coloured_text import coloured_text_picture
from rnnstore.charts.glyph_chips import Clusters
from rnnstore.charts.glyph_layout import Arrangement
from rnnstore.charts.glyphs import glyph_picture
from rnnstore.charts.match import COUNT, match_picture
from rnnstore.charts.palette import palette
from rnnstore.charts.picture import Picture
from rnnstore.charts.select import Below, drawn, select_picture
from rnnstore.co_clusters import CoClusters, decompose
from rnnstore.curves import curves, gradients
from rnnstore.distributions import MEASURES, distribution, is_gate, unit_values, usual_limits
from rnnstore.errors import QuestionError
from rnnstore.expected import expected_responses
from rnnstore.matching import Matches
from rnnstore.model import Model
from rnnstore.passages import (
    Colouring,
    Passage,
    Titled,
    offsets,
    passage,
    readings,
    response_at,
    strongest,
    typical_words,
)
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


def sentences_picture(
    model: Model,
    state: str,
    *sentences: str | tuple[int, int],
    k: int = 10,
    words: int | None = 500,
    align: str = "",
    at: tuple[int, int] | None = None,
    cluster: int | None = None,
    colouring: Colouring | None = None,
    by_gate: bool = False,
    own_scale: bool = False,
    predicted: int = 3,
    down: bool = False,
    per_line: int = 20,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The glyphs of sentences side by side: what each word did to each of `k` clusters of units of a state.

    A text is read by the model's network, (first step, stop) is a stretch of its recording. The clusters are those of
    the `words` most frequent words' expected responses; `align` is a word that stands in one column, `at` the token
    (sentence, index) whose links are drawn (None: the one that moved the clusters most), `cluster` one to emphasise.
    With `by_gate` the gate says what is preserved, with `own_scale` each cluster has its own. Raises `QuestionError`
    and `MissingNetwork` with a sentence for what cannot be read.

    >>> sentences_picture(model, "layer1.c", "he said so", (120, 140), align="said")  # doctest: +SKIP
    """
    shown, found, passages = _passages(model, state, sentences, k, words, by_gate=by_gate, colouring=colouring)
    at = strongest(passages) if at is None else at
    return glyph_picture(
        passages,
        Clusters(found.unit_cluster, typical_words(found)),
        palette(theme),
        arrangement=Arrangement(down, per_line, offsets=offsets(passages, align)),
        predicted=predicted,
        selected=at,
        response=None if at is None else response_at(shown[at[0]].reading, state, at[1]),
        marked=cluster,
        aligned=align,
        own_scale=own_scale,
        width=width,
    )


def coloured_text(
    model: Model,
    state: str,
    *sentences: str | tuple[int, int],
    unit: int | None = None,
    cluster: int | None = None,
    k: int = 10,
    words: int | None = 500,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The words of sentences, as in `sentences_picture`, on the colours of one unit's values or one cluster's mean."""
    if (unit is None) == (cluster is None):
        raise QuestionError("Name either a unit or a cluster that shall colour the text.")
    colouring = Colouring(unit, cluster)
    passages = _passages(model, state, sentences, k, words, colouring=colouring)[2]
    return coloured_text_picture(passages, str(colouring), palette(theme), width=width)


def _passages(
    model: Model, state: str, sentences: Sequence[str | tuple[int, int]], k: int, words: int | None, **options: Any
) -> tuple[list[Titled], CoClusters, list[Passage]]:
    """Sentences read, the clusters of units, and the sentences measured by these."""
    if not sentences:
        raise QuestionError("There is no sentence to show: give a text, or (first step, stop) of the recording.")
    shown = readings(model, sentences)
    found = decompose(expected_responses(model, state), words).clusters(k)
    measured = [
        passage(each.reading, state, found.unit_cluster, title=each.title, first=each.first, **options)
        for each in shown
    ]
    return shown, found, measured


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
