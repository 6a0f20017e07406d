"""What the page "Select and match" shows, as its address says it. Steps are positions in the corpus, from 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import MaybeWhole, Parsed, Real, Several, Text, Units, Whole, Yes, shortened
from rnnstore import Model, State
from rnnstore.matching.charts.match_view import COUNT
from rnnstore.matching.linked_states import MOST

MOST_OFF = 20
"""Steps before or after a selection that can be asked to be off."""

FIRST_TRACKS = 2
"""Tracks that are shown under the words where the address names none."""

PER_PAGE = 50


@dataclass(frozen=True)
class Linked:
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


def first_threshold(state: State) -> float:
    """The default threshold: the one whose runs were recorded, else 0.3, within the values."""
    threshold = state.thresholds[0] if state.thresholds else 0.3
    return threshold if state.minimum <= threshold <= state.maximum else round((state.minimum + state.maximum) / 2, 3)


def _parse_hit(view: Any, text: str) -> tuple[int, int] | None:
    """The hit of a search that is framed, `FIRST-LAST`, as start and stop (half-open)."""
    ends = text.split("-")
    if len(ends) != 2 or not all(end.isdecimal() and len(end) < 16 for end in ends):
        return None
    first, final = map(int, ends)
    return (first, final + 1) if first <= final < view.model.steps else None


def _parse_linked(view: Any, text: str) -> tuple[Linked, ...]:
    """The states below the first one; that they are there, whoever shows them has to ask the store."""
    found = []
    for each in filter(None, text.split(",")):
        name, _, level = each.partition("@")
        model, _, state = name.rpartition(":")
        try:
            threshold = float(level) if level else None
        except ValueError:
            threshold = math.nan
        if threshold is not None and not abs(threshold) < 1e30:
            view.messages.append(
                f"The address names {name} below at the threshold {level[:20]}; a number was expected. "
                "Shown instead: its default one."
            )
            threshold = None
        found.append(Linked(model or None, state, threshold))
    if len(found) > MOST:
        view.messages.append(
            f"The address names {len(found)} states below the first one; {MOST} at most can stand there, so the first "
            f"{MOST} are shown."
        )
    return tuple(found[:MOST])


def _parse_colour(view: Any, text: str) -> str:
    """What colours the words: a track, how many of the units are on, or nothing."""
    if text not in ("none", COUNT, *view.model.tracks):
        view.messages.append(f"{view.model.name} has no track {shortened(text)} to colour words by.")
    return text


def _no_track(view: Any, missing: str) -> str:
    there = f"it has {', '.join(view.model.tracks)}" if view.model.tracks else "it has none"
    return f"{view.model.name} has no track {missing}; {there}."


class Tracks(Several):
    """Tracks of the view's model, which may be none at all: "none"."""

    def parse(self, view: Any, text: str) -> tuple[str, ...]:
        return () if text.strip() == "none" else super().parse(view, text)

    def serialise(self, value: Any) -> str:
        return ",".join(value) or "none"


def last_step(view: Any) -> int:
    return max(view.model.steps - 1, 0)


def by_level(characters: int, words: int) -> Any:
    """A default for models that read characters, and one for others."""
    return lambda view: characters if view.model.card.level == "character" else words


