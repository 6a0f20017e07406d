"""What a corpus says of how its text became words, so that a sentence typed later is read as the network was trained.

`describe` adds to what a corpus knows of itself what its own words show. A mark or an ending that stands alone in the
corpus, and hardly ever at the edge of a longer word, is taken off typed words; the few longer words are listed, and
stay whole. So text of the corpus itself is never taken apart, and comes out as the words that it is.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from typing import Any

from pipelines.corpora.raw_text import RawText
from rnnstore.networks.tokenising import ONE_KIND, Level, Tokenisation, ends_a_sentence

_ENDING = re.compile(r"n't|'[a-z]{1,2}")
_PROSE = 200  # a text with more different marks than these is none
_RARELY = 0.05  # of the times that a mark stands alone: so often may other words have it at their edge
_EXCEPTIONS = 200  # words that may be listed as such
_LIKE = {  # typed mark -> how corpora write it, the first that is a word, where the mark itself is none
    "before": {
        '"': ("``",),
        "“": ("``", '"'),
        "(": ("-LRB-", "-lrb-"),
        "[": ("-LSB-", "-lsb-"),
        "{": ("-LCB-", "-lcb-"),
    },
    "after": {
        '"': ("''",),
        "”": ("''", '"'),
        ")": ("-RRB-", "-rrb-"),
        "]": ("-RSB-", "-rsb-"),
        "}": ("-RCB-", "-rcb-"),
        "…": ("...",),
    },
}
_LIKE = {side: likes | {"–": ("--",), "—": ("--",)} for side, likes in _LIKE.items()}


def describe(
    level: Level, parts: dict[str, RawText], vocabulary: list[str], unknown: str, **known: Any
) -> dict[str, Any]:
    """The facts of `Tokenisation` as plain data: those `known`, and those that the words show."""
    words = set(vocabulary)
    how = Tokenisation(level=level, unknown=unknown if unknown in words else None, **known)
    if how.level == "word" and how.split == "white space":
        how = how.model_copy(update=_separations(parts, words, how))
    return how.model_dump(exclude_defaults=True)


def _separations(parts: dict[str, RawText], words: set[str], how: Tokenisation) -> dict:
    """How typed words are taken apart, by the words of all parts; `words` are those with a number."""
    counts = Counter(chain.from_iterable(part.words for part in parts.values()))
    for added in (how.end, how.number, how.unknown):
        counts.pop(added or "", None)
    if not how.before and not how.after and all(map(ONE_KIND.fullmatch, counts)):
        return {"split": "word or punctuation"}
    marks = {word for word in words & counts.keys() if not any(map(str.isalnum, word))}
    marks = set() if len(marks) > _PROSE else marks
    endings = {word for word in words & counts.keys() if _ENDING.fullmatch(word)}
    found = {
        "before": {mark: mark for mark in marks - {".", "''"}}
        | _corpus_spellings("before", words, counts)
        | how.before,
        "after": {mark: mark for mark in marks | endings} | _corpus_spellings("after", words, counts) | how.after,
    }
    whole: set[str] = set()
    for side, edges in found.items():
        longer = _longer_words(counts, edges, side)
        for mark in sorted(edges):
            exceptions = longer[mark] - words
            often = sum(counts[word] for word in longer[mark]) > _RARELY * counts[mark]
            if often or len(exceptions) > _EXCEPTIONS:
                del edges[mark]
            else:
                whole |= exceptions
    full_stop = "." not in found["after"] and ("." in words or "," in how.after)
    abbreviations = set().union(*(_abbreviations(part, words, how) for part in parts.values())) if full_stop else set()
    if len(abbreviations) <= _EXCEPTIONS:
        whole |= abbreviations
    signs = set(chain.from_iterable(counts))
    return {
        **{side: dict(sorted(edges.items())) for side, edges in found.items()},
        "full_stop": full_stop and len(abbreviations) <= _EXCEPTIONS,
        "whole": sorted(whole),
        "written": {"’": "'"} if "'" in signs and "’" not in signs else {},
    }


def _corpus_spellings(side: str, words: set[str], counts: Counter) -> dict[str, str]:
    found = {
        typed: next((word for word in likes if word in words), None)
        for typed, likes in _LIKE[side].items()
        if typed not in counts
    }
    return {typed: word for typed, word in found.items() if word is not None}


def _longer_words(counts: Counter, edges: dict, side: str) -> dict[str, set[str]]:
    """The words that begin or end with each of `edges` and are longer than it."""
    found: dict[str, set[str]] = {mark: set() for mark in edges}
    longest = max(map(len, edges), default=0)
    for word in counts:
        for size in range(1, min(longest + 1, len(word))):
            edge = word[:size] if side == "before" else word[-size:]
            if edge in found:
                found[edge].add(word)
    return found


def _abbreviations(part: RawText, words: set[str], how: Tokenisation) -> set[str]:
    """The words written with a full stop that would lose it by the rule that takes it off."""
    found = set()
    for t, word in enumerate(part.words):
        if word.endswith(".") and word not in words and len(word) > 1:
            last = t + 1 == len(part) or part.sequence_starts[t + 1]
            following = "" if last or part.words[t + 1] == how.end else part.words[t + 1]
            following = following.upper() if how.lower else following  # as it may have been in the file
            if ends_a_sentence(word, following, words):
                found.add(word)
    return found
