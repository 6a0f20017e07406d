"""Several recorded parts, one after the other, as one recording: steps, sequences and words numbered through.

Files whose rows say a step or a number of a word are written anew, a row group at a time; all others, the row-major
states above all, get a second name (or a copy where the file system knows no links), so that the parts stay as they are
until the whole is committed. Words that were numbered as they appeared are numbered so over all parts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.errors import StoreError
from rnnstore.store import series
from rnnstore.store.blocks import RowMajorReader
from rnnstore.store.card import File, State
from rnnstore.store.checksums import SummedFile
from rnnstore.store.recorded import Files, Recorded
from rnnstore.store.responses import Moments
from rnnstore.store.runs import is_on
from rnnstore.store.series import TOO_MANY, Target, TrackSummary, parquet_options
from rnnstore.store.tables import VECTORS, schema_of

STEP_COLUMNS = {
    "tokens": ("t",),
    "annotations": ("t",),
    "predictions": ("t",),
    "states": ("t",),
    "on_states": ("start", "stop"),
}
"""Columns that count steps, of the tables whose files are ranges of steps."""

OnAtOnce = dict[tuple[str, float], np.ndarray]
"""bool or int64[units] of each state and threshold."""


@dataclass
class Place:
    """Where a part is in the whole, and what goes over its edges.

    `steps`, `sequences` are those before it, `position` the steps that the sequence has which goes on in it, `numbers`
    those of its words, None where they stay. `begun` int64 are the first steps of the runs that go on in it, -1 of
    units that have none; `on_next` bool says which units are on at the first step behind it, where its last sequence
    goes on.
    """

    part: Recorded
    steps: int
    sequences: int
    position: int
    numbers: np.ndarray | None
    begun: OnAtOnce
    on_next: OnAtOnce
    begun_here: OnAtOnce = field(default_factory=dict)

    def changes(self, table: str) -> bool:
        """Whether files of a table cannot stay as they are."""
        if table in ("tokens", "predictions") and self.numbers is not None:
            return True
        return table in STEP_COLUMNS and bool(self.steps or (table == "on_states" and self.on_next))

    def changed(self, table: str, state: str, rows: pa.Table) -> pa.Table:
        """Rows of a table as they are in the whole."""
        if table == "tokens":
            rows = self._tokens(rows)
        elif table == "predictions" and self.part.outputs is None and self.numbers is not None:
            rows = _with(rows, "word_id", _renumbered(rows["word_id"], self.numbers))
        for name in STEP_COLUMNS[table]:
            rows = _with(rows, name, pc.add(rows[name], self.steps))
        return self._runs(state, rows) if table == "on_states" and (self.begun or self.on_next) else rows

    def _tokens(self, rows: pa.Table) -> pa.Table:
        if self.part.goes_on:
            first = self.part.starts[0] if len(self.part.starts) else self.part.steps
            position = rows["position"].to_numpy()
            position = np.where(rows["t"].to_numpy() < first, position + self.position, position)
            rows = _with(rows, "position", pa.array(position.astype(np.int32)))
        if self.numbers is not None:
            rows = _with(rows, "word_id", _renumbered(rows["word_id"], self.numbers))
        return _with(rows, "sequence", pc.add(rows["sequence"], pa.scalar(self.sequences, pa.int32())))

    def _runs(self, state: str, rows: pa.Table) -> pa.Table:
        """Runs that go over an edge are one: with their part of before here, without their part of after."""
        threshold, unit = rows["threshold"].to_numpy(), rows["unit"].to_numpy()
        start, stop = rows["start"].to_numpy().copy(), rows["stop"].to_numpy()
        stays = np.ones(len(unit), bool)
        for value in self.part.states[state].thresholds:
            if (state, value) in self.begun:
                began = self.begun[state, value][unit]
                goes_on = (threshold == value) & (start == self.steps) & (began >= 0)
                start[goes_on] = began[goes_on]
            if (state, value) in self.on_next:
                over = (threshold == value) & (stop == self.steps + self.part.steps) & self.on_next[state, value][unit]
                self.begun_here[state, value][unit[over]] = start[over]
                stays &= ~over
        return _with(rows, "start", pa.array(start)).filter(pa.array(stays))


def merged(parts: Sequence[tuple[str, Recorded]], target: Target, name: str) -> Recorded:
    """All parts as one recording, its files in the staging folder of `target`; each part comes with what it is called.

    `StoreError` where parts do not agree.
    """
    first = parts[0][1]
    for called, part in parts[1:]:
        if difference := _difference(first, part):
            raise StoreError(f"{parts[0][0]} and {called} of model {name!r} do not fit together: {difference}.")
    words, ids = _numbered([part.words for _, part in parts], first.fixed)
    files: dict[str, list[File]] = {}
    starts: list[np.ndarray] = []
    moments: dict[str, Moments | str] = {state: Moments(facts.units) for state, facts in first.states.items()}
    tracks = {track: TrackSummary(kind=seen.kind) for track, seen in first.tracks.items()}
    begun: OnAtOnce = {}
    steps = sequences = position = 0
    for number, ((_, part), here) in enumerate(zip(parts, ids, strict=True)):
        following = parts[number + 1][1] if number + 1 < len(parts) else None
        numbers = None if (here == np.arange(len(here))).all() else here
        on_next = _on_at_first(following) if following is not None and following.goes_on else {}
        place = Place(part, steps, sequences, position, numbers, begun, on_next)
        place.begun_here = {key: np.full(len(on), -1, np.int64) for key, on in on_next.items()}
        for key, blocks in part.files.items():
            files[key] = [*files.get(key, ()), *_brought(place, key, blocks, target, len(files.get(key, ())))]
        for state, sums in part.moments.items():
            moments[state] = _added(moments[state], sums, here)
        for track, seen in part.tracks.items():
            tracks[track].add(seen)
        starts.append(part.starts + steps)
        begun = place.begun_here
        position = part.steps - int(part.starts[-1]) if len(part.starts) else position + part.steps
        steps, sequences = steps + part.steps, sequences + len(part.starts)
    if len(words) > series.RESPONSES // sum(state.units for state in first.states.values()):
        moments = dict.fromkeys(moments, TOO_MANY)
    everything: Files = dict(files)
    return replace(
        first,
        folder=target.staging.path,
        files=everything,
        steps=steps,
        starts=np.concatenate(starts),
        words=words,
        states={state: _spanning([part.states[state] for _, part in parts]) for state in first.states},
        moments=moments,
        tracks=tracks,
        notes=tuple(dict.fromkeys([*(note for _, part in parts for note in part.notes), *_warm_ups(parts)])),
    )


def _difference(first: Recorded, other: Recorded) -> str:
    """In what two parts do not agree; empty where they do."""
    one, two = _description(first), _description(other)
    for what, value in one.items():
        if value != two.get(what):
            return f"{what}: {value} and {two.get(what)}"
    if first.fixed and first.words != other.words:
        return "their vocabularies are not the same"
    if first.outputs != other.outputs:
        return "what they predict is not the same"
    return ""


def _description(part: Recorded) -> dict[str, Any]:
    """What must be the same in all parts, by what it is called."""
    found: dict[str, Any] = {
        "the states": ", ".join(sorted(part.states)),
        "the annotations": ", ".join(sorted(part.tracks)) or "none",
        "the predictions a step": part.predictions_per_step,
        "whether a vocabulary was given": part.fixed,
    }
    for name, state in part.states.items():
        found[f"the units of state {name!r}"] = state.units
        found[f"the type of state {name!r}"] = state.dtype
        found[f"the thresholds of state {name!r}"] = state.thresholds
    return found | {f"the kind of track {name!r}": track.kind for name, track in part.tracks.items()}


def _numbered(lists: Sequence[list[str]], fixed: bool) -> tuple[list[str], list[np.ndarray]]:
    """The words of all parts, and the number of each part's words among them."""
    if fixed:
        return lists[0], [np.arange(len(words)) for words in lists]
    numbers: dict[str, int] = {}
    ids = [np.array([numbers.setdefault(word, len(numbers)) for word in words], np.int64) for words in lists]
    return list(numbers), ids