class View(Address):
    """What the page shows of a model's state; `first` and `last` are the first and last brushed step."""

    # fmt: off
    model: Model
    state: State

    window = Whole(
        by_level(80, 16), 10, 300, label="Steps shown", widget=st.slider, explicit=True,
        help="Fewer steps make wider cells, up to long words; more make narrower ones, down to a character",
    )
    at = Whole(
        0, 0, last_step, what="step", label="First step shown", help="Position in the corpus, from 0; type one to go"
    )
    first = MaybeWhole(
        0, last_step, what="step", url="from", label="First word",
        help="Step of the first brushed word. Brush on the chart, drag the brush to move it, click a word beside it "
        "with the shift key to let it reach there; or set its ends exactly here",
    )
    last = MaybeWhole(0, last_step, what="step", url="to", label="Last word", help="Step of the last brushed word")
    threshold = Real(lambda view: first_threshold(view.state), label="Threshold", explicit=True)
    before = Whole(
        0, 0, MOST_OFF, label="Off before",
        help="So many steps before the brushed words the units must be off; 0: does not matter",
    )
    after = Whole(
        0, 0, MOST_OFF, label="Off after",
        help="So many steps after the brushed words the units must be off; 0: does not matter",
    )
    left_out = Units(
        url="out", label="Left out",
        help="Units that follow the pattern but should not count; clicking a unit in the chart's list does the same",
    )
    pinned = Units(url="pin", label="Pinned", help="Units that count whether they follow the pattern or not")
    tracks = Tracks(
        lambda view: list(view.model.tracks), lambda view: tuple(view.model.tracks)[:FIRST_TRACKS],
        missing=_no_track, label="Under the words", explicit=True,
    )
    predicted = Whole(
        lambda view: min(3, view.model.predictions_per_step), 0, lambda view: view.model.predictions_per_step,
        label="Predicted next words", explicit=True,
    )
    page = Whole(1, 1, 10_000, label="Page")
    shortest = Whole(1, 1, 10_000, label="Shortest", help="Steps that a match has at least")
    longest = MaybeWhole(
        1, 10_000, label="Longest",
        help="Steps that a match has at most; the same as the shortest for an exact length",
    )
    copies = Yes(
        label="Show overlapping copies", widget=st.checkbox,
        help="Each place is shown once, by its best range; with this, every range that cannot grow",
    )
    left = Whole(by_level(12, 2), 0, 60, label="Words before", explicit=True)
    right = Whole(by_level(28, 4), 1, 100, label="Words after", explicit=True)
    colour = Parsed(
        _parse_colour, COUNT, label="Colour words by", widget=st.selectbox,
        help="The colours of a heat map, fainter where fewer of the selected units are on",
    )
    find = Text(
        label="Find in the corpus",
        help="Words as they stand in the corpus, or a regular expression; then click a hit to go there",
    )
    regex = Yes(label="Regular expression")
    case = Yes(label="Match case")
    hit = Parsed[tuple[int, int] | None](_parse_hit, None)
    linked = Parsed[tuple[Linked, ...]](_parse_linked, (), url="below")
    # fmt: on

    RESTART = frozenset(
        {"first", "last", "threshold", "before", "after", "left_out", "pinned", "shortest", "longest", "copies"}
    )
    """Parameters of the hypothesis: another one is looked at from its first page on."""

    def check(self) -> None:
        self.at = min(self.at, max(0, self.model.steps - self.window))
        self.left_out, self.pinned = tuple(sorted(self.left_out)), tuple(sorted(self.pinned))
        first, last = self.first, self.last
        if first is not None or last is not None:
            first, last = (first if first is not None else last), (last if last is not None else first)
            assert first is not None and last is not None
            self.first, self.last = min(first, last), max(first, last)
        if self.longest is not None and self.longest < self.shortest:
            self.messages.append(
                f"Matches of at least {self.shortest:,} and at most {self.longest:,} steps cannot be; "
                f"shown instead: of exactly {self.shortest:,}."
            )
            self.longest = self.shortest
        if self.colour not in ("none", *self.tracks):  # its heat map is not shown any more
            self.colour = COUNT

    def change(self, **values: Any) -> None:
        if self.RESTART & set(values):
            values.setdefault("page", 1)
        super().change(**values)

    @property
    def stop(self) -> int:
        """The step behind the last one shown; the first one shown is `at`."""
        return min(self.model.steps, self.at + self.window)

    @property
    def brushed(self) -> tuple[int, int] | None:
        """The brushed steps as start and stop (half-open); None when nothing is brushed."""
        return None if self.first is None or self.last is None else (self.first, self.last + 1)
