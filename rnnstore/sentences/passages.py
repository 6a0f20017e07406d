"""Passages: readings of sentences with their measures by clusters of units, to be compared side by side.

A passage is a typed sentence or a span of the recording, with the change of each cluster at each word
(`sequence_measures`) and, where a unit or a cluster colours the text, its values. Passages share columns; when they are
aligned at a word, its first occurrence in each stands in one column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.errors import QuestionError
from rnnstore.networks.opening import open_network
from rnnstore.networks.reading import Reading
from rnnstore.networks.recorded import recorded_reading
from rnnstore.sentences.measures import SequenceMeasures, sequence_measures
from rnnstore.store.model import Model

MOVING = 12
"""Words that are named for each cluster as those that move it most."""


@dataclass(frozen=True)
class Passage:
    """A measured reading of n tokens.

    `title` names it, `typed` are the words as a person wrote them (empty: added), `starts` bool[n] says where a
    sequence starts, `values` float[n] colour the words (None: nothing does), `first` is the step in the corpus of a
    recorded span.
    """

    title: str
    words: Sequence[str]
    typed: Sequence[str]
    unknown: np.ndarray
    starts: np.ndarray
    measures: SequenceMeasures
    predictions: pa.Table | None = None
    values: np.ndarray | None = None
    first: int | None = None

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Colouring:
    """What colours the words: the value of one unit, or the mean value of one cluster of units."""

    unit: int | None = None
    cluster: int | None = None

    def __str__(self) -> str:
        return f"unit {self.unit}" if self.unit is not None else f"cluster {self.cluster}"


def passage(
    reading: Reading,
    state: str,
    unit_cluster: np.ndarray,
    *,
    unit_sign: np.ndarray | None = None,
    title: str = "",
    by_gate: bool = False,
    colouring: Colouring | None = None,
    first: int | None = None,
) -> Passage:
    """A reading measured in `state` by the clusters int[units].

    Units whose `unit_sign` int[units] is -1 were flipped when they were clustered; their values count negated.
    With `by_gate`, what is preserved is measured by the gate that keeps the state instead of by the values. Raises
    `QuestionError` for a state that the reading does not have, and where its gate is not in it.
    """
    sign = np.ones(len(unit_cluster), np.float32) if unit_sign is None else np.asarray(unit_sign, np.float32)
    values = state_of(reading, state) * sign
    forget = None
    if by_gate:
        gate = reading.keeping.get(state)
        if gate is None:
            raise QuestionError(
                f"What is preserved of {state} cannot be taken from a gate: none that keeps it was read. Typed "
                "sentences have an LSTM's forget and a GRU's update gate; a recorded span has those that were recorded."
            )
        forget = reading.gates[gate]
    return Passage(
        title=title or reading.source,
        words=reading.words,
        typed=reading.typed,
        unknown=reading.unknown,
        starts=reading.starts,
        measures=sequence_measures(values, reading.before[state] * sign, unit_cluster, forget, reading.starts),
        predictions=reading.predictions,
        values=None if colouring is None else coloured_values(reading, state, unit_cluster, colouring, sign),
        first=first,
    )


@dataclass(frozen=True)
class TitledReading:
    """A reading with a title; `first` is the step in the corpus of a recorded span."""

    title: str
    reading: Reading
    first: int | None = None


def readings(model: Model, sentences: Sequence[str | tuple[int, int]]) -> list[TitledReading]:
    """The readings of typed texts by the model's network, and of spans (first step, stop) of its recording.

    Raises `QuestionError` for an empty text or steps outside of the recording, `MissingNetwork` for a text when the
    model has no network.
    """
    found: list[TitledReading] = []
    for each in sentences:
        if isinstance(each, str):
            number = 1 + sum(one.first is None for one in found)
            found.append(TitledReading(f"sentence {number}", open_network(model).read(each)))
        else:
            first, stop = each
            found.append(TitledReading(f"step {first:,}", recorded_reading(model, first, stop), first))
    return found


def sentences_of(text: str, by_character: bool) -> list[str]:
    """The sentences of a typed text: its lines, or by character, where line ends are read too, its
    paragraphs."""
    pieces = re.split(r"\n[ \t]*\n", text.strip("\n")) if by_character else text.splitlines()
    return [piece if by_character else piece.strip() for piece in pieces if piece.strip()]


def state_of(reading: Reading, state: str) -> np.ndarray:
    """float32[n, units] of a state; `QuestionError` where the reading does not have it."""
    if state in reading.gates:
        raise QuestionError(
            f"{state} is a gate: it says what is let through and holds nothing itself, so there is nothing to follow "
            f"in it. Choose one of {', '.join(reading.states) or 'the states'} instead."
        )
    if state not in reading.states:
        known = ", ".join(reading.states) or "none"
        raise QuestionError(f"The reading has no state {state}; it has {known}. Choose one of them.")
    return reading.states[state]


def coloured_values(
    reading: Reading, state: str, unit_cluster: np.ndarray, colouring: Colouring, unit_sign: np.ndarray | int = 1
) -> np.ndarray:
    """float[n]: the values of one unit, or the means over one cluster of units; those with a sign of -1 count
    negated."""
    values = state_of(reading, state)
    if colouring.unit is not None:
        if not 0 <= colouring.unit < values.shape[1]:
            raise QuestionError(f"{state} has units 0 to {values.shape[1] - 1}, none {colouring.unit}.")
        return values[:, colouring.unit].astype(float)
    members = np.asarray(unit_cluster) == colouring.cluster
    if not members.any():
        raise QuestionError(f"There is no unit in a cluster {colouring.cluster}.")
    return (values * unit_sign)[:, members].mean(axis=1).astype(float)


def response_at(reading: Reading, state: str, index: int) -> np.ndarray:
    """float[units]: how the token at `index` moved every unit, h(t) - h(t-1), with zero before a sequence starts."""
    values = state_of(reading, state).astype(float)
    if not 0 <= index < len(values):
        raise QuestionError(f"There is no token {index}; the passage has {len(values)}.")
    if reading.starts[index] and index:
        return values[index]
    return values[index] - (values[index - 1] if index else reading.before[state])


def same_word_tokens(readings: Sequence[Reading], chosen: tuple[int, int]) -> list[tuple[int, int]]:
    """`chosen` (reading, index), and of every other reading the first token of the same word."""
    word = readings[chosen[0]].words[chosen[1]]
    others = [
        (number, each.words.index(word))
        for number, each in enumerate(readings)
        if number != chosen[0] and word in each.words
    ]
    return [chosen, *others]


@dataclass(frozen=True)
class Grouping:
    """The groups of units for the measures of a passage: cluster int[units] and sign int8[units] of each unit, the
    words that move each cluster most (see `moving_words`), and notes to show beside them."""

    unit_cluster: np.ndarray
    unit_sign: np.ndarray
    words: list[list[tuple[str, float]]]
    notes: list[str]


def grouping(clusters: CoClusters, expected: ExpectedResponses) -> Grouping:
    """The groups of units of a co-clustering."""
    return Grouping(clusters.unit_cluster, clusters.unit_sign, moving_words(clusters, expected), clusters.notes)


def all_units(units: int, why: str) -> Grouping:
    """All units in one group, with the reason `why` they could not be clustered."""
    return Grouping(np.zeros(units, np.int64), np.ones(units, np.int8), [[]], [why])


def moving_words(
    clusters: CoClusters, expected: ExpectedResponses, words: int = MOVING
) -> list[list[tuple[str, float]]]:
    """For each unit cluster the clustered words that move it most, with the mean of s(w) over its units, strongest
    first; units that were flipped count negated."""
    turned = expected.response[clusters.rows] * clusters.unit_sign  # [n, units]
    found = []
    for cluster in range(int(clusters.unit_cluster.max(initial=-1)) + 1):
        members = clusters.unit_cluster == cluster
        means = turned[:, members].mean(axis=1) if members.any() else np.zeros(0)
        order = np.argsort(-np.abs(means), kind="stable")[:words]
        found.append([(clusters.words[row], float(means[row])) for row in order.tolist()])
    return found


def common_words(passages: Sequence[Passage]) -> list[str]:
    """The words that stand in at least two of the passages, in the order in which they first come."""
    found: dict[str, int] = {}
    for each in passages:
        for word in dict.fromkeys(each.words):
            found[word] = found.get(word, 0) + 1
    return [word for word, count in found.items() if count > 1]


def offsets(passages: Sequence[Passage], word: str = "") -> tuple[int, ...]:
    """The column in which each passage begins so that the first `word` of each stands in one; passages without it, and
    all without a `word`, begin at column 0."""
    places = [list(each.words).index(word) if word in each.words else None for each in passages]
    furthest = max((place for place in places if place is not None), default=0)
    return tuple(0 if place is None else furthest - place for place in places)


def strongest(passages: Sequence[Passage], windows: Sequence[tuple[int, int]] | None = None) -> tuple[int, int] | None:
    """(passage, index) of the token with the largest sum over clusters of |updated information|.

    `windows` are the first and last (half-open) index that count in each passage; None where there is no token.
    """
    best: tuple[float, tuple[int, int]] | None = None
    for number, each in enumerate(passages):
        first, last = windows[number] if windows else (0, len(each))
        change = each.measures.positive_change[first:last] + each.measures.negative_change[first:last]
        moved = np.abs(change).sum(axis=1)
        if len(moved) and (best is None or moved.max() > best[0]):
            best = float(moved.max()), (number, first + int(moved.argmax()))
    return None if best is None else best[1]
