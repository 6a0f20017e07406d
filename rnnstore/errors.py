"""The errors of rnnstore. Their texts are sentences to be shown: what was given, what was expected, what to do.

Every error that a user can cause or repair is a `StoreError`. A page shows its text and stops; the command line prints
it and exits with 1. Anything else that is raised is a bug and stays a traceback.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable


class StoreError(Exception):
    """Base of every error that a user can cause or repair; `str(error)` is the sentence to show."""


class UnknownModel(StoreError):
    """A model was named that the store does not hold."""


class UnknownName(StoreError):
    """A state, track, unit or word was named that a model does not hold."""


class DamagedModel(StoreError):
    """A model's folder cannot be read as this program wrote it."""


class Busy(StoreError):
    """Another process is writing the same model."""


class ReadOnly(StoreError):
    """A change was asked of a store that was opened for reading."""


class DiskFull(StoreError):
    """The disk ran out of room while writing."""


class QuestionError(StoreError):
    """A query (selection, match, search) that makes no sense for this model."""


class MissingNetwork(QuestionError):
    """A typed sentence needs the trained network, and the model's folder does not hold all of it."""


UNDECODABLE = (UnicodeError, RuntimeError)
"""What DuckDB raises, beside its own errors, where a word or a column's name in a damaged file is not valid UTF-8."""


def suggest(given: str, known: Iterable[str]) -> str:
    """The end of an error message: the known names nearest to `given`, or all of them when there are few.

    >>> suggest("layer1.k", ["layer1.c", "layer1.h"])
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
    """The message of an error of the system or of a library, without the folders above a model: whoever reads it may
    have no account on this machine, and is shown no path of it.

    >>> cause(ValueError("cannot open '/home/me/store/model=small/tokens/0.parquet'"))
    "cannot open 'model=small/tokens/0.parquet'"
    """
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _ABOVE.sub("", message)


_ABOVE = re.compile(r"""(?:[A-Za-z]:)?[\\/][^'"\n]*?(?=model=)""")


def is_disk_full(error: OSError) -> bool:
    """Whether an operating-system error means that there is no room left (disk or quota)."""
    codes = (errno.ENOSPC, errno.EDQUOT)
    # Copying a folder raises one error for all its files, which has no number but their texts.
    return error.errno in codes or (error.errno is None and any(os.strerror(code) in str(error) for code in codes))
