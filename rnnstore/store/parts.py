"""Parts of a recording: ranges of whole sequences that are recorded anywhere, in any order, and committed together.

A part is a folder beside the models, `.parts-<model>/00003-of-00008`, with its tables and its own small card. It is
written under a name of its own, which no other process knows, and gets this one when it is done: renaming a folder onto
one that is there fails on every file system, so that no lock is needed, and of two that write one part the first wins.
While it is written, a file in it is touched every few seconds.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from rnnstore.errors import DamagedModel, StoreError
from rnnstore.store import disk
from rnnstore.store.card import File, State, checked_name
from rnnstore.store.documents import parsed
from rnnstore.store.layout import new_id
from rnnstore.store.recorded import Recorded
from rnnstore.store.recorder import Recorder
from rnnstore.store.responses import Moments
from rnnstore.store.series import Target, TrackSummary
from rnnstore.store.staging import STAGING, Staging, explain_disk_errors

PARTS = ".parts"
"""With which the name of the folder of a model's parts begins."""

BEAT, LATE = 5.0, 60.0
"""Seconds between two touches of a part that is being written; after so many without one it counts as stopped."""

FORMAT = 1
MOST = 99_999
CARD = "part.json"
_DONE = re.compile(r"(\d{5})-of-(\d{5})")


class Summary(BaseModel):
    """What the file of a track's summary says besides its labels."""

    kind: str
    whole: bool
    minimum: float | None
    maximum: float | None


class PartCard(BaseModel):
    """The small card of a part."""

    format: int = FORMAT
    steps: int
    fixed: bool
    outputs: bool
    states: dict[str, State]
    left_out: dict[str, str]
    tracks: dict[str, Summary]
    sources: dict[str, str]
    predictions_per_step: int
    recorded: str
    notes: tuple[str, ...] = ()
    warm_up: int = 0
    files: dict[str, tuple[File, ...]]


@dataclass(frozen=True)
class PartsStatus:
    """How far the parts of a recording are: numbers, from 0, of those done, being written, and missing of all `of`.

    A part whose process was stopped is missing.
    """

    of: int
    done: tuple[int, ...] = ()
    running: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    def __str__(self) -> str:
        named = (("done", self.done), ("running", self.running), ("missing", self.missing))
        return f"{self.of} parts: " + ", ".join(f"{len(parts)} {what}{_some(parts)}" for what, parts in named)


def parts_folder(store: Path, name: str) -> Path:
    """Where the parts of a model are."""
    return store / f"{PARTS}-{checked_name(name)}"


def status(store: Path, name: str) -> PartsStatus:
    """How far the parts of a model are; `StoreError` where they are of different numbers of parts."""
    folder = parts_folder(store, name)
    done, running = _done(folder), {}
    for path, index, of, late in _running(folder):
        if path.exists() and not late:
            running[index, of] = True
    counts = {of for _, of in (*done, *running)}
    if len(counts) > 1:
        some = " and ".join(map(str, sorted(counts)))
        raise StoreError(
            f"The parts of {name!r} are of recordings in {some} parts. Drop them, store.writer({name!r}).drop_parts(), "
            "and record them anew."
        )
    of = counts.pop() if counts else 0
    writing = {index for index, _ in running} - {index for index, _ in done}
    finished = sorted(index for index, _ in done)
    missing = [index for index in range(of) if index not in finished and index not in writing]
    return PartsStatus(of, tuple(finished), tuple(sorted(writing)), tuple(missing))


