"""The recorder: takes words, states, annotations and predictions in chunks and makes a model's recording of them.

It works in blocks of 16,384 steps whatever the size of the chunks, so memory does not grow with the corpus, and each
block goes once through everything: tokens, tracks, predictions, the values in both layouts, runs, responses. All of
it is published together when the `with` ends, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.card import File, State, Track, checked_name
from rnnstore.errors import StoreError, nearest
from rnnstore.parts import DELTA, ParquetParts, RowMajorParts, RowMajorReader
from rnnstore.responses import EvenSample, Moments, expected_responses
from rnnstore.runs import RunEncoder, all_finite, single
from rnnstore.tables import BY_NAME, ROWS_A_GROUP, STEPS_A_PART, states_schema
from rnnstore.writing import KEPT_BY_A_RECORDING, ModelWriter, disk_full_said

BLOCK = ROWS_A_GROUP

RUN_CELLS = 1 << 24
"""Units x steps whose runs are encoded together, so that a row group of `on_states` holds many runs of few units."""

RUNS_A_GROUP = 1 << 18

LABELS = 200
"""Labels of a track that its card lists; the others are in the table all the same."""

RESPONSES = 1 << 27
"""Words x units up to which expected responses are kept (2 GiB while recording)."""

COMPRESSION = {"compression": "zstd", "compression_level": 1}


@dataclass(frozen=True)
class Predictions:
    """What a model expected after each of n steps, and what came.

    `word_ids` int[n, k] and `probabilities` float[n, k]: the k most probable next words, the most probable first.
    `targets` int[n]: the word that came next, -1 after the last step of a sequence; `target_probabilities` and `loss`
    float[n]: what the model gave it and the cross entropy in nats, NaN where there is no target.
    """

    word_ids: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray
    target_probabilities: np.ndarray
    loss: np.ndarray


class Recorder:
    """Records one model; made by `ModelWriter.record` or `Store.record`, used in a `with` statement.

    `vocabulary` lists the word of each id; without it, words are given as strings and numbered as they first appear.
    `thresholds` are those at which runs are recorded for SQL: for every state, or a mapping from state to thresholds.
    """

    def __init__(
        self,
        writer: ModelWriter,
        *,
        vocabulary: Sequence[str] | None,
        thresholds: Sequence[float] | Mapping[str, Sequence[float]],
        dtype: str,
        track_sources: Mapping[str, str],
        recorded: str,
    ):
        if dtype not in ("float16", "float32"):
            raise StoreError(f"States are stored as float16 or float32, not as {dtype!r}.")
        self._writer = writer
        self._dtype = np.dtype(dtype)
        self._thresholds = thresholds
        self._sources = dict(track_sources)
        self._recorded = recorded
        self._words = _Vocabulary(vocabulary)
        self._staging = writer.staging()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="rnnstore-recorder")
        self._pieces: list[dict[str, Any]] = []
        self._waiting = 0
        self._shape: dict[str, Any] | None = None
        self._sequence = -1
        self._position = 0
        self._starts: list[np.ndarray] = []
        self._sample = EvenSample()
        self._series: dict[str, _Series] = {}
        self._tracks: dict[str, _Track] = {}
        self._tokens: ParquetParts | None = None
        self._predictions: ParquetParts | None = None
        self.steps = 0

    def __enter__(self) -> Recorder:
        self._staging.__enter__()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if kind is None:
                with self._said():
                    self._finish()
            elif isinstance(error, OSError):
                with self._said():
                    raise error
        finally:
            for stream in self._streams():
                stream.abandon()
            self._pool.shutdown()
            self._staging.__exit__()

    def _said(self) -> disk_full_said:
        return disk_full_said(f"recording {self._writer.name}, {self.steps:,} steps so far")

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
        chunk = self._checked(words, states, sequence_starts, annotations or {}, predictions)
        if chunk is None:
            return
        self.steps += len(chunk["ids"])
        self._pieces.append(chunk)
        self._waiting += len(chunk["ids"])
        with self._said():
            while self._waiting >= BLOCK:
                self._flush(BLOCK)

    # Checking a chunk

    def _checked(
        self,
        words: Any,
        states: Mapping[str, Any],
        sequence_starts: Any,
        annotations: Mapping[str, Any],
        predictions: Predictions | None,
    ) -> dict[str, Any] | None:
        ids = self._words.ids(words)
        steps = len(ids)
        chunk: dict[str, Any] = {"ids": ids}
        if sequence_starts is None:
            starts = np.zeros(steps, bool)
        else:
            starts = np.array(sequence_starts, bool)
            if starts.shape != (steps,):
                raise StoreError(
                    f"sequence_starts has shape {list(starts.shape)}; one truth value for each of the {steps} words "
                    "was expected."
                )
        if self._shape is None and steps:
            starts[0] = True
        chunk["starts"] = starts
        for name, values in states.items():
            chunk["state", name] = self._state(checked_name(name, "state"), values, steps)
        for name, values in annotations.items():
            chunk["track", name] = _track_values(checked_name(name, "track"), values, steps)
        if predictions is not None:
            chunk.update(_prediction_columns(predictions, steps, len(self._words)))
        shape = {
            key: value.shape[1:] if not isinstance(key, tuple) or key[0] != "track" else value.dtype.kind
            for key, value in chunk.items()
        }
        if not steps:
            return None
        if self._shape is None:
            if not states:
                raise StoreError("The first chunk brings no state; name at least one, for example {'hidden': values}.")
            self._shape = shape
            self._open(shape)
        elif shape != self._shape:
            raise StoreError(_difference(shape, self._shape))
        return chunk

    def _state(self, name: str, values: Any, steps: int) -> np.ndarray:
        given = np.asarray(values)
        if given.ndim != 2 or len(given) != steps or not given.shape[1]:
            raise StoreError(
                f"State {name!r} has shape {list(given.shape)}; [{steps}, units] was expected: a row for each of the "
                f"{steps} words."
            )
        if given.dtype.kind not in "fiu":
            raise StoreError(f"State {name!r} holds {given.dtype}; real numbers were expected.")
        with np.errstate(over="ignore"):
            stored = given.astype(self._dtype)
        if not all_finite(stored):
            row, unit = np.argwhere(~np.isfinite(stored))[0]
            advice = " (too large for float16: record with dtype='float32')" if np.isfinite(given[row, unit]) else ""
            raise StoreError(
                f"State {name!r}, unit {unit}, is {given[row, unit]} at step {self.steps + row}; a finite number was "
                f"expected{advice}."
            )
        return stored

    def _open(self, shape: Mapping[Any, Any]) -> None:
        self._tokens = self._parquet("tokens", "tokens")
        for key, what in shape.items():
            if key[0] == "state":
                self._series[key[1]] = _Series(self, key[1], what[0])
            elif key[0] == "track":
                self._tracks[key[1]] = _Track(self, key[1])
        if "predicted" in shape:
            self._predictions = self._parquet("predictions", "predictions")

    def _parquet(self, table: str, folder: str, schema: pa.Schema | None = None, **options: Any) -> ParquetParts:
        return ParquetParts(
            self._staging, folder, schema or BY_NAME[table].schema, self._pool, **{**COMPRESSION, **options}
        )

    def _streams(self) -> list[Any]:
        streams = [self._tokens, self._predictions, *(track.parts for track in self._tracks.values())]
        for series in self._series.values():
            streams += [series.columns, series.rows, series.runs]
        return [stream for stream in streams if stream is not None]

    # Writing a block

    def _flush(self, steps: int) -> None:
        block = self._take(steps)
        ids, starts = block["ids"], block["starts"]
        first = self._written
        self._written += steps
        t = np.arange(first, first + steps)
        sequence, position = self._places(starts)
        start_steps = t[starts]
        self._starts.append(start_steps)
        order = np.argsort(ids, kind="stable")
        self._sample.add(first, order, ids)
        self._tokens.write(
            pa.table([t, sequence, position, ids, self._words.column(ids)], schema=BY_NAME["tokens"].schema),
            first,
        )
        for name, track in self._tracks.items():
            track.write(block["track", name], t)
        if self._predictions is not None:
            self._predictions.write(self._prediction_rows(block, t), first)
        for name, series in self._series.items():
            series.write(block["state", name], first, order, ids, starts, start_steps)

    _written = 0

    def _take(self, steps: int) -> dict[str, Any]:
        """The next `steps` waiting steps, as one array a column."""
        taken, count = [], 0
        while count < steps:
            piece = self._pieces[0]
            size = len(piece["ids"])
            if count + size <= steps:
                taken.append(self._pieces.pop(0))
                count += size
            else:
                cut = steps - count
                taken.append({key: value[:cut] for key, value in piece.items()})
                self._pieces[0] = {key: value[cut:] for key, value in piece.items()}
                count = steps
        self._waiting -= steps
        return {key: np.concatenate([piece[key] for piece in taken]) for key in taken[0]}

    def _places(self, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(sequence number, position in it) of each step of a block."""
        sequence = self._sequence + np.cumsum(starts)
        index = np.arange(len(starts))
        latest = np.maximum.accumulate(np.where(starts, index, -1))
        position = np.where(latest >= 0, index - latest, index + self._position)
        self._sequence = int(sequence[-1])
        self._position = int(position[-1]) + 1
        return sequence.astype(np.int32), position.astype(np.int32)

    def _prediction_rows(self, block: Mapping[str, Any], t: np.ndarray) -> pa.Table:
        predicted = block["predicted"]
        k = predicted.shape[1]
        targets = block["targets"]
        columns = [
            np.repeat(t, k),
            pa.array(np.tile(np.arange(1, k + 1, dtype=np.int16), len(t))),
            predicted.reshape(-1),
            self._words.column(predicted.reshape(-1)),
            block["probabilities"].reshape(-1),
            self._words.column(np.repeat(targets, k)),
            _or_null(np.repeat(block["target_probabilities"], k)),
            _or_null(np.repeat(block["losses"], k)),
        ]
        return pa.table(columns, schema=BY_NAME["predictions"].schema)

    # The end

    def _finish(self) -> None:
        if self._waiting:
            self._flush(self._waiting)
        if not self.steps:
            raise StoreError(f"Nothing was recorded for model {self._writer.name!r}: no steps were added.")
        files: dict[str, Sequence[File]] = {"tokens": self._tokens.close()}
        for name, track in self._tracks.items():
            files[f"annotations/{name}"] = track.parts.close()
        if self._predictions is not None:
            files["predictions"] = self._predictions.close()
        starts = np.concatenate(self._starts)
        sample = self._sample.result()
        for series in self._series.values():
            files |= series.finish(self.steps, sample, starts)
        units = max(series.units for series in self._series.values())
        card = {
            "steps": self.steps,
            "recorded": self._recorded,
            "states": {name: series.facts() for name, series in self._series.items()},
            "tracks": {name: track.facts(self._sources.get(name, "")) for name, track in self._tracks.items()},
            "predictions_per_step": self._shape["predicted"][0] if "predicted" in self._shape else 0,
            "vocabulary": self._writer.card.vocabulary or len(self._words),
            "units": self._writer.card.units or units,
        }
        replaced = [table for table in self._writer.card.files if table not in KEPT_BY_A_RECORDING]
        self._writer.publish(self._staging, files, replaced=replaced, **card)


