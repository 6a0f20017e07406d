"""Texts as networks connect them, kept: by the store, the model, and everything that the numbers depend on.

A long text takes a minute, so its progress is drawn meanwhile, and a click ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from pages.parts.connectivity.address import View
from pages.parts.shared import asked
from pages.parts.shared.asked import Store
from pages.parts.shared.controls import of_no_fragment
from pages.parts.shared.kept import kept
from rnnstore import Model
from rnnstore.connectivity.completion_accuracy import known_characters
from rnnstore.connectivity.texts import Connected
from rnnstore.connectivity.texts import connected as work_out

Text = str | tuple[int, int]

SLOW = 0.6
"""Seconds after which work shows how far it is, and can be stopped."""

OFTEN = 0.15
"""Seconds between two moves of the bar."""

STOPPED = "connectivity-stopped"
"""In the session: the question that was stopped last."""


def connected(model: Model, text: Text, view: View, told: Callable[[float], None]) -> Connected:
    """The text as the model connects it, worked out now or before."""
    return _connected(*_asked(model, text, view), told)


def is_known(model: Model, text: Text, view: View) -> bool:
    """Whether it was worked out before."""
    return _connected.is_kept(*_asked(model, text, view), None)


def _asked(model: Model, text: Text, view: View) -> tuple:
    return asked.as_of(model), model, model.name, text, view.target, view.scale, view.word, view.check


@kept()
def _connected(
    store: Store,
    _model: Model,
    model: str,
    text: Text,
    target: str,
    scale: str,
    word: str,
    check: bool,
    _told: Callable[[float], None],
) -> Connected:
    return work_out(_model, text, target, scale, word=word, check=check, progress=_told)


class Waiting:
    """A bar for work that takes long, with a button that stops it and remembers `question` as stopped.

    `parts` are equal; what is `doing` in each is said beside its name.
    """

    def __init__(self, question: object, parts: int, doing: str) -> None:
        self.question, self.parts, self.doing, self.done = question, parts, doing, 0
        self.began = self.moved = time.monotonic()
        self.place, self.bar = st.empty(), None

    def told(self, name: str, share: float) -> None:
        """Move the bar; a visitor who has clicked meanwhile ends the work here."""
        now = time.monotonic()
        if now - self.began < SLOW or now - self.moved < OFTEN:
            return
        self.moved = now
        if self.bar is None:
            with self.place.container(horizontal=True, vertical_alignment="center"):
                self.bar = st.empty()
                with of_no_fragment():
                    st.button("Stop", key=f"connectivity-stop-{self.doing}", on_click=self._stop)
        self.bar.progress(min(1.0, (self.done + share) / self.parts), text=f"{self.doing}: {name}")

    def next(self) -> None:
        self.done += 1

    def over(self) -> None:
        self.place.empty()

    def _stop(self) -> None:
        st.session_state[STOPPED] = self.question


def was_stopped(question: object) -> bool:
    """Whether this was stopped; then says so, and offers to go on."""
    if st.session_state.get(STOPPED) != question:
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info("Stopped. What was not finished is not kept.", width=420)
        st.button("Work it out", key="connectivity-again", on_click=lambda: st.session_state.pop(STOPPED, None))
    return True


def known(model: Model, stretches: int, told: Callable[[float], None]) -> pa.Table:
    """Accuracy by known characters, over the whole recording, and the share of connectivity in some sequences."""
    return _known(asked.as_of(model), model, model.name, stretches, told)


@kept()
def _known(store: Store, _model: Model, model: str, stretches: int, _told: Callable[[float], None]) -> pa.Table:
    return known_characters(_model, stretches=stretches, progress=_told)
