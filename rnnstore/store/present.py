"""A model's present recording as the first of several parts, so that others can be appended to it.

Sums of responses are those of the table of expected responses, labels are counted in the annotations.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.errors import StoreError
from rnnstore.store.card import Card
from rnnstore.store.recorded import Files, Recorded
from rnnstore.store.responses import Moments
from rnnstore.store.series import HARDLY_AGAIN, TOO_MANY, TrackSummary
from rnnstore.store.tables import VECTORS, of_key


def present(folder: Path, card: Card, appended: Recorded) -> Recorded:
    """The recording of a model, to which `appended` is to be appended; `StoreError` where there is none, or where the
    vocabulary of `appended` gives other words to its ids."""
    if not card.steps:
        raise StoreError("There is no recording to append to; commit the parts without append.")
    words: dict[int, str] = {}
    starts = []
    for block in card.files["tokens"]:
        with pq.ParquetFile(folder / block.path) as opened:
            for group in range(opened.num_row_groups):
                rows = opened.read_row_group(group, columns=["t", "position", "word_id", "word"])
                starts.append(rows["t"].to_numpy()[rows["position"].to_numpy() == 0])
                named = rows.select(["word_id", "word"]).group_by(["word_id", "word"]).aggregate([])
                words.update(zip(named["word_id"].to_pylist(), named["word"].to_pylist(), strict=True))
    given = appended.words if appended.fixed else [words.get(index, "") for index in range(max(words) + 1)]
    for index, word in words.items():
        if index >= len(given) or given[index] != word:
            raise StoreError(
                f"Word id {index} is {word!r} in the present recording, and "
                f"{given[index] if index < len(given) else 'no word'!r} in the parts; append with the same vocabulary."
            )
    files: Files = {
        key: blocks
        for key, blocks in card.files.items()
        if key.partition("/")[0] in (VECTORS, "on_states") or ((table := of_key(key)) and table.by_step)
    }
    return Recorded(
        folder=folder,
        files=files,
        steps=card.steps,
        starts=np.concatenate(starts),
        words=given,
        fixed=appended.fixed,
        outputs=appended.outputs,
        states=card.states,
        moments={name: _moments(folder, card, name) for name in card.states},
        tracks={name: _summary(folder, card, name) for name in card.tracks},
        sources={name: track.source for name, track in card.tracks.items()},
        predictions_per_step=card.predictions_per_step,
        recorded=card.recorded,
        notes=tuple(note for note in card.notes if note not in (TOO_MANY, HARDLY_AGAIN)),
    )


def _moments(folder: Path, card: Card, state: str) -> Moments | str:
    """The sums of a state's responses, from their means and standard errors."""
    blocks = card.files.get(f"expected_responses/{state}", ())
    if not blocks:
        return TOO_MANY if TOO_MANY in card.notes else HARDLY_AGAIN
    units = card.states[state].units
    parts = []
    for block in blocks:
        rows = pq.read_table(folder / block.path, columns=["word_id", "count", "response", "standard_error"])
        count = rows["count"].to_numpy()
        mean = rows["response"].combine_chunks().flatten().to_numpy().reshape(-1, units).astype(np.float64)
        errors = np.zeros_like(mean)
        several = pc.is_valid(rows["standard_error"]).to_numpy()
        errors[several] = rows["standard_error"].combine_chunks().flatten().to_numpy().reshape(-1, units)
        parts.append((rows["word_id"].to_numpy(), count, mean, errors))
    ids, count, mean, errors = (np.concatenate(column) for column in zip(*parts, strict=True))
    times = count[:, None].astype(np.float64)
    sums = np.zeros((2, int(ids.max()) + 1, units))
    sums[0, ids] = mean * times
    sums[1, ids] = errors**2 * times * (times - 1) + mean**2 * times
    counts = np.zeros(sums.shape[1], np.int64)
    counts[ids] = count
    return Moments.of_arrays({"count": counts, "sum": sums[0], "squares": sums[1]})


def _summary(folder: Path, card: Card, name: str) -> TrackSummary:
    """What a track's card says, with all its labels."""
    track, labels = card.tracks[name], Counter[str]()
    if track.kind == "discrete":
        for block in card.files[f"annotations/{name}"]:
            for batch in pq.ParquetFile(folder / block.path).iter_batches(1 << 20, columns=["value"]):
                counted = batch["value"].cast("string").value_counts()
                labels.update(dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)))
    low = np.inf if track.minimum is None else track.minimum
    high = -np.inf if track.maximum is None else track.maximum
    return TrackSummary(track.kind, bool(track.whole), low, high, labels)
