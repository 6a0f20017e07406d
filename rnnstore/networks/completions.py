"""Completions: what a network suggests while a text is being typed.

A network that reads words completes the word that is begun, by what it expected in its place; one that reads characters
needs no such help, for the characters typed so far are read, whether it predicts a character or, as an autocomplete
network does, the whole word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.networks.predictions import highest
from rnnstore.networks.tokenising import Tokenisation, Tokens, in_case
from rnnstore.store.model import Model
from rnnstore.threads import one_thread

LOOKED_BACK = 400
"""Steps before the end of the text that are read: each costs time at every key that is pressed."""


@dataclass(frozen=True)
class Completion:
    """One suggestion: the output, its probability, and what it makes of the text: the last `cuts` letters go, then
    `adds` is added; None where it is no text, such as a label."""

    word: str
    probability: float
    adds: str | None
    cuts: int


def completions(model: Model, text: str, top: int = 5) -> list[Completion]:
    """The `top` most probable ways to go on after `text`; none for a text without words.

    `MissingNetwork` when the model has no network that can read text.
    """
    reader = open_network(model, "text", "scores")
    how = _tokenisation(reader)
    by_word = how.level == "word"
    begun = "" if not text or text[-1].isspace() else text.split()[-1]
    known = not (by_word and begun) or reader.classifier or not reader.tokenise(begun).unknown.any()
    completes = not known
    tokens = reader.tokenise(text[: len(text) - len(begun)] if completes else text)
    typed = [step for step, written in enumerate(tokens.typed) if written]
    if not typed:
        return []
    chances = _after(reader, tokens, typed[-1])
    if completes:
        start = in_case(begun, how)
        fits = np.array([word.startswith(start) for word in reader.outputs], bool)
        chances = np.where(fits, chances, 0)
        top = min(top, int(fits.sum()))
    places = highest(chances[None], top)[0] if top else []
    return [
        Completion(reader.outputs[place], float(chances[place]), *_change(reader, text, begun, completes, place))
        for place in places
    ]


def _after(reader: Network, tokens: Tokens, step: int) -> np.ndarray:
    """float32[outputs]: probabilities after a step, read from `LOOKED_BACK` steps before it or from its beginning."""
    first = max(0, step + 1 - LOOKED_BACK)
    starts = tokens.starts[first : step + 1].copy()
    starts[0] = True
    with one_thread():
        trace = reader.run([tokens.ids[first : step + 1]], [starts], keep=[reader.head])
        return reader.probabilities(trace.series[reader.head][-1])[0]


def _tokenisation(reader: Network) -> Tokenisation:
    assert reader.tokenisation is not None  # who needs "text" has one
    return reader.tokenisation


def _change(reader: Network, text: str, begun: str, completes: bool, place: int) -> tuple[str | None, int]:
    word, how = reader.outputs[place], _tokenisation(reader)
    if reader.classifier or word in (how.unknown, how.end):
        return None, 0
    if how.level == "word":
        return (f"{word} ", len(begun)) if completes else ((f" {word} " if begun else f"{word} "), 0)
    if reader.outputs is reader.words:
        return word, 0
    return f"{word} ", len(begun)
