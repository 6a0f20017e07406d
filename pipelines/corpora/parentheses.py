"""The parenthesis language: a text whose every hidden variable is known, made on the spot.

At each step the generator opens a bracket, closes one, or writes the digit of the level it is at. So a network
that predicts the digits has to count brackets, and the tracks hold the count it ought to keep:

    symbol     0  (  1  1  (  2  )  1  )  0
    nesting    0  1  1  1  2  2  2  1  1  0
    position   0  1  2  3  1  2  3  7  8  0

`nesting`: the level at the symbol; an opening bracket has the level it opens to, a closing one the level it closes.
`position`: the place in the innermost bracket, 1 at its opening; steps of inner brackets count. 0 outside of all.
"""

from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import Parentheses
from pipelines.corpora.raw_text import RawText, divide, one_stream


def load(settings: Parentheses, folder: Path | None = None) -> Corpus:
    """The generated corpus, with tracks `nesting` and `position` (both scalar)."""
    text = generate(settings.symbols, settings.levels, settings.opening, settings.closing, settings.seed)
    nesting, position = measure(text)
    tracks = {"nesting": nesting, "position": position}
    whole = RawText(text, one_stream(len(text)), tracks)
    name = f"parentheses, {settings.levels} levels"
    sources = dict.fromkeys(tracks, "exact (known to the generator)")
    return prepare(name, "character", divide(whole, settings.shares), track_sources=sources)


def generate(symbols: int, levels: int = 4, opening: float = 0.2, closing: float = 0.2, seed: int = 1) -> str:
    """A text of this many symbols: the same for the same arguments."""
    draws = np.random.default_rng(seed).random(symbols).tolist()
    digits = "0123456789"
    level, text = 0, []
    for draw in draws:
        if draw < opening:
            if level < levels:
                level += 1
                text.append("(")
                continue
        elif draw < opening + closing and level > 0:
            level -= 1
            text.append(")")
            continue
        text.append(digits[level])
    return "".join(text)


def measure(text: str) -> tuple[np.ndarray, np.ndarray]:
    """float64[steps] nesting and position of every symbol, as defined at the top of this module."""
    nesting, position, opened = np.zeros(len(text)), np.zeros(len(text)), []
    for t, symbol in enumerate(text):
        if symbol == "(":
            opened.append(t)
        if opened:
            nesting[t] = len(opened)
            position[t] = t - opened[-1] + 1
        if symbol == ")":
            opened.pop()
    return nesting, position
