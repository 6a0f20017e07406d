"""Cached queries about connectivity, and what is shown while one of them runs.

A long text takes a minute, so its progress is drawn meanwhile, and a click ends it.
"""

from __future__ import annotations

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.shared.cache import cached
from pages.parts.shared.controls import of_no_fragment, side_by_side
from rnnstore.connectivity import completion_accuracy, texts

SLOW = 0.6
"""Seconds after which work shows how far it is, and can be stopped."""

OFTEN = 0.15
"""Seconds between two moves of the bar."""

STOPPED = "connectivity-stopped"
"""In the session: the question that was stopped last."""


connected = cached(texts.text_connectivity)
known_characters = cached(completion_accuracy.known_characters)


class Waiting:
    """A bar for work that takes long, with a button that stops it and remembers `question` as stopped.

    `parts` are equal; what is `doing` in each is said beside its name.
    """

    def __init__(self, question: object, parts: int, doing: str) -> None:
        self.question, self.parts, self.doing, self.done = question, parts, doing, 0
        self.began = self.moved = time.monotonic()
        self.place = st.empty()
        self.bar: DeltaGenerator | None = None

    def progress(self, name: str, share: float) -> None:
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
    with side_by_side("center"):
        st.info("Stopped. What was not finished is not kept.", width=420)
        st.button("Work it out", key="connectivity-again", on_click=lambda: st.session_state.pop(STOPPED, None))
    return True
