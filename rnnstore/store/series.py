"""One recorded series, be it a state or a track, on its way from row groups of steps to the files of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from rnnstore.store.blocks import DELTA, ParquetBlocks, RowMajorBlocks
from rnnstore.store.card import File, State, Track
from rnnstore.store.responses import Moments
from rnnstore.store.runs import RunEncoder, single
from rnnstore.store.staging import Staging
from rnnstore.store.tables import STEPS_PER_BLOCK, TABLES, VECTORS, states_schema

RUN_CELLS = 1 << 24
"""Units x steps whose runs are encoded together, so that a row group of `on_states` holds many runs of few units."""

RUNS_A_GROUP = 1 << 18

LABELS = 200
"""Labels of a track that its card lists; the others are in the table all the same."""

RESPONSES = 1 << 27
"""Words x units of all states together up to which expected responses are recorded (2 GiB while recording)."""

LABELS_FROM, SURE_FROM = 10_000, 1 << 17
"""Words from which they may turn out to be labels, such as timestamps; words at which that is decided underway."""

TOO_MANY = (
    "Expected responses were not recorded: so many words and units would take too much memory. Record with a smaller "
    "vocabulary or fewer states to have them."
)
HARDLY_AGAIN = (
    "Expected responses were not recorded: most words were read once, as labels such as timestamps are, and a mean "
    "over one step says nothing about a word."
)

OPTIONS: dict[str, dict[str, Any]] = {
    "states": {
        "use_dictionary": False,
        "write_statistics": ["t"],
        "column_encoding": {"t": DELTA},
        "compression": "lz4",  # a tenth larger than zstd, and a column is read three times as fast
        "compression_level": None,
    },
    "on_states": {
        "use_dictionary": ["threshold"],
        "column_encoding": {"unit": DELTA, "start": DELTA, "stop": DELTA},
        "compression": "none",
        "compression_level": None,
    },
    "expected_responses": {"use_dictionary": ["word"]},
}
"""How the files of a table are written, where that differs from the others."""


def parquet_options(table: str) -> dict[str, Any]:
    """The options of `pyarrow.parquet.ParquetWriter` for the files of a table of a recording."""
    return {"compression": "zstd", "compression_level": 1, **OPTIONS.get(table, {})}


@dataclass(frozen=True)
class Target:
    """Where the files of a recording go: its staging folder, and the threads that write them."""

    staging: Staging
    pool: ThreadPoolExecutor

    def parquet(self, table: str, folder: str = "", schema: pa.Schema | None = None) -> ParquetBlocks:
        """A stream into the blocks of `table`, in `folder` below it (`state=layer1.c`)."""
        path = f"{table}/{folder}" if folder else table
        return ParquetBlocks(self.staging, path, schema or TABLES[table].schema, self.pool, **parquet_options(table))


@dataclass(frozen=True)
class RowGroup:
    """Consecutive steps that are written together: what every state needs to know about them."""

    first: int
    ids: np.ndarray
    starts: np.ndarray
    order: np.ndarray

    @property
    def start_steps(self) -> np.ndarray:
        """int64: the steps of the row group at which a sequence starts."""
        return self.first + np.flatnonzero(self.starts)


class StateSeries:
    """One state being recorded: its values in both layouts, its runs, its responses."""

    def __init__(
        self,
        target: Target,
        name: str,
        units: int,
        dtype: np.dtype,
        thresholds: Sequence[float],
        most_words: int,
    ) -> None:
        """`most_words`: up to so many, the words' expected responses are recorded."""
        self.name, self.units, self._dtype, self._target = name, units, dtype, target
        self.thresholds = tuple(float(threshold) for threshold in thresholds)
        self._schema = states_schema(units, dtype.name)
        folder = f"state={name}"
        self._columns = target.parquet("states", folder, self._schema)
        self._rows = RowMajorBlocks(target.staging, f"{VECTORS}/{folder}", units, dtype, target.pool)
        self._runs = target.parquet("on_states", folder)
        self._encoders = [RunEncoder(units, threshold) for threshold in self.thresholds]
        self._unencoded: list[np.ndarray] = []
        self._unencoded_starts: list[np.ndarray] = []
        self._unencoded_first = 0
        self.moments: Moments | None = Moments(units)
        self._most_words = most_words
        self.left_out = ""
        self._minimum, self._maximum = np.inf, -np.inf

    @property
    def streams(self) -> list[Any]:
        return [self._columns, self._rows, self._runs]

    def start_after(self, values: np.ndarray) -> None:
        """Let the first step's response be its change from these values [units], which are not recorded."""
        if self.moments is not None:
            self.moments.start(0, single(values[None])[0])

    def write(self, values: np.ndarray, group: RowGroup) -> None:
        """Write a row group of `values` [steps, units], as stored."""
        end = group.first + len(values)
        self._rows.write(values, group.first)
        by_unit = np.ascontiguousarray(values.T)
        rows = pa.table([np.arange(group.first, end), *by_unit], schema=self._schema)
        self._columns.write(rows, group.first, len(values))
        exact = single(values)
        self._minimum = min(self._minimum, float(exact.min()))
        self._maximum = max(self._maximum, float(exact.max()))
        if self.moments is not None:
            if int(group.ids.max()) >= self._most_words:
                self.moments, self.left_out = None, TOO_MANY
            else:
                self.moments.add(exact, group.order, group.ids, group.starts)
                if are_labels(self.moments, end, SURE_FROM):
                    self.moments, self.left_out = None, HARDLY_AGAIN
        if self._encoders:
            self._unencoded.append(by_unit)
            self._unencoded_starts.append(group.start_steps)
            held = sum(waiting.shape[1] for waiting in self._unencoded)
            if held * self.units >= RUN_CELLS or end % STEPS_PER_BLOCK == 0:
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
        self._runs.write(
            pa.table([threshold, *runs], schema=TABLES["on_states"].schema),
            first,
            row_group_size=RUNS_A_GROUP,
        )

    def finish(self, steps: int) -> dict[str, Sequence[File]]:
        """The files of this state's tables of steps and runs, by the keys of a card."""
        self._encode()
        for encoder in self._encoders:
            self._write_runs(encoder, encoder.finish(steps), steps - 1)
        files: dict[str, Sequence[File]] = {
            f"states/{self.name}": self._columns.close(),
            f"{VECTORS}/{self.name}": self._rows.close(),
        }
        if self._encoders:
            files[f"on_states/{self.name}"] = self._runs.close()
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


