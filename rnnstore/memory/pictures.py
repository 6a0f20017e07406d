"""The pictures of the page "Memory" by one call: curves of models and classes, a spectrum, properties."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError, UnknownName, suggest
from rnnstore.memory import charts
from rnnstore.memory import singular_values as memory
from rnnstore.memory.gradients import ALL
from rnnstore.memory.properties import memory_of, property_of
from rnnstore.memory.samples import sample
from rnnstore.memory.spectra import directions
from rnnstore.memory.word_classes import shipped_properties
from rnnstore.store.model import Model


def memory_picture(
    models: Model | Sequence[Model],
    states: str | Sequence[str],
    classes: Sequence[str] = (ALL,),
    *,
    measure: str = "sigma_1",
    own: str | None = None,
    log: bool = False,
    single: bool = True,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """A measure ("sigma_1", "total", "ratio", "effective_rank", "mean_norm") against the delay, of models, states or
    gates, and classes of words; `own` is a word or a class that is measured now at a few places, as by
    `rnnstore.memory.sample`.

    Raises `QuestionError` where no state gradients were computed, `UnknownName` for a class that has none.
    """
    if measure not in memory.MEASURES:
        raise QuestionError(f"There is no measure {measure!r}: {suggest(measure, memory.MEASURES)}")
    chosen = [models] if isinstance(models, Model) else list(models)
    parts, names = [], list(classes)
    for model in chosen:
        for state in [states] if isinstance(states, str) else states:
            parts.append(memory.curves(model, state))
            known = set(parts[-1]["word_class"].to_pylist())
            for name in classes:
                if name not in known:
                    raise UnknownName(
                        f"{model.name!r} has no state gradients of {name!r}: {suggest(name, sorted(known))}"
                    )
            if own is not None:
                found = sample(model, state, own, max(parts[-1]["delay"].to_pylist()) + 1)
                parts.append(found.table)
                names.append(found.name)
    table = memory.of_classes(parts, names)
    return charts.curves_picture(table, palette(theme), measure=measure, log=log, single=single, width=width)


def spectrum_picture(
    model: Model, state: str, word_class: str = ALL, delay: int = 0, *, theme: str = "light", width: int = 480
) -> Picture:
    """The singular values of the mean gradient of a class of words at one delay."""
    return charts.spectrum_picture(directions(model, state, word_class, delay), palette(theme), width=width)


def properties_picture(
    model: Model,
    state: str,
    properties: dict[str, tuple[str, str]] | None = None,
    *,
    n: int = 5,
    measure: str = "cosine",
    word_class: str = ALL,
    theme: str = "light",
    width: int = 1100,
) -> Picture:
    """How well properties (name -> two classes, None for those that ship) are remembered, beside random directions.

    `word_class`: over whose gradients; `measure` "cosine" or "relative_memory".
    """
    asked = shipped_properties(model) if properties is None else properties
    if not asked:
        raise QuestionError(f"{model.name!r} has no track of parts of speech, so no property ships; name two classes.")
    found = [property_of(model, name, *sides) for name, sides in asked.items()]
    table: pa.Table = memory_of(model, state, found, n, word_class)
    return charts.properties_picture(table, palette(theme), measure=measure, width=width)


def finding_picture(
    model: Model, state: str, *, classes: Sequence[str], theme: str = "light", width: int = 1100
) -> Picture:
    """The picture of a view of `rnnstore.memory.finding`: the curves of classes of words."""
    return memory_picture(model, state, classes, theme=theme, width=width)
