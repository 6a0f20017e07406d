"""How typed text becomes the words that a network was trained on: the description in its file, applied.

A corpus says at training, in a few plain facts (`Tokenisation`), how its text was made into words; they are saved with
the network, and applied here to what a person types. Text of the corpus itself, as a file or as words with blanks
between them, comes out as exactly the words of training. Typed text has punctuation where the training text may have
none, or has it apart; the description says what is taken apart and what is left out, and `typed` keeps every character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from rnnstore.networks import nltk_text
from rnnstore.visible import visible

LONGEST = 200_000
"""Characters of a typed text that are looked at."""

LONGEST_WORD = 200
"""Characters of the longest word at whose edges marks are looked for."""

_HALF = re.compile("[\ud800-\udfff]")  # of a character: what no text has
_CHUNK = re.compile(r"\S+")
ONE_KIND = re.compile(r"\w+|[^\w\s]+")
_NUMBER = re.compile(r"[-+]?[.]?\d[\d,.:/]*")


Level = Literal["character", "word"]


class Tokenisation(BaseModel):
    """How the text of a corpus was made into words.

    level      "character": every character is a step, line ends too; "word": see `split`
    lower      everything is lower case; or, with `upper`, upper case
    split      by word: at white space; "word or punctuation": runs of letters and digits, runs of other marks; "nltk":
               by NLTK's word tokenizer
    unknown    the word that stands for all that have no number; null where the vocabulary has none
    end        by word: written at the end of every piece of text; null for none
    piece      what a piece is: the whole text, a line, or a sentence as NLTK finds it
    starts     where the state is zero: at the start of the whole text, of a line, of a sentence
    before, after   split at white space: what is taken off the edges of a word that has no number, and the word that it
               becomes: {",": ",", "(": "-LRB-"}; null for a mark that the corpus leaves out
    full_stop  likewise a full stop where a sentence ends
    whole      likewise, words that are left as they are, though they begin or end like this
    number     the word that stands for every number; null for none
    written    how single marks inside of words are written: {"’": "'"}
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    level: Level
    lower: bool = False
    upper: bool = False
    split: Literal["white space", "word or punctuation", "nltk"] = "white space"
    unknown: str | None = None
    end: str | None = None
    piece: Literal["text", "line", "sentence"] = "line"
    starts: Literal["text", "line", "sentence"] = "text"
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    full_stop: bool = False
    whole: list[str] = []
    number: str | None = None
    written: dict[str, str] = {}


@dataclass(frozen=True)
class Tokens:
    """A typed text as a network reads it: an entry for every step.

    words    as read: words of the vocabulary; where it has no unknown word, a word without a number is itself
    ids      int32[n], -1 for a word without a number: its input is the zero vector
    typed    what the person wrote there; empty for a word that was added, such as the end of a line
    unknown  bool[n]: the vocabulary does not have what was typed
    starts   bool[n]: the state is zero before this step, always at the first
    notes    sentences about what was added, unknown or left out
    """

    words: list[str]
    ids: np.ndarray
    typed: list[str]
    unknown: np.ndarray
    starts: np.ndarray
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.words)


def tokenise(text: str, how: Tokenisation, number_of: dict[str, int]) -> Tokens:
    """The words of a typed text, with their numbers in a vocabulary."""
    notes = []
    if len(text) > LONGEST:
        notes.append(f"The text has {len(text):,} characters; the first {LONGEST:,} of them were looked at.")
        text = text[:LONGEST]
    text = _HALF.sub("\ufffd", text)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    reading = _Reading(how, number_of)
    if how.level == "character":
        reading.characters(text)
    else:
        for piece in _pieces(text, how, notes):
            reading.piece(piece)
    return reading.tokens(notes)


