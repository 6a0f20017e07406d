"""Words as they are drawn: white space, line ends and control characters as visible signs."""

_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"})


def visible(word: str) -> str:
    """`word` with spaces, line ends and tabs as signs, an empty word as a dot, other control characters as one sign.

    Zero-width joiners stay: scripts and emojis need them, and unlike other controls they cannot reverse text.

    >>> visible("a b\\n"), visible("")
    ('a␣b↵', '·')
    """
    if not word:
        return "·"
    return "".join(sign if sign.isprintable() or sign in "\u200c\u200d" else "�" for sign in word.translate(_VISIBLE))
