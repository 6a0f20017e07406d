"""Words made visible: how a blank, a line end or a control character is shown wherever words are drawn."""

_VISIBLE = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥"})


def visible(word: str) -> str:
    """`word` as it is shown: blanks, line ends and tabs as signs, an empty word as a dot, other controls as a sign.

    Joiners stay: scripts and emojis need them, and unlike other controls they cannot turn text around.

    >>> visible("a b\\n"), visible("")
    ('a␣b↵', '·')
    """
    if not word:
        return "·"
    return "".join(sign if sign.isprintable() or sign in "\u200c\u200d" else "�" for sign in word.translate(_VISIBLE))