class PartRecording:
    """`with store.writer(name).part(i, of=N)`: gives the recorder of a part, and finishes the part at the end."""

    def __init__(self, store: Path, name: str, index: int, of: int, options: Mapping[str, Any]) -> None:
        if not (isinstance(index, int) and isinstance(of, int) and 0 <= index < of <= MOST):
            raise StoreError(
                f"Part {index!r} of {of!r} was asked for; of N parts, at most {MOST:,}, there are 0 to N - 1."
            )
        self.name, self.index, self.of = name, index, of
        self.called = f"{name}, part {index} of {of}"
        self._store, self._folder = store, parts_folder(store, name)
        self._options = options
        self._heart: _Heartbeat | None = None
        self._recorder: Recorder | None = None

    @property
    def path(self) -> Path:
        """Where the part is once it is done."""
        return self._folder / f"{self.index:05}-of-{self.of:05}"

    def __enter__(self) -> Recorder:
        there = status(self._store, self.name)
        if there.of not in (0, self.of):
            raise StoreError(
                f"Model {self.name!r} is being recorded in {there.of} parts already, not in {self.of}: commit or drop "
                "those first."
            )
        if self.index in there.done:
            raise StoreError(self._done_already("It stays"))
        for path, index, _, late in _running(self._folder):
            if index == self.index and late:
                shutil.rmtree(path, ignore_errors=True)
        with explain_disk_errors(f"recording {self.called}"):
            disk.make_folders([self._folder])
        staging = Staging(lambda: self._folder)
        self._recorder = Recorder(self.called, staging, self._finish, **self._options)
        self._recorder.__enter__()
        self._heart = _Heartbeat(staging.path / f"beat-{self.index}-of-{self.of}")
        return self._recorder

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        assert self._recorder is not None and self._heart is not None
        try:
            self._recorder.__exit__(kind, error, trace)
        finally:
            self._heart.stop()

    def _finish(self, target: Target, found: Recorded) -> None:
        """Give the part its name, with all that its commit needs."""
        assert self._heart is not None
        save(found, target.staging.path)
        self._heart.stop()
        disk.sync_tree(target.staging.path)
        try:
            disk.rename(target.staging.path, self.path)
        except OSError as error:
            if not self.path.exists():
                raise
            raise StoreError(self._done_already("That one stays, this one was deleted")) from error

    def _done_already(self, outcome: str) -> str:
        return (
            f"Part {self.index} of {self.of} of model {self.name!r} has been recorded already, perhaps by another "
            f"process. {outcome}; store.writer({self.name!r}).drop_parts() deletes all of them."
        )


def save(found: Recorded, folder: Path) -> None:
    """Write beside the files of a part what its commit needs: its card, words, labels, starts and sums."""
    pq.write_table(pa.table({"word": pa.array(found.words, pa.string())}), folder / "words.parquet")
    if found.outputs is not None:
        pq.write_table(pa.table({"word": pa.array(found.outputs, pa.string())}), folder / "outputs.parquet")
    np.save(folder / "starts.npy", found.starts)
    for number, seen in enumerate(found.tracks.values()):
        counted = {"label": pa.array(seen.labels, pa.string()), "count": pa.array(seen.labels.values(), pa.int64())}
        pq.write_table(pa.table(counted), folder / f"labels-{number}.parquet")
    for number, sums in enumerate(found.moments.values()):
        if isinstance(sums, Moments):
            arrays: dict[str, Any] = {**sums.arrays(len(found.words))}
            np.savez(folder / f"moments-{number}.npz", **arrays)
    card = PartCard(
        steps=found.steps,
        fixed=found.fixed,
        outputs=found.outputs is not None,
        states=found.states,
        left_out={name: sums for name, sums in found.moments.items() if isinstance(sums, str)},
        tracks={name: _card_of(seen) for name, seen in found.tracks.items()},
        sources=dict(found.sources),
        predictions_per_step=found.predictions_per_step,
        recorded=found.recorded,
        notes=found.notes,
        warm_up=found.warm_up,
        files={key: tuple(blocks) for key, blocks in found.files.items()},
    )
    (folder / CARD).write_text(card.model_dump_json(indent=1), "utf-8")


