"""Answers that are kept for all visitors, together at most so many bytes; those asked for least recently go first.

Streamlit's own caches count answers, and one answer can be a kilobyte or a hundred megabytes. Here every function that
is `kept` shares one shelf whose room is measured in bytes, so that a hosted copy stays within its memory whatever is
asked. Of two visitors who ask the same at once, one computes and the other waits for it; different questions never
wait for each other.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import streamlit as st

from pages.parts.shared.hosting import hosted

P = ParamSpec("P")
Answer = TypeVar("Answer")

ROOM, ROOM_HOSTED = 600 << 20, 120 << 20
"""Bytes of all kept answers together, on one's own machine and hosted; the newest is kept whatever its size."""

SAMPLED = 100
"""Elements of a long list or dictionary that are measured, for all of it."""


class Shelf:
    """Answers by their questions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._asked: dict[Hashable, threading.Lock] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def answer(self, question: Hashable, compute: Callable[[], Any], room: int) -> Any:
        """The answer to `question`, kept or computed now; what an error or a stopped page breaks off is not kept."""
        with self._lock:
            held = self._held.get(question)
            asked = None if held else self._asked.setdefault(question, threading.Lock())
        if held is None:
            with asked:
                try:
                    held = self._held.get(question) or (compute(), 0)
                finally:  # what ends in an error leaves no lock behind, else strangers' errors would fill the memory
                    with self._lock:
                        self._asked.pop(question, None)
        self._put(question, held[0], size(question) + size(held[0]), room)  # an answer grows by what it works out later
        return held[0]

    def holds(self, question: Hashable) -> bool:
        """Whether the answer is kept."""
        return question in self._held

    def _put(self, question: Hashable, found: Any, bytes_: int, room: int) -> None:
        with self._lock:
            self.bytes += bytes_ - self._held.pop(question, (None, 0))[1]
            self._held[question] = (found, bytes_)
            while len(self._held) > 1 and self.bytes > room:
                self.bytes -= self._held.popitem(last=False)[1][1]


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The one shelf of this process, which Streamlit's "clear cache" empties."""
    return Shelf()


def kept(spinner: str = "") -> Callable[[Callable[P, Answer]], Callable[P, Answer]]:
    """Keep what a function answers, by its arguments; those whose name begins with `_` are no part of the question.

    While it computes, a spinner says `spinner`. Arguments are hashable, and answers are never changed. The function's
    `is_kept` takes the same arguments and says whether the answer is there already.
    """

    def keeping(function: Callable[P, Answer]) -> Callable[P, Answer]:
        signature = inspect.signature(function)
        name = (function.__module__, function.__qualname__)

        def question(given: tuple, named: dict[str, Any]) -> Hashable:
            bound = signature.bind(*given, **named)
            bound.apply_defaults()
            return (*name, *((key, value) for key, value in bound.arguments.items() if not key.startswith("_")))

        @functools.wraps(function)
        def asked(*given: P.args, **named: P.kwargs) -> Answer:
            def compute() -> Answer:
                with st.spinner(spinner) if spinner else nullcontext():
                    return function(*given, **named)

            return shelf().answer(question(given, named), compute, ROOM_HOSTED if hosted() else ROOM)

        asked.is_kept = lambda *given, **named: shelf().holds(question(given, named))
        return asked

    return keeping


def size(value: Any) -> int:
    """About how many bytes a value takes: arrays and tables exactly, long lists and dictionaries from a sample."""
    return _size(value, set())


def _size(value: Any, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        own = value.nbytes if value.base is None else 0
        return 100 + own + (_size(value.base, seen) if value.base is not None else 0)
    if isinstance(value, pa.Table | pa.RecordBatch | pa.Array | pa.ChunkedArray):
        return 100 + value.get_total_buffer_size()
    if isinstance(value, dict):
        return sys.getsizeof(value) + _several([part for pair in value.items() for part in pair], seen)
    if isinstance(value, list | tuple | set | frozenset):
        return sys.getsizeof(value) + _several(list(value), seen)
    own = sys.getsizeof(value)
    if isinstance(value, str | bytes | int | float | bool | type(None) | type) or callable(value):
        return own
    if isinstance(value, memoryview):
        return value.nbytes
    parts = [*getattr(value, "__dict__", {}).values()]
    parts += [getattr(value, name) for name in getattr(type(value), "__slots__", ()) if hasattr(value, name)]
    return own + _several(parts, seen)


def _several(parts: list[Any], seen: set[int]) -> int:
    if len(parts) <= 2 * SAMPLED:
        return sum(_size(part, seen) for part in parts)
    step = len(parts) // SAMPLED
    some = parts[::step]
    return int(sum(_size(part, seen) for part in some) * len(parts) / len(some))
