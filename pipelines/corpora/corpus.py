"""What every corpus becomes: word ids with sequence starts and tracks, in splits, over one vocabulary."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np

from pipelines.corpora import tokenisation as tokenisations
from pipelines.errors import CorpusError


@dataclass(frozen=True)
class Split:
    """A stretch of text that is trained, validated, tested or recorded on.

    word_ids         int32[steps]   index into the corpus's vocabulary
    sequence_starts  bool[steps]    the state is reset to zero here; the first step always is one
    tracks           name -> array[steps]; numbers are a scalar track, texts a discrete one ("" is no label)
    track_sources    name -> where its values come from, for the person who reads them
    labels           int32[sequences] the label of every sequence, of a corpus with labels
    targets          int32[steps]   what is asked for after every step, of a corpus that asks for something else than
                                    the next word; -1 for nothing
    """

    word_ids: np.ndarray
    sequence_starts: np.ndarray
    tracks: dict[str, np.ndarray] = field(default_factory=dict)
    track_sources: dict[str, str] = field(default_factory=dict)
    labels: np.ndarray | None = None
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.word_ids)

    @property
    def lengths(self) -> np.ndarray:
        """int64[sequences]: steps of every sequence."""
        return np.diff(np.append(np.flatnonzero(self.sequence_starts), len(self)))


@dataclass(frozen=True)
class Corpus:
    """A prepared corpus. `vocabulary[i]` is the word of id i; `level` is "word" or "character".

    With `labels`, every sequence has one of them, for a classifier to say; or every step, where splits have `targets`.
    `notes` are sentences about what of the corpus is not used, or used more than once.
    """

    name: str
    level: str
    vocabulary: list[str]
    splits: dict[str, Split]
    tokenisation: dict = field(default_factory=dict)
    labels: list[str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What a network over it is trained for."""
        if self.labels is None:
            return "language model"
        return "classifier" if self.splits["train"].targets is None else "autocomplete"

    @property
    def outputs(self) -> list[str]:
        """What a network over it chooses from: labels, or the words of the vocabulary."""
        return self.vocabulary if self.labels is None else self.labels


@dataclass(frozen=True)
class RawText:
    """Text before there is a vocabulary: words (list of str, or one str for characters) and what belongs to them.

    `cuts` are the steps at which a split may begin (whole lines, sentences or files); None allows any step.
    """

    words: list[str] | str
    sequence_starts: np.ndarray
    tracks: dict[str, np.ndarray] = field(default_factory=dict)
    cuts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.words)

    def first(self, steps: int | None) -> "RawText":
        """At most this many steps from the start; all of them for None."""
        if steps is None or steps >= len(self):
            return self
        cuts = None if self.cuts is None else self.cuts[self.cuts < steps]
        return replace(self.part(0, steps), cuts=cuts)

    def shortened(self, longest: int | None) -> "RawText":
        """The same with at most `longest` steps of every sequence."""
        if longest is None:
            return self
        begins = np.flatnonzero(self.sequence_starts)
        steps = np.arange(len(self))
        kept = steps - begins[np.searchsorted(begins, steps, side="right") - 1] < longest
        words = list(compress(self.words, kept))
        tracks = {name: values[kept] for name, values in self.tracks.items()}
        cuts = None if self.cuts is None else np.unique((np.cumsum(kept) - kept)[self.cuts])
        return RawText(
            "".join(words) if isinstance(self.words, str) else words, self.sequence_starts[kept], tracks, cuts
        )

    def part(self, start: int, stop: int) -> "RawText":
        """Steps start..stop-1, whose first is a sequence start."""
        starts = self.sequence_starts[start:stop].copy()
        starts[:1] = True
        tracks = {name: values[start:stop] for name, values in self.tracks.items()}
        return RawText(self.words[start:stop], starts, tracks)


def join(texts: list[RawText], cuts: np.ndarray | None = None) -> RawText:
    """The stretches one after another, as one with these cuts."""
    words = (
        "".join(s.words for s in texts)
        if isinstance(texts[0].words, str)
        else [word for s in texts for word in s.words]
    )
    starts = np.concatenate([s.sequence_starts for s in texts])
    names = texts[0].tracks
    tracks = {name: np.concatenate([s.tracks[name] for s in texts]) for name in names}
    return RawText(words, starts, tracks, cuts)


