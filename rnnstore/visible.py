"""Words as they are drawn: white space, line ends and control characters as visible signs."""

_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"})


LETTERS = 100
"""Letters of a word that are drawn; one that is longer (a genome in one line) ends in an ellipsis."""


def visible(word: str) -> str:
    """`word` with spaces, line ends and tabs as signs, an empty word as a dot, other control characters as one sign.

    Of one that is longer than `LETTERS` the beginning. Zero-width joiners stay: scripts and emojis need them, and
    unlike other controls they cannot reverse text.

    >>> visible("a b\\n"), visible("")
    ('a␣b↵', '·')
    """
    if not word:
        return "·"
    if len(word) > LETTERS:
        word = f"{word[: LETTERS - 1]}…"
    return "".join(sign if sign.isprintable() or sign in "\u200c\u200d" else "�" for sign in word.translate(_VISIBLE))
