"""How long a word is remembered, or a class of a reader's own, from a few places of the text that are followed now.

What `measuring` computes over a whole recording takes minutes and is kept; this is what a question on the way gets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, UnknownName, suggest
from rnnstore.memory.gradients import ALL, gradients_of_words
from rnnstore.memory.singular_values import SCALARS, SCHEMA, measured
from rnnstore.memory.word_classes import of_steps
from rnnstore.networks.opening import open_network
from rnnstore.networks.recorded import network_ids
from rnnstore.store.model import Model

PLACES = 30
"""Places that are followed at most, evenly spread over the recording."""

WARM_UP = 100
"""Steps that the network reads before each of them, to come into its state."""


@dataclass(frozen=True)
class Sample:
    """`table` as `curves.curves` gives it, of the class `name`; `places` were followed of the `of` that there are."""

    table: pa.Table
    name: str
    places: int
    of: int


def sample(
    model: Model, state: str, written: str = ALL, delays: int = 30, places: int = PLACES, threads: int | None = None
) -> Sample:
    """The memory of one word, or of a class of words, from an even sample of the places that have it, computed now.

    `written` is a word, words with commas between, a class as `word_classes` writes it, or `all words`. Raises
    `UnknownName` for a word, label or track that is not there, `QuestionError` for a text that is no one class.
    """
    found = open_network(model, "gradients")
    name, members = _members(model, written)
    there = np.flatnonzero(members)
    chosen = there[np.linspace(0, len(there) - 1, min(places, len(there))).astype(int)]
    begins, ids = model.sequence_starts, network_ids(model, found)
    own = np.searchsorted(begins, chosen, "right")
    texts, starts, sources = [], [], []
    for place, number in zip(chosen.tolist(), own.tolist(), strict=True):
        first = max(int(begins[number - 1]), place - WARM_UP)
        last = min(int(begins[number]) if number < len(begins) else model.steps, place + delays)
        texts.append(ids[model.word_ids(first, last)])
        starts.append(np.arange(last - first) == 0)
        sources.append(np.arange(first, last) == place)
    table = gradients_of_words(
        found,
        np.concatenate(texts),
        np.concatenate(starts),
        states=[state],
        delays=delays,
        sources=np.concatenate(sources),
        threads=threads,
    )
    rows = measured(table.select(SCALARS), model.name, state)
    place = rows.schema.get_field_index("word_class")
    return Sample(
        rows.set_column(place, "word_class", pa.array([name] * rows.num_rows)).cast(SCHEMA),
        name,
        len(chosen),
        len(there),
    )


def _members(model: Model, written: str) -> tuple[str, np.ndarray]:
    """The name of what is followed, and bool[steps]: where the recording has it."""
    if written == ALL:
        return f"{ALL}, a sample", np.ones(model.steps, bool)
    if written and written in model.vocabulary:
        steps = model.word_ids() == model.vocabulary.index(written)
        if not steps.any():
            raise UnknownName(f"The recording of {model.name!r} never reads {written!r}, so it cannot be followed.")
        return f"“{written}”", steps
    if "," not in written and "=" not in written and ":" not in written and written not in model.tracks:
        raise UnknownName(f"{model.name!r} never read {written!r}: {suggest(written, model.vocabulary)}")
    track = written.partition(":")[0] in model.tracks
    text = written if "=" in written or track else f"{'+'.join(_words(written))}={written}"
    found, _ = of_steps(model, [text], 0, model.steps)
    if len(found) > 1:
        raise QuestionError(
            f"{written!r} stands for {len(found)} classes ({', '.join(found)}); name one, such as {written}:LABEL."
        )
    name, steps = next(iter(found.items()))
    return f"“{name}”", steps


def _words(written: str) -> list[str]:
    return [word.strip() for word in written.split(",") if word.strip()]
