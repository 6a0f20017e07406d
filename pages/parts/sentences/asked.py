"""Readings whose answers are kept: of typed sentences by the network, and of recorded stretches."""

from __future__ import annotations

from pages.parts.shared.asked import Store
from pages.parts.shared.kept import kept
from rnnstore import Model
from rnnstore.networks.network import network
from rnnstore.networks.reading import Reading, recorded_reading


@kept("Reading ...")
def typed(store: Store, _model: Model, model: str, text: str) -> Reading:
    return network(_model).read(text)


@kept()
def recorded(store: Store, _model: Model, model: str, start: int, stop: int) -> Reading:
    return recorded_reading(_model, start, stop)