class _Reading:
    """Words gathered from pieces of text, in order."""

    def __init__(self, how: Tokenisation, number_of: dict[str, int]) -> None:
        self.how, self.number_of = how, number_of
        self.words: list[str] = []
        self.typed: list[str] = []
        self.starts: list[bool] = []
        self.left_out: list[str] = []
        self.whole = frozenset(how.whole)
        self.in_piece: Counter[str | None] = Counter()  # the words of the piece so far
        self.ends = 0  # that were added

    def characters(self, text: str) -> None:
        cased = in_case(text, self.how)
        if len(cased) == len(text):
            self.words, self.typed = list(cased), list(text)
        else:  # one letter can become two in the other case
            self.words = list(cased)
            self.typed = [part for sign in text for part in (sign, *[""] * (len(in_case(sign, self.how)) - 1))]
        lines = self.how.starts == "line"
        before = ["\n", *self.words[:-1]]
        self.starts = [lines and sign == "\n" for sign in before]

    def piece(self, text: str) -> None:
        """The words of a piece of text, and its end; a piece without words has none."""
        first = len(self.words)
        self.in_piece.clear()
        ahead = ""  # marks left out before the next word
        for word, typed, opens in self._split(text):
            if word is not None:
                self._add(word, ahead + typed)
                ahead = ""
                continue
            self.left_out.append(typed)
            if opens or len(self.words) == first:
                ahead += typed
            else:
                self.typed[-1] += typed
        if len(self.words) == first:
            return
        if self.how.end is not None and self.words[-1] != self.how.end:
            self._add(self.how.end, "")
            self.ends += 1
        self.typed[-1] += ahead
        self.starts[first] = self.how.starts != "text"

    def _add(self, word: str, typed: str) -> None:
        self.words.append(word)
        self.typed.append(typed)
        self.starts.append(False)
        self.in_piece[word] += 1

    def _split(self, text: str) -> Iterator[tuple[str | None, str, bool]]:
        """(word, as typed, whether it opens a word); no word for what is left out."""
        if self.how.split == "nltk":
            yield from ((word, typed, False) for word, typed in nltk_text.words(*_as_read_and_typed(text, self.how)))
            return
        chunks = [*_CHUNK.findall(text), ""]
        for chunk, following in pairwise(chunks):
            if self._known(chunk):
                yield self._cased(chunk), chunk, False
            elif self.how.split == "word or punctuation":
                for part in ONE_KIND.findall(chunk):
                    yield self._cased(part), part, False
            else:
                yield from self._apart(chunk, following)

    def _apart(self, chunk: str, following: str) -> Iterator[tuple[str | None, str, bool]]:
        """A word without a number, with what stands at its edges taken off."""
        how = self.how
        head: list[tuple[str | None, str, bool]] = []
        tail: list[tuple[str | None, str, bool]] = []
        while 0 < len(chunk) <= LONGEST_WORD and not self._known(chunk):
            cased = self._cased(chunk)
            if cased in self.whole:
                break
            if mark := _longest(how.after, cased.endswith, len(chunk) - 1 + self._closes(cased)):
                tail.insert(0, (how.after[mark], chunk[-len(mark) :], False))
                chunk = chunk[: -len(mark)]
            elif mark := _longest(how.before, cased.startswith, len(chunk)):
                head.append((how.before[mark], chunk[: len(mark)], True))
                chunk = chunk[len(mark) :]
            elif how.full_stop and cased[-1] == "." and ends_a_sentence(cased, following, self.number_of):
                tail.insert(0, ("." if "." in self.number_of else None, ".", False))
                chunk = chunk[:-1]
            else:
                break
        yield from head
        if chunk:
            cased = self._cased(chunk)
            is_number = how.number is not None and not self._known(chunk) and _NUMBER.fullmatch(cased)
            yield (how.number if is_number else cased), chunk, False
        yield from tail

    def _closes(self, mark: str) -> bool:
        """Whether a mark on its own ends something: a double quote does, after one that began it."""
        how = self.how
        if mark not in how.before:
            return True
        return self.in_piece[how.before[mark]] > self.in_piece[how.after.get(mark)]

    def _cased(self, chunk: str) -> str:
        if chunk in self.number_of:  # such as N, in a text of lower case
            return chunk
        chunk = in_case(chunk, self.how)
        for mark, written in self.how.written.items():
            chunk = chunk.replace(mark, written)
        return chunk

    def _known(self, chunk: str) -> bool:
        return self._cased(chunk) in self.number_of

    def tokens(self, notes: list[str]) -> Tokens:
        how, number_of = self.how, self.number_of
        unknown = np.array([word not in number_of for word in self.words], bool)
        stands_for_them = -1 if how.unknown is None else number_of.get(how.unknown, -1)
        ids = np.array([number_of.get(word, stands_for_them) for word in self.words], np.int32)
        words = self.words
        if unknown.any():
            one = "character" if how.level == "character" else "word"
            strange = list(
                dict.fromkeys(typed or word for typed, word, new in zip(self.typed, words, unknown, strict=True) if new)
            )
            number = int(unknown.sum())
            said = f"{number:,} {one}{'' if number == 1 else 's'} the model never learned ({_listed(strange)})"
            if how.unknown is not None and stands_for_them >= 0:
                notes.append(f"{said}: read as its unknown {one}, {how.unknown}.")
                words = [how.unknown if new else word for word, new in zip(words, unknown, strict=True)]
            else:
                notes.append(f"{said}, and it has no unknown {one}: there its input is zero, as if nothing were read.")
        if self.left_out:
            marks = " ".join(dict.fromkeys(self.left_out))
            notes.append(f"Left out, as in the text it was trained on: {marks}")
        if self.ends:
            what = {"text": "the text", "line": "each line", "sentence": "each sentence"}[how.piece]
            notes.append(f"{how.end} was added at the end of {what}, as in the text it was trained on.")
        starts = np.array(self.starts, bool)
        starts[:1] = True
        return Tokens(list(words), ids, self.typed, unknown, starts, notes)


def in_case(text: str, how: Tokenisation) -> str:
    """The text in the case in which the corpus was read."""
    if how.lower:
        return text.lower()
    return text.upper() if how.upper else text


def _longest(marks: Iterable[str], fits: Callable[[str], bool], most: int) -> str:
    return max((mark for mark in marks if len(mark) <= most and fits(mark)), key=len, default="")


def ends_a_sentence(word: str, following: str, known: Container[str]) -> bool:
    """Whether the full stop of an unknown word ends a sentence, rather than being part of an abbreviation.

    It does where nothing or a capital follows, and what stands before it is a known word or long and without stops.
    """
    before = word[:-1]
    return (not following or following[0].isupper()) and (before in known or (len(before) > 3 and "." not in before))


def _pieces(text: str, how: Tokenisation, notes: list[str]) -> list[str]:
    """The text in pieces, as it was cut for training."""
    if how.piece == "text":
        return [text]
    if how.piece == "sentence":
        found = nltk_text.sentences(*_as_read_and_typed(text, how))
        if found is not None:
            return found
        notes.append(
            "NLTK's data to find sentences (punkt_tab) is not on this machine; each line was read as a sentence."
        )
    return text.split("\n")


def _as_read_and_typed(text: str, how: Tokenisation) -> tuple[str, str]:
    """The text in the corpus's case, and as it was typed; where a letter became two there, twice the former."""
    cased = in_case(text, how)
    return cased, text if len(text) == len(cased) else cased


def _listed(words: list[str]) -> str:
    shown = ", ".join(visible(word if len(word) <= 40 else f"{word[:39]}…") for word in words[:8])
    return shown if len(words) <= 8 else f"{shown} and {len(words) - 8:,} others"
