"""Autocomplete: text by character, with the word that is being typed as the target of each of its characters.

As in Madsen's article (Distill, 2019): the space before a word and every character of it have the whole word as target.
Words are packed greedily into observations of at most so many characters, none of them cut, and the state is reset at
each. What is not among the most frequent words, and what fills up a batch, is read but never asked for.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, Split
from pipelines.corpora.kinds import Autocomplete
from pipelines.corpora.shared_settings import Shares
from pipelines.corpora.text import decode, find
from pipelines.errors import CorpusError

LETTERS = " abcdefghijklmnopqrstuvwxyz"
"""What is read; a number in the order of this text."""

UNKNOWN, PADDING = "<unk>", "<pad>"
"""The last two outputs, as published: nothing is ever asked to be one of them."""

_PLAIN = str.maketrans({chr(code): chr(code).lower() for code in range(ord("A"), ord("Z") + 1)})


def load(settings: Autocomplete, folder: Path | None = None) -> Corpus:
    """The corpus, with `targets` and the track `known`: characters of the word that are known, 0 at the space."""
    words = _words(settings, folder)
    longest = settings.observation
    kept = [word for word in words if len(word) < longest]
    notes = []
    if len(kept) < len(words):
        notes.append(f"{len(words) - len(kept):,} words of {longest:,} letters or more are left out: no observation")
    begins = pack(np.fromiter((len(word) + 1 for word in kept), np.int64, len(kept)), longest)
    parts = _divided(kept, begins, settings.shares)
    counts = Counter(parts["train"][1])
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: settings.words]
    numbers = {word: number for number, word in enumerate(ranked)}
    splits = {name: _split(part, starts, numbers) for name, (starts, part) in parts.items()}
    for name, split in splits.items():
        asked = np.count_nonzero(np.asarray(split.targets) >= 0)
        notes.append(f"{name}: {asked:,} of {len(split):,} characters belong to one of the {len(ranked):,} words")
    return Corpus(
        name=", ".join(Path(file).name for file in settings.files),
        level="character",
        vocabulary=list(LETTERS),
        splits=splits,
        tokenisation={"level": "character", "lower": True},
        labels=[*ranked, UNKNOWN, PADDING],
        notes=tuple(notes),
    )


def pack(lengths: np.ndarray, longest: int) -> np.ndarray:
    """int[observations]: the first word of each observation, as many whole words in each as `longest` steps hold."""
    begins, room = [], 0
    for number, length in enumerate(lengths.tolist()):
        if length > room:
            begins.append(number)
            room = longest
        room -= length
    return np.array(begins, np.int64)


def _words(settings: Autocomplete, folder: Path | None) -> list[str]:
    """The words of the files: runs of a to z, everything else is a space between them."""
    found: list[str] = []
    for name in settings.files:
        text = decode(find(name, settings._beside, folder), settings.encoding).translate(_PLAIN)
        found += "".join(sign if sign in LETTERS else " " for sign in text).split()
    if settings.maximum_words is not None:
        found = found[: settings.maximum_words]
    if not found:
        raise CorpusError("The files have no letter a to z, so there is no word to complete. Name a text in English.")
    return found


def _divided(words: list[str], begins: np.ndarray, shares: Shares) -> dict[str, tuple[np.ndarray, list[str]]]:
    """Of each split, the first word of every observation (from 0) and its words; cut at whole observations."""
    names = [name for name in ("train", "validation", "test") if getattr(shares, name) > 0]
    if len(begins) < len(names):
        raise CorpusError(
            f"The text fills {len(begins):,} observations, too few for {', '.join(names)}. Use more text, shorter "
            "observations, or set the shares of validation and test to 0."
        )
    ends, parts, first, wanted = np.append(begins, len(words)), {}, 0, 0.0
    for left, name in zip(range(len(names) - 1, -1, -1), names, strict=True):
        wanted += getattr(shares, name) * len(begins)
        last = len(begins) if left == 0 else min(max(round(wanted), first + 1), len(begins) - left)
        parts[name] = (begins[first:last] - begins[first], words[ends[first] : ends[last]])
        first = last
    return parts


def _split(words: list[str], begins: np.ndarray, numbers: dict[str, int]) -> Split:
    text = "".join(f" {word}" for word in words).encode("ascii")
    codes = np.frombuffer(text, np.uint8).astype(np.int32)
    lengths = np.fromiter((len(word) + 1 for word in words), np.int64, len(words))
    at = np.cumsum(lengths) - lengths  # of the space before each word
    starts = np.zeros(len(codes), bool)
    starts[at[begins]] = True
    targets = np.fromiter((numbers.get(word, -1) for word in words), np.int32, len(words))
    known = np.arange(len(codes)) - np.repeat(at, lengths)
    return Split(
        word_ids=np.where(codes == ord(" "), 0, codes - ord("a") + 1).astype(np.int32),
        sequence_starts=starts,
        tracks={"known": known.astype(np.int32)},
        track_sources={"known": "characters of the word that were read"},
        targets=np.repeat(targets, lengths),
    )