def are_labels(moments: Moments, steps: int, least: int) -> bool:
    """Whether there are `least` words or more, of which most were read once in all these steps."""
    words = int(np.count_nonzero(moments.count))
    return words >= least and 2 * words > steps


@dataclass
class TrackSummary:
    """What a card says of a track, while it is found: numbers with their range, or labels with how often each came."""

    kind: str = ""
    whole: bool = True
    minimum: float = np.inf
    maximum: float = -np.inf
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, other: TrackSummary) -> None:
        """Count what another span of the same track held, too."""
        self.kind, self.whole = other.kind, self.whole and other.whole
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.labels.update(other.labels)

    def facts(self, name: str, source: str) -> Track:
        """The track as a card has it."""
        scalar = self.kind == "scalar"
        labels = [label for label, _ in sorted(self.labels.items(), key=lambda item: (-item[1], item[0])) if label]
        return Track(
            name=name,
            kind="scalar" if scalar else "discrete",
            labels=() if scalar else tuple(labels[:LABELS]),
            distinct=0 if scalar else len(labels),
            minimum=self.minimum if scalar and self.minimum <= self.maximum else None,
            maximum=self.maximum if scalar and self.minimum <= self.maximum else None,
            whole=self.whole if scalar else None,
            source=source,
        )


class TrackSeries:
    """One annotation track being recorded."""

    def __init__(self, target: Target, name: str) -> None:
        self.name = name
        self.blocks = target.parquet("annotations", f"track={name}")
        self.seen = TrackSummary()

    def write(self, values: np.ndarray, first: int) -> None:
        """Write a row group of `values`: float64 numbers, or labels as objects."""
        t = np.arange(first, first + len(values))
        if values.dtype.kind == "f":
            self.seen.kind = "scalar"
            finite = values[np.isfinite(values)]
            self.seen.minimum = min(self.seen.minimum, float(finite.min(initial=np.inf)))
            self.seen.maximum = max(self.seen.maximum, float(finite.max(initial=-np.inf)))
            self.seen.whole &= bool((finite == np.rint(finite)).all())
            columns = [
                t,
                pa.nulls(len(t), TABLES["annotations"].schema.field("value").type),
                pa.array(values, from_pandas=True),
            ]
        else:
            self.seen.kind = "discrete"
            encoded = pa.array(values, pa.string()).dictionary_encode()
            codes = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary))
            self.seen.labels.update(dict(zip(encoded.dictionary.to_pylist(), codes.tolist(), strict=True)))
            columns = [t, encoded, pa.nulls(len(t), pa.float64())]
        self.blocks.write(pa.table(columns, schema=TABLES["annotations"].schema), first)
