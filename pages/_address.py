"""What the page "Select and match" shows, as its address says it.

The address is the truth: a widget changes the address, every run reads the address and sets the widgets from it. A
link, the Back button and a mouse therefore do the same thing. What the address names and the model does not have is
left out with a sentence, and the rest of the page stays usable. Steps are positions in the corpus, from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from rnnstore import Model, State
from rnnstore.charts.match import COUNT

SHORTEST_WINDOW, LONGEST_WINDOW = 10, 300
MOST_OFF = 20
"""Steps before or after a selection that can be asked to be off."""

FIRST_TRACKS = 2
"""Tracks that are shown under the words where the address names none."""

PER_PAGE = 50


@dataclass(frozen=True)
class View:
    """Everything that the page shows of a model's state; `first` and `last` are the first and last brushed step."""

    at: int
    window: int
    first: int | None
    last: int | None
    threshold: float
    before: int
    after: int
    left_out: tuple[int, ...]
    pinned: tuple[int, ...]
    tracks: tuple[str, ...]
    predicted: int
    page: int
    shortest: int
    longest: int | None
    copies: bool
    left: int
    right: int
    colour: str
    find: str
    regex: bool

    @property
    def brushed(self) -> tuple[int, int] | None:
        """The brushed steps as start and stop (half-open); None when nothing is brushed."""
        return None if self.first is None or self.last is None else (self.first, self.last + 1)


def change(**parameters: Any) -> None:
    """Write parameters into the address in one step (None removes one), as an entry of the browser's history."""
    hypothesis = ("from", "to", "threshold", "before", "after", "out", "pin", "shortest", "longest", "copies")
    if any(name in parameters for name in hypothesis):
        parameters.setdefault("page", None)
    now = {**st.query_params.to_dict(), **{name: _text(value) for name, value in parameters.items()}}
    st.query_params.from_dict({name: value for name, value in now.items() if value is not None})


def link(model: Model, state: State) -> str:
    """The address of what is shown, with model and state named even where they are the first."""
    base = (st.context.url or "").split("?")[0]
    named = {"model": model.name, "state": state.name}
    return f"{base}?{urlencode({**named, **st.query_params.to_dict(), **named})}"


def read(given: Mapping[str, str], model: Model, state: State) -> tuple[View, list[str]]:
    """What the address `given` asks for of this model and state, and sentences about what it names in vain."""
    asked = _Asked(given)
    last = max(model.steps - 1, 0)
    by_character = model.card.level == "character"
    window = asked.whole("window", 80 if by_character else 16, SHORTEST_WINDOW, LONGEST_WINDOW)
    at = asked.whole("at", 0, 0, last, "step")
    first = asked.maybe("from", 0, last, "step")
    final = asked.maybe("to", 0, last, "step")
    first, final = (first if first is not None else final), (final if final is not None else first)
    if first is not None and final is not None and final < first:
        first, final = final, first
    columns = (12, 28) if by_character else (2, 4)
    shortest, longest = asked.whole("shortest", 1, 1, 10_000), asked.maybe("longest", 1, 10_000)
    if longest is not None and longest < shortest:
        asked.sentences.append(
            f"Matches of at least {shortest:,} and at most {longest:,} steps cannot be; "
            f"shown instead: of exactly {shortest:,}."
        )
        longest = shortest
    tracks = asked.names("tracks", list(model.tracks), list(model.tracks)[:FIRST_TRACKS], model)
    colour = given.get("colour", COUNT)
    if colour not in ("none", COUNT, *model.tracks):
        asked.sentences.append(f"{model.name} has no track {colour} to colour words by.")
    if colour not in ("none", *tracks):  # or its heat map is not shown any more
        colour = COUNT
    view = View(
        at=min(at, max(0, model.steps - window)),
        window=window,
        first=first,
        last=final,
        threshold=asked.number("threshold", first_threshold(state)),
        before=asked.whole("before", 0, 0, MOST_OFF),
        after=asked.whole("after", 0, 0, MOST_OFF),
        left_out=asked.units("out", state),
        pinned=asked.units("pin", state),
        tracks=tracks,
        predicted=asked.whole("predicted", min(3, model.predictions_per_step), 0, model.predictions_per_step),
        page=asked.whole("page", 1, 1, 10_000),
        shortest=shortest,
        longest=longest,
        copies=given.get("copies") == "yes",
        left=asked.whole("left", columns[0], 0, 60),
        right=asked.whole("right", columns[1], 1, 100),
        colour=colour,
        find=given.get("find", ""),
        regex=given.get("regex") == "yes",
    )
    return view, asked.sentences


def first_threshold(state: State) -> float:
    """The threshold where the address names none: the one whose runs were recorded, else 0.3, within the values."""
    threshold = state.thresholds[0] if state.thresholds else 0.3
    return threshold if state.minimum <= threshold <= state.maximum else round((state.minimum + state.maximum) / 2, 3)


class _Asked:
    """Reads parameters one by one and keeps a sentence for each that could not be followed."""

    def __init__(self, given: Mapping[str, str]):
        self.given = given
        self.sentences: list[str] = []

    def whole(self, name: str, usual: int, low: int, high: int, what: str = "number") -> int:
        found = self.maybe(name, low, high, what)
        return usual if found is None else found

    def maybe(self, name: str, low: int, high: int, what: str = "number") -> int | None:
        text = self.given.get(name, "")
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            self.sentences.append(f"The address says {name}={text}; a whole {what} was expected, so it is left out.")
            return None
        if low <= number <= high:
            return number
        nearest = min(max(number, low), high)
        self.sentences.append(
            f"The address says {name}={number:,}; there is no such {what} here, from {low:,} to {high:,} were "
            f"expected. Shown instead: {nearest:,}."
        )
        return nearest

    def number(self, name: str, usual: float) -> float:
        text = self.given.get(name, "")
        try:
            number = float(text) if text else usual
        except ValueError:
            number = float("nan")
        if number == number and abs(number) < 1e30:
            return number
        self.sentences.append(f"The address says {name}={text}; a number was expected. Shown instead: {usual:g}.")
        return usual

    def units(self, name: str, state: State) -> tuple[int, ...]:
        named = [text.strip() for text in self.given.get(name, "").split(",") if text.strip()]
        known = [text for text in named if text.isdecimal() and len(text) < 10 and int(text) < state.units]
        missing = [text if len(text) < 20 else f"{text[:19]}…" for text in named if text not in known]
        if missing:
            what = "units {}, which are" if len(missing) > 1 else "unit {}, which is"
            self.sentences.append(
                f"The address names {what.format(', '.join(missing))} none: "
                f"{state.name} has units 0 to {state.units - 1}."
            )
        return tuple(sorted({int(text) for text in known}))

    def names(self, name: str, known: list[str], usual: list[str], model: Model) -> tuple[str, ...]:
        if name not in self.given:
            return tuple(usual)
        named = [text for text in self.given[name].split(",") if text and text != "none"]
        missing = [text for text in named if text not in known]
        if missing:
            there = f"it has {', '.join(known)}" if known else "it has none"
            self.sentences.append(f"{model.name} has no track {', '.join(missing)}; {there}.")
        return tuple(text for text in named if text in known)


def _text(value: Any) -> str | None:
    """A value as it is written in an address; None for what needs no writing."""
    if value is None or value is False or value in ("", [], ()):
        return None
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return str(value)
