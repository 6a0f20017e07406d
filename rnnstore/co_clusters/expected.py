"""Expected responses: how each word changes each unit on average (RNNVis, Ming et al. 2017, section 5.1).

The recorder computes s(w), the mean change h(t) - h(t-1) of each unit over the steps that read word w, for the whole
vocabulary; here it is read. No word is left out: one that was read once has a count of 1 and no standard error. The
words x units matrix of a state is read once, and the last few are cached, because every view of a state needs it.

Use it to see which words a unit reacts to, whatever the context. It is a mean: a unit that reacts to a word in some
contexts upwards and in others downwards has a response near zero, and what a unit does over several steps does not show
at all. Look at the quantiles for the first and at matches for the second.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import DamagedModel, QuestionError, UnknownName, suggest
from rnnstore.store.card import MENDING
from rnnstore.store.model import Model
from rnnstore.store.responses import Moments
from rnnstore.store.runs import single
from rnnstore.store.tables import QUANTILES, STEPS_PER_BLOCK

CACHED_BYTES = 200 << 20
"""Bytes of expected responses that are cached, all states together; the last one read is cached whatever its size."""

ALL_TO = 1 << 20
"""Recorded steps up to which one unit's responses are computed from its states: one column is faster than many
lists."""

_BLOCK = 1 << 12  # steps of a state that stay in the processor's cache

LARGEST = 1e15
"""Size of a response above which it counts as this large: squares of larger ones, summed over words, leave single
precision. Cells that keep running maxima begin at -1e30."""

QUANTILE_COLUMNS = tuple(f"quantile_{round(100 * q):02d}" for q in QUANTILES)


@dataclass(frozen=True)
class ExpectedResponses:
    """s(w) of every word that was read, by word id.

    `response` and `standard_error` are float32[words, units]; the error is NaN for a word read once. `counts` are the
    steps that read each word, all of them.
    """

    model: str
    state: str
    words: list[str]
    word_ids: np.ndarray
    counts: np.ndarray
    response: np.ndarray
    standard_error: np.ndarray

    @property
    def units(self) -> int:
        return self.response.shape[1]

    def row(self, word: str) -> int:
        """The row of a word; raises `UnknownName` with the nearest words for one that was never read."""
        if word not in self._rows:
            raise UnknownName(
                f"Model {self.model!r} has no expected response to {word!r}, it was never read while recording: "
                f"{suggest(word, self.words)}"
            )
        return self._rows[word]

    def most_frequent(self, n: int | None = None, minimum_count: int = 1) -> np.ndarray:
        """int64[<= n]: the rows of the `n` words read most often (None: all), at least `minimum_count` times each.

        In order of falling count; words read equally often in order of their ids.
        """
        order = np.argsort(-self.counts, kind="stable")
        order = order[: np.count_nonzero(self.counts >= minimum_count)]
        return order if n is None else order[:n]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in reversed(list(enumerate(self.words)))}


@dataclass(frozen=True)
class WordResponse:
    """How one word moves every unit: `mean` and `standard_error` float32[units] over all `count` steps that read it.

    `quantiles` float32[5, units] are the 9, 25, 50, 75 and 91 % ones of its responses, taken from `quantile_count` of
    them: all, or an even sample of a frequent word.
    """

    word: str
    count: int
    quantile_count: int
    mean: np.ndarray
    standard_error: np.ndarray
    quantiles: np.ndarray


@dataclass(frozen=True)
class WordTags:
    """The most frequent label of a track for each word, by word id.

    `label` has one text for each word of the vocabulary, empty where the track never says anything about the word;
    `count` int64[words] the steps at which the word has that label, `share` float32[words] their part of the steps at
    which it has any (NaN: none). `labels` are all labels of the track by falling number of steps, for a legend.
    """

    track: str
    labels: list[str]
    label: list[str]
    count: np.ndarray
    share: np.ndarray


class _RecentMatrices:
    """Cache of the last matrices, keyed by the files that they were read from: a new recording has new files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple, ExpectedResponses] = OrderedDict()

    def get(self, key: tuple) -> ExpectedResponses | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: tuple, expected: ExpectedResponses) -> None:
        with self._lock:
            self._held[key] = expected
            self._held.move_to_end(key)
            while len(self._held) > 1 and sum(map(_bytes, self._held.values())) > CACHED_BYTES:
                self._held.popitem(last=False)


def _bytes(expected: ExpectedResponses) -> int:
    return expected.response.nbytes + expected.standard_error.nbytes


_recent = _RecentMatrices()


def expected_responses(model: Model, state: str) -> ExpectedResponses:
    """The expected responses of one state to every word that was read while recording.

    Raises `UnknownName` for a state that the model does not have, and `QuestionError` with the reason where the
    recording has none (the `notes` of the model's card say why).
    """
    model.state(state)
    files = model.card.files.get(f"expected_responses/{state}", ())
    if not files:
        raise QuestionError(f"Model {model.name!r} has no expected responses of {state}. {_why_not(model)}")
    key = (str(model.folder), tuple(file.path for file in files))
    expected = _recent.get(key)
    if expected is None:
        expected = _read(model, state)
        _recent.put(key, expected)
    return expected


