"""Writing one model: its facts, whole tables, tables that grow, its own files, and a recording.

What a change is made of, and when it becomes visible, is `commit`'s; this is what `Store.writer` gives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnnstore.errors import StoreError, suggest
from rnnstore.store import appending, checksums, disk, parts
from rnnstore.store.card import FACTS, OwnFile, checked_name, read_card
from rnnstore.store.commit import LockedModel
from rnnstore.store.layout import own_files
from rnnstore.store.merging import merged
from rnnstore.store.parts import PartRecording, PartsStatus
from rnnstore.store.present import present
from rnnstore.store.recorded import publish
from rnnstore.store.recorder import Recorder
from rnnstore.store.series import Target
from rnnstore.store.staging import explain_disk_errors
from rnnstore.store.tables import TABLES, folders


class ModelWriter(LockedModel):
    """Writes one model; made by `Store.writer` and used in a `with` statement."""

    def __init__(self, store: Path, name: str, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called when a recording was committed, so that whoever gave the writer looks anew."""
        super().__init__(store, name)
        self._changed = changed
        self._own: set[str] = set()  # folders of the caller's own files, whose checksums are taken at the end

    def __exit__(self, *_: object) -> None:
        try:
            if self._own:
                self._sum_own_files()
        except (OSError, StoreError):
            pass  # without them, `check` says that they are missing; what was written stands
        finally:
            self._changed = lambda: None  # a writer that is done keeps no store, whose leases would keep files
            super().__exit__()

    def describe(self, **facts: Any) -> None:
        """Set facts on the model's card (see `card.FACTS`); what is not named stays. Visible at once."""
        self.replace_card(self.described(facts))

    def described(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The changes of the card that `describe` makes; a `StoreError` where one cannot be made."""
        for fact in facts:
            if fact not in FACTS:
                raise StoreError(f"A model has no fact {fact!r}: {suggest(fact, FACTS)}")
        changes = {**facts, "derived": [fact for fact in self.card.derived if fact not in facts]}
        if "metrics" in facts:
            changes["metrics"] = [
                dict(zip(("name", "split", "value"), metric, strict=False)) if isinstance(metric, Sequence) else metric
                for metric in facts["metrics"]
            ]
        card = self.changed_card(changes)
        return {fact: getattr(card, fact) for fact in changes}

    def folder(self, name: str) -> Path:
        """A folder inside the model's for files of the caller's own (weights, settings); it travels with the model.

        Their checksums are taken when the writer is left; until then the card has none of them.
        """
        if name in folders():
            raise StoreError(f"{name!r} is a table of the store; choose another name for your own files.")
        name = checked_name(name, "folder")
        others = tuple(file for file in self.card.own_files if file.path.split("/")[0] != name)
        if self._new or others != self.card.own_files:
            self.replace_card({"own_files": others})
        path = self.path / name
        path.mkdir(exist_ok=True)
        self._own.add(name)
        return path

    def replace(self, table: str, rows: pa.Table, folder: str = "") -> None:
        """Put `rows` in place of the whole table at once, or of its `folder` (a state, a track) where it has such."""
        entry = TABLES.get(table)
        if entry is None or entry.wide or bool(folder) != bool(entry.folder):
            whole = [t.name for t in TABLES.values() if not t.wide and bool(t.folder) == bool(folder)]
            raise StoreError(
                f"Table {table!r} cannot be replaced {'by folder' if folder else 'as a whole'}: {suggest(table, whole)}"
            )
        rows = appending.as_rows_of(entry, rows)
        key = f"{table}/{checked_name(folder, entry.folder)}" if folder else table
        where = f"{table}/{entry.folder}={folder}" if folder else table
        with self.staging() as staging, explain_disk_errors(f"writing {table} of {self.name}"):
            self.publish(staging, {key: [staging.write(where, rows)]}, replaced=(key,))

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        """Add rows behind those of tables that grow while training, at once; see `rnnstore.store.appending`."""
        appending.append(self, tables)

    def keep_before(self, tables: Sequence[str], step: int) -> None:
        """Drop the rows of tables that grow while training from optimiser step `step` on."""
        appending.keep_before(self, tables, step)

    def record(
        self,
        *,
        vocabulary: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,),
        dtype: str = "float16",
        track_sources: Mapping[str, str] | None = None,
        recorded: str = "",
    ) -> Recorder:
        """A recorder for this model; see `Recorder`. Leaving its `with` publishes the recording."""
        return self._recorder(
            {},
            vocabulary=vocabulary,
            outputs=outputs,
            thresholds=thresholds,
            dtype=dtype,
            track_sources=track_sources,
            recorded=recorded,
        )

    def part(self, index: int, *, of: int, warm_up: int = 0, **options: Any) -> PartRecording:
        """A recorder of part `index` (from 0) `of` N, in a `with` statement: a range of whole sequences of the corpus.

        Any process on any machine that sees the store may record a part, in any order, without a lock; its first step
        begins a sequence. A sequence too long for that can be cut with a `warm_up`: of every part but the first, so
        many steps before it are added too, read and not recorded, and the sequence goes on behind them, with states
        that are those of one go only as far as the network forgets within the warm-up (the card's notes say so).
        `options` are those of `record`, the same for all parts. `commit` makes them one recording.
        """
        return PartRecording(self.store, self.name, index, of, {**options, "warm_up": warm_up if index else 0})

    def status(self) -> PartsStatus:
        """Which parts are done, being written, and missing."""
        return parts.status(self.store, self.name)

    def commit(self, *, append: bool = False, **facts: Any) -> None:
        """Make all parts one recording, in one step, in place of the present one or, with `append`, behind it.

        Steps, sequences and words are numbered through, and every answer is that of one recording in one go. `facts`
        are those of `describe`. `StoreError` where a part is missing, or parts (or the present recording) do not agree
        in states, units, types, thresholds, annotations, predictions or vocabulary; nothing is changed then.
        """
        with self:
            changes = self.described(facts)
            found = parts.all_of(self.store, self.name)
            if append:
                found.insert(0, ("The present recording", present(self.path, self.card, found[0][1])))
            with (
                self.staging() as staging,
                ThreadPoolExecutor(min(8, os.cpu_count() or 2)) as pool,
                explain_disk_errors(f"committing the parts of {self.name}"),
            ):
                target = Target(staging, pool)
                publish(self, target, merged(found, target, self.name), changes)
            parts.drop(self.store, self.name)
            self.end_recording()

    def end_recording(self) -> None:
        """Let the store look anew, and delete what only its own models still held."""
        self._changed()
        self.sweep()

    def drop_parts(self) -> None:
        """Delete all parts that were recorded and not committed."""
        parts.drop(self.store, self.name)

    def _recorder(self, facts: Mapping[str, Any], **options: Any) -> Recorder:
        """A recorder whose recording is published together with `facts`."""
        changes = self.described(facts)
        return Recorder(
            self.name,
            self.staging(),
            lambda target, found: publish(self, target, found, changes),
            **options,
        )

    def seal(self) -> int:
        """Take the checksums that are missing, of tables and of the caller's own files; how many those were.

        What is there now counts as right, so look at it first: `python -m rnnstore check --seal` does.
        """
        read_card(self.path)
        missing = 0
        files = {}
        for key, blocks in self.card.files.items():
            summed = [b if b.crc32 else b.model_copy(update={"crc32": self._summed(b.path).crc32}) for b in blocks]
            missing += sum(not block.crc32 for block in blocks)
            files[key] = tuple(summed)
        known = {file.path for file in self.card.own_files}
        new = tuple(self._summed(path) for path in own_files(self.path) if path not in known)
        self.replace_card({"files": files, "own_files": self.card.own_files + new})
        return missing + len(new)

    def _sum_own_files(self) -> None:
        """Write the checksums of the caller's own files into the card."""
        for folder in self._own:
            disk.sync_tree(self.path / folder)
        disk.sync_folders([self.path])
        summed = tuple(self._summed(path) for path in own_files(self.path) if path.split("/")[0] in self._own)
        others = tuple(file for file in self.card.own_files if file.path.split("/")[0] not in self._own)
        if others + summed != self.card.own_files:
            self.replace_card({"own_files": others + summed})

    def _summed(self, path: str) -> OwnFile:
        file = self.path / path
        return OwnFile(path=path, bytes=file.stat().st_size, crc32=checksums.of_file(file))


class Recording:
    """`with store.record(...)`: opens the writer and the recorder together."""

    def __init__(self, writer: ModelWriter, options: Mapping[str, Any]) -> None:
        own = ("vocabulary", "outputs", "thresholds", "dtype", "track_sources", "recorded")
        self._writer = writer
        self._options = {key: value for key, value in options.items() if key in own}
        self._facts = {key: value for key, value in options.items() if key not in own}
        for key in self._facts:
            if key not in FACTS:
                raise StoreError(f"A recording has no option {key!r}: {suggest(key, (*own, *FACTS))}")
        self._recorder: Recorder | None = None

    def __enter__(self) -> Recorder:
        self._writer.__enter__()
        try:
            self._recorder = self._writer._recorder(self._facts, **self._options)
            return self._recorder.__enter__()
        except BaseException:
            self._writer.__exit__()
            raise

    def __exit__(self, *error: Any) -> None:
        assert self._recorder is not None
        try:
            self._recorder.__exit__(*error)
        finally:
            try:
                self._writer.end_recording()
            finally:
                self._writer.__exit__()
