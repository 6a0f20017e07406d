"""What can go wrong, as sentences for the person at the screen.

Every error that a person can cause or mend is a `StoreError`; its text says what was given, what was expected and
what to do. A page shows the sentence and stops, the command line prints it and exits with 1. Anything else that is
raised is a bug and stays a traceback.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable


class StoreError(Exception):
    """Base of every error with a sentence for a person; `str(error)` is the sentence."""


class UnknownModel(StoreError):
    """A model was named that the store does not hold."""


class UnknownName(StoreError):
    """A state, track, unit or word was named that a model does not hold."""


class DamagedModel(StoreError):
    """A model's folder cannot be read as this program wrote it."""


class Busy(StoreError):
    """Another process is writing the same model."""


class ReadOnly(StoreError):
    """The store was opened for reading, and something was to change it."""


class DiskFull(StoreError):
    """The disk ran out of room while writing."""


class QuestionError(StoreError):
    """A question (selection, match, search) that cannot be asked of this model."""


class MissingNetwork(QuestionError):
    """A typed sentence needs the trained network, and the model's folder does not hold all of it."""


NO_TEXT = (UnicodeError, RuntimeError)
"""What DuckDB raises, beside its own errors, where a word or a column's name in a damaged file is no text."""


def nearest(given: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the nearest known names, or all of them when there are few.

    >>> nearest("layer1.k", ["layer1.c", "layer1.h"])
    'did you mean layer1.h or layer1.c?'
    """
    known = list(known)
    close = difflib.get_close_matches(given, known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not known:
        return "there is none yet."
    shown = ", ".join(known[:12])
    return f"there is {shown}{' and others' if len(known) > 12 else ''}."


def cause(error: BaseException) -> str:
    """What the system or another library says of an error, without the folders above a model: who reads the sentence
    may be a stranger to this machine.

    >>> cause(ValueError("cannot open '/home/me/store/model=small/tokens/0.parquet'"))
    "cannot open 'model=small/tokens/0.parquet'"
    """
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _ABOVE.sub("", said)


_ABOVE = re.compile(r"""(?:[A-Za-z]:)?[\\/][^'"\n]*?(?=model=)""")


def is_disk_full(error: OSError) -> bool:
    """Whether an operating-system error means that there is no room left (disk or quota)."""
    codes = (errno.ENOSPC, errno.EDQUOT)
    # Copying a folder raises one error for all its files, which has no number but their texts.
    return error.errno in codes or (error.errno is None and any(os.strerror(code) in str(error) for code in codes))