def _why_not(model: Model) -> str:
    reasons = [note for note in model.card.notes if note.startswith("Expected responses")]
    if reasons:
        return reasons[0]
    return "Record it first." if not model.steps else "Record it anew to have them."


def _read(model: Model, state: str) -> ExpectedResponses:
    rows = model.expected_responses(state, columns=("word_id", "word", "count", "response", "standard_error"))
    units = model.state(state).units
    return ExpectedResponses(
        model.name,
        state,
        rows["word"].to_pylist(),
        rows["word_id"].to_numpy(),
        rows["count"].to_numpy(),
        _bounded(np.nan_to_num(_matrix(rows["response"], units), nan=0.0)),
        _bounded(_matrix(rows["standard_error"], units)),
    )


def _matrix(column: pa.ChunkedArray, units: int) -> np.ndarray:
    """float32[rows, units] of a column of lists; NaN in a row that is null."""
    values = np.full((len(column), units), np.nan, np.float32)
    there, numbers = column.is_valid().to_numpy(), pc.list_flatten(column).to_numpy(zero_copy_only=False)
    if len(numbers) != np.count_nonzero(there) * units:
        raise DamagedModel(f"Expected responses hold {len(numbers):,} numbers, not {units:,} a word. {MENDING}")
    values[there] = numbers.reshape(-1, units)
    return values


def _bounded(values: np.ndarray) -> np.ndarray:
    """The values within `LARGEST`, read-only; NaN stays."""
    np.clip(values, -LARGEST, LARGEST, out=values)
    values.flags.writeable = False
    return values


def responses_between(model: Model, state: str, start: int = 0, stop: int | None = None) -> ExpectedResponses:
    """Expected responses computed from the recorded states of steps start..stop-1 (default: all).

    For a span of the corpus, such as one chapter, or to check what was recorded. Only words read in this span
    are included. The first step's response is its change from the step before, which may lie outside.
    """
    stop = model.steps if stop is None else stop
    units = model.state(state).units
    ids = model.word_ids(start, stop)  # checks the window
    begins = model.sequence_starts
    moments, vocabulary = Moments(units), model.vocabulary
    before = single(model.vectors(state, start - 1, start))[0] if 0 < start < stop else None
    moments.start(len(vocabulary), before)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        here = ids[first - start : last - start]
        starts = np.zeros(last - first, bool)
        starts[begins[slice(*np.searchsorted(begins, [first, last]))] - first] = True
        moments.add(single(model.vectors(state, first, last)), np.argsort(here, kind="stable"), here, starts)
    words = np.flatnonzero(moments.count)
    mean, error = moments.result(words)
    mean, error = _bounded(np.nan_to_num(mean, nan=0.0)), _bounded(error)
    return ExpectedResponses(
        model.name,
        state,
        [vocabulary[word] for word in words.tolist()],
        words.astype(np.int32),
        moments.count[words],
        mean,
        error,
    )


def word_response(model: Model, state: str, word: str) -> WordResponse:
    """How one word moves each unit of a state: mean, standard error and the quantiles of the bands in the detail view.

    Raises `UnknownName` with the nearest words for a word that was never read.
    """
    expected = expected_responses(model, state)
    row = expected.row(word)
    columns = ("quantile_count", *QUANTILE_COLUMNS)
    rows = model.expected_responses(state, [expected.word_ids[row]], columns=columns)
    return WordResponse(
        word,
        int(expected.counts[row]),
        rows["quantile_count"][0].as_py(),
        expected.response[row],
        expected.standard_error[row],
        np.concatenate([_matrix(rows[name], expected.units) for name in QUANTILE_COLUMNS]),
    )


def find_words(expected: ExpectedResponses, text: str, limit: int = 20) -> tuple[pa.Table, int]:
    """The words of the vocabulary that contain `text`, whatever the case, and how many there are in all.

    The word itself comes first, then those that begin with it, then the others, the most frequent of each first.
    Columns word, count, unit (the one that it moves most), response and standard_error (of that unit).
    """
    sought = text.lower()
    found = [(row, word.lower()) for row, word in enumerate(expected.words) if sought in word.lower()]
    found.sort(key=lambda each: (each[1] != sought, not each[1].startswith(sought), -expected.counts[each[0]]))
    rows = np.array([row for row, _ in found[:limit]], np.int64)
    units = np.abs(expected.response[rows]).argmax(axis=1)
    error = expected.standard_error[rows, units]
    columns = {
        "word": pa.array([expected.words[row] for row in rows.tolist()], pa.string()),
        "count": expected.counts[rows],
        "unit": units,
        "response": expected.response[rows, units],
        "standard_error": pa.array(error, mask=np.isnan(error)),
    }
    return pa.table(columns), len(found)


