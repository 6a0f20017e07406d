"""Questions about memory whose answers are kept, by the store's folder and how it is at the moment; see
`shared.asked`."""

from __future__ import annotations

import pyarrow as pa

from pages.parts.shared.asked import Store
from pages.parts.shared.kept import kept
from rnnstore import Model, StoreError
from rnnstore.memory import probes, properties, samples, spectra
from rnnstore.memory import singular_values as memory
from rnnstore.memory.probes import Probe
from rnnstore.memory.samples import Sample
from rnnstore.memory.spectra import Directions
from rnnstore.memory.word_classes import shipped_properties
from rnnstore.networks.network import network


@kept()
def curves(store: Store, _model: Model, model: str, state: str) -> pa.Table:
    return memory.curves(_model, state)


@kept("Following words ...")
def sample(store: Store, _model: Model, model: str, state: str, written: str, delays: int) -> Sample:
    return samples.sample(_model, state, written, delays)


@kept()
def directions(store: Store, _model: Model, model: str, state: str, word_class: str, delay: int) -> Directions:
    return spectra.directions(_model, state, word_class, delay)


@kept()
def nearest(
    store: Store, _model: Model, model: str, state: str, word_class: str, delay: int, number: int
) -> list[list[tuple[str, float]]]:
    found = spectra.directions(_model, state, word_class, delay)
    trained = network(_model)
    return spectra.nearest_words(trained, found.right[number], among=spectra.read_words(_model, trained))


@kept()
def shipped(store: Store, _model: Model, model: str) -> dict[str, tuple[str, str]]:
    return shipped_properties(_model)


@kept("Comparing with random directions ...")
def followed(
    store: Store, _model: Model, model: str, state: str, asked: tuple[tuple[str, str, str], ...], n: int, of: str
) -> tuple[pa.Table | None, list[str]]:
    """The properties that could be followed, and a sentence for each that could not."""
    found, sentences = [], []
    for name, first, second in asked:
        try:
            found.append(properties.property_of(_model, name, first, second))
        except StoreError as error:
            sentences.append(str(error))
    return (properties.memory_of(_model, state, found, n, of) if found else None), sentences


@kept("Training classifiers ...")
def probed(store: Store, _model: Model, model: str, asked: tuple[tuple[str, str, str], ...]) -> list[Probe]:
    found = []
    for name, first, second in asked:
        try:
            found.append(probes.probe(_model, name, (first, second)))
        except StoreError:  # said with the properties
            continue
    return found