class _Series:
    """One state being recorded: its values in both layouts, its runs, its responses."""

    def __init__(self, recorder: Recorder, name: str, units: int):
        self.name, self.units, self._dtype = name, units, recorder._dtype
        self._recorder = recorder
        thresholds = recorder._thresholds
        if isinstance(thresholds, Mapping):
            thresholds = thresholds.get(name, ())
        self.thresholds = tuple(float(threshold) for threshold in thresholds)
        folder = f"state={name}"
        pool, staging = recorder._pool, recorder._staging
        self.columns = recorder._parquet(
            "states",
            f"states/{folder}",
            states_schema(units, self._dtype.name),
            use_dictionary=False,
            write_statistics=["t"],
            column_encoding={"t": DELTA},
        )
        self.rows = RowMajorParts(staging, f"vectors/{folder}", units, self._dtype, pool)
        self.runs = recorder._parquet(
            "on_states",
            f"on_states/{folder}",
            use_dictionary=["threshold"],
            column_encoding={"unit": DELTA, "start": DELTA, "stop": DELTA},
            compression="none",
            compression_level=None,
        )
        self._encoders = [RunEncoder(units, threshold) for threshold in self.thresholds]
        self._unencoded: list[np.ndarray] = []
        self._unencoded_starts: list[np.ndarray] = []
        self._unencoded_first = 0
        self._moments: Moments | None = Moments(units)
        self._minimum, self._maximum = np.inf, -np.inf

    def write(
        self,
        values: np.ndarray,
        first: int,
        order: np.ndarray,
        ids: np.ndarray,
        starts: np.ndarray,
        start_steps: np.ndarray,
    ) -> None:
        self.rows.write(values, first)
        by_unit = np.ascontiguousarray(values.T)
        t = np.arange(first, first + len(values))
        self.columns.write(
            pa.table([t, *by_unit], schema=states_schema(self.units, self._dtype.name)), first, len(values)
        )
        exact = single(values)
        self._minimum = min(self._minimum, float(exact.min()))
        self._maximum = max(self._maximum, float(exact.max()))
        if self._moments is not None:
            if (int(ids[order[-1]]) + 1) * self.units > RESPONSES:
                self._moments = None
            else:
                self._moments.add(exact, order, ids, starts)
        if self._encoders:
            self._unencoded.append(by_unit)
            self._unencoded_starts.append(start_steps)
            held = sum(block.shape[1] for block in self._unencoded)
            if held * self.units >= RUN_CELLS or (first + len(values)) % STEPS_A_PART == 0:
                self._encode()

    def _encode(self) -> None:
        if not self._unencoded:
            return
        values = np.concatenate(self._unencoded, axis=1)
        starts = np.concatenate(self._unencoded_starts)
        first = self._unencoded_first
        self._unencoded, self._unencoded_starts = [], []
        self._unencoded_first += values.shape[1]
        for encoder in self._encoders:
            self._write_runs(encoder, encoder.encode(values, first, starts), first)

    def _write_runs(self, encoder: RunEncoder, runs: tuple[np.ndarray, ...], first: int) -> None:
        if not len(runs[0]):
            return
        threshold = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(runs[0]), np.int32)), pa.array([encoder.threshold])
        ).cast(pa.float64())
        self.runs.write(
            pa.table([threshold, *runs], schema=BY_NAME["on_states"].schema),
            first,
            row_group_size=RUNS_A_GROUP,
        )

    def finish(
        self, steps: int, sample: tuple[np.ndarray, np.ndarray], starts: np.ndarray
    ) -> dict[str, Sequence[File]]:
        self._encode()
        for encoder in self._encoders:
            self._write_runs(encoder, encoder.finish(steps), steps - 1)
        files = {f"states/{self.name}": self.columns.close(), f"vectors/{self.name}": self.rows.close()}
        if self._encoders:
            files[f"on_states/{self.name}"] = self.runs.close()
        if self._moments is not None:
            reader = RowMajorReader(
                self._recorder._staging.path, files[f"vectors/{self.name}"], self.units, self._dtype.name
            )
            parts = self._recorder._parquet(
                "expected_responses", f"expected_responses/state={self.name}", use_dictionary=["word"]
            )
            for piece in expected_responses(self._moments, sample, reader, starts, self._recorder._words.all):
                parts.write(piece, 0)
            files[f"expected_responses/{self.name}"] = parts.close()
            self._moments = None
        return files

    def facts(self) -> State:
        return State(
            name=self.name,
            units=self.units,
            dtype=self._dtype.name,
            minimum=self._minimum,
            maximum=self._maximum,
            thresholds=self.thresholds,
        )


