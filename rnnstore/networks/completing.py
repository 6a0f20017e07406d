"""Text for a network that completes words: made as its corpus was, and the word that each character is part of.

In such a corpus every observation begins with a space, one space stands between two words, and whatever is no letter
was a space, too. Typed text is read the same way, so that it makes no difference whether a person types the first space
or how they part their words; what is typed stays in `Tokens.typed`.
"""

from __future__ import annotations

import numpy as np

from rnnstore.networks.tokenising import Tokens
from rnnstore.visible import visible


def spaced(tokens: Tokens, space: int) -> Tokens:
    """The characters with one space, of that number, before every word: strangers and further spaces are part of it.

    A space that was added before the text has nothing typed.
    """
    words, typed, unknown, strange = [], [], [], []
    notes = [note for note in tokens.notes if "never learned" not in note]
    if len(tokens) and not (tokens.unknown[0] or tokens.words[0] == " "):
        words, typed, unknown = [" "], [""], [False]
        notes.append("A space was put before the text: in training, every text began with one.")
    for word, written, new in zip(tokens.words, tokens.typed, tokens.unknown.tolist(), strict=True):
        if new:
            strange.append(written or word)
        if not (new or word == " "):
            words.append(word)
            typed.append(written)
            unknown.append(False)
        elif words and words[-1] == " ":
            typed[-1] += written
            unknown[-1] |= new
        else:
            words.append(" ")
            typed.append(written)
            unknown.append(new)
    if strange:
        shown = ", ".join(map(visible, list(dict.fromkeys(strange))[:8]))
        rest = len(set(strange)) - 8
        notes.append(
            f"What the model never learned ({shown}{f' and {rest:,} others' if rest > 0 else ''}) was read as a space, "
            "as in the text it was trained on."
        )
    number_of = dict(zip(tokens.words, tokens.ids.tolist(), strict=True)) | {" ": space}
    starts = np.zeros(len(words), bool)
    starts[:1] = True
    return Tokens(
        words, np.array([number_of[word] for word in words], np.int32), typed, np.array(unknown, bool), starts, notes
    )


def words_typed(tokens: Tokens) -> list[str | None]:
    """For every character the word that it is part of, and for a space the word behind it; None where there is none."""
    found: list[str | None] = []
    letters = [word if word and not word.isspace() else " " for word in tokens.words]
    for step, letter in enumerate(letters):
        if letter != " " and step and letters[step - 1] != " " and not tokens.starts[step]:
            found.append(found[-1])
            continue
        stop = first = step + (letter == " ")
        while stop < len(letters) and letters[stop] != " " and (stop == first or not tokens.starts[stop]):
            stop += 1
        found.append("".join(letters[first:stop]) or None)
    return found