def _added(sums: Moments | str, more: Moments | str, ids: np.ndarray) -> Moments | str:
    if isinstance(sums, str) or isinstance(more, str):
        return sums if isinstance(sums, str) else more
    sums.merge(more, ids)
    return sums


def _spanning(states: Sequence[State]) -> State:
    """The facts of a state, its range that of all parts."""
    low, high = min(state.minimum for state in states), max(state.maximum for state in states)
    return states[0].model_copy(update={"minimum": low, "maximum": high})


def _warm_ups(parts: Sequence[tuple[str, Recorded]]) -> list[str]:
    """What is to be said of sequences that were cut."""
    warm_ups = sorted({part.warm_up for _, part in parts if part.warm_up and part.goes_on})
    return [
        f"Sequences were cut into parts and read on after a warm-up of {warm_up:,} steps, not after all that came "
        "before, so states behind a cut may differ from those of one go."
        for warm_up in warm_ups
    ]


def _on_at_first(part: Recorded) -> OnAtOnce:
    """bool[units]: which units are on at a part's first step, of each state and threshold."""
    found: OnAtOnce = {}
    for name, state in part.states.items():
        reader = RowMajorReader(part.folder, part.files[f"{VECTORS}/{name}"], state.units, state.dtype)
        values = reader.window(0, 1)[0]
        found |= {(name, threshold): is_on(values, threshold) for threshold in state.thresholds}
    return found


def _with(rows: pa.Table, name: str, values: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)


def _renumbered(column: pa.ChunkedArray, numbers: np.ndarray) -> pa.Array:
    ids = column.to_numpy()
    return pa.array(np.where(ids < 0, ids, numbers[np.maximum(ids, 0)]).astype(np.int32))


def _brought(place: Place, key: str, blocks: Sequence[File], target: Target, number: int) -> list[File]:
    """The files of a part's blocks in the staging folder, numbered from `number`; several are written at once."""
    if key.partition("/")[0] == "on_states":  # of which one may begin where the one before ends
        found = [_moved(place, key, block, target, count) for count, block in enumerate(blocks, number)]
    else:
        found = list(
            target.pool.map(lambda each: _moved(place, key, each[1], target, each[0]), enumerate(blocks, number))
        )
    return [file for file in found if file.rows]


def _moved(place: Place, key: str, block: File, target: Target, number: int) -> File:
    """The file of one block in the staging folder."""
    part, staging = place.part, target.staging
    table, _, state = key.partition("/")
    source, first = part.folder / block.path, block.first + place.steps
    path = staging.file(block.path.rpartition("/")[0], number, "npy" if table == VECTORS else "parquet")
    if not place.changes(table):
        _link(source, path)
        return block.model_copy(update={"path": staging.relative(path), "first": first})
    schema = schema_of(table, (part.states[state].units, part.states[state].dtype) if table == "states" else None)
    written = 0
    with (
        pq.ParquetFile(source) as opened,
        SummedFile(path) as file,
        pq.ParquetWriter(file, schema, **parquet_options(table)) as writer,
    ):
        for group in range(opened.num_row_groups):
            rows = place.changed(table, state, opened.read_row_group(group)).cast(schema)
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))
            written += rows.num_rows
    return staging.entry(path, written, file.crc, first)


def _link(source: Path, path: Path) -> None:
    """A second name of a file, or a copy where the file system knows no second names."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
