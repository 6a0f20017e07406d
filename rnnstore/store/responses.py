"""Expected responses: how each word moves each unit on average (RNNVis, equations 1 and 2).

The response of a step is dh(t) = h(t) - h(t-1), with h = 0 before a sequence starts; the expected response of word w
is s(w), the mean of dh over the steps that read w. Mean and standard error are gathered while recording, over all
steps. Quantiles need the responses themselves: they are taken afterwards from the recorded values, over all of a
word's steps or, for a word read more than `SAMPLE` times, an even sample of them (`quantile_count` says how many).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rnnstore.store.blocks import RowMajorReader
from rnnstore.store.runs import single
from rnnstore.store.tables import QUANTILES, TABLES

SAMPLE = 1024
"""Responses of one word that its quantiles are taken from, at most (and more than half of it)."""

_VALUES_AT_ONCE = 1 << 20
_STEPS_AT_ONCE = 1 << 20
_UNITS_AT_ONCE = 64  # so many columns of a row group stay in the processor's cache


class Moments:
    """Sums of one state's responses by word, from consecutive row groups: memory words x units."""

    def __init__(self, units: int) -> None:
        self.units = units
        self._last = np.zeros(units, np.float32)
        self.count = np.zeros(0, np.int64)
        self._sum = np.zeros((0, units))
        self._squares = np.zeros((0, units))

    def start(self, words: int, after: np.ndarray | None = None) -> None:
        """Make room for `words`, and let the first step's response be its change from the values `after` [units]."""
        self._grow(words)
        self._last = self._last if after is None else after

    def add(self, values: np.ndarray, order: np.ndarray, word_ids: np.ndarray, starts: np.ndarray) -> None:
        """Add a row group: float32 `values` [steps, units] in time order, `order` sorting `word_ids`, `starts` bool."""
        from scipy.sparse import csr_array

        sorted_ids = word_ids[order]
        groups = np.flatnonzero(np.r_[True, sorted_ids[1:] != sorted_ids[:-1], True])
        words = sorted_ids[groups[:-1]]
        self._grow(int(words[-1]) + 1)
        self.count[words] += np.diff(groups)
        of_word = csr_array((np.ones(len(order), np.float32), order, groups), (len(words), len(order)))
        for first in range(0, self.units, _UNITS_AT_ONCE):
            units = slice(first, first + _UNITS_AT_ONCE)
            before = np.concatenate([self._last[None, units], values[:-1, units]])
            before[starts] = 0
            with np.errstate(over="ignore", invalid="ignore"):
                response = np.subtract(values[:, units], before, out=before)
            with np.errstate(over="ignore", invalid="ignore"):  # of values near the end of single precision
                self._sum[words, units] += of_word @ response  # half the time of np.add.reduceat on sorted rows
                np.square(response, out=response)
                self._squares[words, units] += of_word @ response
        self._last = values[-1].copy()

    def _grow(self, words: int) -> None:
        if words > len(self.count):
            room = max(words, 2 * len(self.count))
            self.count, self._sum, self._squares = (
                _longer(each, room) for each in (self.count, self._sum, self._squares)
            )

    def merge(self, other: Moments, ids: np.ndarray) -> None:
        """Add the sums over another span of the corpus, whose words 0, 1, ... have the numbers `ids` here."""
        words = min(len(ids), len(other.count))
        if words:
            here = ids[:words]
            self._grow(int(here.max()) + 1)
            self.count[here] += other.count[:words]
            self._sum[here] += other._sum[:words]
            self._squares[here] += other._squares[:words]

    def arrays(self, words: int) -> dict[str, np.ndarray]:
        """The sums over the first `words` words, to be written down; `of_arrays` reads them."""
        self._grow(words)
        return {"count": self.count[:words], "sum": self._sum[:words], "squares": self._squares[:words]}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Moments:
        """The sums that `arrays` gave."""
        found = cls(arrays["sum"].shape[1])
        found.count, found._sum, found._squares = arrays["count"], arrays["sum"], arrays["squares"]
        return found

    def result(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(mean, standard error) float32[len(words), units] of words seen at least once; NaN error where count is 1."""
        means, errors = np.empty((2, len(words), self.units), np.float32)
        few = max(1, (1 << 16) // self.units)  # whose numbers stay in the processor's cache
        for first in range(0, len(words), few):
            some = words[first : first + few]
            count = self.count[some][:, None].astype(float)
            mean = self._sum[some] / count
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                variance = np.maximum(self._squares[some] - count * mean**2, 0) / (count - 1)
                errors[first : first + few] = np.sqrt(variance / count)
            means[first : first + few] = mean
        return means, errors


def _longer(sums: np.ndarray, rows: int) -> np.ndarray:
    longer = np.zeros((rows, *sums.shape[1:]), sums.dtype)  # rows that are never used take no memory
    longer[: len(sums)] = sums
    return longer


class EvenSample:
    """Steps of every word, evenly spread over the corpus: all of them, or for a frequent word about `SAMPLE`.

    A word's n-th step is in it when n is a multiple of its stride, the smallest power of two that leaves at most
    `SAMPLE`. Found afterwards from the written word ids, so that nothing grows with the corpus while recording.
    """

    def __init__(self, tokens: Sequence[Path]) -> None:
        self._tokens = tokens
        count = np.zeros(0, np.int64)
        for ids in self._word_ids():
            more = np.bincount(ids, minlength=len(count))
            count = more + np.pad(count, (0, len(more) - len(count)))
        self._stride = 1 << np.ceil(np.log2(np.maximum(count / SAMPLE, 1))).astype(np.int64)
        self._kept = -(-count // self._stride)

    def groups(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(word id, step) of consecutive ranges of words, sorted by word and step; about a million steps at once."""
        ends = np.cumsum(self._kept)
        first = 0
        while first < len(ends):
            before = ends[first - 1] if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, before + _STEPS_AT_ONCE, "right")))
            yield self._of_words(first, stop)
            first = stop

    def _of_words(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        seen = np.zeros(stop - first, np.int64)
        found, start = [(np.zeros(0, np.int32), np.zeros(0, np.int64))], 0
        for ids in self._word_ids():
            here = np.flatnonzero((ids >= first) & (ids < stop))
            here = here[np.argsort(ids[here], kind="stable")]
            words = ids[here]
            heads = np.flatnonzero(np.diff(words, prepend=-1))
            sizes = np.diff(np.append(heads, len(words)))
            rank = np.arange(len(words)) - np.repeat(heads, sizes) + seen[words - first]
            seen[words[heads] - first] += sizes
            keep = rank % self._stride[words] == 0
            found.append((words[keep], start + here[keep]))
            start += len(ids)
        words, steps = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(words, kind="stable")
        return words[order], steps[order]

    def _word_ids(self) -> Iterator[np.ndarray]:
        for path in self._tokens:
            with pq.ParquetFile(path) as opened:
                for batch in opened.iter_batches(1 << 20, columns=["word_id"]):
                    yield batch.column(0).to_numpy()


def expected_responses(
    moments: Moments,
    sample: EvenSample,
    reader: RowMajorReader,
    sequence_starts: np.ndarray,
    vocabulary: Sequence[str],
) -> Iterator[pa.Table]:
    """The rows of `expected_responses` for one state, in pieces: every word that was read, by word id."""
    units = moments.units
    for ids, steps in sample.groups():
        groups = np.flatnonzero(np.diff(ids, prepend=-1))
        ends = np.append(groups[1:], len(ids))
        words = ids[groups]
        done = 0
        while done < len(groups):
            upto = int(np.searchsorted(ends, groups[done] + max(_VALUES_AT_ONCE // units, SAMPLE), "right"))
            upto = max(upto, done + 1)
            here = slice(groups[done], ends[upto - 1])
            response = _responses(reader, steps[here], sequence_starts)
            counts = ends[done:upto] - groups[done:upto]
            quantiles = _quantiles(response, groups[done:upto] - groups[done], counts)
            mean, error = moments.result(words[done:upto])
            yield _rows(words[done:upto], vocabulary, moments.count, mean, error, quantiles, counts)
            done = upto


def _responses(reader: RowMajorReader, steps: np.ndarray, sequence_starts: np.ndarray) -> np.ndarray:
    """float32[len(steps), units]: h(t) - h(t-1), or h(t) where a sequence starts."""
    at_start = sequence_starts[np.searchsorted(sequence_starts, steps, "right") - 1] == steps
    previous = np.where(at_start, steps, steps - 1)
    both = np.union1d(steps, previous)
    values = single(reader.at(both))
    response = values[np.searchsorted(both, steps)]
    before = values[np.searchsorted(both, previous)]
    before[at_start] = 0
    response -= before
    return response


def _quantiles(response: np.ndarray, groups: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """float32[len(QUANTILES), words, units], linearly interpolated as `numpy.quantile` does.

    Words seen equally often are sorted together: a corpus has many rare words and few distinct counts.
    """
    result = np.empty((len(QUANTILES), len(groups), response.shape[1]), np.float32)
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        for some in np.array_split(alike, -(-len(alike) * int(count) * response.shape[1] // (1 << 22))):
            rows = groups[some][:, None] + np.arange(count)
            values = np.ascontiguousarray(response[rows].transpose(0, 2, 1))
            values.sort(axis=-1)
            for index, quantile in enumerate(QUANTILES):
                place = quantile * (count - 1)
                low = int(place)
                high = min(low + 1, int(count) - 1)
                fraction = np.float32(place - low)
                with np.errstate(over="ignore", invalid="ignore"):
                    result[index, some] = values[..., low] + (values[..., high] - values[..., low]) * fraction
    return result


def _rows(
    words: np.ndarray,
    vocabulary: Sequence[str],
    count: np.ndarray,
    mean: np.ndarray,
    error: np.ndarray,
    quantiles: np.ndarray,
    quantile_count: np.ndarray,
) -> pa.Table:
    texts = pa.array([vocabulary[word] for word in words], pa.string()).dictionary_encode()
    columns = [
        pa.array(words, pa.int32()),
        texts,
        pa.array(count[words], pa.int64()),
        _lists(mean),
        _lists(error, missing=count[words] < 2),
        *(_lists(quantile) for quantile in quantiles),
        pa.array(quantile_count, pa.int64()),
    ]
    return pa.table(columns, schema=TABLES["expected_responses"].schema)


def _lists(values: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    rows, width = values.shape
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * width)
    mask = None if missing is None else pa.array(missing)
    return pa.ListArray.from_arrays(offsets, flat, mask=mask)
