"""Gold labels from one edition of a text onto another that lost punctuation, capitals, numbers and rare words.

NLTK's `treebank` and `conll2000` hold the original sentences of some lines of Mikolov's Penn Treebank. A gold
sentence is rewritten by Mikolov's rules, then lines and sentences are paired in two steps: sentences that equal
exactly one line are anchors, and what lies between two anchors is aligned by how many words agree. Both texts are
in the same order, so pairs never cross.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

UNKNOWN = "<unk>"
ENOUGH = 0.6  # share of words that must agree for a line and a sentence to be the same
WIDEST = 40  # lines between two anchors up to which a gap is aligned; the two texts part ways in a wider one

_PUNCTUATION = {",", ".", "``", "''", "--", ":", ";", "?", "!", "...", "`", "-", "@", "=", "/"}
_BRACKET = re.compile(r"-[lr][rcs]b-")
_NUMBER = re.compile(r"[-+'.]*\d[\d,.:\\/-]*")


@dataclass(frozen=True)
class Gold:
    """A gold word that is also a word of the other edition: rewritten, with its labels."""

    word: str
    pos: str
    chunk: str = ""


def rewrite(sentence: Iterable[Sequence[str]], vocabulary: set[str]) -> list[Gold]:
    """A gold sentence, [(word, pos) or (word, pos, chunk)], as Mikolov would have written it.

    Punctuation and traces are gone, letters are lower case, numbers and % are N, and words outside the vocabulary
    are <unk>. A chunk that lost its first word to this begins at its next: its I- becomes B-.
    """
    kept, lost_beginning = [], False
    for word, pos, *chunk in sentence:
        label = chunk[0] if chunk else ""
        written = _mikolov(word, pos)
        if label[:2] != "I-":
            lost_beginning = written is None and label[:2] == "B-"
        if written is None:
            continue
        if label[:2] == "I-" and lost_beginning:
            label, lost_beginning = f"B-{label[2:]}", False
        kept.append(Gold(written if written == "N" or written in vocabulary else UNKNOWN, pos, label))
    return kept


@cache
def _mikolov(word: str, pos: str) -> str | None:
    """How Mikolov wrote a word, rare or not; None if he left it out."""
    lower = word.lower()
    if pos == "-NONE-" or lower in _PUNCTUATION or _BRACKET.fullmatch(lower) or (lower, pos) == ("'", "''"):
        return None
    return "N" if lower == "%" or _NUMBER.fullmatch(lower) else lower


def pair_lines(lines: list[list[str]], sentences: list[list[Gold]]) -> list[tuple[int, int]]:
    """Pairs (line, sentence), ascending in both, of lines and the sentences they were made from."""
    where: dict[tuple, list[int]] = {}
    for i, line in enumerate(lines):
        where.setdefault(tuple(line), []).append(i)
    anchors = []
    for j, sentence in enumerate(sentences):
        found = where.get(tuple(gold.word for gold in sentence), ())
        if len(found) == 1 and len(sentence) > 3:
            anchors.append((found[0], j))
    anchors = _rising(anchors)
    pairs, last = [], None
    for anchor in anchors:
        if last is not None:
            pairs += _fill(lines, sentences, last, anchor)
        pairs.append(anchor)
        last = anchor
    if anchors:  # both texts may go on before the first anchor and after the last
        (i0, j0), (i1, j1) = anchors[0], anchors[-1]
        before = _fill(lines, sentences, (max(-1, i0 - WIDEST), max(-1, j0 - WIDEST)), (i0, j0))
        end = (min(len(lines), i1 + WIDEST), min(len(sentences), j1 + WIDEST))
        pairs = before + pairs + _fill(lines, sentences, (i1, j1), end)
    return pairs


def pair_words(line: list[str], sentence: list[Gold]) -> list[Gold | None]:
    """The gold word of each word of the line, None where there is none.

    Words agree when they are equal or the line has <unk>; as many as possible are paired, in order.
    """
    if len(line) == len(sentence) and all(map(_agree, line, sentence)):
        return list(sentence)
    n, m = len(line), len(sentence)
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            score = max(best[i + 1][j], best[i][j + 1])
            if _agree(line[i], sentence[j]):
                score = max(score, best[i + 1][j + 1] + _weight(line[i], sentence[j]))
            best[i][j] = score
    found: list[Gold | None] = [None] * n
    i = j = 0
    while i < n and j < m:
        together = best[i + 1][j + 1] + _weight(line[i], sentence[j])
        if _agree(line[i], sentence[j]) and best[i][j] == together:
            found[i] = sentence[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _agree(word: str, gold: Gold) -> bool:
    return word == gold.word or word == UNKNOWN


def _weight(word: str, gold: Gold) -> float:
    """An equal word is worth more than a wildcard, so that <unk> does not take another's place."""
    return 1.0 if word == gold.word else 0.5


def _rising(anchors: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the anchors in which lines ascend (sentences do already)."""
    ends: list[int] = []  # ends[k]: smallest line that ends a rising part of length k + 1
    at: list[int] = []
    back: list[int] = []
    for index, (line, _) in enumerate(anchors):
        k = bisect_left(ends, line)
        back.append(at[k - 1] if k else -1)
        if k == len(ends):
            ends.append(line)
            at.append(index)
        else:
            ends[k], at[k] = line, index
    part, index = [], at[-1] if at else -1
    while index >= 0:
        part.append(anchors[index])
        index = back[index]
    return part[::-1]


def _fill(
    lines: list[list[str]], sentences: list[list[Gold]], before: tuple[int, int], after: tuple[int, int]
) -> list[tuple[int, int]]:
    """Pairs strictly between two anchors."""
    rows = range(before[0] + 1, after[0])
    columns = range(before[1] + 1, after[1])
    if not rows or not columns or len(rows) > WIDEST or len(columns) > WIDEST:
        return []
    score = {}
    for i in rows:
        for j in columns:
            length = max(len(lines[i]), len(sentences[j]), 1)
            if min(len(lines[i]), len(sentences[j])) < ENOUGH * length:
                continue
            paired = sum(gold is not None for gold in pair_words(lines[i], sentences[j]))
            if paired >= ENOUGH * length:
                score[i, j] = paired / length
    best: dict[tuple[int, int], tuple[float, bool]] = {}
    for i in reversed(rows):
        for j in reversed(columns):
            options = [best.get((i + 1, j), (0.0, False))[0], best.get((i, j + 1), (0.0, False))[0]]
            together = score[i, j] + best.get((i + 1, j + 1), (0.0, False))[0] if (i, j) in score else -1
            best[i, j] = (max(*options, together), together >= max(options) and together > 0)
    pairs, i, j = [], rows.start, columns.start
    while (i, j) in best:
        total, together = best[i, j]
        if together:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best.get((i + 1, j), (0.0, False))[0] == total:
            i += 1
        else:
            j += 1
    return pairs
