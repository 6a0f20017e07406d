"""Questions about recorded training batches whose answers are kept; see `shared.asked`."""

from __future__ import annotations

import numpy as np

from pages.parts.shared.asked import Store
from pages.parts.shared.kept import kept
from rnnstore.training import recorded_batches as batches
from rnnstore.training.batch_previews import Previews, previews
from rnnstore.training.history import Curves, curves
from rnnstore.training.recorded_batches import Batch, Outline, Trouble


@kept()
def steps(store: Store, _model, model: str) -> np.ndarray:
    return batches.recorded_steps(_model)


@kept()
def outline(store: Store, _model, model: str, layer: int, first: int, last: int | None) -> Outline:
    return batches.outline(_model, layer, first, last)


@kept()
def glances(store: Store, _model, model: str, layer: int, first: int, last: int | None) -> Previews:
    found = outline(store, _model, model, layer, first, last)
    return previews(_model, found.table["largest"].to_pylist(), found.window, layer)


@kept()
def layers(store: Store, _model, model: str) -> list[int]:
    return batches.layers(_model)


@kept()
def batch(store: Store, _model, model: str, step: int, layer: int) -> Batch:
    return batches.batch(_model, step, layer)


@kept()
def trouble(store: Store, _model, model: str) -> Trouble | None:
    return batches.trouble(_model)


@kept()
def courses(store: Store, _models, models: tuple[str, ...]) -> Curves:
    return curves(_models)
