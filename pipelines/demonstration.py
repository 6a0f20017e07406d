"""The demonstration store: small models, chosen so that every page of the application has something to show.

It comes along with the project (the folder `demonstration`), so that the application shows something before anything is
trained. One command makes it from recipes, so it can be made anew by anybody who has the two corpora:

    python -m pipelines demonstration --store demonstration --corpora FOLDER

Each model is recorded for a few thousand steps only; its recipe's name, given to `run`, records all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import rnnstore
from rnnstore import hypotheses, matching
from rnnstore.errors import StoreError
from rnnstore.hypotheses.storage import saved
from rnnstore.memory.measuring import save, state_gradients
from rnnstore.memory.singular_values import has_memory

DELAYS = 24
"""Steps for which the memory of a word is followed."""


@dataclass(frozen=True)
class Brushed:
    """A hypothesis to save: the state and threshold, and the words that are brushed where they stand first."""

    state: str
    threshold: float
    words: str
    off_before: int = 0
    note: str = ""


@dataclass(frozen=True)
class Demonstrated:
    """How a recipe's model is shown: steps recorded, saved hypotheses, and what of its memory is measured: of a state,
    besides all words, those of some classes."""

    steps: int
    memory: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hypotheses: Mapping[str, Brushed] = field(default_factory=dict)


MODELS = {
    "demo-sentiment": Demonstrated(
        3600,
        hypotheses={
            "not": Brushed("layer1.h", 0.3, "not", 1, "Units that a negation switches on: do they stay on after it?")
        },
    ),
    "demo-parentheses": Demonstrated(
        1000,
        {"layer1.c": ("opening=(",)},
        {
            "level four": Brushed(
                "layer1.c",
                0.5,
                "(444",
                1,
                "On at the deepest level, of which nobody told the network.",
            )
        },
    ),
    "demo-python-gru": Demonstrated(1000),
    "demo-python-lstm": Demonstrated(1000, {"layer1.c": ("token:string",)}),
    "demo-autocomplete-gru": Demonstrated(1000),
    "demo-autocomplete-lstm": Demonstrated(1000),
}
"""The demonstration's recipes, in the order in which they are trained. All of it has at most 12 MB."""


def measure_memory(store: Path, name: str) -> int:
    """Follow the words of a model for `DELAYS` steps each and save it; how many words, 0 where that was done before."""
    opened, followed = rnnstore.open(store), 0
    model = opened.model(name)
    for state, classes in MODELS[name].memory.items():
        if state not in has_memory(model):
            save(opened, name, state_gradients(model, [state], delays=DELAYS, classes=classes), model)
            followed = model.steps
    return followed


def save_hypotheses(store: Path, name: str) -> list[str]:
    """Save the hypotheses of a model that its store lacks; their names.

    Raises `StoreError` where words that are to be brushed do not stand in the recording.
    """
    opened = rnnstore.open(store)
    model, there = opened.model(name), saved(opened).hypotheses
    new = {title: brushed for title, brushed in MODELS[name].hypotheses.items() if title not in there}
    for title, brushed in new.items():
        found = matching.search(model, brushed.words, ignore_case=False, limit=1).table.to_pylist()
        if not found:
            raise StoreError(f"{name} has no {brushed.words!r} in its {model.steps:,} recorded steps; record more.")
        start, stop = found[0]["start"], found[0]["stop"]
        selection = rnnstore.Selection(brushed.state, start, stop, brushed.threshold, brushed.off_before)
        hypotheses.save(opened, hypotheses.from_selection(model, selection, title, brushed.note))
    return [*new]