class _Track:
    """One annotation track being recorded."""

    def __init__(self, recorder: Recorder, name: str):
        self.name = name
        self.parts = recorder._parquet("annotations", f"annotations/track={name}")
        self._labels: Counter[str] = Counter()
        self._kind = ""
        self._minimum, self._maximum = np.inf, -np.inf

    def write(self, values: np.ndarray, t: np.ndarray) -> None:
        if values.dtype.kind == "f":
            self._kind = "scalar"
            if np.isfinite(values).any():
                self._minimum = min(self._minimum, float(np.nanmin(values)))
                self._maximum = max(self._maximum, float(np.nanmax(values)))
            columns = [
                t,
                pa.nulls(len(t), BY_NAME["annotations"].schema.field("value").type),
                _or_null(values),
            ]
        else:
            self._kind = "discrete"
            encoded = pa.array(values, pa.string()).dictionary_encode()
            codes = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
            self._labels.update(dict(zip(encoded.dictionary.to_pylist(), codes.tolist(), strict=True)))
            columns = [t, encoded, pa.nulls(len(t), pa.float64())]
        self.parts.write(pa.table(columns, schema=BY_NAME["annotations"].schema), int(t[0]))

    def facts(self, source: str) -> Track:
        scalar = self._kind == "scalar"
        labels = [label for label, _ in sorted(self._labels.items(), key=lambda item: (-item[1], item[0])) if label]
        return Track(
            name=self.name,
            kind=self._kind,
            labels=() if scalar else tuple(labels[:LABELS]),
            distinct=0 if scalar else len(labels),
            minimum=self._minimum if scalar and self._minimum <= self._maximum else None,
            maximum=self._maximum if scalar and self._minimum <= self._maximum else None,
            source=source,
        )


