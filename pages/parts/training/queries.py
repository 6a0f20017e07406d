"""Cached queries about recorded training batches."""

from __future__ import annotations

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.training import batch_previews, history
from rnnstore.training import recorded_batches as batches
from rnnstore.training.batch_previews import BatchPreviews

recorded_steps = cached(batches.recorded_steps)
layers = cached(batches.layers)
outline = cached(batches.batch_overview)
batch = cached(batches.batch)
trouble = cached(batches.divergence)
training_curves = cached(history.training_curves)
gradients = cached(history.weight_gradients)


@cached
def previews(model: Model, layer: int, first: int, last: int | None) -> BatchPreviews:
    found = outline(model, layer, first, last)
    return batch_previews.batch_previews(model, found.table["largest"].to_pylist(), found.window, layer)
