"""Search for a phrase or a regular expression in the corpus.

A corpus of words is searched as the words joined by spaces, a corpus of characters as its text. A hit covers whole
steps and never crosses the start of a sequence. Regular expressions are RE2's, which take time linear in the length
of the text, so that no pattern can hang the application; RE2 has no look-around and no back-references.

The corpus is read in blocks. To find the hits that a single pass would find, each block continues where the last hit
ended, preceded by some text (a `\\b` or `^` looks back) which an alternative in front of the pattern skips. Arrow's RE2
returns no positions, but can insert marks around all hits of a text; their places are the positions.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.errors import QuestionError
from rnnstore.store.model import Model

BLOCK = 1 << 18
"""Steps searched at once."""

LONGEST = 1 << 10
"""Steps up to which a hit of a regular expression is always found whole; a longer one may be cut, and a note says
so."""


@dataclass(frozen=True)
class Hits:
    """A page of the hits in the order of the corpus, and how many there are in all.

    `table` has the columns start, stop (half-open steps), sequence, before, words, after: the last three are texts, the
    hit and its context within the sequence. `note` is a sentence on what was found.
    """

    table: pa.Table
    total: int
    note: str


def search(
    model: Model,
    text: str,
    *,
    regex: bool = False,
    ignore_case: bool = True,
    limit: int = 100,
    offset: int = 0,
    context: int | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Hits:
    """The hits of `text` in the corpus, from number `offset` (from 0) on, at most `limit` of them; all are counted.

    A phrase in a corpus of words is whole words, and every place where they stand is a hit. A phrase in a corpus of
    characters is looked for anywhere; it and a regular expression give the leftmost hits that do not overlap, each
    grown to whole steps. `context` is the number of steps shown on either side (8 words or 40 characters).
    `progress` is called with the share done, 0 to 1. Raises `QuestionError` for an empty text or an invalid pattern.
    """
    if not text or (not regex and model.card.level == "word" and not text.split()):
        raise QuestionError("There is nothing to search for: type a phrase or a regular expression.")
    if limit < 1 or offset < 0:
        raise QuestionError(f"{limit} hits from number {offset} were asked for; at least 1 from 0 on were expected.")
    by_character = model.card.level == "character"
    if regex or by_character:
        pattern = _checked_pattern(text if regex else re.escape(text), ignore_case)
        found = _find_pattern(model, pattern, "" if by_character else " ")
    else:
        found = _find_words(model, _phrase(model, text, ignore_case), ignore_case)
    total, pages, longer = 0, [np.zeros((0, 2), np.int64)], False
    for done, hits, cut in found:
        progress(done / model.steps)
        pages.append(hits[max(0, offset - total) : max(0, offset + limit - total)])
        total += len(hits)
        longer |= cut
    around = (40 if by_character else 8) if context is None else context
    return Hits(
        _table(model, np.concatenate(pages), around), total, _note(model, text, regex, total, longer, ignore_case)
    )


def _phrase(model: Model, text: str, ignore_case: bool) -> list[str]:
    """The words of a phrase; a text that is one word of the corpus, blanks included, is this word."""
    fold = str.casefold if ignore_case else str
    whole = fold(text.strip())
    return [whole] if any(fold(word) == whole for word in model.vocabulary) else text.split()


def _find_words(model: Model, phrase: list[str], ignore_case: bool) -> Iterator[tuple[int, np.ndarray, bool]]:
    """(steps done, int64[n, 2] start and stop, False) of the places of consecutive words, block by block."""
    fold = str.casefold if ignore_case else str
    vocabulary = [fold(word) for word in model.vocabulary]
    asked = [np.array([word == fold(wanted) for word in vocabulary], bool) for wanted in phrase]
    if not all(ids.any() for ids in asked):
        return
    starts, more = model.sequence_starts, len(phrase) - 1
    for first in range(0, model.steps, BLOCK):
        done = min(model.steps, first + BLOCK)
        ids = model.word_ids(first, min(model.steps, done + more))
        fits = np.ones(max(0, len(ids) - more), bool)
        for ahead, these in enumerate(asked):
            fits &= these[ids[ahead : ahead + len(fits)]]
        start = np.flatnonzero(fits) + first
        within = np.searchsorted(starts, start, "right") == np.searchsorted(starts, start + more, "right")
        yield done, np.stack([start, start + more + 1], axis=1)[within], False


def _find_pattern(model: Model, pattern: str, joint: str) -> Iterator[tuple[int, np.ndarray, bool]]:
    """(steps done, int64[n, 2] start and stop, whether one may have been cut) of a pattern's hits, block by block."""
    words = pa.array(model.vocabulary, pa.string())
    sizes = np.array([len(word.encode()) for word in model.vocabulary], np.int64)
    marks = _two_marks("".join(model.vocabulary) + joint)
    bounds = np.append(model.sequence_starts, model.steps)
    step, byte = 0, 0  # from here on hits may start: a byte of the text of a step, or of the joint after it
    last = np.array([-1, -1])
    while step < model.steps:
        goes_on = byte > 0 or bounds[np.searchsorted(bounds, step)] != step
        first = step - 1 if goes_on and not byte else step
        stop = min(model.steps, first + BLOCK)
        inner = bounds[np.searchsorted(bounds, first, "right") : np.searchsorted(bounds, stop)] - first
        text = _Text(model.word_ids(first, stop), inner, words, sizes, joint)
        begin, end = text.find(pattern, marks, int(text.begins[step - first]) + byte)
        if bounds[np.searchsorted(bounds, stop)] == stop:  # the last sequence ends here
            cut, step, byte = False, stop, 0
        else:  # what starts near the end may look different with the text that follows
            margin = int(text.begins[len(text.begins) - 1 - LONGEST])
            sure = begin < margin
            begin, end = begin[sure], end[sure]
            reached = max(margin, int(end.max(initial=0)))
            cut = reached == text.begins[-1]
            inside = min(int(np.searchsorted(text.begins, reached, "right")) - 1, len(text.begins) - 2)
            step, byte = first + inside, reached - int(text.begins[inside])
        hits = text.steps(begin, end) + first
        hits = hits[np.any(np.diff(hits, axis=0, prepend=last[None]) != 0, axis=1)]
        last = hits[-1] if len(hits) else last
        yield stop, hits, cut


