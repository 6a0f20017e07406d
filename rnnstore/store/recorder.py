"""The recorder: takes words, states, annotations and predictions in chunks and makes a model's recording of them.

It works in row groups of 16,384 steps whatever the size of the chunks, so memory does not grow with the corpus, and
each row group goes once through everything: tokens, tracks, predictions, the values in both layouts, runs, responses.
All of it is published together when the `with` ends, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.errors import StoreError, is_disk_full, suggest
from rnnstore.store import chunks, series
from rnnstore.store.blocks import ParquetBlocks
from rnnstore.store.card import checked_name
from rnnstore.store.chunks import Chunk, Predictions, Vocabulary
from rnnstore.store.recorded import Files, Recorded
from rnnstore.store.series import RowGroup, StateSeries, Target, TrackSeries
from rnnstore.store.staging import Staging, explain_disk_errors
from rnnstore.store.tables import ROWS_PER_GROUP, TABLES

GROUP = ROWS_PER_GROUP


class Recorder:
    """Records one model, or a part of one; made by `Store.record`, `ModelWriter.record` or `ModelWriter.part`, used in
    a `with` statement. Its files are written to `staging`, and `end` makes something of them; errors say `called`.

    `vocabulary` lists the word of each id; without it, words are given as strings and numbered as they first appear.
    `outputs` lists what is predicted where that is something else than words, such as the labels of a classifier.
    `thresholds` are those at which runs are recorded for SQL: for every state, or a mapping from state to thresholds.
    Of the first `warm_up` steps nothing is recorded, and the step behind them goes on with their sequence.
    """

    def __init__(
        self,
        called: str,
        staging: Staging,
        end: Callable[[Target, Recorded], None],
        *,
        vocabulary: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,),
        dtype: str = "float16",
        track_sources: Mapping[str, str] | None = None,
        recorded: str = "",
        warm_up: int = 0,
    ) -> None:
        if dtype not in ("float16", "float32"):
            raise StoreError(f"States are stored as float16 or float32, not as {dtype!r}.")
        self._called, self._end = called, end
        self._dtype = np.dtype(dtype)
        self._thresholds = _checked_thresholds(thresholds)
        self._sources = dict(track_sources or {})
        self._recorded = recorded
        self._words = Vocabulary(vocabulary)
        self._outputs = self._words if outputs is None else Vocabulary(outputs)
        self._staging = staging
        self._target = Target(self._staging, ThreadPoolExecutor(2, thread_name_prefix="rnnstore-recorder"))
        self._shape: dict[Any, Any] = {}  # of a chunk, once the first one came
        self._waiting: list[Chunk] = []
        self._written = 0
        self._sequence, self._position = -1, 0
        self._starts: list[np.ndarray] = []
        self._states: dict[str, StateSeries] = {}
        self._tracks: dict[str, TrackSeries] = {}
        self._tokens: ParquetBlocks | None = None
        self._predictions: ParquetBlocks | None = None
        self.steps = 0
        self._warm_up, self._unread = warm_up, warm_up

    def __enter__(self) -> Recorder:
        self._staging.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                with self._explained():
                    self._finish()
            elif isinstance(error, OSError) and is_disk_full(error):
                with self._explained():
                    raise error
        finally:
            self._target.pool.shutdown()  # first: what a thread still writes is not to be closed under it
            for stream in self._streams():
                stream.abandon()
            self._staging.__exit__()

    def _explained(self) -> explain_disk_errors:
        return explain_disk_errors(f"recording {self._called}, {self.steps:,} steps so far")

    def add(
        self,
        *,
        words: Sequence[str] | Sequence[int] | np.ndarray,
        states: Mapping[str, Any],
        sequence_starts: np.ndarray | Sequence[bool] | None = None,
        annotations: Mapping[str, Any] | None = None,
        predictions: Predictions | None = None,
    ) -> None:
        """Append n steps.

        `words`: n ids into the vocabulary, or n strings when none was given. `states`: by name, anything NumPy takes
        as float[n, units]; every chunk brings the same names and widths. `sequence_starts`: bool[n], true at steps
        before which the state was reset; the first step of all always is one. `annotations`: by track name, n numbers
        or n strings. Raises `StoreError` with a sentence when a chunk does not fit the ones before.
        """
        if not self._staging.path.is_dir():
            raise StoreError(f"The recorder of {self._called!r} is not open; add steps inside its `with`.")
        for given, what in ((states, "states"), (annotations or {}, "annotations")):
            if not isinstance(given, Mapping):
                kind = type(given).__name__
                raise StoreError(f"The {what} were given as {kind}; values by name were expected: {{'name': values}}.")
        ids = self._words.ids(words)
        steps = len(ids)
        if not steps:
            return
        chunk: Chunk = {"ids": ids, "starts": chunks.sequence_starts(sequence_starts, steps)}
        for name, values in states.items():
            values = chunks.state_values(checked_name(name, "state"), values, steps, self.steps, self._dtype)
            chunk["state", name] = values
        for name, values in (annotations or {}).items():
            numbers = self._shape.get(("track", name)) == "f"
            chunk["track", name] = chunks.track_values(checked_name(name, "track"), values, steps, numbers)
        if predictions is not None:
            chunk.update(chunks.prediction_columns(predictions, steps, len(self._outputs)))
        self._take_in(chunk)
        with self._explained():
            while self.steps - self._written >= GROUP:
                self._flush(GROUP)

    def _take_in(self, chunk: Chunk) -> None:
        shape = chunks.shape_of(chunk)
        if not self._shape:
            states = {key[1]: width[0] for key, width in shape.items() if key[0] == "state"}
            if not states:
                raise StoreError("The first chunk brings no state; name at least one, for example {'hidden': values}.")
            self._shape = shape
            chunk["starts"][0] |= not self._warm_up
            self._open(states, [key[1] for key in shape if key[0] == "track"])
        elif shape != self._shape:
            raise StoreError(chunks.difference(shape, self._shape))
        chunk = self._without_warm_up(chunk)
        self.steps += len(chunk["ids"])
        self._waiting.append(chunk)

    def _without_warm_up(self, chunk: Chunk) -> Chunk:
        """The steps of a chunk that are recorded; responses begin with the change from the last one that is not."""
        unread = min(self._unread, len(chunk["ids"]))
        if not unread:
            return chunk
        self._unread -= unread
        for name, state in self._states.items():
            state.start_after(chunk["state", name][unread - 1])
        return {key: column[unread:] for key, column in chunk.items()}

    def _open(self, states: Mapping[str, int], tracks: Sequence[str]) -> None:
        thresholds = self._thresholds
        for name in thresholds if isinstance(thresholds, Mapping) else ():
            if name not in states:
                raise StoreError(f"Thresholds were given for the state {name!r}: {suggest(name, states)}")
        most_words = series.RESPONSES // sum(states.values())
        for name, units in states.items():
            chosen = thresholds.get(name, ()) if isinstance(thresholds, Mapping) else thresholds
            self._states[name] = StateSeries(self._target, name, units, self._dtype, chosen, most_words)
        self._tracks = {name: TrackSeries(self._target, name) for name in tracks}
        self._tokens = self._target.parquet("tokens")
        if "predicted" in self._shape:
            self._predictions = self._target.parquet("predictions")

    def _streams(self) -> list[Any]:
        streams = [self._tokens, self._predictions, *(track.blocks for track in self._tracks.values())]
        for state in self._states.values():
            streams += state.streams
        return [stream for stream in streams if stream is not None]

    # Writing a row group

    def _flush(self, steps: int) -> None:
        columns = self._next(steps)
        ids, starts, first = columns["ids"], columns["starts"], self._written
        self._written += steps
        group = RowGroup(first, ids, starts, np.argsort(ids, kind="stable"))
        self._starts.append(group.start_steps)
        t = np.arange(first, first + steps)
        assert self._tokens is not None
        tokens = [t, *self._places(starts), ids, self._words.column(ids)]
        self._tokens.write(pa.table(tokens, schema=TABLES["tokens"].schema), first)
        for name, track in self._tracks.items():
            track.write(columns["track", name], first)
        if self._predictions is not None:
            self._predictions.write(self._prediction_rows(columns, t), first)
        for name, state in self._states.items():
            state.write(columns["state", name], group)

    def _next(self, steps: int) -> Chunk:
        """The next `steps` waiting steps, as one array a column."""
        taken, missing = [], steps
        while missing:
            chunk = self._waiting.pop(0)
            if len(chunk["ids"]) > missing:
                self._waiting.insert(0, {key: column[missing:] for key, column in chunk.items()})
                chunk = {key: column[:missing] for key, column in chunk.items()}
            taken.append(chunk)
            missing -= len(chunk["ids"])
        return {key: np.concatenate([chunk[key] for chunk in taken]) for key in taken[0]}

    def _places(self, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(sequence number, position in it) of each step of a group."""
        sequence = self._sequence + np.cumsum(starts)
        index = np.arange(len(starts))
        latest = np.maximum.accumulate(np.where(starts, index, -1))
        position = np.where(latest >= 0, index - latest, index + self._position)
        self._sequence = int(sequence[-1])
        self._position = int(position[-1]) + 1
        return sequence.astype(np.int32), position.astype(np.int32)

    def _prediction_rows(self, columns: Chunk, t: np.ndarray) -> pa.Table:
        predicted = columns["predicted"]
        k = predicted.shape[1]
        targets = columns["targets"]
        rows = [
            np.repeat(t, k),
            pa.array(np.tile(np.arange(1, k + 1, dtype=np.int16), len(t))),
            predicted.reshape(-1),
            self._outputs.column(predicted.reshape(-1)),
            _null_for_nan(columns["probabilities"].reshape(-1)),
            self._outputs.column(np.repeat(targets, k)),
            _null_for_nan(np.repeat(columns["target_probabilities"], k)),
            _null_for_nan(np.repeat(columns["losses"], k)),
        ]
        return pa.table(rows, schema=TABLES["predictions"].schema)

    # The end

    def _finish(self) -> None:
        if self.steps > self._written:
            self._flush(self.steps - self._written)
        if not self.steps:
            raise StoreError(f"Nothing was recorded for model {self._called!r}: no steps were added.")
        assert self._tokens is not None
        files: Files = {"tokens": self._tokens.close()}
        for name, track in self._tracks.items():
            files[f"annotations/{name}"] = track.blocks.close()
        if self._predictions is not None:
            files["predictions"] = self._predictions.close()
        for state in self._states.values():
            files |= state.finish(self.steps)
        found = Recorded(
            folder=self._target.staging.path,
            files=files,
            steps=self.steps,
            starts=np.concatenate(self._starts),
            words=self._words.all,
            fixed=self._words.fixed,
            outputs=None if self._outputs is self._words else self._outputs.all,
            states={name: state.facts() for name, state in self._states.items()},
            moments={name: state.moments or state.left_out for name, state in self._states.items()},
            tracks={name: track.seen for name, track in self._tracks.items()},
            sources=self._sources,
            predictions_per_step=self._shape["predicted"][0] if "predicted" in self._shape else 0,
            recorded=self._recorded,
            warm_up=self._warm_up,
        )
        self._end(self._target, found)


def _null_for_nan(values: np.ndarray) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _checked_thresholds(given: Any) -> Any:
    """Thresholds as finite numbers, each once: for every state, or by state."""
    if isinstance(given, Mapping):
        return {name: _checked_thresholds(each) for name, each in given.items()}
    try:
        thresholds = tuple(dict.fromkeys(float(threshold) for threshold in given))
    except (TypeError, ValueError):
        thresholds = (np.nan,)
    if not np.isfinite(thresholds).all():
        raise StoreError(
            f"The thresholds were given as {given!r}; a list of finite numbers was expected, for example (0.3,)."
        )
    return thresholds
