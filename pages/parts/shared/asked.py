"""Questions to the store whose answers are kept, by the store's folder and how it is at the moment.

Answers are shared by all visitors and never changed by a page; an answer of a store that has changed since is not
found any more.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pages.parts.shared.kept import kept
from rnnstore import Model, fingerprint
from rnnstore.matching import matches as matching
from rnnstore.matching import windows
from rnnstore.matching.matches import Matches
from rnnstore.matching.text_search import Hits
from rnnstore.matching.text_search import search as find
from rnnstore.matching.windows import Cells, Window

Store = tuple[str, str]


def as_of(model: Model) -> Store:
    """Which store is asked, and how it is now."""
    folder = model.folder.parent
    return str(folder.absolute()), fingerprint(folder)


@kept()
def window(store: Store, _model: Model, model: str, state: str, start: int, stop: int) -> Window:
    return windows.window(_model, state, start, stop)


@kept()
def annotations(store: Store, _model: Model, model: str, tracks: tuple[str, ...], start: int, stop: int) -> pa.Table:
    return _model.annotations(tracks, start, stop)


@kept()
def predictions(store: Store, _model: Model, model: str, start: int, stop: int) -> pa.Table:
    return _model.predictions(start, stop)


@kept("Matching ...")
def match(
    store: Store,
    _model: Model,
    model: str,
    state: str,
    units: tuple[int, ...],
    threshold: float,
    off_before: int,
    off_after: int,
    limit: int,
    offset: int,
    shortest: int,
    longest: int | None,
    overlapping: bool,
) -> Matches:
    return matching.match(
        _model,
        state,
        units,
        threshold,
        off_before,
        off_after,
        limit=limit,
        offset=offset,
        minimum_length=shortest,
        maximum_length=longest,
        overlapping=overlapping,
    )


@kept()
def cells(
    store: Store,
    _model: Model,
    model: str,
    state: str,
    units: tuple[int, ...],
    threshold: float,
    starts: tuple[int, ...],
    left: int,
    right: int,
    tracks: tuple[str, ...],
) -> Cells:
    return windows.cells_of_matches(_model, state, units, threshold, np.array(starts, np.int64), left, right, tracks)


@kept("Searching ...")
def search(store: Store, _model: Model, model: str, text: str, regex: bool, ignore_case: bool, limit: int) -> Hits:
    return find(_model, text, regex=regex, ignore_case=ignore_case, limit=limit)
