"""What one batch brings to a recording, and streams side by side put one after the other.

Windows of streams that go on side by side arrive window by window, and are recorded stream by stream. Until all are
there, they wait in files beside the memory: a column a file, in the order in which they came.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from rnnstore.errors import StoreError
from rnnstore.store.chunks import Predictions
from rnnstore.store.recorder import Recorder


@dataclass(frozen=True)
class Chunk:
    """The recorded steps of a batch, sequence by sequence.

    words        int[n] ids, or n labels
    starts       bool[n]: a sequence starts
    states       by name float[n, units]
    annotations  by name, n values
    predictions  None where there are none
    sequence     int64[n]: the sequence of the batch, rising
    """

    words: Any
    starts: np.ndarray
    states: Mapping[str, np.ndarray]
    annotations: Mapping[str, np.ndarray]
    predictions: Predictions | None
    sequence: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def first(self, count: int) -> Chunk:
        """Its first `count` steps."""
        return self._of(slice(0, count))

    def _of(self, rows: slice) -> Chunk:
        found = self.predictions
        return replace(
            self,
            words=self.words[rows],
            starts=self.starts[rows],
            states={name: values[rows] for name, values in self.states.items()},
            annotations={name: values[rows] for name, values in self.annotations.items()},
            predictions=found and Predictions(**{name: getattr(found, name)[rows] for name in _FIELDS}),
            sequence=self.sequence[rows],
        )

    def add_to(self, recorder: Recorder) -> None:
        """Record it."""
        recorder.add(
            words=self.words,
            states=self.states,
            sequence_starts=self.starts,
            annotations=self.annotations or None,
            predictions=self.predictions,
        )


_FIELDS = tuple(Predictions.__dataclass_fields__)


class Streams:
    """Windows of streams, waiting in files until they are recorded one stream after the other; a `with` statement."""

    def __init__(self, dtype: str) -> None:
        self._dtype = np.dtype(dtype)
        self._files: dict[str, Any] = {}
        self._labels: dict[str, dict[Any, int]] = {}
        self._windows: list[np.ndarray] = []  # of each window, where each stream begins in it, and its end
        self._columns: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Streams:
        self._folder = tempfile.TemporaryDirectory(prefix="rnnstore-streams-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        assert self._folder is not None
        self._folder.cleanup()

    def add(self, chunk: Chunk) -> None:
        """Keep a window; every one has the same streams."""
        streams = int(chunk.sequence[-1]) + 1 if len(chunk) else 0
        bounds = np.searchsorted(chunk.sequence, np.arange(streams + 1))
        if self._windows and len(bounds) != len(self._windows[0]):
            raise StoreError(
                f"A window has {streams:,} streams and the first one had {len(self._windows[0]) - 1:,}: with "
                "stateful=True every batch brings the next steps of the same streams. Leave the last, smaller batch "
                "out."
            )
        columns: dict[str, np.ndarray] = {"starts": chunk.starts, "words": self._coded("words", chunk.words)}
        columns |= {f"state {name}": values.astype(self._dtype) for name, values in chunk.states.items()}
        columns |= {f"track {name}": self._coded(name, values) for name, values in chunk.annotations.items()}
        if chunk.predictions is not None:
            columns |= {f"predicted {name}": np.asarray(getattr(chunk.predictions, name)) for name in _FIELDS}
        assert self._folder is not None
        for number, (name, values) in enumerate(columns.items()):
            if name not in self._files:
                self._files[name] = open(Path(self._folder.name) / f"{number}", "w+b")  # noqa: SIM115 - closed at the end
                self._columns[name] = values.dtype, values.shape[1:]
            self._files[name].write(np.ascontiguousarray(values, self._columns[name][0]).data)
        self._windows.append(bounds)

    def chunks(self) -> Iterator[Chunk]:
        """Every stream's windows, one stream after the other."""
        begins = np.cumsum([0, *(int(bounds[-1]) for bounds in self._windows)])
        for stream in range(len(self._windows[0]) - 1 if self._windows else 0):
            for begin, bounds in zip(begins.tolist(), self._windows, strict=False):
                first, count = begin + int(bounds[stream]), int(bounds[stream + 1] - bounds[stream])
                found = {name: self._read(name, first, count) for name in self._files}
                predicted = {name: found[f"predicted {name}"] for name in _FIELDS if f"predicted {name}" in found}
                yield Chunk(
                    self._decoded("words", found["words"]),
                    found["starts"],
                    {name.removeprefix("state "): v for name, v in found.items() if name.startswith("state ")},
                    {
                        name.removeprefix("track "): self._decoded(name.removeprefix("track "), v)
                        for name, v in found.items()
                        if name.startswith("track ")
                    },
                    Predictions(**predicted) if predicted else None,
                    np.full(count, stream),
                )

    def _read(self, name: str, first: int, count: int) -> np.ndarray:
        dtype, shape = self._columns[name]
        width = int(np.prod(shape, dtype=np.int64))
        file = self._files[name]
        file.seek(first * width * dtype.itemsize)
        return np.frombuffer(file.read(count * width * dtype.itemsize), dtype).reshape(count, *shape)

    def _coded(self, name: str, values: Any) -> np.ndarray:
        """Numbers as they are, labels by a number each."""
        array = values if isinstance(values, np.ndarray) else np.array(values, object)
        if array.dtype.kind not in "OUS":
            return array
        known = self._labels.setdefault(name, {})
        return np.fromiter((known.setdefault(label, len(known)) for label in array.tolist()), np.int64, len(array))

    def _decoded(self, name: str, values: np.ndarray) -> Any:
        if name not in self._labels:
            return values
        labels = list(self._labels[name])
        return [labels[code] for code in values.tolist()]
