"""Chunks of a network of any framework written as one model: nothing is seen of it before all of it is there.

A name that the store has is not taken twice by accident. What stops a recording, an error or Control-C, leaves the
store as it was: an earlier recording of that name stays, a new one is not there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnstore.commands.progress import Line
from rnnstore.errors import StoreError
from rnnstore.frameworks.chunks import Chunk, Streams
from rnnstore.store.folder import Store
from rnnstore.store.folder import open as open_store
from rnnstore.store.model import Model
from rnnstore.store.writing import ModelWriter


@dataclass(frozen=True)
class Target:
    """Where a recording goes and how it is written: the arguments that every framework's `record` has."""

    store: Store
    name: str
    replace: bool = False
    dtype: str = "float16"
    thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,)
    track_sources: Mapping[str, str] = field(default_factory=dict)
    recorded: str = ""
    progress: bool = True

    @staticmethod
    def of(store: Any, name: str, **options: Any) -> Target:
        """The target in a store, or in the folder of one; `StoreError` where there is such a model already."""
        opened = store if isinstance(store, Store) else open_store(os.fspath(store))
        target = Target(opened, name, **options)
        if not target.replace and name in {*opened.models, *(problem.name for problem in opened.problems)}:
            raise StoreError(
                f"There is a model {name!r} already in {opened.path}; replace=True records it anew, another name "
                "beside it."
            )
        return target


class Recording:
    """Takes chunks, and publishes them with what is known at the end; a `with` statement.

    `vocabulary` and `outputs` are functions, asked when the first chunk is there.
    """

    def __init__(self, target: Target, *, stateful: bool, batches: int | None, steps: int | None) -> None:
        self._target, self._stateful = target, stateful
        self._all = steps or batches
        self._by_steps = steps is not None
        self._line = Line(target.name)
        self.steps = 0

    def message(self, text: str) -> None:
        """Write a sentence for whoever watches."""
        if self._target.progress and sys.stderr.isatty():
            self._line.end()
            print(text, file=sys.stderr)

    def write(self, chunks: Iterable[Chunk], vocabulary: Sequence[str] | None, outputs: Any, finish: Any) -> Model:
        """Record the chunks; `outputs()` are the labels, once a chunk was seen, and `finish(writer)` completes the
        model behind its tables."""
        target = self._target
        try:
            with target.store.writer(target.name) as writer:
                self._record(writer, chunks, vocabulary, outputs)
                finish(writer)
        finally:
            self._line.end()
            target.store.refresh()
        return target.store.model(target.name)

    def _record(self, writer: ModelWriter, chunks: Iterable[Chunk], vocabulary: Any, outputs: Any) -> None:
        found = iter(chunks)
        first = next(found, None)
        if first is None:
            raise StoreError("There was nothing to record: no batch brought a step that is no padding.")
        target = self._target
        recorder = writer.record(
            vocabulary=vocabulary,
            outputs=outputs(),
            thresholds=target.thresholds,
            dtype=target.dtype,
            track_sources=target.track_sources,
            recorded=target.recorded,
        )
        with recorder:
            if self._stateful:
                with Streams(target.dtype) as streams:
                    for number, chunk in enumerate(_chained(first, found), 1):
                        streams.add(chunk)
                        self._said("reading", number, len(chunk))
                    for chunk in streams.chunks():
                        chunk.add_to(recorder)
            else:
                for number, chunk in enumerate(_chained(first, found), 1):
                    chunk.add_to(recorder)
                    self._said("recording", number, len(chunk))
            self._line.end()
            self.message(f"{target.name}: writing {recorder.steps:,} steps")

    def _said(self, doing: str, batches: int, steps: int) -> None:
        self.steps += steps
        if self._target.progress and self._all:
            self._line(doing, self.steps if self._by_steps else batches, self._all)


def _chained(first: Chunk, others: Iterable[Chunk]) -> Iterable[Chunk]:
    yield first
    yield from others
