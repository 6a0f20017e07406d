"""Words of a corpus inside a sentence of a page, shown as they are: they are no Markdown, formulas or colours."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_\[\]<>~$&]|:(?=[\w/]))")


def escape(text: str) -> str:
    """`text` with everything escaped that Markdown would take for a mark.

    >>> escape("<unk> costs $ 5 or $ 6")
    '\\\\<unk\\\\> costs \\\\$ 5 or \\\\$ 6'
    """
    return _MARKS.sub(r"\\\1", text)
