"""Stored texts inside a sentence of a page, shown as they are: no Markdown, formula, colour, icon, link or heading.

Whatever a store, an address or a visitor brings goes through `escape` before it meets Markdown. A backslash is not
enough: Streamlit looks for icons, emojis, arrows and addresses in the text once it has been parsed, where backslashes
are gone. A word joiner, which is not seen and takes no room, stands inside those.
"""

from __future__ import annotations

import re

MOST = 1000
"""Letters of a text inside a page; the whole is in SQL and in the exported tables."""

JOINER = "\u2060"

_MARKS = re.compile(r"([\\`*_\[\]<>~$&#|!{}])")
_LOOKED_FOR = re.compile(
    r":(?=[\w/+-])"  # icons, emojis, colours, https://
    r"|www(?=\.)"
    r"|[\w.+-](?=@)"  # addresses of mail
    r"|(?<!\S)[<>~-](?=[->=]+(?!\S))",  # arrows and dashes
    re.IGNORECASE,
)
_BLOCK = re.compile(r"^(\s*)([-+=]|\d+(?=[.)]))")
_JOINING = "\u200c\u200d"  # scripts and emojis need them


def escape(text: str, most: int = MOST) -> str:
    r"""`text` on one line of at most `most` letters, with everything escaped that Markdown would take for a mark.

    Controls and marks that turn the direction of writing are shown as one sign.

    >>> escape("<unk> costs $ 5 or $ 6")
    '\\<unk\\> costs \\$ 5 or \\$ 6'
    """
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    line = re.sub(r"[\s\x1c-\x1f\x85]+", " ", cut)
    seen = "".join(sign if sign.isprintable() or sign in _JOINING else "�" for sign in line)
    marked = _MARKS.sub(r"\\\1", _LOOKED_FOR.sub(lambda found: found[0] + JOINER, seen))
    return _BLOCK.sub(rf"\1\2{JOINER}" if marked.lstrip()[:1].isdigit() else r"\1\\\2", marked)


def number(value: float) -> str:
    """A result with two decimals, by its power of ten where it is too large to be read so.

    >>> number(13.75), number(1e308)
    ('13.75', '1e+308')
    """
    return f"{value:,.2f}" if abs(value) < 1e9 else f"{value:.3g}"
