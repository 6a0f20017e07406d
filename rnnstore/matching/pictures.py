"""The select view, the match view and the lengths of matches (page "Select and match"), each by one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.matching.charts.match_view import COUNT, length_picture, match_picture
from rnnstore.matching.charts.select_view import LinkedPlot, drawn_selection, select_picture
from rnnstore.matching.linked_states import LinkedState, check_same_words, select_linked
from rnnstore.matching.matches import Matches
from rnnstore.matching.selection import Selection, select, units_on
from rnnstore.matching.windows import cells_of_matches, window, window_start
from rnnstore.store.model import Model


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
    linked: Sequence[LinkedState] = (),
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The select view: `steps` steps from `at` (None: so that the selection stands a fifth from the left).

    Under the words stand `tracks` and the `predicted` most probable next words; units are left out and pinned as in
    `rnnstore.select`; `matches` are marked where they lie in the window, and
    the words at steps `hit` (start, stop) are framed. Other states, of this model or of one that
    read the same words, can be `linked`: they stand below, each with the units that the same words select in it.
    `theme` is "light" or "dark". Raises `QuestionError` as `rnnstore.select` does, for steps that are not in the
    corpus, and for a linked model that reads other words there.

    >>> selection = Selection("layer1.c", 396, 400, 0.3, 1, 1)
    >>> selection_picture(model, selection, tracks=["nesting"])  # doctest: +SKIP
    >>> selection_picture(model, selection, linked=[LinkedState(model, "layer1.h", 0.2)])  # doctest: +SKIP
    """
    start = window_start(model, selection.start, steps) if at is None else at
    stop = min(model.steps, start + steps)
    left_out, pinned = tuple(left_out), tuple(pinned)
    units = select(model, selection, left_out, pinned).units
    return select_picture(
        window(model, selection.state, start, stop),
        drawn_selection(selection, units, matches, left_out, pinned),
        palette(theme),
        on=units_on(model, selection.state, units, selection.threshold, start, stop),
        tracks={name: model.tracks[name] for name in tracks},
        annotations=model.annotations(tracks, start, stop),
        predictions=model.predictions(start, stop) if predicted else None,
        predicted=predicted,
        hit=hit,
        title=selection.state,
        linked=[_linked_plot(model, each, selection, start, stop) for each in linked],
        width=width,
    )


def _linked_plot(first: Model, linked: LinkedState, selection: Selection, start: int, stop: int) -> LinkedPlot:
    """The plot of a linked state over steps start..stop-1."""
    asked = linked.restate(selection)
    check_same_words(first, linked.model, start, stop)
    units = select_linked(first, linked, selection).units
    return LinkedPlot(
        linked.label(first),
        window(linked.model, linked.state, start, stop),
        drawn_selection(asked, units, linked.matches),
        units_on(linked.model, linked.state, units, linked.threshold, start, stop),
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


def lengths_picture(
    matches: Matches, *, shortest: int = 1, longest: int | None = None, theme: str = "light", width: int = 300
) -> Picture:
    """How many of the counted matches are how long; those of `shortest` to `longest` steps (None: any) stand out.

    Raises `QuestionError` when there are none.
    """
    if not matches.counted:
        raise QuestionError(f"There are no lengths to show. {matches.note}")
    return length_picture(matches.lengths, shortest, longest, palette(theme), width)


def finding_picture(
    model: Model,
    state: str,
    *,
    start: int,
    stop: int,
    unit: int,
    threshold: float,
    track: str,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """The picture of a view of `rnnstore.matching.finding`: a unit over a run of a label, with the track."""
    selection = Selection(state, start, stop, threshold)
    following = select(model, selection).units
    return selection_picture(
        model,
        selection,
        steps=40,
        tracks=[track],
        left_out=[each for each in following.tolist() if each != unit],
        pinned=[unit],
        theme=theme,
        width=width,
    )
