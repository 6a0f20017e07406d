"""State gradients of a recorded model, written into the store: what `python -m rnnstore memory` does.

Words, sequences and tracks are those of the recording, the network is the model's own. Nothing is written before
everything is computed, and a state's rows are replaced in one step; a run that is stopped leaves the store as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError, StoreError
from rnnstore.memory.gradients import gradients_of_words
from rnnstore.memory.word_classes import of_steps
from rnnstore.networks.opening import open_network
from rnnstore.networks.recorded import network_ids
from rnnstore.store.folder import Store
from rnnstore.store.model import Model

WARM_UP = 1000
"""Steps at most before the first one asked for, from which on the network reads to come into its state."""

FEW = 100
"""Steps of a class under which a note says that its mean is over few."""


@dataclass(frozen=True)
class StateGradients:
    """State gradients of a model: rows of the table `state_gradients`, over the steps start..stop-1, and notes to read
    with them."""

    table: pa.Table
    start: int
    stop: int
    notes: tuple[str, ...]


def state_gradients(
    model: Model,
    states: Sequence[str] | None = None,
    *,
    delays: int = 50,
    classes: Sequence[str] = (),
    start: int = 0,
    stop: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> StateGradients:
    """State gradients over the recorded steps start..stop-1 of a model.

    `classes` as `word_classes` writes them; `states` None for every memory and hidden vector of the network.
    Raises `MissingNetwork` where no network was saved, `QuestionError` and `UnknownName` for what cannot be asked.
    """
    found = open_network(model, "gradients")
    if not model.steps:
        raise QuestionError(f"{model.name!r} has not been recorded, so there are no words to follow. Record it first.")
    stop = model.steps if stop is None else stop
    if not 0 <= start < stop <= model.steps:
        raise QuestionError(
            f"Steps {start:,} to {stop:,} were asked for; {model.name!r} has steps 0 to {model.steps:,} (half-open), "
            "and the first must lie before the last."
        )
    members, notes = of_steps(model, classes, start, stop)
    notes += [
        f"The class {name!r} has {int(steps.sum()):,} steps of {stop - start:,}: what cancels in a mean over thousands "
        "does not in one over so few, so its words look better remembered than they are."
        for name, steps in members.items()
        if steps.sum() < FEW
    ]
    begins = model.sequence_starts
    sequence = int(begins[np.searchsorted(begins, start, "right") - 1])
    warm = max(sequence, start - WARM_UP)
    if warm > sequence:
        notes.append(f"Before step {start:,} the network read {WARM_UP:,} steps, not its whole sequence.")
    ids = network_ids(model, found)[model.word_ids(warm, stop)]
    starts = np.isin(np.arange(warm, stop), begins)
    starts[0] = True
    before, skip = None, start - warm
    if skip:
        series = found.run([ids[:skip]], [starts[:skip]]).series
        before = {name: series[name][-1, 0] for name in found.states}
    longest = int(np.diff(np.append(np.flatnonzero(starts), len(starts))).max())
    if delays > longest:
        notes.append(f"No sequence is longer than {longest:,} steps, so there is no delay of {longest:,} or more.")
    table = gradients_of_words(
        found,
        ids[skip:],
        starts[skip:],
        states=states,
        delays=delays,
        classes=members,
        before=before,
        progress=progress,
        threads=threads,
    )
    return StateGradients(table, start, stop, tuple(notes))


def save(store: Store, name: str, found: StateGradients, model: Model) -> None:
    """Write what was computed of `model` in place of what the store holds of the same states.

    Raises `Busy` while another process writes the model, `StoreError` when it was recorded anew meanwhile.
    """
    with store.writer(name) as writer:
        if writer.card.files.get("tokens") != model.card.files.get("tokens"):
            raise StoreError(f"{name!r} was recorded anew while it was followed; run the same command again.")
        for state in pc.unique(found.table["state"]).to_pylist():
            writer.replace("state_gradients", found.table.filter(pc.equal(found.table["state"], state)), state)
    store.refresh()
