"""What the store refuses, in its sentence: a page stops there, a part of one goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from pages.parts.shared.markdown import escape
from rnnstore import StoreError


@contextmanager
def errors_as(say: Callable[[str], object], *, markdown: bool = True, about: str = "") -> Iterator[None]:
    """What is refused inside is said by `say` (`st.error`, `st.info`), as Markdown where not said otherwise, with what
    it is `about` before it; and the page goes on behind it.

    >>> with errors_as(print):
    ...     raise StoreError("There is no model 'x'.")
    There is no model 'x'.
    """
    try:
        yield
    except StoreError as error:
        sentence = f"{about}{error}"
        say(escape(sentence) if markdown else sentence)


def ignore(sentence: str) -> None:
    """Says nothing, of what is said elsewhere."""


def change_store(change: Callable[[], object], done: str) -> bool:
    """Whether a change of the store was made; that it was, or why not, is said by the next run (`say_outcome`)."""
    with errors_as(lambda refused: keep_outcome(st.error, refused)):
        change()
        keep_outcome(st.success, escape(done))
        return True
    return False


def keep_outcome(say: Callable[[str], object], sentence: str) -> None:
    """What the next run has to say."""
    st.session_state["outcome"] = say, sentence


def say_outcome() -> None:
    """What became of the last change of the store, once."""
    if outcome := st.session_state.pop("outcome", None):
        say, sentence = outcome
        say(sentence)
