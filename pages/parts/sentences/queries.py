"""Cached readings: of typed sentences by the network, and of recorded spans."""

from __future__ import annotations

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.networks import open_network, recorded
from rnnstore.networks.reading import Reading

recorded_reading = cached(recorded.recorded_reading)


@cached(spinner="Reading ...")
def typed_reading(model: Model, text: str) -> Reading:
    return open_network(model).read(text)