def load(folder: Path) -> Recorded:
    """What `save` wrote; `DamagedModel` where it cannot be read."""
    shown = f"{folder.parent.name}/{folder.name}"
    try:
        card = parsed(
            (folder / CARD).read_bytes(), PartCard, shown=shown, what="part", newest=FORMAT, mending="Drop the parts."
        )
        words = pq.read_table(folder / "words.parquet")["word"].to_pylist()
        outputs = pq.read_table(folder / "outputs.parquet")["word"].to_pylist() if card.outputs else None
        tracks = {name: _summary(folder, number, each) for number, (name, each) in enumerate(card.tracks.items())}
        moments: dict[str, Moments | str] = dict(card.left_out)
        for number, name in enumerate(card.states):
            if name not in moments:
                with np.load(folder / f"moments-{number}.npz", allow_pickle=False) as arrays:
                    moments[name] = Moments.of_arrays(dict(arrays))
        starts = np.load(folder / "starts.npy", allow_pickle=False)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DamagedModel(
            f"The part {shown} is damaged ({type(error).__name__}). Drop the parts and record them anew."
        ) from error
    return Recorded(
        folder, dict(card.files), card.steps, starts, words, card.fixed, outputs, card.states,
        {name: moments[name] for name in card.states}, tracks, card.sources, card.predictions_per_step, card.recorded,
        card.notes, card.warm_up,
    )  # fmt: skip


def all_of(store: Path, name: str) -> list[tuple[str, Recorded]]:
    """The parts of a model in their order, each with what it is called; `StoreError` where one is missing."""
    found = status(store, name)
    if not found.of:
        raise StoreError(f"Model {name!r} has no parts; record them with store.writer({name!r}).part(i, of=N).")
    if found.running or found.missing:
        raise StoreError(f"Not all parts of model {name!r} are there ({found}). Record those that are missing first.")
    folder = parts_folder(store, name)
    return [(f"Part {index} of {found.of}", load(folder / f"{index:05}-of-{found.of:05}")) for index in found.done]


def drop(store: Path, name: str) -> None:
    """Delete the parts of a model, at once, whatever happens to the process."""
    folder = parts_folder(store, name)
    if folder.exists():
        trash = folder.with_name(f".trash-{new_id()}")
        disk.rename(folder, trash)
        shutil.rmtree(trash, ignore_errors=True)


class _Heartbeat:
    """Touches a file every `BEAT` seconds, until it is stopped or its process ends."""

    def __init__(self, path: Path) -> None:
        self._path, self._stopped = path, threading.Event()
        path.touch()
        self._thread = threading.Thread(target=self._beat, name="rnnstore-heartbeat", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT):
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def stop(self) -> None:
        """Touch it no more; the file goes."""
        self._stopped.set()
        self._thread.join()
        self._path.unlink(missing_ok=True)


def _done(folder: Path) -> set[tuple[int, int]]:
    try:
        names = [_DONE.fullmatch(entry.name) for entry in folder.iterdir()]
    except FileNotFoundError:
        return set()
    return {(int(name[1]), int(name[2])) for name in names if name}


def _running(folder: Path) -> Iterator[tuple[Path, int, int, bool]]:
    """(folder, number, number of all, whether it was not touched for long) of each part begun and not finished."""
    beats = list(folder.glob(f"{STAGING}*/beat-*-of-*"))
    now = _now(folder) if beats else 0.0
    for beat in beats:
        _, index, _, of = beat.name.split("-")
        with contextlib.suppress(FileNotFoundError):
            yield beat.parent, int(index), int(of), now - beat.stat().st_mtime > LATE


def _now(folder: Path) -> float:
    """The time as the file system has it, perhaps that of another machine; this machine's where it is read only."""
    probe = folder / f".now-{new_id()}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def _summary(folder: Path, number: int, card: Summary) -> TrackSummary:
    rows = pq.read_table(folder / f"labels-{number}.parquet")
    labels = Counter(dict(zip(rows["label"].to_pylist(), rows["count"].to_pylist(), strict=True)))
    low = np.inf if card.minimum is None else card.minimum
    high = -np.inf if card.maximum is None else card.maximum
    return TrackSummary(card.kind, card.whole, low, high, labels)


def _card_of(seen: TrackSummary) -> Summary:
    return Summary(kind=seen.kind, whole=seen.whole, minimum=_finite(seen.minimum), maximum=_finite(seen.maximum))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _some(parts: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, parts[:10]))
    return f" ({shown}{', ...' if len(parts) > 10 else ''})" if parts else ""
