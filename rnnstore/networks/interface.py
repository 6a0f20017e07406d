"""The network that analyses know, whatever stands behind it: files read with NumPy, or a program of somebody's own.

A network reads a batch of texts of unequal length, from given states, and gives back every state and gate (`Trace`),
scores where they are asked for, and derivatives in both directions. While it reads, an `Edit` may look at any state or
gate at any step and change it for each text by itself. An implementation has to give `embed`, `run`, `vjp` and the
scores; what else analyses ask follows from these here, slowly, and is overridden where there is a faster way.

What a network cannot do is not in its `can`; `need` makes the sentence about it, here and nowhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from rnnstore.errors import DamagedModel, MissingNetwork, QuestionError, suggest
from rnnstore.networks.completing import spaced
from rnnstore.networks.predictions import predictions_of
from rnnstore.networks.reading import Reading
from rnnstore.networks.tokenising import Tokenisation, Tokens, tokenise
from rnnstore.store.card import MENDING
from rnnstore.threads import one_thread

LIMIT = 1000
"""Steps of a typed text that are read, unless another limit is asked for."""

PREDICTIONS = 5
"""Predicted words a step."""

Ability = Literal["text", "scores", "gradients", "edits"]

MISSING: dict[Ability, str] = {
    "text": "does not say how its text was made into words, so no sentence can be read. `python -m pipelines record` "
    "with its recipe writes that down; recorded stretches can be shown.",
    "scores": "has no output layer here, so nothing can be said of its predictions.",
    "gradients": "cannot be differentiated, so it is not known on which inputs its states and predictions depend.",
    "edits": "is a program whose states cannot be changed while it reads.",
}
"""What is said of a network that lacks an ability, behind "The network of NAME"."""

Edit = Callable[[str, int, np.ndarray], np.ndarray]
"""edit(series, step, values): what the values float32[texts, width] of a state or gate, such as `layer1.c`, are to be
at a step. It acts where they are handed on: on c before h is made from it, on h before the next step, the layer above
and the scores read it. A layer's steps come in order; rows of texts that have ended are there, and do not count."""

Callback = Callable[[str, int, int, np.ndarray], None]
Visit = Callable[[np.ndarray], AbstractContextManager[Callback]]

_SCORES = 1 << 21  # held at once, 8 MB
_ROWS = 64  # texts of one batch where a text is repeated


@dataclass(frozen=True)
class Trace:
    """What a network did over a batch of texts; steps go on to the longest, and are zero behind a text's end.

    x        float32[steps, texts, inputs]: what it read
    series   every state and gate that was kept, by name: float32[steps, texts, width]
    before   every state before the first step, by name: float32[texts, width]
    starts   bool[steps, texts]: a sequence starts, the state before the step was zero
    lengths  int[texts]
    edited   whether an edit changed it; then it has no derivatives
    """

    x: np.ndarray
    series: Mapping[str, np.ndarray]
    before: Mapping[str, np.ndarray]
    starts: np.ndarray
    lengths: np.ndarray
    edited: bool = False

    def need_unedited(self) -> None:
        """`QuestionError` where an edit changed it."""
        if self.edited:
            raise QuestionError("What an edit changed has no derivatives; read the text without it.")

    def text(self, number: int = 0) -> dict[str, np.ndarray]:
        """The series of one text, float32[its steps, width] by name."""
        length = int(self.lengths[number])
        return {name: values[:length, number] for name, values in self.series.items()}


@dataclass(frozen=True)
class Cotangents:
    """How a number for each text changes with what the network read and held.

    x       float32[steps, texts, inputs]
    states  by name float32[steps, texts, width]: with the state as it is handed on, through all that it leads to
    """

    x: np.ndarray
    states: Mapping[str, np.ndarray] = field(default_factory=dict)


