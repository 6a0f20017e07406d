"""What the page "Memory" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.parts.shared.parameters import Parameters, some
from rnnstore import Model, Store
from rnnstore.memory.charts import PROPERTY_MEASURES
from rnnstore.memory.gradients import ALL
from rnnstore.memory.singular_values import MEASURES, has_memory

CURVES, PROPERTIES = "curves", "properties"

MOST_MODELS, MOST_STATES = 4, 6

FEW = 3
"""Curves with which the means of single words are drawn too, unless the address says otherwise."""


@dataclass(frozen=True)
class View:
    """Models, states, classes and measure of the curves; a curve of the reader's own; a delay with a class and a
    direction; properties.

    `states` are states and gates, of which directions and properties show the first. `own` is a word or a class, and
    `first` and `second` the classes of a property, all three as `memory.word_classes` writes classes.
    """

    shown: str
    models: tuple[str, ...]
    states: tuple[str, ...]
    classes: tuple[str, ...]
    measure: str
    log: bool
    single: bool
    own: str
    delay: int
    word_class: str
    direction: int
    how: str
    n: int
    first: str
    second: str
    probes: bool


def read(
    given: Mapping[str, str],
    store: Store,
    model: Model,
    states: tuple[str, ...],
    known: Mapping[str, int],
    embedding: int,
) -> tuple[View, list[str]]:
    """What the address asks for, and sentences about what it names in vain; `states` as `read_states` found them,
    `known`: class -> longest delay."""
    asked = Parameters(given)
    models = _listed(asked.text("models")) or [model.name]
    there = [name for name in models if name in store.models]
    if len(there) < len(models):
        missing = some([name for name in models if name not in there])
        asked.sentences.append(f"The store has no model {missing}; it has {', '.join(store.models)}.")
    if len(there) > MOST_MODELS:
        asked.sentences.append(f"{len(there)} models are named; the first {MOST_MODELS} are shown.")
    there = there[:MOST_MODELS] or [model.name]
    classes = _listed(asked.text("classes")) or [ALL]
    found = [name for name in classes if name in known]
    if len(found) < len(classes):
        missing = some([name for name in classes if name not in known])
        asked.sentences.append(f"No gradients were computed for the class {missing}; there are {', '.join(known)}.")
    found = found or [ALL]
    lines = len(there) * len(states) * len(found) + bool(given.get("own", "").strip())
    of = asked.one_of("class", tuple(known), ALL)
    view = View(
        shown=asked.one_of("show", (CURVES, PROPERTIES), CURVES),
        models=tuple(there),
        states=states,
        classes=tuple(found),
        measure=asked.one_of("measure", tuple(MEASURES), "sigma_1"),
        log=asked.yes("log"),
        single=given["single"] != "no" if "single" in given else lines <= FEW,
        own=asked.text("own").strip(),
        delay=asked.whole("delay", 0, 0, known[of], "delay"),
        word_class=of,
        direction=asked.whole("direction", 1, 1, embedding, "direction") - 1,
        how=asked.one_of("how", tuple(PROPERTY_MEASURES), "cosine"),
        n=asked.whole("n", min(5, embedding), 1, embedding),
        first=asked.text("first").strip(),
        second=asked.text("second").strip(),
        probes=asked.yes("probes"),
    )
    return view, asked.sentences


def read_states(given: Mapping[str, str], model: Model, usual: str) -> tuple[tuple[str, ...], list[str]]:
    """The states and gates that the address asks for, of those with gradients, and sentences as in `read`.

    `usual`, which the sidebar chose, where it names none; empty where there are no gradients of that.
    """
    there, asked = has_memory(model), _listed(given.get("states", ""))
    found = [name for name in asked if name in there]
    sentences = []
    if len(found) < len(asked):
        missing = some([name for name in asked if name not in there])
        sentences.append(
            f"{model.name} has no gradients of {missing}"
            + (f"; there are those of {', '.join(there)}." if there else " yet.")
        )
    return tuple(found[:MOST_STATES]) or ((usual,) if usual in there else ()), sentences


def with_memory(store: Store, states: tuple[str, ...]) -> list[str]:
    """The models of the store that have gradients of one of these states."""
    return [name for name, model in store.models.items() if set(states) & set(has_memory(model))]


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