class _Vocabulary:
    """Words and their ids: given beforehand, or numbered as they first appear."""

    def __init__(self, words: Sequence[str] | None):
        self._fixed = words is not None
        self.all = [str(word) for word in words] if words is not None else []
        self._ids = {} if self._fixed else {word: index for index, word in enumerate(self.all)}

    def __len__(self) -> int:
        return len(self.all)

    def ids(self, words: Any) -> np.ndarray:
        if self._fixed:
            ids = np.asarray(words)
            if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
                raise StoreError(
                    f"Words were given as {ids.dtype}{list(ids.shape)}; with a vocabulary, a list of ids is expected."
                )
            if ids.size and not 0 <= ids.min() <= ids.max() < len(self.all):
                wrong = ids[(ids < 0) | (ids >= len(self.all))][0]
                raise StoreError(f"Word id {wrong} is outside the vocabulary of {len(self.all):,} words (from 0).")
            return ids.astype(np.int32)
        if isinstance(words, str):
            raise StoreError("Words were given as one string; a list of words is expected (list(text) by character).")
        words = list(words)
        for word in words:
            if not isinstance(word, str):
                raise StoreError(f"The word {word!r} is no string; give a vocabulary to record ids.")
            if word not in self._ids:
                self._ids[word] = len(self.all)
                self.all.append(word)
        return np.fromiter((self._ids[word] for word in words), np.int32, len(words))

    def column(self, ids: np.ndarray) -> pa.DictionaryArray:
        """The words of `ids` (-1: null), with a dictionary of only those that occur."""
        present, codes = np.unique(ids, return_inverse=True)
        dictionary = pa.array([self.all[index] if index >= 0 else "" for index in present], pa.string())
        missing = pa.array(ids < 0) if len(present) and present[0] < 0 else None
        return pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32), mask=None if missing is None else ids < 0), dictionary
        )


