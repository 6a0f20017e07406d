"""Answers shared by all visitors: nothing is pickled, a question is computed once at a time, room is measured in bytes.

`st.cache_data(max_size=...)` measures bytes too, but pickles every answer and hands each run a copy: a decomposition of
a hundred megabytes would be copied at every click. `st.cache_resource` shares answers but counts them, and one can be
a kilobyte or a hundred megabytes. Here all functions share one room, so that a hosted application stays within its
memory whatever is asked.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np
import pyarrow as pa
import streamlit as st

from pages.parts.shared.hosting import hosted
from rnnstore import Model

P = ParamSpec("P")
Answer = TypeVar("Answer")

ROOM, ROOM_HOSTED = 600 << 20, 120 << 20
"""Bytes of all cached answers together, on one's own machine and hosted; the newest stays whatever its size."""

SAMPLED = 100
"""Elements of a long list or dictionary that are measured, for all of it."""


class Cache:
    """Answers by their questions; those asked for least recently go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._computing: dict[Hashable, threading.Lock] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def answer(self, question: Hashable, compute: Callable[[], Any], room: int) -> Any:
        """The answer to `question`, cached or computed now; an error or a stopped page leaves nothing behind."""
        with self._lock:
            held = self._held.get(question)
            computing = self._computing.setdefault(question, threading.Lock()) if held is None else None
        if computing is not None:
            with computing:
                try:
                    held = self._held.get(question) or (compute(), 0)
                finally:  # what ends in an error leaves no lock behind, else strangers' errors would fill the memory
                    with self._lock:
                        self._computing.pop(question, None)
        assert held is not None
        self._put(question, held[0], size(question) + size(held[0]), room)  # an answer grows by what it works out later
        return held[0]

    def holds(self, question: Hashable) -> bool:
        """Whether the answer is cached."""
        return question in self._held

    def _put(self, question: Hashable, found: Any, bytes_: int, room: int) -> None:
        with self._lock:
            self.bytes += bytes_ - self._held.pop(question, (None, 0))[1]
            self._held[question] = (found, bytes_)
            while len(self._held) > 1 and self.bytes > room:
                self.bytes -= self._held.popitem(last=False)[1][1]


@st.cache_resource(show_spinner=False)
def cache() -> Cache:
    """The one cache of this process, which Streamlit's "clear cache" empties."""
    return Cache()


class Cached(Generic[P, Answer]):
    """A function whose answers are cached; see `cached`."""

    def __init__(self, function: Callable[P, Answer], spinner: str) -> None:
        functools.update_wrapper(self, function)
        self._function, self._spinner = function, spinner
        self._signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Answer:
        def compute() -> Answer:
            with st.spinner(self._spinner) if self._spinner else nullcontext():
                return self._function(*args, **kwargs)

        return cache().answer(self._question(args, kwargs), compute, ROOM_HOSTED if hosted() else ROOM)

    def is_cached(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether the answer to these arguments is there already."""
        return cache().holds(self._question(args, kwargs))

    def _question(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        name = (self._function.__module__, self._function.__qualname__)
        return (*name, *((key, _key(value)) for key, value in bound.arguments.items() if not callable(value)))


@overload
def cached(function: Callable[P, Answer], /, spinner: str = "") -> Cached[P, Answer]: ...
@overload
def cached(*, spinner: str) -> Callable[[Callable[P, Answer]], Cached[P, Answer]]: ...
def cached(function: Callable[..., Any] | None = None, /, spinner: str = "") -> Any:
    """A function whose answers are cached by its arguments; while it computes, a spinner says `spinner`.

    A model stands in the question with its `key`: what was recorded anew is asked anew. Functions, such as a callback
    of progress, are no part of the question. Answers are never changed.

    >>> match = cached(matching.match, "Matching ...")  # doctest: +SKIP
    """
    if function is None:
        return functools.partial(Cached, spinner=spinner)
    return Cached(function, spinner)


def _key(value: Any) -> Hashable:
    """An argument as it stands in a question."""
    if isinstance(value, Model):
        return value.key
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in sorted(value.items()))
    return tuple(map(_key, value)) if isinstance(value, list | tuple) else value


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
    sample = parts[::step]
    return int(sum(_size(part, seen) for part in sample) * len(parts) / len(sample))
