"""What stands in a model's tables, against what the tables promise: columns, counts, order, ranges.

Every row of every table is read but those of `states`, of which `recomputed` reads a sample; numbers are compared in
arrays, a batch at a time, so memory does not grow with the corpus but for four bytes a step and word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.store.card import Card, File
from rnnstore.store.schema import Bounds
from rnnstore.store.tables import DECADES, TABLES, VECTORS, folders, states_schema

ROWS = 1 << 18
"""Rows of a table that are looked at together."""

Problem = tuple[str, str]
"""A file's path in the model's folder, and a sentence about it."""


class Contents:
    """Looks at the tables of one model; `wrong` are files that are damaged as files and not worth opening."""

    def __init__(self, folder: Path, card: Card, wrong: set[str], progress: Callable[[int], None]) -> None:
        self.folder, self.card, self._wrong, self._progress = folder, card, wrong, progress
        self.sequence = np.zeros(0, np.int32)
        self.word_ids = np.zeros(0, np.int32)
        self.looked_at: list[str] = []

    def problems(self) -> Iterator[Problem]:
        """What is wrong, table by table; tokens first, since others are held against them."""
        yield from self._counts()
        keys = sorted(self.card.files, key=lambda key: (key != "tokens", key))
        rows = 0
        for key in keys:
            table = key.split("/")[0]
            if table == VECTORS or self.damaged(key):
                continue
            yield from self._columns(key)
            if table != "states":
                yield from guarded(key, getattr(self, f"_rows_of_{table}", self._bounded), key)
                rows += sum(file.rows for file in self.card.files[key])
        if rows:
            self.looked_at.append(f"all {rows:,} rows of the tables but states")

    def damaged(self, key: str) -> bool:
        """Whether a table is missing or has a damaged file, and so cannot be held against another."""
        return key not in self.card.files or any(file.path in self._wrong for file in self.card.files[key])

    def batches(self, key: str, columns: Sequence[str] | None = None) -> Iterator[tuple[File, int, pa.Table]]:
        """(file, number of the first row in it, rows) of a table, block by block."""
        for file in self.card.files[key]:
            row = 0
            with pq.ParquetFile(self.folder / file.path) as opened:
                for batch in opened.iter_batches(ROWS, columns=columns):
                    yield file, row, pa.Table.from_batches([batch])
                    row += batch.num_rows
                    self._progress(batch.num_rows)

    # What the card says

    def _counts(self) -> Iterator[Problem]:
        """Whether the blocks of every table hold every step, and every state and track has its tables."""
        card = self.card
        needed = {"tokens"} if card.steps else set()
        needed |= {f"{table}/{state}" for state in card.states for table in ("states", VECTORS)}
        needed |= {f"on_states/{name}" for name, state in card.states.items() if state.thresholds}
        needed |= {f"annotations/{track}" for track in card.tracks}
        needed |= {"predictions"} if card.predictions_per_step else set()
        called = [(name, state.name) for name, state in card.states.items()]
        called += [(name, track.name) for name, track in card.tracks.items()]
        for name, other in called:
            if other != name:
                yield "card.json", f"It calls {name!r} {other!r} in another place."
        for key in sorted(needed - set(card.files)):
            yield "card.json", f"It lists no file of {key}."
        for key, files in card.files.items():
            table, _, inner = key.partition("/")
            if table not in folders():
                yield "card.json", f"It lists files of {table!r}, which is no table of a store."
            if table in ("states", VECTORS, "on_states", "expected_responses") and inner not in card.states:
                yield "card.json", f"It lists files of {key}, but describes no state {inner!r}."
            if table != VECTORS and not (table in TABLES and TABLES[table].by_step):
                continue
            steps = 0
            each = card.predictions_per_step if table == "predictions" else 1
            for file in files:
                if file.first != steps:
                    yield file.path, f"It starts at step {file.first:,}; {steps:,} was expected."
                steps += file.rows // max(1, each)
            if steps != card.steps or sum(file.rows for file in files) != each * card.steps:
                yield "card.json", f"The files of {key} hold {steps:,} steps; the card says {card.steps:,}."

    def _columns(self, key: str) -> Iterator[Problem]:
        """Whether the files of a table have its columns and the listed number of rows."""
        table, _, inner = key.partition("/")
        if table not in TABLES:
            return
        if table == "states":
            if inner not in self.card.states:
                return
            state = self.card.states[inner]
            expected = states_schema(state.units, state.dtype)
        else:
            expected = TABLES[table].schema
        for file in self.card.files[key]:
            yield from guarded(file.path, self._columns_of, file, expected)

    def _columns_of(self, file: File, expected: pa.Schema) -> Iterator[Problem]:
        with pq.ParquetFile(self.folder / file.path) as opened:
            found, rows = opened.schema_arrow, opened.metadata.num_rows
        if rows != file.rows:
            yield file.path, f"It holds {rows:,} rows; the card says {file.rows:,}."
        if found.names != expected.names:
            different = sorted(set(found.names) ^ set(expected.names))
            yield file.path, f"Its columns are not those of the table: {', '.join(different[:5]) or 'another order'}."
            return
        for field in expected:
            if not _same_type(found.field(field.name).type, field.type):
                yield (
                    file.path,
                    f"Column {field.name} is {found.field(field.name).type}; {field.type} was expected.",
                )

    # Table by table

    def _rows_of_tokens(self, key: str) -> Iterator[Problem]:
        step, sequence, position = 0, -1, 0
        words: dict[int, str] = {}
        sequences, ids = [], []
        for file, row, rows in self.batches(key):
            yield from self._at_steps(file, row, rows["t"], np.arange(step, step + len(rows)))
            found_sequence, found_position, word_id = (_numbers(rows[name]) for name in rows.column_names[1:4])
            expected = np.cumsum(found_position == 0) + sequence
            yield from _first_difference(file, row, "sequence", found_sequence, expected)
            goes_on = np.r_[position, found_position[:-1] + 1]
            bad = (found_position != goes_on) & (found_position != 0)
            if step == 0:
                bad[0] = found_position[0] != 0
            yield from _first(file, row, "position", found_position, bad, "0 or one more than before")
            yield from self._bounds(file, row, rows, {"word_id": (0, (self.card.vocabulary or 2**31) - 1)})
            pairs = pa.table({"id": rows["word_id"], "word": rows["word"].cast(pa.string())}).group_by(["id", "word"])
            for pair in pairs.aggregate([]).to_pylist():
                if pair["word"] is None or words.setdefault(pair["id"], pair["word"]) != pair["word"]:
                    yield file.path, f"The word of id {pair['id']:,} is {words.get(pair['id'])!r} and {pair['word']!r}."
                    break
            step += len(rows)
            sequence, position = int(found_sequence[-1]), int(found_position[-1]) + 1
            sequences.append(found_sequence.astype(np.int32))
            ids.append(word_id.astype(np.int32))
        self.sequence = np.concatenate([self.sequence, *sequences])
        self.word_ids = np.concatenate([self.word_ids, *ids])

    def _rows_of_annotations(self, key: str) -> Iterator[Problem]:
        track, step = self.card.tracks.get(key.partition("/")[2]), 0
        for file, row, rows in self.batches(key):
            yield from self._at_steps(file, row, rows["t"], np.arange(step, step + len(rows)))
            step += len(rows)
            if track is None:
                continue
            silent = "value" if track.kind == "scalar" else "number"
            if rows[silent].null_count < len(rows):
                yield file.path, f"A track that is {track.kind} has something in the column {silent}."
            if track.kind == "scalar" and track.minimum is not None and track.maximum is not None:
                yield from self._bounds(file, row, rows, {"number": (track.minimum, track.maximum)}, infinite=True)

    def _rows_of_predictions(self, key: str) -> Iterator[Problem]:
        each, done = max(1, self.card.predictions_per_step), 0
        for file, row, rows in self.batches(key):
            place = np.arange(done, done + len(rows))
            yield from self._at_steps(file, row, rows["t"], place // each)
            yield from _first_difference(file, row, "rank", _numbers(rows["rank"]), place % each + 1)
            yield from self._bounds(file, row, rows, TABLES["predictions"].bounds)
            done += len(rows)

    def _rows_of_on_states(self, key: str) -> Iterator[Problem]:
        state = self.card.states[key.partition("/")[2]]
        thresholds = np.array(state.thresholds)
        ends = np.zeros((len(thresholds), state.units), np.int64)  # of the last run seen
        known = len(self.sequence) == self.card.steps
        for file, row, rows in self.batches(key):
            threshold, unit, start, stop = (_numbers(rows[name]) for name in ("threshold", "unit", "start", "stop"))
            which = np.searchsorted(np.sort(thresholds), threshold)
            order = np.argsort(thresholds)
            which = order[np.minimum(which, len(order) - 1)]
            yield from _first(file, row, "threshold", threshold, thresholds[which] != threshold, "one of the card's")
            expected = {"unit": (0, state.units - 1), "start": (0, self.card.steps - 1), "stop": (1, self.card.steps)}
            wrong = list(self._bounds(file, row, rows, expected))
            wrong += _first(file, row, "stop", stop, stop <= start, "more than start")
            yield from wrong
            if wrong:
                return
            if known:
                crosses = self.sequence[start] != self.sequence[stop - 1]
                yield from _first(file, row, "stop", stop, crosses, "the end of the sequence at most")
            group = which * state.units + unit
            sort = np.argsort(group, kind="stable")  # rows are sorted by unit and start inside a span of steps
            group, begin, end = group[sort], start[sort], stop[sort]
            same = np.r_[False, group[1:] == group[:-1]]
            before = np.where(same, np.r_[0, end[:-1]], ends.reshape(-1)[group])
            bad = np.zeros(len(rows), bool)
            bad[sort] = begin < before
            yield from _first(file, row, "start", start, bad, "a step after the end of the unit's run before")
            last = np.r_[group[1:] != group[:-1], True]
            ends.reshape(-1)[group[last]] = end[last]

    def _rows_of_expected_responses(self, key: str) -> Iterator[Problem]:
        state, known = self.card.states[key.partition("/")[2]], len(self.word_ids) == self.card.steps
        counted = np.bincount(self.word_ids) if known else np.zeros(0, np.int64)
        last, words = -1, 0
        for file, row, rows in self.batches(key):
            wrong = list(self._bounds(file, row, rows, TABLES["expected_responses"].bounds))
            ids, count = _numbers(rows["word_id"]), _numbers(rows["count"])
            wrong += _first(file, row, "word_id", ids, ids <= np.r_[last, ids[:-1]], "more than before")
            for column in rows.column_names:
                if pa.types.is_list(rows.schema.field(column).type):
                    lengths = pc.list_value_length(rows[column]).fill_null(state.units).to_numpy()
                    wrong += _first(file, row, f"length of {column}", lengths, lengths != state.units, str(state.units))
            yield from wrong
            if wrong:
                return
            yield from _first(
                file, row, "quantile_count", _numbers(rows["quantile_count"]),
                _numbers(rows["quantile_count"]) > count, "count at most",
            )  # fmt: skip
            if known:
                expected = counted[np.minimum(ids, len(counted) - 1)] * (ids < len(counted))
                yield from _first_difference(file, row, "count", count, expected)
            last, words = int(ids[-1]), words + len(ids)
        if known and words != np.count_nonzero(counted):
            yield self.card.files[key][0].path, f"It has {words:,} words; {np.count_nonzero(counted):,} were read."

    def _rows_of_training_gradients(self, key: str) -> Iterator[Problem]:
        yield from self._bounded(key)
        for file, row, rows in self.batches(key, ["shares"]):
            lengths = pc.list_value_length(rows["shares"]).fill_null(0).to_numpy()
            expected = len(DECADES) + 1
            yield from _first(file, row, "length of shares", lengths, lengths != expected, str(expected))

    def _rows_of_itemized_gradients(self, key: str) -> Iterator[Problem]:
        yield from self._bounded(key)
        for file, row, rows in self.batches(key, ["t", "j"]):
            t, j = _numbers(rows["t"]), _numbers(rows["j"])
            yield from _first(file, row, "j", j, j > t, "t at most")

    def _rows_of_co_clusters(self, key: str) -> Iterator[Problem]:
        yield from self._bounded(key)
        state = self.card.states.get(key.partition("/")[2])
        for file, row, rows in self.batches(key, ["k", "cluster", "kind", "id"]):
            k, cluster, number = (_numbers(rows[name]) for name in ("k", "cluster", "id"))
            yield from _first(file, row, "cluster", cluster, cluster >= k, "less than k")
            of_unit = pc.equal(rows["kind"].cast(pa.string()), "unit").to_numpy()
            if state is not None:
                yield from _first(file, row, "id", number, of_unit & (number >= state.units), "one of the units")

    def _bounded(self, key: str) -> Iterator[Problem]:
        """The columns with bounds, of any table; and that the column by which its rows are ordered never falls."""
        table = TABLES.get(key.split("/")[0])
        bounds = table.bounds if table is not None else {}
        order = table.order[:1] if table is not None else ()
        last: Any = None
        for file, row, rows in self.batches(key, list(dict.fromkeys([*bounds, *order]))):
            yield from self._bounds(file, row, rows, bounds)
            for name in order if len(rows) else ():
                found = rows[name].to_numpy()
                before = np.r_[found[:1] if last is None else last, found[:-1]]
                yield from _first(file, row, name, found, found < before, "no less than before")
                last = found[-1]

    # What several of them ask

    def _at_steps(self, file: File, row: int, found: pa.ChunkedArray, expected: np.ndarray) -> Iterator[Problem]:
        yield from _first_difference(file, row, "t", _numbers(found), expected)

    def _bounds(
        self, file: File, row: int, rows: pa.Table, bounds: Mapping[str, Bounds], infinite: bool = False
    ) -> Iterator[Problem]:
        """Whether columns lie within bounds; nulls are let be where the column's value may be unknown."""
        for name, (low, high) in bounds.items():
            column = rows[name]
            if column.null_count:
                if pa.types.is_integer(column.type):
                    yield file.path, f"Its column {name} lacks values."
                    continue
                values = column.to_numpy()
                bad = ~np.isnan(values) & ~((values >= low) & (values <= high))
            else:
                values = _numbers(column)
                bad = ~((values >= low) & (values <= high))
            if infinite:
                bad &= ~np.isinf(values)
            top = "" if high in (2**31, 2**62, np.inf) else f" to {high:,.6g}"
            yield from _first(file, row, name, values, bad, f"{low:,.6g}{top or ' or more'}")