class _Text:
    """The text of a span of steps, a string a sequence, and where in it each step begins.

    `begins` is int64[steps + 1]: bytes from the start of the span; the last is its length.
    """

    def __init__(self, ids: np.ndarray, inner: np.ndarray, words: pa.Array, sizes: np.ndarray, joint: str) -> None:
        bounds = np.concatenate([[0], inner, [len(ids)]]).astype(np.int32)
        self._strings = pc.binary_join(pa.ListArray.from_arrays(bounds, words.take(pa.array(ids))), joint)
        self._sizes = sizes[ids]
        with_joint = self._sizes + len(joint)
        with_joint[bounds[1:] - 1] -= len(joint)
        self.begins = np.concatenate([[0], np.cumsum(with_joint)])

    def find(self, pattern: str, marks: str, start: int) -> tuple[np.ndarray, np.ndarray]:
        """First byte and byte after the last, int64[n], of the hits from byte `start` (of the first string) on."""
        if not start:
            return _marked(self._strings, pattern, marks, 0)
        _, offsets, data = self._strings.buffers()
        first_end = int(np.frombuffer(offsets, np.int32, 2)[1])
        before = start - 1
        content = np.frombuffer(data, np.uint8)
        while content[before] & 0xC0 == 0x80:  # inside a character of several bytes
            before -= 1
        rest = np.array([before, first_end], np.int32)
        string = pa.StringArray.from_buffers(1, pa.py_buffer(rest), data)
        begin, end = _marked(string, rf"\A(?s:.)|(?:{pattern})", marks, before)
        more_begin, more_end = _marked(self._strings.slice(1), pattern, marks, first_end)
        return np.concatenate([begin[1:], more_begin]), np.concatenate([end[1:], more_end])

    def steps(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """int64[n, 2]: the steps touched by bytes begin..end-1; what touches nothing but joints is left out."""
        first = np.searchsorted(self.begins[:-1], begin, "right") - 1
        first = first + (begin >= self.begins[first] + self._sizes[first])
        stop = np.searchsorted(self.begins[:-1], end - 1, "right")
        return np.stack([first, stop], axis=1)[(first < stop) & (begin < end)]


def _marked(strings: pa.Array, pattern: str, marks: str, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """First byte and byte after the last of the hits in consecutive strings, counted from `offset`."""
    marked = pc.replace_substring_regex(strings, pattern, marks[0] + "\\0" + marks[1])
    _, offsets, data = marked.buffers()
    if not len(marked) or data is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    bounds = np.frombuffer(offsets, np.int32)[marked.offset : marked.offset + len(marked) + 1]
    text = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]
    begin, end = (np.flatnonzero(text == ord(mark)) for mark in marks)
    before = 2 * np.arange(len(begin))  # marks of the hits before
    return begin - before + offset, end - before - 1 + offset


def _two_marks(text: str) -> str:
    """Two characters of one byte that do not occur in `text`."""
    used = set(text)
    free = [chr(code) for code in range(1, 128) if chr(code) not in used and chr(code) != "\\"]
    if len(free) < 2:
        raise QuestionError("This vocabulary uses every control character, so that hits in its text cannot be marked.")
    return free[0] + free[1]


def _checked_pattern(pattern: str, ignore_case: bool) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise QuestionError(
            f"{pattern!r} is no regular expression (RE2): {reason}. To look for it as it stands, search for a phrase."
        ) from error
    return f"(?i:{pattern})" if ignore_case else f"(?:{pattern})"


def _table(model: Model, hits: np.ndarray, around: int) -> pa.Table:
    """The hits with their text and what stands around it, within their sequences."""
    start, stop = hits[:, 0], hits[:, 1]
    bounds = np.append(model.sequence_starts, model.steps)
    sequence = np.searchsorted(bounds, start, "right") - 1
    low, high = np.maximum(start - around, bounds[sequence]), np.minimum(stop + around, bounds[sequence + 1])
    steps = [np.arange(first, end) for first, end in zip(low.tolist(), high.tolist(), strict=True)]
    words = model.words_at(np.concatenate(steps))["word"].to_pylist() if steps else []
    joint = "" if model.card.level == "character" else " "
    texts, place = [], 0
    for ends in np.stack([start - low, stop - low, high - low], axis=1).tolist():
        cuts = [place + end for end in (0, *ends)]
        texts.append([joint.join(words[begin:end]) for begin, end in itertools.pairwise(cuts)])
        place = cuts[-1]
    columns = {
        name: pa.array([row[i] for row in texts], pa.string()) for i, name in enumerate(("before", "words", "after"))
    }
    return pa.table({"start": start, "stop": stop, "sequence": sequence} | columns)


def _note(model: Model, text: str, regex: bool, total: int, longer: bool, ignore_case: bool) -> str:
    if total:
        alike = ignore_case and text.lower() != text.upper()
        message = f"{total:,} hit{'' if total == 1 else 's'}{', capitals and small letters alike' if alike else ''}."
        return message + (f" Hits of more than {LONGEST:,} steps may be cut." if longer else "")
    if not regex and model.card.level == "word":
        folded = {word.casefold(): word for word in model.vocabulary}
        for word in text.split():
            if word.casefold() not in folded:
                return f"No hit: no step reads the word {word!r}; {_suggested(word, folded)}"
    return "No hit."


def _suggested(word: str, folded: dict[str, str]) -> str:
    close = difflib.get_close_matches(word.casefold(), folded, n=3)
    if close:
        return f"did you mean {' or '.join(folded[one] for one in close)}?"
    return "a regular expression also finds parts of words."