def words_of_unit(
    model: Model, state: str, unit: int, m: int = 20, minimum_count: int = 1, words: Sequence[str] = ()
) -> pa.Table:
    """The `m` words that move a unit most, by falling |s(w)|, with the quantiles of their responses.

    Columns word_id, word, count, response, standard_error, quantile_count, quantile_09 .. quantile_91: one number each,
    of this unit. Only words read at least `minimum_count` times are ranked (a mean over few steps is large by chance);
    `words` are appended where they are not among them. Equal responses are ordered by word id. Up to a million recorded
    steps the quantiles are those of all responses, beyond that of the sample that the recording took.
    """
    expected = expected_responses(model, state)
    if not 0 <= unit < expected.units:
        raise UnknownName(f"State {state!r} of {model.name!r} has units 0 to {expected.units - 1}, none {unit}.")
    if m < 0:
        raise QuestionError(f"{m} words were asked for; 0 or more were expected.")
    allowed = np.flatnonzero(expected.counts >= minimum_count)
    ranked = allowed[np.argsort(-np.abs(expected.response[allowed, unit]), kind="stable")][:m].tolist()
    rows = list(dict.fromkeys([*ranked, *(expected.row(word) for word in words)]))
    ids = expected.word_ids[rows]
    if model.steps <= ALL_TO:
        quantiles = _quantiles_of_unit(model, state, unit, ids)
    else:
        quantiles = model.responses_of_unit(state, unit, ids, ("quantile_count", *QUANTILE_COLUMNS))
    error = expected.standard_error[rows, unit]
    return pa.table(
        {
            "word_id": ids,
            "word": pa.array([expected.words[row] for row in rows], pa.string()),
            "count": expected.counts[rows],
            "response": expected.response[rows, unit],
            "standard_error": pa.array(error, mask=np.isnan(error)),
            **{name: quantiles[name] for name in ("quantile_count", *QUANTILE_COLUMNS)},
        }
    )


def _quantiles_of_unit(model: Model, state: str, unit: int, ids: np.ndarray) -> pa.Table:
    """quantile_count and the quantiles of one unit's responses to some words, from all steps that read them."""
    values = single(model.unit_values(state, [unit])[0])
    response = np.diff(values, prepend=np.float32(0))
    response[model.sequence_starts] = values[model.sequence_starts]
    place = np.full(len(model.vocabulary), -1)
    place[ids] = np.arange(len(ids))
    places = place[model.word_ids()]
    steps = np.flatnonzero(places >= 0)
    steps = steps[np.argsort(places[steps], kind="stable")]
    ends = np.cumsum(np.bincount(places[steps], minlength=len(ids)))
    of_words = np.split(response[steps], ends[:-1])[: len(ids)]
    found = np.array([np.quantile(mine, QUANTILES) for mine in of_words], np.float32).reshape(-1, len(QUANTILES))
    counts = {"quantile_count": np.diff(ends, prepend=0)}
    return pa.table(counts | dict(zip(QUANTILE_COLUMNS, found.T, strict=True)))


def word_tags(model: Model, track: str) -> WordTags:
    """The label that each word has most often on a track of labels, such as its part of speech.

    Steps without a label are not counted. Of two equally frequent labels the alphabetically first is taken. Raises
    `UnknownName` for a track that is not there, `QuestionError` for one of numbers.
    """
    words = len(model.vocabulary)
    if track not in model.tracks:
        raise UnknownName(f"Model {model.name!r} has no track {track!r}: {suggest(track, model.tracks)}")
    if model.tracks[track].kind != "discrete":
        raise QuestionError(f"Track {track!r} of {model.name!r} holds numbers; words are tagged by a track of labels.")
    numbers: dict[str, int] = {}
    pairs, often = (
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
    )  # those that occur: labels can be as many as words
    for start in range(0, model.steps, STEPS_PER_BLOCK):
        stop = min(model.steps, start + STEPS_PER_BLOCK)
        values = model.annotations([track], start, stop)["value"].combine_chunks().dictionary_encode()
        here = values.dictionary.to_pylist()
        for label in here:
            numbers.setdefault(label, len(numbers))
        codes = np.array([numbers[label] for label in here], np.int64)[values.indices.to_numpy()]
        seen = codes * words + model.word_ids(start, stop)
        pairs, place = np.unique(np.concatenate([pairs, seen]), return_inverse=True)
        often = np.bincount(place, np.concatenate([often, np.ones(len(seen))])).astype(np.int64)
    spoken = sorted(label for label in numbers if label)
    alphabetical = np.full(len(numbers), -1)
    alphabetical[[numbers[label] for label in spoken]] = np.arange(len(spoken))
    label, word = alphabetical[pairs // words], pairs % words
    label, word, often = (each[label >= 0] for each in (label, word, often))
    first = np.lexsort((label, -often, word))
    first = first[np.unique(word[first], return_index=True)[1]]
    best, count = np.full(words, -1), np.zeros(words, np.int64)
    best[word[first]], count[word[first]] = label[first], often[first]
    with np.errstate(invalid="ignore"):
        share = (count / np.bincount(word, often, words)).astype(np.float32)
    order = np.argsort(-np.bincount(label, often, len(spoken)), kind="stable")
    return WordTags(
        track,
        [spoken[index] for index in order],
        [spoken[index] if index >= 0 else "" for index in best.tolist()],
        count,
        share,
    )