def divide(whole: RawText, shares) -> dict[str, RawText]:
    """Train, validation and test parts of a text, in this order, each cut at the allowed step nearest to its share.

    Every share above zero gets at least one piece; `CorpusError` if there are fewer pieces than that.
    """
    names = [name for name in ("train", "validation", "test") if getattr(shares, name) > 0]
    cuts = np.arange(len(whole) + 1) if whole.cuts is None else np.append(whole.cuts, len(whole))
    pieces = len(cuts) - 1
    if pieces < len(names):
        made_of = (
            f"{pieces} piece{'' if pieces == 1 else 's'} that cannot be cut" if whole.cuts is not None else "steps"
        )
        raise CorpusError(
            f"The corpus of {len(whole):,} steps is made of {made_of}: too few to be divided into "
            f"{', '.join(names)}. Use more text, or set the shares of validation and test to 0."
        )
    parts, begin, wanted = {}, 0, 0.0
    for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
        wanted += getattr(shares, name) * len(whole)
        end = int(np.abs(cuts - wanted).argmin())
        end = pieces if left == 0 else min(max(end, begin + 1), pieces - left)
        parts[name] = whole.part(int(cuts[begin]), int(cuts[end]))
        begin = end
    return parts


def prepare(
    name: str,
    level: str,
    parts: dict[str, RawText],
    *,
    limit: int | None = None,
    minimum_count: int = 1,
    unknown: str = "<unk>",
    track_sources: dict[str, str] | None = None,
    tokenisation: dict | None = None,
) -> Corpus:
    """The corpus of these parts, over the vocabulary of its training part.

    Words are ordered by falling count, then alphabetically. At most `limit` are kept, `unknown` included;
    rarer ones than `minimum_count`, and those met only outside the training part, become `unknown`.
    `tokenisation` is what the corpus knows of how its text became words; `tokenisation.describe` adds the rest.
    """
    met = {word for part in parts.values() for word in set(part.words)}
    vocabulary = count_words(parts["train"].words, met, limit, minimum_count, unknown)
    ids = {word: i for i, word in enumerate(vocabulary)}
    splits = {}
    for key, part in parts.items():
        sources = {track: source for track, source in (track_sources or {}).items() if track in part.tracks}
        splits[key] = Split(encode(part.words, ids, unknown), part.sequence_starts, part.tracks, sources)
    how = tokenisations.describe(level, parts, vocabulary, unknown, **(tokenisation or {}))
    return Corpus(name, level, vocabulary, splits, tokenisation=how)


def count_words(words, met: set[str], limit: int | None, minimum_count: int, unknown: str) -> list[str]:
    """The vocabulary of the training `words`, as `prepare` defines it; `met` are all words of all splits."""
    counts = Counter(words)
    ranked = sorted((w for w in counts if counts[w] >= minimum_count), key=lambda w: (-counts[w], w))
    if limit is not None and len({*ranked, *([unknown] if met - set(ranked) else [])}) > limit:
        ranked = [word for word in ranked if word != unknown][: limit - 1]
    if unknown not in ranked and met - set(ranked):
        ranked.append(unknown)
    return ranked


def encode(words, ids: dict[str, int], unknown: str) -> np.ndarray:
    """int32[steps]: the id of every word, that of `unknown` for words without one."""
    missing = ids.get(unknown, -1)
    if isinstance(words, str):  # one table look-up for all characters
        codes = np.frombuffer(words.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        distinct, inverse = np.unique(codes, return_inverse=True)
        return np.array([ids.get(chr(code), missing) for code in distinct], dtype=np.int32)[inverse]
    return np.fromiter((ids.get(word, missing) for word in words), dtype=np.int32, count=len(words))


def one_stream(steps: int) -> np.ndarray:
    """bool[steps]: sequence starts of text that is read without a reset."""
    starts = np.zeros(steps, dtype=bool)
    starts[:1] = True
    return starts
