"""What a chord is in its key, and where a song plays one of the progressions that everybody knows.

A chord symbol is `root:quality/bass` (`C:maj7/3`), a tonic a note. Relative to the tonic a chord has a degree, a Roman
numeral: `V` a major, `v` a minor chord a fifth above, `vii°` diminished, `I+` augmented; without a third `V5` (fifths
and single notes) or `Vsus`. Sevenths, ninths and the bass make no difference.

A progression is a row of such chords, however long each is held and in whatever voicing, whose first is the tonic's:

    bars         | C:maj | C:maj | G:maj/3 . A:min7 . | F:maj | F:maj | D:min |
    degree         I       I       V         vi         IV      IV      ii
    progression    I-V-vi-IV from the first step to the second F:maj
"""

import re
from collections.abc import Sequence

from pipelines.corpora.billboard import BAR, HELD

ROOTS = ("I", "bII", "II", "bIII", "III", "IV", "bV", "V", "bVI", "VI", "bVII", "VII")
"""Degree of the note that is so many semitones above the tonic."""

PROGRESSIONS = {  # those of LSTMVis, figure 11
    "I-V-vi-IV": ("I", "V", "vi", "IV"),
    "I-vi-IV-V": ("I", "vi", "IV", "V"),
    "I-V-vi-iii-IV-I": ("I", "V", "vi", "iii", "IV", "I"),
}

_NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_CHORD = re.compile(r"([A-G][#b]*):([^/]+)(/.+)?")
_NOTE = re.compile(r"([A-G])([#b]*)")
_WITHOUT_THIRD = ("5", "sus")  # endings of degrees that may stand for a major or a minor chord
_GOES_ON = (BAR, HELD, "&pause")


def degree(chord: str, tonic: str) -> str:
    """The degree of a chord; "" where the symbol is no chord or the tonic no note.

    >>> [degree(chord, "Ab") for chord in ("Eb:7/3", "F:min7", "G:hdim7", "Db:5", "N")]
    ['V', 'vi', 'vii°', 'IV5', '']
    """
    found, key = _CHORD.fullmatch(chord), _NOTE.fullmatch(tonic)
    if not found or not key:
        return ""
    root, quality = ROOTS[(_height(found[1]) - _height(tonic)) % 12], found[2]
    if quality.startswith(("dim", "hdim")):
        return root.replace(root.lstrip("b"), root.lstrip("b").lower()) + "°"
    if quality.startswith("min") or re.match(r"1\(.*\bb3", quality):
        return root.replace(root.lstrip("b"), root.lstrip("b").lower())
    if quality.startswith("aug"):
        return root + "+"
    if quality.startswith("sus"):
        return root + "sus"
    return root + "5" if re.match(r"[15]\b", quality) and not re.match(r"1\(.*\b3", quality) else root


def in_its_key(chord: str, tonic: str) -> str:
    """The chord symbol with its degree for a root, so that songs in all keys share one spelling; else as it is.

    >>> in_its_key("Eb:sus4(b7)/5", "Ab")
    'V:sus4(b7)/5'
    """
    found = _CHORD.fullmatch(chord)
    if not found or not _NOTE.fullmatch(tonic):
        return chord
    return f"{ROOTS[(_height(found[1]) - _height(tonic)) % 12]}:{found[2]}{found[3] or ''}"


def degrees(words: Sequence[str], tonics: Sequence[str]) -> list[str]:
    """The degree that sounds at each step of a song: a held beat has its chord's, a bar line none."""
    found: list[str] = []
    sounding = ""
    for word, tonic in zip(words, tonics, strict=True):
        if word not in _GOES_ON:
            sounding = degree(word, tonic)
        found.append("" if word == BAR else sounding)
    return found


def progressions(words: Sequence[str], sounding: Sequence[str]) -> list[tuple[int, int, str]]:
    """(start, stop, name) of every progression of a song, half-open: from its first chord to the end of its last one.

    `sounding` are the `degrees` of the words. Of two that overlap the one that begins earlier is told. A chord without
    a third counts as major and as minor; what is no chord at all (`N`) ends everything.
    """
    held: list[tuple[str, int, int]] = []  # degree, first step, step after the last
    for t, (word, here) in enumerate(zip(words, sounding, strict=True)):
        if word in (BAR, "&pause"):
            continue
        if held and here and _same(held[-1][0], here):
            before, start, _ = held[-1]
            held[-1] = (here if _bare(before) != before else before, start, t + 1)  # Vsus that turns to V is a V
        else:
            held.append((here, t, t + 1))
    found, at = [], 0
    while at < len(held):
        for name, chords in PROGRESSIONS.items():
            those = held[at : at + len(chords)]
            if len(those) == len(chords) and all(map(_same, (chord for chord, _, _ in those), chords)):
                found.append((those[0][1], those[-1][2], name))
                at += len(chords) - 1
                break
        at += 1
    return found


def _same(one: str, other: str) -> bool:
    """Whether two degrees can be one chord: equal, or on one root and one of them without a third."""
    if one == other:
        return True
    a, b = _bare(one), _bare(other)
    return (a != one or b != other) and a.lower() == b.lower() != "" and "°" not in one + other


def _bare(here: str) -> str:
    """The degree without what says that it has no third."""
    for ending in _WITHOUT_THIRD:
        here = here.removesuffix(ending)
    return here


def _height(note: str) -> int:
    """Semitones of a note above C."""
    return _NOTES[note[0]] + note.count("#") - note.count("b")
