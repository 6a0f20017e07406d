"""Texts as networks connect them, kept: by the store, the model, and everything that the numbers depend on.

A long text takes a minute, so it is worked out outside of the cache, where its progress can be drawn and a click can
end it; then it is put on its shelf for all visitors.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from pages.parts.connectivity.address import View
from pages.parts.shared import asked
from pages.parts.shared.asked import Store
from rnnstore import Model
from rnnstore.connectivity.connected import Connected
from rnnstore.connectivity.connected import connected as work_out
from rnnstore.connectivity.known_characters import known_characters

Text = str | tuple[int, int]

SLOW = 0.6
"""Seconds after which work shows how far it is, and can be stopped."""

OFTEN = 0.15
"""Seconds between two moves of the bar."""

STOPPED = "connectivity-stopped"
"""In the session: the question that was stopped last."""


@st.cache_resource(max_entries=16, show_spinner=False)
def _shelf(
    store: Store, model: str, text: Text, target: str, scale: str, word: str, check: bool
) -> dict[str, Connected]:
    """A place for one text."""
    return {}


def shelf(model: Model, text: Text, view: View) -> dict[str, Connected]:
    """Where `found` is, once the text was worked out for this model."""
    return _shelf(asked.as_of(model), model.name, text, view.target, view.scale, view.word, view.check)


def connected(model: Model, text: Text, view: View, told: Callable[[float], None]) -> Connected:
    """The text as the model connects it, worked out now or before."""
    kept = shelf(model, text, view)
    if "found" not in kept:
        kept["found"] = work_out(model, text, view.target, view.scale, word=view.word, check=view.check, progress=told)
    return kept["found"]


class Waiting:
    """A bar for work that takes long, with a button that stops it and remembers `question` as stopped."""

    def __init__(self, question: object, parts: int):
        self.question, self.parts, self.done = question, parts, 0
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
                st.button("Stop", key="connectivity-stop", on_click=self._stop)
        self.bar.progress(
            min(1.0, (self.done + share) / self.parts), text=f"Following every score back to every input: {name}"
        )

    def next(self) -> None:
        self.done += 1

    def over(self) -> None:
        self.place.empty()

    def _stop(self) -> None:
        st.session_state[STOPPED] = self.question


@st.cache_resource(max_entries=8, show_spinner="Counting what was known when ...")
def known(store: Store, _model: Model, model: str, stretches: int) -> pa.Table:
    return known_characters(_model, stretches=stretches)
