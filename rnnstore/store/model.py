"""Reading one model: its card and the few ways in which everything else asks for its recorded data.

Tables are asked by SQL over the model's Parquet files; states, which are large, have two direct ways: `unit_values`
(some units over all steps, from the Parquet columns) and `vectors` / `vectors_at` (all units at some steps, from the
row-major copy). Both give the stored values unchanged.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from rnnstore.errors import UNDECODABLE, DamagedModel, QuestionError, StoreError, UnknownName, cause, suggest
from rnnstore.registry import Face, faces
from rnnstore.store import leases
from rnnstore.store.blocks import RowMajorReader
from rnnstore.store.card import MENDING, Card, State, Track
from rnnstore.store.leases import Lease
from rnnstore.store.limits import MOST_WORDS
from rnnstore.store.runs import is_on, unit_runs
from rnnstore.store.table_reader import TableReader, plain
from rnnstore.store.tables import STEPS_PER_BLOCK, TABLES


class Model:
    """A recorded model of a store; `Store.model` gives it.

    It leads on to the analyses: `model.memory.curves("layer1.c")` is `rnnstore.memory.curves(model, "layer1.c")`, and
    `model.pictures` holds the pictures of a model; `dir(model)` lists both.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        card: Card,
        cursor: Callable[[], duckdb.DuckDBPyConnection],
        lease: Lease | None = None,
    ) -> None:
        self.name, self.folder, self.card = name, folder, card
        self._cursor, self._lease = cursor, lease
        self._readers: dict[str, RowMajorReader] = {}
        self._tables = TableReader(folder, card.files)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Model({self.name!r}, {self.steps:,} steps, states {', '.join(self.states) or 'none'})"

    if not TYPE_CHECKING:  # a type checker then still knows which attributes there are

        def __getattr__(self, name: str) -> Face:
            if name.startswith("_") or name not in faces():
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return Face(name, self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *faces()})

    def hold(self) -> None:
        """Keep the model's files, where nothing does so yet, from being deleted when it is recorded anew."""
        if self._lease is None:
            self._lease = leases.take(self.folder, self.card)

    @cached_property
    def key(self) -> tuple[str, str]:
        """Identifies what this object reads: the model's folder and a fingerprint of its card. Hashable, for caches.

        Two objects have one key exactly when their answers are the same; a model that was recorded, trained or
        described anew since has another. The fingerprint is of the card as it was read: asking looks at no file.
        """
        card = repr(self.card).encode("utf-8", "surrogatepass")
        return str(self.folder), hashlib.blake2b(card, digest_size=16).hexdigest()

    @property
    def steps(self) -> int:
        """Recorded time steps; 0 when the model was trained but not recorded."""
        return self.card.steps

    @property
    def states(self) -> dict[str, State]:
        return self.card.states

    @property
    def tracks(self) -> dict[str, Track]:
        return self.card.tracks

    @property
    def predictions_per_step(self) -> int:
        return self.card.predictions_per_step

    @property
    def has_predictions(self) -> bool:
        return self.card.predictions_per_step > 0

    def state(self, name: str) -> State:
        """Facts of a recorded state; raises `UnknownName` with the nearest ones."""
        if name not in self.states:
            raise UnknownName(f"Model {self.name!r} has no state {name!r}: {suggest(name, self.states)}")
        return self.states[name]

    # Words and what stands beside them

    @cached_property
    def sequence_starts(self) -> np.ndarray:
        """int64[sequences]: the steps at which a sequence starts, ascending, the first is 0."""
        starts = [np.zeros(0, np.int64)]
        for first in range(0, self.steps, STEPS_PER_BLOCK):
            stop = min(self.steps, first + STEPS_PER_BLOCK)
            position = self._columns("tokens", ["position"], first, stop, np.int32)[0]
            starts.append(np.flatnonzero(position == 0) + first)
        return np.concatenate(starts)

    @cached_property
    def vocabulary(self) -> list[str]:
        """The word of each word id, as far as it was recorded; an id that never occurs has an empty word."""
        rows = self.ask("tokens", "select word_id, any_value(word) as word from {tokens} group by word_id")
        self._check_word_ids(rows["word_id"].to_numpy())
        words = [""] * (max(rows["word_id"].to_pylist(), default=-1) + 1)
        for index, word in zip(rows["word_id"].to_pylist(), rows["word"].to_pylist(), strict=True):
            words[index] = word or ""
        return words

    def words(self, start: int, stop: int) -> pa.Table:
        """The tokens of steps start..stop-1: t, sequence, position, word_id, word."""
        self._check_window(start, stop)
        return self.ask(
            "tokens",
            "select * from {tokens} where t >= $start and t < $stop order by t",
            start=start,
            stop=stop,
        )

    def words_at(self, steps: Sequence[int] | np.ndarray) -> pa.Table:
        """The tokens of scattered steps, in the order given."""
        steps = np.asarray(steps, np.int64)
        ids = self._at("tokens", steps, ["word_id"])["word_id"].to_numpy()
        sequence = np.searchsorted(self.sequence_starts, steps, "right") - 1
        vocabulary = self.vocabulary
        return pa.table(
            {
                "t": steps,
                "sequence": sequence.astype(np.int32),
                "position": (steps - self.sequence_starts[sequence]).astype(np.int32),
                "word_id": ids,
                "word": pa.array([vocabulary[index] for index in ids.tolist()], pa.string()),
            }
        )

    def word_ids(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """int32[stop - start]: the word id at each step."""
        stop = self.steps if stop is None else stop
        self._check_window(start, stop)
        ids = self._columns("tokens", ["word_id"], start, stop, np.int32)[0]
        self._check_word_ids(ids)
        return ids

    def annotations(self, tracks: Iterable[str], start: int, stop: int) -> pa.Table:
        """The values of `tracks` at steps start..stop-1: track, t, value (labels), number (scalar tracks)."""
        self._check_window(start, stop)
        return self._tracks(
            tracks, "select * from {annotations} where t >= $start and t < $stop order by t", start=start, stop=stop
        )

    def annotations_at(self, tracks: Iterable[str], steps: Sequence[int] | np.ndarray) -> pa.Table:
        """The values of `tracks` at scattered steps (each once, ascending): track, t, value, number."""
        wanted = np.unique(np.asarray(steps, np.int64))
        tables = []
        for track in tracks:
            rows = self._at(f"annotations/{self._track(track)}", wanted, ["value", "number"])
            rows = rows.add_column(0, "t", pa.array(wanted))
            tables.append(rows.add_column(0, "track", pa.array([track] * len(wanted), pa.string())))
        return pa.concat_tables(tables) if tables else _empty("annotations")

    def predictions(self, start: int, stop: int) -> pa.Table:
        """The predictions after steps start..stop-1: see the table `predictions`; empty when none were recorded."""
        self._check_window(start, stop)
        if not self.has_predictions:
            return _empty("predictions")
        return self.ask(
            "predictions",
            "select * from {predictions} where t >= $start and t < $stop order by t, rank",
            start=start,
            stop=stop,
        )

    def table(self, name: str, folder: str = "") -> pa.Table:
        """All rows of a table, or of one `folder` of it (a state, a track), in its order; empty where it has none.

        Every table but `states` can be read so, those with a method of their own included; see docs/tables.md.
        """
        table = TABLES.get(name)
        if table is None or table.wide or bool(folder) != bool(table.folder):
            whole = [each.name for each in TABLES.values() if not each.wide and bool(each.folder) == bool(folder)]
            raise UnknownName(
                f"There is no table {name!r} to read {'by folder' if folder else 'whole'}: {suggest(name, whole)}"
            )
        key = f"{name}/{folder}" if folder else name
        if key not in self.card.files:
            return plain(table.schema.empty_table())
        order = f" order by {', '.join(table.order)}" if table.order else ""
        return self.ask(key, f"select * from {{{name}}}{order}")

    def expected_responses(
        self, state: str, words: Sequence[int] | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The rows of `expected_responses` for a state: all words, or those with the ids `words`; by word id.

        `columns` are those of the table, by default all but `state`.
        """
        self.state(state)
        key = f"expected_responses/{state}"
        schema = TABLES["expected_responses"].schema
        named = schema.names if columns is None else list(columns)
        if key not in self.card.files:
            return _empty("expected_responses").select(["state", *named] if columns is None else named)
        query = f"select {', '.join(named)} from {{expected_responses}}"
        if words is None:
            return self.ask(key, f"{query} order by word_id")
        return self.ask(
            key,
            f"{query} where word_id in (select unnest($words)) order by word_id",
            words=np.asarray(words, np.int64).tolist(),
        )

    def responses_of_unit(
        self, state: str, unit: int, words: Sequence[int] | np.ndarray, columns: Sequence[str]
    ) -> pa.Table:
        """`columns` of `expected_responses` for some words (by id, in the order given), of lists only unit's number."""
        self.state(state)
        schema = TABLES["expected_responses"].schema
        named = [
            f"{name}[$unit + 1] as {name}" if pa.types.is_list(schema.field(name).type) else name for name in columns
        ]
        ids = np.asarray(words, np.int64)
        query = f"select word_id, {', '.join(named)} from {{expected_responses}}"
        rows = self.ask(
            f"expected_responses/{state}",
            f"{query} where word_id in (select unnest($words)) order by word_id",
            unit=int(unit),
            words=ids.tolist(),
        )
        return rows.take(pa.array(np.searchsorted(rows["word_id"].to_numpy(), ids))).select(list(columns))

    def state_gradients(
        self, state: str, columns: Sequence[str], word_class: str | None = None, delay: int | None = None
    ) -> pa.Table:
        """`columns` of the rows of `state_gradients` of a state, of all classes and delays or those named.

        Empty where they were not computed; see `rnnstore.memory.singular_values`.
        """
        key = f"state_gradients/{state}"
        if key not in self.card.files:
            return _empty("state_gradients").select(list(columns))
        return self.ask(
            key,
            f"""
            select {", ".join(columns)}
            from {{state_gradients}}
            where ($word_class is null or word_class = $word_class)
              and ($delay is null or delay = $delay)
            order by word_class, delay
            """,
            word_class=word_class,
            delay=delay,
        )

    # States

    def vectors(self, state: str, start: int, stop: int) -> np.ndarray:
        """dtype[stop - start, units]: the values of all units at steps start..stop-1, as stored."""
        self._check_window(start, stop)
        return self._read(lambda: self._reader(state).window(start, stop))

    def vectors_at(self, state: str, steps: np.ndarray) -> np.ndarray:
        """dtype[len(steps), units]: the values of all units at scattered steps, in the order given."""
        steps = np.asarray(steps, np.int64)
        self.state(state)
        self._check_steps(steps)
        return self._read(lambda: self._reader(state).at(steps))

    def unit_values(
        self, state: str, units: Sequence[int] | np.ndarray, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """dtype[len(units), stop - start]: the values of some units over many steps, as stored."""
        stop = self.steps if stop is None else stop
        self._check_window(start, stop)
        facts = self.state(state)
        wanted = [int(unit) for unit in units]
        for unit in wanted:
            if not 0 <= unit < facts.units:
                raise UnknownName(f"State {state!r} of {self.name!r} has units 0 to {facts.units - 1}, none {unit}.")
        names = [f"u{unit}" for unit in wanted]
        return self._columns(f"states/{state}", names, start, stop, np.dtype(facts.dtype))

    def on_states(self, state: str, threshold: float, units: Sequence[int] | None = None) -> pa.Table:
        """unit, start, stop (half-open) of every run in which a unit's value is >= `threshold`, at any threshold."""
        chosen = range(self.state(state).units) if units is None else units
        found = []
        for unit in chosen:
            on = is_on(self.unit_values(state, [unit])[0], threshold)
            start, stop = unit_runs(on, self.sequence_starts)
            found.append(pa.table({"unit": np.full(len(start), unit, np.int32), "start": start, "stop": stop}))
        if found:
            return pa.concat_tables(found)
        return pa.schema([("unit", pa.int32()), ("start", pa.int64()), ("stop", pa.int64())]).empty_table()

    # How it is read

    def _reader(self, state: str) -> RowMajorReader:
        facts = self.state(state)
        with self._lock:
            if state not in self._readers:
                files = list(self.card.files[f"vectors/{state}"])
                self._readers[state] = RowMajorReader(self.folder, files, facts.units, facts.dtype)
            return self._readers[state]

    def _columns(self, key: str, names: Sequence[str], start: int, stop: int, dtype: Any) -> np.ndarray:
        """dtype[len(names), stop - start]: columns of numbers of a table with one row a step, as they are stored."""
        values = np.empty((len(names), stop - start), dtype)
        if len(names) and stop > start:
            self._read(lambda: self._tables.columns(key, names, start, stop, values))
        return values

    def _track(self, track: str) -> str:
        if track not in self.tracks:
            raise UnknownName(f"Model {self.name!r} has no track {track!r}: {suggest(track, self.tracks)}")
        return track

    def _tracks(self, tracks: Iterable[str], query: str, **values: Any) -> pa.Table:
        tables = []
        for track in tracks:
            rows = self.ask(f"annotations/{self._track(track)}", query, **values)
            tables.append(rows.add_column(0, "track", pa.array([track] * rows.num_rows, pa.string())))
        return pa.concat_tables(tables) if tables else _empty("annotations")

    def _at(self, key: str, steps: np.ndarray, columns: Sequence[str]) -> pa.Table:
        """Columns of a table with one row a step, at scattered steps, in the order given.

        Only the row groups that hold one of the steps are read; DuckDB would prune them by range alone.
        """
        self._check_steps(steps)
        wanted, places = np.unique(steps, return_inverse=True)
        return plain(self._read(lambda: self._tables.rows_at(key, wanted, columns)).take(pa.array(places)))

    def ask(self, key: str, query: str, **values: Any) -> pa.Table:
        """The answer of a query about one table of this model alone; analyses ask so, a person asks `Store.sql`.

        `key` is a table's name, with its folder where it has several (`annotations/pos`); the table's name in braces
        (`{annotations}`) stands for its files in the query, `$name` for a value. `QuestionError` where that table was
        not recorded.
        """
        files = [str(self.folder / file.path) for file in self.card.files.get(key, ())]
        table = key.split("/")[0]
        if not files:
            raise QuestionError(f"Model {self.name!r} has not been recorded: it has no {table}. Record it first.")
        source = "read_parquet($files, hive_partitioning = false)"
        query = query.replace("{" + table + "}", source)
        bound = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
        parameters = {"files": files, **bound}
        return self._read(lambda: plain(self._cursor().sql(query, params=parameters).to_arrow_table()))

    def _read(self, reading: Callable[[], Any]) -> Any:
        try:
            return reading()
        except (OSError, duckdb.IOException) as error:
            raise StoreError(
                f"Model {self.name!r} changed or was deleted while it was being read; open the store again. "
                f"({cause(error)})"
            ) from error
        except (pa.ArrowException, duckdb.Error, *UNDECODABLE) as error:
            raise DamagedModel(f"A file of model {self.name!r} is damaged ({cause(error)}). {MENDING}") from error

    def _check_word_ids(self, ids: np.ndarray) -> None:
        """Raise `DamagedModel` where an id can number no word: what is counted by word is as long as the largest."""
        if ids.dtype.kind != "i" or (len(ids) and not 0 <= ids.min() <= ids.max() < MOST_WORDS):
            raise DamagedModel(
                f"The tokens of model {self.name!r} hold a word_id that numbers no word; whole numbers from 0 to "
                f"{MOST_WORDS - 1:,} were expected. {MENDING}"
            )

    def _check_steps(self, steps: np.ndarray) -> None:
        if not self.steps:
            raise QuestionError(f"Model {self.name!r} has not been recorded: it has no steps. Record it first.")
        if len(steps) and not 0 <= steps.min() <= steps.max() < self.steps:
            raise QuestionError(f"Steps 0 to {self.steps - 1:,} are recorded, not {steps.min():,} to {steps.max():,}.")

    def _check_window(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.steps:
            raise QuestionError(
                f"Steps {start:,} to {stop:,} were asked for; {self.name!r} has steps 0 to {self.steps:,} (half-open)."
            )


def _empty(name: str) -> pa.Table:
    """No rows of a table."""
    table = TABLES[name]
    return plain(pa.schema([(column.name, column.type) for column in table.columns]).empty_table())