class Network(ABC):
    """A network of `name`.

    words         the vocabulary; a word's place is its number. Empty where it reads numbers
    outputs       what a prediction is over: the vocabulary, or a classifier's labels
    classifier    whether it tells labels apart instead of predicting the next word
    completes     whether it reads characters and predicts the whole word that they are part of
    tokenisation  how typed text becomes words; None where that is not known
    input_width   how many numbers it reads at a step
    widths        width of every state and gate by its name, such as `layer1.c`, in recording order
    states        the names of the states; the others in `widths` are gates
    keeping       by state the gate that says how much of it is kept from the step before, where there is one
    head          the state from which scores are made
    can           what it is able to do, of `MISSING`
    """

    name: str
    words: Sequence[str]
    outputs: Sequence[str]
    classifier: bool = False
    completes: bool = False
    tokenisation: Tokenisation | None = None
    input_width: int
    widths: Mapping[str, int]
    states: Sequence[str]
    keeping: Mapping[str, str] = {}
    head: str
    can: frozenset[str] = frozenset({"scores", "gradients", "edits"})

    def __repr__(self) -> str:
        return f"Network({self.name!r}, {len(self.words):,} words, states {', '.join(self.states)})"

    @property
    def gates(self) -> list[str]:
        """The names of the gates, `layer1.i`, ..., in order."""
        return [name for name in self.widths if name not in self.states]

    def need(self, *abilities: Ability) -> None:
        """`MissingNetwork` where it lacks one of these abilities."""
        for ability in abilities:
            if ability not in self.can:
                raise MissingNetwork(f"The network of {self.name!r} {MISSING[ability]}")

    # What an implementation gives

    @abstractmethod
    def embed(self, ids: np.ndarray) -> np.ndarray:
        """float32[n, input_width]: what is read for these words; zeros for an unknown one (-1)."""

    @abstractmethod
    def run(
        self,
        texts: Sequence[np.ndarray],
        starts: Sequence[np.ndarray] | None = None,
        before: Mapping[str, np.ndarray] | None = None,
        *,
        edit: Edit | None = None,
        keep: Sequence[str] | None = None,
    ) -> Trace:
        """What the network does over texts of any lengths: each int[n], the numbers of words, or float32[n,
        input_width], what it reads.

        `starts` bool[n] of each: the state is zero before this step. `before` float32[texts, width] by name: the states
        before the first step, zero where they are not given. `keep` names the series that are wanted, None for all.
        """

    @abstractmethod
    def vjp(self, trace: Trace, cotangents: Mapping[str, np.ndarray]) -> Cotangents:
        """How sum(cotangents * states) of each text changes with its inputs and states.

        `cotangents` float32[steps, texts, width] by the name of a state. Nothing passes the start of a sequence.
        """

    @abstractmethod
    def scores(self, hidden: np.ndarray) -> np.ndarray:
        """float32[n, outputs]: the logits, from the state `head` float32[n, width]."""

    @abstractmethod
    def score_gradients(self, hidden: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """float32[n, width]: how the score of output `outputs[n]` changes with `hidden`, the state `head`."""

    # What follows from that

    def score_of(self, hidden: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """float32[n]: the score of one output each."""
        found = np.empty(len(hidden), np.float32)
        for rows in batches(len(hidden), len(self.outputs)):
            found[rows] = self.scores(hidden[rows])[np.arange(len(found[rows])), outputs[rows]]
        return found

    def vjp_each(self, trace: Trace, cotangents: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The gradient of many numbers of one text, one at each step: how cotangents[t] * head(t) changes with what was
        read at an earlier step.

        `trace` of one text, `cotangents` float32[steps, width]. Yields each step j, from the last to the first, with
        float32[steps - j, input_width]: a row for each t from j on.
        """
        steps = len(cotangents)
        found = np.zeros((steps, steps, self.input_width), np.float32)
        for rows in batches(steps, 1, _ROWS):
            each = self._repeated(trace, len(range(*rows.indices(steps))))
            seeds = np.zeros((steps, len(each.lengths), cotangents.shape[1]), np.float32)
            for row, t in enumerate(range(*rows.indices(steps))):
                seeds[t, row] = cotangents[t]
            found[rows] = self.vjp(each, {self.head: seeds}).x.swapaxes(0, 1)
        for j in range(steps - 1, -1, -1):
            yield j, found[j:, j]

    def jvp(
        self,
        text: np.ndarray,
        starts: np.ndarray,
        names: Sequence[str],
        delays: int,
        visit: Visit,
        *,
        before: Mapping[str, np.ndarray] | None = None,
        sources: np.ndarray | None = None,
        progress: Callable[[int, int], None] | None = None,
        threads: int | None = None,
    ) -> None:
        """How states and gates of one text change with what was read `delay` steps before, for all delays under
        `delays`; in as many threads as are asked for.

        Words are followed in groups. For each, `visit(steps of the group)` is entered, and what it returns is called as
        callback(name, number in the group, delay, float32[input_width, width]), right after the values are there and
        still near the processor; they are written over afterwards. `sources` bool[n]: the words that are followed, all
        where it is None. After every few words `progress` is called with how many were followed and how many there are.
        Pairs across the start of a sequence are no pairs.
        """
        for name in names:
            if name not in self.states:
                raise QuestionError(f"Derivatives of {name} are not known to {self.name!r}: it has them of states.")
        steps, sequence = len(text), np.cumsum(starts)
        followed = np.flatnonzero(np.ones(steps, bool) if sources is None else sources)
        one = {name: values[None] for name, values in (before or {}).items()}
        trace, found = self.run([text], [starts], one or None), {}
        for name in names:
            repeated = self._repeated(trace, self.widths[name])
            for t in range(steps):
                seeds = np.zeros((steps, self.widths[name], self.widths[name]), np.float32)
                seeds[t] = np.eye(self.widths[name])
                x = self.vjp(repeated, {name: seeds}).x
                for source in followed[(followed <= t) & (followed > t - delays)].tolist():
                    if sequence[source] == sequence[t]:
                        found[source, name, t - source] = np.ascontiguousarray(x[source].T)
        for done, source in enumerate(followed.tolist(), 1):
            with visit(np.array([source])) as callback:
                for (at, name, delay), values in found.items():
                    if at == source:
                        callback(name, 0, delay, values)
            if progress:
                progress(done, len(followed))

    def _repeated(self, trace: Trace, times: int) -> Trace:
        """The one text of a trace, read so many times side by side."""
        before = {name: np.repeat(values, times, axis=0) for name, values in trace.before.items()}
        return self.run([trace.x[:, 0]] * times, [trace.starts[:, 0]] * times, before)

    def tokenise(self, text: str) -> Tokens:
        """The words of a typed text, exactly as in training; every character of it stands in `Tokens.typed`."""
        self.need("text")
        assert self.tokenisation is not None
        number_of = {word: number for number, word in enumerate(self.words)}
        tokens = tokenise(text, self.tokenisation, number_of)
        return spaced(tokens, number_of[" "]) if self.completes and " " in number_of else tokens

    def read(
        self,
        tokens: Tokens | str,
        limit: int = LIMIT,
        predictions: int = PREDICTIONS,
        before: Mapping[str, np.ndarray] | None = None,
    ) -> Reading:
        """What the network did at every step of a text: states, gates and predictions.

        It begins from a state of zero, or from the states `before`, float32[width] by name. At most `limit` steps are
        read, and the reading's notes say when that were not all; `predictions` of the most probable words at each, none
        for 0. `QuestionError` for an empty text.
        """
        if isinstance(tokens, str):
            tokens = self.tokenise(tokens)
        if not len(tokens):
            raise QuestionError(" ".join(["There is nothing to read: type at least one word.", *tokens.notes]))
        steps, notes = min(len(tokens), max(1, limit)), list(tokens.notes)
        if steps < len(tokens):
            notes.append(f"The text has {len(tokens):,} steps; the first {steps:,} of them were read.")
        starts = tokens.starts[:steps]
        with one_thread():
            trace = self.run([tokens.ids[:steps]], [starts], before and {n: v[None] for n, v in before.items()})
            series = trace.text()
            self.check(*series.values())
            predicts = predictions > 0 and "scores" in self.can
            found = predictions_of(self, series[self.head], tokens, predictions) if predicts else None
        return Reading(
            words=tokens.words[:steps],
            typed=tokens.typed[:steps],
            unknown=tokens.unknown[:steps],
            starts=starts,
            states={name: series[name] for name in self.states},
            gates={name: series[name] for name in self.gates},
            before={name: values[0] for name, values in trace.before.items()},
            predictions=found,
            source="typed",
            notes=notes,
            classifier=self.classifier,
            keeping=self.keeping,
            trace=trace,
        )

    def probabilities(self, hidden: np.ndarray) -> np.ndarray:
        """float32[n, outputs]: the probability of every output, from the state `head` float32[n, width]."""
        scores = self.scores(hidden)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def standing(self, hidden: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where one output stands among all at each step: its rank int[n], from 1, and its probability float32[n].

        `hidden` float32[n, width] is the state `head`, `outputs` int[n] the output that is asked about; for -1 the rank
        is 0 and the probability NaN. Of outputs equally probable, the lower number comes first.
        """
        ranks, chances = np.zeros(len(hidden), np.int64), np.full(len(hidden), np.nan, np.float32)
        asked = np.flatnonzero(outputs >= 0)
        for rows in batches(len(asked), len(self.outputs)):
            steps = asked[rows]
            scores, its = self.scores(hidden[steps]), outputs[steps]
            own = scores[np.arange(len(steps)), its][:, None]
            before = (scores == own) & (np.arange(scores.shape[1]) < its[:, None])
            ranks[steps] = 1 + ((scores > own) | before).sum(axis=1)
            chances[steps] = 1 / np.exp(scores - own).sum(axis=1, dtype=np.float64)
        return ranks, chances

    def check(self, *found: np.ndarray) -> None:
        """`DamagedModel` where values that it gave are no numbers."""
        if not all(np.isfinite(values).all() for values in found):
            raise DamagedModel(f"The network of {self.name!r} gives values that are no numbers. {MENDING}")

    def known(self, names: Sequence[str]) -> None:
        """`QuestionError` for the first name that is no state or gate of it."""
        for name in names:
            if name not in self.widths:
                raise QuestionError(f"{self.name!r} has no state or gate {name!r}: {suggest(name, self.widths)}")


def batches(rows: int, width: int, most: int | None = None) -> Iterator[slice]:
    """Slices of so many rows that not too many numbers are held at once."""
    size = most or max(1, _SCORES // max(1, width))
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))
