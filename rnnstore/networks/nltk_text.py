"""NLTK's words and sentences of a typed text, with the characters that each was made of.

NLTK takes a second to import and only texts that it divided in training need it, so it is imported inside functions.
Each takes a text twice: `cased` as NLTK is to see it, and `typed`, of the same length, as the person wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator


def words(cased: str, typed: str) -> Iterator[tuple[str, str]]:
    """The words of NLTK's word tokenizer, and what was typed for each: it makes `` and '' of double quotes."""
    from nltk.tokenize import NLTKWordTokenizer

    place = 0
    for word in NLTKWordTokenizer().tokenize(cased):
        while cased[place : place + 1].isspace():
            place += 1
        length = 1 if word in ("``", "''") and cased[place : place + 1] == '"' else len(word)
        yield word, typed[place : place + length]
        place += length


def sentences(cased: str, typed: str) -> list[str] | None:
    """The sentences that NLTK finds, as typed; None where its data for that is not on this machine."""
    import nltk.tokenize

    try:
        spans = nltk.tokenize.PunktTokenizer("english").span_tokenize(cased)
        return [typed[begin:end] for begin, end in spans]
    except LookupError:
        return None
