"""What a model's tables say of its states, computed once more from the states and compared.

Runs and the row-major copies must agree to the last bit; means, errors and quantiles of responses to what single
precision allows. The comparison is of a sample, or of everything: which units, words and steps, the result says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnstore.integrity.contents import Contents, Problem, guarded
from rnnstore.store.card import Card, File, State
from rnnstore.store.model import Model
from rnnstore.store.responses import SAMPLE
from rnnstore.store.runs import all_finite, is_on, single, unit_runs
from rnnstore.store.tables import QUANTILES, VECTORS

GROUPS, UNITS, WORDS = 8, 8, 24
"""Row groups, units and words of each state that a sample has."""

_UNITS_AT_ONCE = 32
_OCCURRENCES = 1 << 16
"""Steps of one word that are read, at most: of more frequent ones the mean is not computed again in a sample."""


class Recomputed:
    """Compares one model's tables with its states; `full` compares everything instead of a sample."""

    def __init__(
        self, model: Model, contents: Contents, full: bool, progress: Callable[[int], None], seed: int = 0
    ) -> None:
        self.model, self.card, self.full = model, model.card, full
        self._contents, self._progress = contents, progress
        self._random = np.random.default_rng(seed)
        self.looked_at: list[str] = []

    def problems(self) -> Iterator[Problem]:
        """What does not agree, state by state."""
        compared = dict.fromkeys(("steps", "units", "words"), 0)
        whole = len(self._contents.sequence) == self.card.steps
        for name, state in self.card.states.items():
            if any(self._contents.damaged(f"{table}/{name}") for table in ("states", VECTORS)):
                continue
            steps = list(self._layouts_agree(name, state, compared))
            yield from steps
            if steps or not whole:
                continue
            if state.thresholds and not self._contents.damaged(f"on_states/{name}"):
                yield from guarded(f"on_states/{name}", self._runs_agree, name, state, compared)
            if not self._contents.damaged(f"expected_responses/{name}"):
                key = f"expected_responses/{name}"
                yield from guarded(key, self._responses_agree, name, compared)
        states = len(self.card.states)
        how = "all" if self.full else "a sample:"
        if compared["steps"]:
            self.looked_at.append(
                f"of {states:,} {'state' if states == 1 else 'states'}, {how} {compared['steps']:,} rows in both "
                f"layouts, the runs of {compared['units']:,} units and the responses to {compared['words']:,} words "
                "computed again"
            )

    # Both layouts

    def _layouts_agree(self, name: str, state: State, compared: dict[str, int]) -> Iterator[Problem]:
        groups: list[tuple[File, int, int, int]] = []
        for file in self.card.files[f"states/{name}"]:
            yield from guarded(file.path, self._find_groups, file, groups)
        chosen = list(range(len(groups)))
        if not self.full and len(groups) > GROUPS:
            inner = self._random.choice(np.arange(1, len(groups) - 1), GROUPS - 2, replace=False)
            chosen = [0, *sorted(inner.tolist()), len(groups) - 1]
        for number in chosen:
            file, group, first, rows = groups[number]
            yield from guarded(file.path, self._group_agrees, name, state, file, group, first, rows)
            compared["steps"] += rows
            self._progress(rows)

    def _find_groups(self, file: File, groups: list) -> Iterator[Problem]:
        metadata = pq.read_metadata(self.model.folder / file.path)
        first = file.first
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            groups.append((file, group, first, rows))
            first += rows
        yield from ()

    def _group_agrees(
        self, name: str, state: State, file: File, group: int, first: int, rows: int
    ) -> Iterator[Problem]:
        with pq.ParquetFile(self.model.folder / file.path) as opened:
            table = opened.read_row_group(group)
        steps = table["t"].to_numpy()
        if not np.array_equal(steps, np.arange(first, first + rows)):
            yield file.path, f"Its steps from {first:,} on are not counted one by one."
        by_column = np.stack([table[f"u{unit}"].to_numpy() for unit in range(state.units)], axis=1)
        if not all_finite(by_column):
            yield (
                file.path,
                f"A value of steps {first:,} to {first + rows - 1:,} is no finite number.",
            )
            return
        low, high = float(by_column.min()), float(by_column.max())
        if low < state.minimum or high > state.maximum:
            yield (
                file.path,
                f"Values reach from {low:g} to {high:g}; the card says {state.minimum:g} to {state.maximum:g}.",
            )
        by_row = self.model.vectors(name, first, first + rows)
        bits = f"u{by_column.dtype.itemsize}"
        different = by_row.view(bits) != np.ascontiguousarray(by_column).view(bits)
        if different.any():
            step, unit = np.argwhere(different)[0]
            yield (
                self._block(f"{VECTORS}/{name}", first + int(step)),
                f"Unit {unit} at step {first + step:,} is {by_row[step, unit]:g} by row and {by_column[step, unit]:g} "
                f"by column; {np.count_nonzero(different):,} values differ among {rows:,} steps.",
            )

    def _block(self, key: str, step: int) -> str:
        return next(file.path for file in reversed(self.card.files[key]) if file.first <= step)

    # Runs

    def _runs_agree(self, name: str, state: State, compared: dict[str, int]) -> Iterator[Problem]:
        chosen = np.arange(state.units)
        if not self.full and state.units > UNITS:
            chosen = np.sort(self._random.choice(state.units, UNITS, replace=False))
        starts = np.flatnonzero(np.diff(self._contents.sequence, prepend=-1))
        for few in range(0, len(chosen), _UNITS_AT_ONCE):
            units = chosen[few : few + _UNITS_AT_ONCE]
            recorded = self._recorded_runs(f"on_states/{name}", units)
            for unit in units.tolist():
                values = self.model.unit_values(name, [unit])[0]
                for threshold in state.thresholds:
                    start, stop = unit_runs(is_on(values, threshold), starts)
                    stored = recorded.filter(
                        pc.and_(pc.equal(recorded["unit"], unit), pc.equal(recorded["threshold"], threshold))
                    )
                    found = stored["start"].to_numpy(), stored["stop"].to_numpy()
                    if not (np.array_equal(found[0], start) and np.array_equal(found[1], stop)):
                        yield (
                            self.card.files[f"on_states/{name}"][0].path,
                            f"Unit {unit} is on in {len(start):,} runs at threshold {threshold:g}, and "
                            f"{len(found[0]):,} are recorded, not the same ones.",
                        )
                self._progress(self.card.steps)
            compared["units"] += len(units)

    def _recorded_runs(self, key: str, units: np.ndarray) -> pa.Table:
        """threshold, unit, start, stop of some units, by unit and start."""
        found = []
        for file in self.card.files[key]:
            with pq.ParquetFile(self.model.folder / file.path) as opened:
                for group in range(opened.metadata.num_row_groups):
                    limits = opened.metadata.row_group(group).column(1).statistics
                    if limits is not None and limits.has_min_max:
                        first = np.searchsorted(units, limits.min)
                        if first == len(units) or units[first] > limits.max:
                            continue
                    rows = opened.read_row_group(group, columns=["threshold", "unit", "start", "stop"])
                    found.append(rows.filter(pc.is_in(rows["unit"], pa.array(units, pa.int32()))))
        if not found:
            types = [("threshold", pa.float64()), ("unit", pa.int32()), ("start", pa.int64()), ("stop", pa.int64())]
            return pa.schema(types).empty_table()
        return pa.concat_tables(found).sort_by([("unit", "ascending"), ("start", "ascending")])

    # Responses

    def _responses_agree(self, name: str, compared: dict[str, int]) -> Iterator[Problem]:
        ids = self._contents.word_ids
        starts = np.flatnonzero(np.diff(self._contents.sequence, prepend=-1))
        counts = np.bincount(ids)
        order = np.argsort(ids, kind="stable")
        ends = np.cumsum(counts)
        for file in self.card.files[f"expected_responses/{name}"]:
            with pq.ParquetFile(self.model.folder / file.path) as opened:
                number = 0
                chosen = self._chosen_words(file.rows, counts)
                for batch in opened.iter_batches(1024):
                    inside = chosen[(chosen >= number) & (chosen < number + batch.num_rows)] - number
                    number += batch.num_rows
                    for row in inside.tolist():
                        stored = batch.slice(row, 1).to_pylist()[0]
                        word = stored["word_id"]
                        steps = order[ends[word] - counts[word] : ends[word]]
                        if len(steps) <= _OCCURRENCES or self.full:
                            wrong = self._difference(name, stored, steps, starts)
                            compared["words"] += 1
                            if wrong:
                                yield file.path, wrong

    def _chosen_words(self, rows: int, counts: np.ndarray) -> np.ndarray:
        """Rows to compare: of a sample, the most frequent words that are not too frequent, and others by chance."""
        if self.full or rows <= WORDS:
            return np.arange(rows)
        seen = np.flatnonzero(counts)
        frequent = np.argsort(-np.where(counts[seen] <= _OCCURRENCES // 16, counts[seen], 0), kind="stable")[
            : WORDS // 4
        ]
        others = self._random.choice(np.setdiff1d(np.arange(rows), frequent), WORDS - len(frequent), replace=False)
        return np.sort(np.r_[frequent, others])

    def _difference(self, name: str, stored: dict, steps: np.ndarray, starts: np.ndarray) -> str:
        """A sentence about the first number of a word's row that its steps do not give; empty when all agree."""
        response = self._responses(name, steps, starts)
        n, scale = len(response), max(float(np.abs(response).max()), 1e-6)
        stride = 1 << max(0, int(np.ceil(np.log2(n / SAMPLE))))
        sampled = response[::stride]
        expected = {"response": response.mean(axis=0)}
        if n > 1:
            expected["standard_error"] = response.std(axis=0, ddof=1) / np.sqrt(n)
        expected |= {f"quantile_{round(100 * q):02d}": np.quantile(sampled, q, axis=0) for q in QUANTILES}
        if len(sampled) != stored["quantile_count"]:
            count = stored["quantile_count"]
            return f"The quantiles of {stored['word']!r} are over {count:,} steps, not {len(sampled):,}."
        for column, values in expected.items():
            # A variance is a difference of sums of squares: where a unit hardly moves, its root keeps half the digits.
            allowed = 3e-3 * scale if column == "standard_error" else 1e-4 * scale
            found = np.array(stored[column], float)
            bad = ~(np.abs(found - values) <= allowed)
            if bad.any():
                unit = int(np.argmax(bad))
                return (
                    f"{column} of {stored['word']!r}, unit {unit}, is {found[unit]:g}; its {n:,} steps give "
                    f"{values[unit]:g}."
                )
        return ""

    def _responses(self, name: str, steps: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """float64[len(steps), units]: h(t) - h(t-1), or h(t) where a sequence starts."""
        values = single(self.model.vectors_at(name, steps)).astype(float)
        later = ~np.isin(steps, starts)
        values[later] -= single(self.model.vectors_at(name, steps[later] - 1))
        return values


def of_model(folder: Path, name: str, card: Card) -> Model:
    """The model, for its direct ways to states; what would need SQL is not asked."""

    def no_sql() -> Never:
        raise AssertionError("a check asks no SQL")

    return Model(name, folder, card, no_sql)