def _track_values(name: str, values: Any, steps: int) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != (steps,):
        raise StoreError(
            f"Track {name!r} has shape {list(array.shape)}; one value for each of the {steps} words was expected."
        )
    if array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.dtype.kind == "b":
        return np.where(array, "true", "false").astype(object)
    return np.array([("" if value is None else str(value)) for value in array.tolist()], dtype=object)


def _prediction_columns(given: Predictions, steps: int, vocabulary: int) -> dict[str, np.ndarray]:
    predicted, probabilities = np.asarray(given.word_ids), np.asarray(given.probabilities)
    if predicted.ndim != 2 or len(predicted) != steps or probabilities.shape != predicted.shape:
        raise StoreError(
            f"Predictions have shapes {list(predicted.shape)} and {list(probabilities.shape)}; [{steps}, k] was "
            "expected of both."
        )
    targets = np.asarray(given.targets)
    for ids in (predicted, targets):
        if ids.size and not -1 <= ids.min() <= ids.max() < vocabulary:
            raise StoreError(f"A predicted word or target lies outside the vocabulary of {vocabulary:,} words.")
    columns = {
        "predicted": predicted.astype(np.int32),
        "probabilities": probabilities.astype(np.float32),
        "targets": targets.astype(np.int32),
        "target_probabilities": np.asarray(given.target_probabilities, np.float32),
        "losses": np.asarray(given.loss, np.float32),
    }
    for name, column in columns.items():
        if len(column) != steps:
            raise StoreError(f"Predictions' {name} has {len(column)} rows; {steps} were expected.")
    return columns


def _or_null(values: np.ndarray) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _difference(given: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
    """A sentence about the first thing in which a chunk differs from the first one."""

    def said(key: Any) -> str:
        return f"{key[0]} {key[1]!r}" if isinstance(key, tuple) else str(key)

    for key in expected:
        if key not in given:
            return f"This chunk lacks {said(key)}, which the first one had; every chunk brings the same."
    for key in given:
        if key not in expected:
            names = [known[1] for known in expected if isinstance(known, tuple) and known[0] == key[0]]
            return f"This chunk brings {said(key)}, which the first one had not: {nearest(str(key[-1]), names)}"
    key = next(key for key in given if given[key] != expected[key])
    if key[0] == "track":
        return f"Track {key[1]!r} brings {'numbers' if given[key] == 'f' else 'labels'}, unlike the first chunk."
    return f"{said(key)} has width {list(given[key])} here and {list(expected[key])} in the first chunk."
