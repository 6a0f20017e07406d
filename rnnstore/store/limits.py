"""How much a card may say: bounds of its numbers, texts, lists and names.

A card may come from anybody, and what it says is allocated, drawn and put into SQL beside the cards of others. So each
field has a bound, checked where a card is read and where one is written: no card is written that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

MOST_BYTES = 1 << 24
"""Bytes of a card's file."""

MOST_STEPS = 1 << 40
MOST_UNITS = 1 << 17
"""Units of a state: as many as the widest published recurrent networks keep in a layer."""

MOST_WORDS = 1 << 24
"""Words of a vocabulary, as far as they are recorded."""

MOST_LETTERS = 100_000
"""Letters of a text."""

_DEPTH = 50
_VALUES = 100_000

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_UNSEEN_ENDS = (".", " ")


def text(given: str) -> str:
    """A text that every part of the program can pass on; a `ValueError` with the end of a sentence otherwise."""
    if len(given) > MOST_LETTERS:
        raise ValueError(f"is longer than {MOST_LETTERS:,} letters")
    if "\0" in given:
        raise ValueError("holds the character NUL, which no text has")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ValueError("is no text: it holds half a character (a lone surrogate)") from None
    return given


def portable(part: str) -> bool:
    """Whether every operating system can have a file of that name, and a person sees what it is called."""
    return (
        part.isprintable()
        and not part.startswith(("-", " "))
        and not part.endswith(_UNSEEN_ENDS)
        and not set(part) & set('\\/:*?"<>|')
        and not _RESERVED.fullmatch(part)
        and len(part.encode("utf-8", "replace")) <= 255
    )


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """Settings of which every text can be passed on, neither nested deep nor endless; a `ValueError` otherwise."""
    waiting: list[tuple[Any, int]] = [(given, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen > _VALUES or depth > _DEPTH:
            raise ValueError(f"hold more than {_VALUES:,} values, or are nested deeper than {_DEPTH}")
        if isinstance(value, str):
            try:
                text(value)
            except ValueError as error:
                raise ValueError(f"hold a text that {error}") from None
        elif isinstance(value, Mapping):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list | tuple):
            waiting += [(each, depth + 1) for each in value]
    return given


Text = Annotated[str, AfterValidator(text)]
"""A text that a person wrote."""

Short = Annotated[str, Field(max_length=200), AfterValidator(text)]
"""A name or a kind, as it stands in a heading."""

Steps = Annotated[int, Field(ge=0, lt=MOST_STEPS)]

Bytes = Annotated[int, Field(ge=0, lt=2**50)]

Finite = Annotated[float, Field(allow_inf_nan=False)]
