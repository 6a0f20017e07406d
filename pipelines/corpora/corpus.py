"""What every corpus becomes: word ids with sequence starts and tracks, in splits, over one vocabulary."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.corpora import tokenisation as tokenisations
from pipelines.corpora.raw_text import RawText
from rnnstore.networks.tokenising import Level


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
    level: Level
    vocabulary: list[str]
    splits: dict[str, Split]
    tokenisation: dict[str, Any] = field(default_factory=dict)
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


def prepare(
    name: str,
    level: Level,
    parts: dict[str, RawText],
    *,
    limit: int | None = None,
    minimum_count: int = 1,
    unknown: str = "<unk>",
    track_sources: dict[str, str] | None = None,
    tokenisation: dict[str, Any] | None = None,
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


def count_words(words: Sequence[str], met: set[str], limit: int | None, minimum_count: int, unknown: str) -> list[str]:
    """The vocabulary of the training `words`, as `prepare` defines it; `met` are all words of all splits."""
    counts = Counter(words)
    ranked = sorted((w for w in counts if counts[w] >= minimum_count), key=lambda w: (-counts[w], w))
    if limit is not None and len({*ranked, *([unknown] if met - set(ranked) else [])}) > limit:
        ranked = [word for word in ranked if word != unknown][: limit - 1]
    if unknown not in ranked and met - set(ranked):
        ranked.append(unknown)
    return ranked


def encode(words: Sequence[str], ids: dict[str, int], unknown: str) -> np.ndarray:
    """int32[steps]: the id of every word, that of `unknown` for words without one."""
    missing = ids.get(unknown, -1)
    if isinstance(words, str):  # one table look-up for all characters
        codes = np.frombuffer(words.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        distinct, inverse = np.unique(codes, return_inverse=True)
        return np.array([ids.get(chr(code), missing) for code in distinct], dtype=np.int32)[inverse]
    return np.fromiter((ids.get(word, missing) for word in words), dtype=np.int32, count=len(words))
