"""What the page "Select and match" shows, as its address says it.

Steps are positions in the corpus, from 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pages.parts.shared import controls
from pages.parts.shared.parameters import Parameters, some
from pages.parts.shared.parameters import change as change_parameters
from rnnstore import Model, State
from rnnstore.matching.charts.match_view import COUNT
from rnnstore.matching.linked_states import MOST

SHORTEST_WINDOW, LONGEST_WINDOW = 10, 300
MOST_OFF = 20
"""Steps before or after a selection that can be asked to be off."""

FIRST_TRACKS = 2
"""Tracks that are shown under the words where the address names none."""

PER_PAGE = 50


@dataclass(frozen=True)
class Named:
    """A state that stands below the first one, as the address names it; model None: the first one's.

    Written `STATE` or `MODEL:STATE`, and `@THRESHOLD` behind it where it is not the state's first.
    """

    model: str | None
    state: str
    threshold: float | None

    @property
    def called(self) -> str:
        return f"{self.state} of {self.model}" if self.model else self.state

    def __str__(self) -> str:
        model = f"{self.model}:" if self.model else ""
        return f"{model}{self.state}" + (f"@{self.threshold:.6g}" if self.threshold is not None else "")


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
    case: bool
    hit: tuple[int, int] | None
    below: tuple[Named, ...]

    @property
    def brushed(self) -> tuple[int, int] | None:
        """The brushed steps as start and stop (half-open); None when nothing is brushed."""
        return None if self.first is None or self.last is None else (self.first, self.last + 1)


def change(**parameters: Any) -> None:
    """Write parameters into the address in one step; another hypothesis is looked at from its first page on."""
    hypothesis = ("from", "to", "threshold", "before", "after", "out", "pin", "shortest", "longest", "copies")
    if any(name in parameters for name in hypothesis):
        parameters.setdefault("page", None)
    change_parameters(**parameters)


controlled, number = partial(controls.controlled, change=change), partial(controls.number, change=change)
"""Widgets of this page; see `controls`."""


def read(given: Mapping[str, str], model: Model, state: State) -> tuple[View, list[str]]:
    """What the address `given` asks for of this model and state, and sentences about what it names in vain."""
    asked = Parameters(given)
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
        asked.sentences.append(f"{model.name} has no track {some([colour])} to colour words by.")
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
        case=given.get("case") == "yes",
        hit=_hit(given.get("hit", ""), last),
        below=_below(asked),
    )
    return view, asked.sentences


def _hit(text: str, last: int) -> tuple[int, int] | None:
    """The hit of a search that is framed, `FIRST-LAST`, as start and stop (half-open)."""
    ends = text.split("-")
    if len(ends) != 2 or not all(end.isdecimal() and len(end) < 16 for end in ends):
        return None
    first, final = map(int, ends)
    return (first, final + 1) if first <= final <= last else None


def _below(asked: Parameters) -> tuple[Named, ...]:
    """The states below the first one; that they are there, whoever shows them has to ask the store."""
    found = []
    for text in filter(None, asked.text("below").split(",")):
        name, _, level = text.partition("@")
        model, _, state = name.rpartition(":")
        try:
            threshold = float(level) if level else None
        except ValueError:
            threshold = math.nan
        if threshold is not None and not abs(threshold) < 1e30:
            asked.sentences.append(
                f"The address names {name} below at the threshold {level[:20]}; a number was expected. "
                "Shown instead: its usual one."
            )
            threshold = None
        found.append(Named(model or None, state, threshold))
    if len(found) > MOST:
        asked.sentences.append(
            f"The address names {len(found)} states below the first one; {MOST} at most can stand there, so the first "
            f"{MOST} are shown."
        )
    return tuple(found[:MOST])


def first_threshold(state: State) -> float:
    """The threshold where the address names none: the one whose runs were recorded, else 0.3, within the values."""
    threshold = state.thresholds[0] if state.thresholds else 0.3
    return threshold if state.minimum <= threshold <= state.maximum else round((state.minimum + state.maximum) / 2, 3)
