"""Cached queries about state gradients."""

from __future__ import annotations

import pyarrow as pa

from pages.parts.shared.cache import cached
from pages.parts.shared.messages import errors_as, ignore
from rnnstore import Model
from rnnstore.memory import probes, properties, samples, singular_values, spectra, word_classes
from rnnstore.memory.probes import Probe
from rnnstore.networks import open_network

curves = cached(singular_values.curves)
sample = cached(samples.sample, "Following words ...")
directions = cached(spectra.directions)
shipped_properties = cached(word_classes.shipped_properties)


@cached
def nearest_words(
    model: Model, state: str, word_class: str, delay: int, direction: int
) -> list[list[tuple[str, float]]]:
    """The words whose embeddings lie closest to either end of a direction."""
    trained, found = open_network(model), directions(model, state, word_class, delay)
    return spectra.nearest_words(trained, found.right[direction], among=spectra.read_words(model, trained))


@cached(spinner="Comparing with random directions ...")
def memory_of(
    model: Model, state: str, classes: tuple[tuple[str, str, str], ...], n: int, word_class: str
) -> tuple[pa.Table | None, list[str]]:
    """The properties that could be followed, and a sentence for each that could not."""
    found, messages = [], list[str]()
    for name, first, second in classes:
        with errors_as(messages.append, markdown=False):
            found.append(properties.property_of(model, name, first, second))
    return (properties.memory_of(model, state, found, n, word_class) if found else None), messages


@cached(spinner="Training classifiers ...")
def probe(model: Model, classes: tuple[tuple[str, str, str], ...]) -> list[Probe]:
    found = []
    for name, first, second in classes:
        with errors_as(ignore):  # its sentence stands with the properties
            found.append(probes.probe(model, name, (first, second)))
    return found
