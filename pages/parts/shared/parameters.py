"""Parameters of the address: how any page reads them, changes them and gives them away as a link.

The address is the truth of a page: a widget changes it, every run reads it and sets the widgets from it. A link, the
Back button and a mouse therefore do the same thing. What it names in vain is left out with a sentence, and the rest of
the page stays usable. Each page says in an address module of its own which parameters it has; a panel of which a page
shows two gives those of each a prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from rnnstore import Model, State


def change(**parameters: Any) -> None:
    """Write parameters into the address in one step (None removes one), as an entry of the browser's history."""
    now = {**st.query_params.to_dict(), **{name: written(value) for name, value in parameters.items()}}
    st.query_params.from_dict({name: value for name, value in now.items() if value is not None})


def link(model: Model, state: State) -> str:
    """The address of what is shown, with model and state named even where they are the first."""
    base = (st.context.url or "").split("?")[0]
    named = {"model": model.name, "state": state.name}
    return f"{base}?{urlencode({**named, **st.query_params.to_dict(), **named})}"


def written(value: Any) -> str | None:
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


class Parameters:
    """Reads parameters one by one, those that begin with `prefix`, and keeps in `sentences` what could not be followed.

    >>> asked = Parameters({"k": "30"})
    >>> asked.whole("k", usual=10, low=2, high=20), asked.sentences
    (20, ['The address says k=30; there is no such number here, from 2 to 20 were expected. Shown instead: 20.'])
    """

    def __init__(self, given: Mapping[str, str], prefix: str = "") -> None:
        self.given = {name[len(prefix) :]: value for name, value in given.items() if name.startswith(prefix)}
        self.prefix = prefix
        self.sentences: list[str] = []

    def text(self, name: str, usual: str = "") -> str:
        return self.given.get(name, usual)

    def yes(self, name: str) -> bool:
        return self.given.get(name) == "yes"

    def one_of(self, name: str, options: Sequence[str], usual: str) -> str:
        """One of `options`."""
        text = self.given.get(name, usual)
        if text in options:
            return text
        self.sentences.append(
            f"The address says {self.prefix}{name}={_short(text)}; one of {', '.join(options)} was expected. "
            f"Shown instead: {usual}."
        )
        return usual

    def whole(self, name: str, usual: int, low: int, high: int, what: str = "number") -> int:
        """A whole number from `low` to `high`, the nearest of them for one beyond."""
        found = self.maybe(name, low, high, what)
        return usual if found is None else found

    def maybe(self, name: str, low: int, high: int, what: str = "number") -> int | None:
        """A whole number from `low` to `high`; None where the address has none."""
        text = self.given.get(name, "")
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            self.sentences.append(
                f"The address says {self.prefix}{name}={_short(text)}; a whole {what} was expected, so it is left out."
            )
            return None
        if low <= number <= high:
            return number
        nearest = min(max(number, low), high)
        given = f"{number:,}" if abs(number) < 10**12 else _short(text)
        self.sentences.append(
            f"The address says {self.prefix}{name}={given}; there is no such {what} here, from {low:,} to {high:,} "
            f"were expected. Shown instead: {nearest:,}."
        )
        return nearest

    def number(self, name: str, usual: float) -> float:
        """A number of any size."""
        text = self.given.get(name, "")
        try:
            number = float(text) if text else usual
        except ValueError:
            number = float("nan")
        if number == number and abs(number) < 1e30:
            return number
        self.sentences.append(
            f"The address says {self.prefix}{name}={_short(text)}; a number was expected. Shown instead: {usual:g}."
        )
        return usual

    def units(self, name: str, state: State) -> tuple[int, ...]:
        """Units of a state, in rising order."""
        return tuple(sorted(self.chosen_units(name, state)))

    def chosen_units(self, name: str, state: State) -> tuple[int, ...]:
        """Units of a state, each once, in the order of the address."""
        named = [text.strip() for text in self.given.get(name, "").split(",") if text.strip()]
        known = [text for text in named if text.isdecimal() and len(text) < 10 and int(text) < state.units]
        missing = [text for text in named if text not in known]
        if missing:
            what = "units {}, which are" if len(missing) > 1 else "unit {}, which is"
            self.sentences.append(
                f"The address names {what.format(some(missing))} none: {state.name} has units 0 to {state.units - 1}."
            )
        return tuple(dict.fromkeys(int(text) for text in known))

    def names(self, name: str, known: Sequence[str], usual: Sequence[str], model: Model) -> tuple[str, ...]:
        """Tracks of a model."""
        if name not in self.given:
            return tuple(usual)
        named = [text for text in self.given[name].split(",") if text and text != "none"]
        missing = [text for text in named if text not in known]
        if missing:
            there = f"it has {', '.join(known)}" if known else "it has none"
            self.sentences.append(f"{model.name} has no track {some(missing)}; {there}.")
        return tuple(text for text in named if text in known)


@dataclass(frozen=True)
class Names:
    """How the parameters of a panel are called in the address: those that it shares with another have no prefix."""

    prefix: str = ""
    shared: tuple[str, ...] = ()

    def __call__(self, name: str) -> str:
        return name if name in self.shared else self.prefix + name

    def change(self, **parameters: object) -> None:
        """Write parameters of the panel into the address."""
        change(**{self(name): value for name, value in parameters.items()})

    def read(self, given: Mapping[str, str]) -> Parameters:
        shared = {name: given[name] for name in self.shared if name in given}
        own = {name: value for name, value in given.items() if name.startswith(self.prefix)}
        return Parameters({**own, **{self.prefix + name: value for name, value in shared.items()}}, self.prefix)


ALONE = Names()
"""The names of a panel that stands alone."""


def some(names: Sequence[str]) -> str:
    """What an address names in vain, as it can stand in a sentence: the first of them, and none at length."""
    more = [f"and {len(names) - 3:,} more"] if len(names) > 3 else []
    return ", ".join([*map(_short, names[:3]), *more])


def _short(text: str) -> str:
    """A part of the address, cut, with what cannot be seen escaped."""
    seen = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:40])
    return seen if len(text) <= 40 else f"{seen[:39]}…"
