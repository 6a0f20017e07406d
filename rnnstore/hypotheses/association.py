"""How a hypothesis is associated with an annotation: how the steps that match differ from the corpus as a whole.

A match is evidence only against a base: 45 of 50 matches that start a noun phrase mean something because 27.5 % of all
steps do. So every share stands beside the corpus's, with its count and its interval, and every label has an exact
test. One match is one draw, and so only the starts are tested: the words inside a match depend on each other and get a
share alone. Matches close to each other are not wholly independent either, which the test cannot know; where it
matters, look at the intervals and at the lift before the p-value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError, suggest
from rnnstore.hypotheses.evidence import RANKS, Evidence
from rnnstore.statistics import CORRECTIONS, fisher, wilson
from rnnstore.store.model import Model

STEPS_AT_ONCE = 1 << 17
"""Steps whose annotations are read at once."""

BINS = 20
"""Bars of the histogram of a scalar track."""


@dataclass(frozen=True)
class Base:
    """What the whole corpus says in a track: `counts` of each label, or of each bin of numbers.

    `edges` are those of the bins of a scalar track (none of a discrete one), `mean` and `deviation` are over its
    `known` steps, those with a number.
    """

    track: str
    kind: str  # discrete | scalar
    steps: int
    counts: dict[str, int]
    edges: tuple[float, ...] = ()
    known: int = 0
    mean: float = float("nan")
    deviation: float = float("nan")


@dataclass(frozen=True)
class Association:
    """How the labels of a track are distributed over the matches, against the corpus.

    `table` has a row for each label of the corpus, by falling number of matches that start with it: label, corpus
    (count), corpus_share, words (count of matched words), words_share, starts (count of matches that start with it),
    starts_share (the precision of all matches), low, high (its 95 % Wilson interval), lift (starts_share /
    corpus_share), p (two-sided Fisher's exact test of the starts against all other steps), p_corrected (for the number
    of labels), and for each of `RANKS` at_10 (how many of the best), of_10 (of how many). A step without a label has
    the label "". `labels` holds the label of each match's first step, best first.
    """

    track: str
    table: pa.Table
    labels: np.ndarray  # object[matches]
    matches: int
    words: int
    steps: int
    correction: str

    @property
    def note(self) -> str:
        """A sentence that says how it was counted."""
        tested = (
            f" p: Fisher's exact test, two-sided, {CORRECTIONS[self.correction][0]} correction for "
            f"{self.table.num_rows} labels; intervals: Wilson, 95 %. Both take matches for independent draws, which "
            "those near each other or in one text are not: p is too small then, the intervals too narrow."
        )
        return _counted_over(self) + tested * bool(self.matches)


@dataclass(frozen=True)
class ScalarAssociation:
    """How the numbers of a track are distributed over the matches, against the corpus.

    `table` has a row for each bin: low, high (values from low to under high, in the last one to high), and counts and
    shares in corpus, words and starts. `summary` has a row for each of those: over, count, mean, deviation.
    `superiority` is the probability that the number at a match's start is above that at a step of the corpus, ties
    counted half (0.5: no difference; the area under the ROC curve), NaN without a match.
    """

    track: str
    table: pa.Table
    summary: pa.Table
    superiority: float
    matches: int
    words: int
    steps: int

    @property
    def note(self) -> str:
        """A sentence that says how it was counted."""
        above = f" A match's start is above a step of the corpus with probability {self.superiority:.3f}."
        return _counted_over(self) + above * bool(self.matches)


def _counted_over(found: Association | ScalarAssociation) -> str:
    """The sentence with which the note on either kind of track begins."""
    if not found.matches:
        return f"No match, so nothing can be said about {found.track}."
    return (
        f"First steps of {found.matches:,} matches and their {found.words:,} words against all {found.steps:,} steps."
    )


def base(model: Model, track: str) -> Base:
    """The labels or numbers of a track over the whole corpus, read a piece at a time."""
    if track not in model.tracks:
        raise QuestionError(f"Model {model.name!r} has no track {track!r}: {suggest(track, model.tracks)}")
    facts = model.tracks[track]
    if facts.kind == "discrete":
        counts: dict[str, int] = {}
        for values in _pieces(model, track, "value"):
            for pair in pc.value_counts(pc.fill_null(values, "")).to_pylist():
                counts[pair["values"]] = counts.get(pair["values"], 0) + pair["counts"]
        return Base(track, "discrete", model.steps, counts)
    low, high = (facts.minimum or 0.0), (facts.maximum or 0.0)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    if all(float(edge).is_integer() for edge in (low, high)) and 0 < high - low < BINS:
        edges = np.arange(low, high + 2) - 0.5  # whole numbers: a bar each
    bins, known, total, squares = np.zeros(len(edges) - 1, np.int64), 0, 0.0, 0.0
    for values in _pieces(model, track, "number"):
        numbers = _numbers(values)
        bins += np.histogram(numbers, edges)[0]
        known, total, squares = known + len(numbers), total + numbers.sum(), squares + ((numbers - low) ** 2).sum()
    mean = total / known if known else float("nan")
    variance = squares / known - (mean - low) ** 2 if known else float("nan")
    return Base(
        track,
        "scalar",
        model.steps,
        {str(index): int(count) for index, count in enumerate(bins)},
        tuple(edges.tolist()),
        known,
        float(mean),
        float(np.sqrt(max(variance, 0.0))) if known else float("nan"),
    )


def associate(
    model: Model, found: Evidence, track: str, *, correction: str = "holm", against: Base | None = None
) -> Association | ScalarAssociation:
    """How a track is distributed over the matches `found`; `against` is the corpus's `base` where that is known.

    `correction` is "holm" (no false label at all, with 95 % confidence) or "benjamini-hochberg" (at most 5 % false
    ones among those called so). Raises `QuestionError` for another, or an unknown track.
    """
    if correction not in CORRECTIONS:
        raise QuestionError(f"There is no correction {correction!r}: {suggest(correction, CORRECTIONS)}")
    against = against or base(model, track)
    if against.kind == "scalar":
        return _scalar_association(model, found, against)
    steps = found.steps
    labels = _labels_at(model, track, steps)
    at_starts = labels[np.searchsorted(steps, found.start)]
    names = list(against.counts)
    corpus = np.array([against.counts[name] for name in names], np.int64)
    words, starts = _counted(labels, names), _counted(at_starts, names)
    low, high = wilson(starts, len(found))
    p = fisher(starts, len(found), corpus, against.steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "label": pa.array(names, pa.string()),
            "corpus": corpus,
            "corpus_share": corpus / against.steps,
            "words": words,
            "words_share": words / len(steps) if len(steps) else np.full(len(names), np.nan),
            "starts": starts,
            "starts_share": starts / np.int64(len(found)),
            "low": low,
            "high": high,
            "lift": (starts / np.int64(len(found))) / (corpus / against.steps),
            "p": p,
            "p_corrected": CORRECTIONS[correction][1](p),
        }
    for rank in RANKS:
        best = at_starts[:rank]
        columns[f"at_{rank}"] = _counted(best, names)
        columns[f"of_{rank}"] = np.full(len(names), len(best))
    order = np.lexsort((np.array(names, object).astype(str), -corpus, -starts))
    return Association(
        track, pa.table(columns).take(pa.array(order)), at_starts, len(found), len(steps), against.steps, correction
    )


def precision_curve(found: Association, labels: Iterable[str] | None = None, points: int = 200) -> pa.Table:
    """Precision of the best k matches, for each of `labels` (without: the one that most matches start with).

    Columns label, k, hits, precision, low, high (95 % Wilson interval), base (share in the corpus). At most `points`
    values of k, even on a logarithmic scale from 1 to the number of matches.
    """
    if labels is None:
        labels = found.table["label"].to_pylist()[:1]
    known = dict(zip(found.table["label"].to_pylist(), found.table["corpus_share"].to_pylist(), strict=True))
    k = np.unique(np.rint(np.geomspace(1, max(found.matches, 1), points)).astype(np.int64))[: found.matches]
    parts = []
    for label in labels:
        if label not in known:
            raise QuestionError(f"Track {found.track!r} has no label {label!r}: {suggest(label, filter(None, known))}")
        hits = np.cumsum(found.labels == label)[k - 1]
        low, high = wilson(hits, k)
        parts.append(
            pa.table(
                {
                    "label": pa.array([label] * len(k), pa.string()),
                    "k": k,
                    "hits": hits.astype(np.int64),
                    "precision": hits / k,
                    "low": low,
                    "high": high,
                    "base": np.full(len(k), known[label]),
                }
            )
        )
    return pa.concat_tables(parts)


def _scalar_association(model: Model, found: Evidence, against: Base) -> ScalarAssociation:
    edges = np.array(against.edges)
    steps = found.steps
    rows = model.annotations_at([against.track], steps)["number"] if len(steps) else pa.array([], pa.float64())
    numbers = pc.fill_null(rows, float("nan")).to_numpy(zero_copy_only=False)
    at_starts = numbers[np.searchsorted(steps, found.start)] if len(found) else np.zeros(0)
    samples = {"words": numbers[np.isfinite(numbers)], "starts": at_starts[np.isfinite(at_starts)]}
    corpus = np.array(list(against.counts.values()), np.int64)
    columns = {"low": edges[:-1], "high": edges[1:], "corpus": corpus, "corpus_share": corpus / max(against.known, 1)}
    summary = [("corpus", against.known, against.mean, against.deviation)]
    for name, sample in samples.items():
        counts = np.histogram(sample, edges)[0]
        columns |= {name: counts, f"{name}_share": counts / max(len(sample), 1)}
        mean, deviation = (float(sample.mean()), float(sample.std())) if len(sample) else (np.nan, np.nan)
        summary.append((name, len(sample), mean, deviation))
    return ScalarAssociation(
        against.track,
        pa.table(columns),
        pa.table(dict(zip(("over", "count", "mean", "deviation"), map(list, zip(*summary, strict=True)), strict=True))),
        _superiority(model, against.track, np.sort(samples["starts"]), against.known),
        len(found),
        len(steps),
        against.steps,
    )


def _superiority(model: Model, track: str, ascending: np.ndarray, known: int) -> float:
    """The share of pairs (start, step of the corpus) in which the start's number is above, ties counted half."""
    if not len(ascending) or not known:
        return float("nan")
    below = ties = 0
    for values in _pieces(model, track, "number"):
        numbers = _numbers(values)
        left, right = np.searchsorted(ascending, numbers, "left"), np.searchsorted(ascending, numbers, "right")
        below += int((len(ascending) - right).sum())
        ties += int((right - left).sum())
    return (below + ties / 2) / (len(ascending) * known)


def _pieces(model: Model, track: str, column: str) -> Iterable[pa.ChunkedArray]:
    for first in range(0, model.steps, STEPS_AT_ONCE):
        yield model.annotations([track], first, min(model.steps, first + STEPS_AT_ONCE))[column]


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    numbers = pc.drop_null(values).to_numpy().astype(float)
    return numbers[np.isfinite(numbers)]


def _labels_at(model: Model, track: str, steps: np.ndarray) -> np.ndarray:
    """object[n]: the label at each of the steps, which ascend."""
    if not len(steps):
        return np.zeros(0, object)
    return np.array([label or "" for label in model.annotations_at([track], steps)["value"].to_pylist()], object)


def _counted(labels: np.ndarray, names: list[str]) -> np.ndarray:
    """int64[len(names)]: how often each of `names` occurs in `labels`."""
    place = {name: index for index, name in enumerate(names)}
    return np.bincount([place[label] for label in labels.tolist()], minlength=len(names)).astype(np.int64)