def guarded(where: str, check: Callable[..., Iterator[Problem]], *arguments: Any) -> Iterator[Problem]:
    """The problems that a check finds with these arguments; whatever a damaged file makes it raise is one more."""
    try:
        yield from check(*arguments)
    except Exception as error:  # Parquet, text and numbers that were changed fail in any way
        yield (
            where,
            f"It cannot be read ({type(error).__name__}: {str(error).strip().splitlines()[0][:200] or 'no reason'}).",
        )


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """The values of a column of numbers, none of them null."""
    if column.null_count:
        raise ValueError("a column lacks values")
    return column.to_numpy()


def _first(file: File, row: int, name: str, values: np.ndarray, bad: np.ndarray, expected: str) -> Iterator[Problem]:
    """A sentence about the first row that is bad, and how many are."""
    count = int(np.count_nonzero(bad))
    if count:
        place = int(np.argmax(bad))
        more = f" (and in {count - 1:,} more rows)" if count > 1 else ""
        yield file.path, f"Row {row + place:,}: {name} is {values[place]:,}; {expected} was expected{more}."


def _first_difference(file: File, row: int, name: str, found: np.ndarray, expected: np.ndarray) -> Iterator[Problem]:
    bad = found != expected
    if bad.any():
        yield from _first(file, row, name, found, bad, f"{expected[np.argmax(bad)]:,}")


def _same_type(found: pa.DataType, expected: pa.DataType) -> bool:
    """Whether two types are read alike: text is text, in a dictionary or not, and so are lists of one type."""
    plain = [pa.string() if pa.types.is_dictionary(each) or pa.types.is_large_string(each) else each
             for each in (found, expected)]  # fmt: skip
    if pa.types.is_list(plain[0]) and pa.types.is_list(plain[1]):
        return plain[0].value_type == plain[1].value_type
    return plain[0] == plain[1]
