"""What a recorder found, and how it becomes a model's recording: of one recorder, or of several that each had a part.

Tables of steps are written as the steps come. What needs all of them comes at the end: the words' expected responses,
the ranges and labels on the card, and the card itself. Both ends are the same, since a recording in one go is a
recording of one part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.store import disk, series
from rnnstore.store.blocks import RowMajorReader
from rnnstore.store.card import File, State
from rnnstore.store.commit import LockedModel
from rnnstore.store.responses import EvenSample, Moments, expected_responses
from rnnstore.store.series import HARDLY_AGAIN, Target, TrackSummary, are_labels
from rnnstore.store.tables import VECTORS, of_key

Files = dict[str, Sequence[File]]


@dataclass
class Recorded:
    """A recording before its end. `files` lie in `folder`, by the keys of a card, with steps counted from 0.

    `words` is the vocabulary, `fixed` whether it was given beforehand; `outputs` what is predicted, None where that are
    words. `starts` int64 are the steps at which sequences start. `moments` are the sums of the responses in each state,
    or why they were left out.
    """

    folder: Path
    files: Files
    steps: int
    starts: np.ndarray
    words: list[str]
    fixed: bool
    outputs: list[str] | None
    states: dict[str, State]
    moments: dict[str, Moments | str]
    tracks: dict[str, TrackSummary]
    sources: Mapping[str, str] = field(default_factory=dict)
    predictions_per_step: int = 0
    recorded: str = ""
    notes: tuple[str, ...] = ()
    warm_up: int = 0
    """Steps read before the first one, so that a sequence may go on in the first steps."""

    @property
    def goes_on(self) -> bool:
        """Whether the first steps belong to a sequence that began before them."""
        return not len(self.starts) or bool(self.starts[0] > 0)


def publish(model: LockedModel, target: Target, found: Recorded, facts: Mapping[str, Any]) -> None:
    """Derive what needs all steps, and make it all the model's recording; `facts` are other changes of its card."""
    if not found.steps:
        raise StoreError(f"Nothing was recorded for model {model.name!r}: no steps were added.")
    files, left_out = dict(found.files), set()
    written = [found.folder / file.path for blocks in found.files.values() for file in blocks]
    syncing = target.pool.submit(disk.sync_files, written)  # while the responses are worked out
    sample = EvenSample([found.folder / file.path for file in files["tokens"]])
    for name in found.states:
        moments = found.moments[name]
        if isinstance(moments, Moments) and are_labels(moments, found.steps, series.LABELS_FROM):
            moments = HARDLY_AGAIN
        if isinstance(moments, str):
            left_out.add(moments)
        else:
            files[f"expected_responses/{name}"] = _responses(target, found, name, moments, sample)
    syncing.result()
    card = model.card.model_copy(update=dict(facts))
    derived = {"vocabulary": len(found.words), "units": max(state.units for state in found.states.values())}
    derived = {fact: value for fact, value in derived.items() if getattr(card, fact) is None or fact in card.derived}
    changes: dict[str, Any] = {
        **facts,
        "steps": found.steps,
        **derived,
        "derived": tuple(derived),
        "notes": [*sorted(left_out), *found.notes],
        "recorded": found.recorded,
        "states": found.states,
        "tracks": {name: track.facts(name, found.sources.get(name, "")) for name, track in found.tracks.items()},
        "predictions_per_step": found.predictions_per_step,
    }
    replaced = [key for key in model.card.files if not ((table := of_key(key)) and table.grows)]
    model.publish(target.staging, files, replaced=replaced, **changes)


def _responses(target: Target, found: Recorded, name: str, moments: Moments, sample: EvenSample) -> Sequence[File]:
    """Write the expected responses of a state."""
    state = found.states[name]
    reader = RowMajorReader(found.folder, found.files[f"{VECTORS}/{name}"], state.units, state.dtype)
    blocks = target.parquet("expected_responses", f"state={name}")
    for piece in expected_responses(moments, sample, reader, found.starts, found.words):
        blocks.write(piece, 0)
    return blocks.close()
