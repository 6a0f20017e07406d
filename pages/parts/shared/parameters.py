"""Kinds of parameters of an address: how each is read from a text, checked, written, and chosen in a widget.

A page declares them as attributes of its `Address` (pages/parts/shared/address.py), which knows how to use one.
Defaults, bounds and options may be functions of the view: they see its context, and the parameters declared before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

import streamlit as st

T = TypeVar("T")

Int = int | Callable[[Any], int]


def serialised(value: Any) -> str | None:
    """A value as it stands in an address; None for what needs no parameter."""
    if value is None or value is False or value in ("", [], ()):
        return None
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return str(value)


class Parameter(Generic[T]):
    """One parameter. `explicit` ones are written even at their default, which another state may not share."""

    default_widget: ClassVar[Callable[..., Any]] = staticmethod(st.text_input)

    def __init__(
        self,
        default: T | Callable[[Any], T],
        *,
        label: str = "",
        help: str = "",
        url: str = "",
        widget: Callable[..., Any] | None = None,
        explicit: bool = False,
    ) -> None:
        self.default, self.label, self.help, self.url, self.explicit = default, label, help, url, explicit
        self.widget = widget or self.default_widget

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.url = name, self.url or name

    @overload
    def __get__(self, view: None, owner: type) -> Self: ...
    @overload
    def __get__(self, view: object, owner: type) -> T: ...
    def __get__(self, view: object, owner: type) -> Any:
        return self if view is None else vars(view)[self.name]

    def __set__(self, view: Any, value: T) -> None:
        vars(view)[self.name] = value

    def default_of(self, view: Any) -> T:
        return resolved(self.default, view)

    def read(self, view: Any, text: str | None) -> T:
        """The value of a text of the address (None: there is none)."""
        return self.default_of(view) if not text else self.parse(view, text)

    def parse(self, view: Any, text: str) -> T:
        raise NotImplementedError

    def write(self, view: Any, value: Any) -> str | None:
        """A value as it stands in the address; None for the default."""
        value = tuple(value) if isinstance(value, list) else value
        return None if value == self.default_of(view) and not self.explicit else self.serialise(value)

    def serialise(self, value: Any) -> str | None:
        return serialised(value)

    def look(self, view: Any) -> dict[str, Any]:
        """Options of the widget that follow from the declaration."""
        return {"widget": self.widget}


def resolved(value: Any, view: Any) -> Any:
    """A value of a declaration, or what its function makes of the view."""
    return value(view) if callable(value) else value


class Text(Parameter[str]):
    """Any text, of which the first `most` letters are taken."""

    def __init__(self, default: str = "", *, most: int | None = None, **options: Any) -> None:
        super().__init__(default, **options)
        self.most = most

    def parse(self, view: Any, text: str) -> str:
        return text[: self.most]


class Yes(Parameter[bool]):
    """Yes or no; where both are `called` something, they stand side by side."""

    default_widget = staticmethod(st.toggle)

    def __init__(
        self, default: bool | Callable[[Any], bool] = False, *, called: tuple[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(default, **options)
        self.called = called

    def parse(self, view: Any, text: str) -> bool:
        return text != "no" if self.default_of(view) else text == "yes"

    def serialise(self, value: Any) -> str:
        return "yes" if value else "no"

    def look(self, view: Any) -> dict[str, Any]:
        if self.called is None:
            return super().look(view)
        shown = dict(zip((False, True), self.called, strict=True)).get
        return {"widget": st.segmented_control, "options": [False, True], "format_func": shown, "required": True}


class OneOf(Parameter[str]):
    """One of `options`, of which a mapping says how each is shown; the default is the first."""

    default_widget = staticmethod(st.selectbox)

    def __init__(
        self,
        options: Sequence[str] | Mapping[str, str] | Callable[[Any], Sequence[str]],
        default: str | Callable[[Any], str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__((lambda view: next(iter(resolved(options, view)))) if default is None else default, **more)
        self.options = options

    def parse(self, view: Any, text: str) -> str:
        options, default = resolved(self.options, view), self.default_of(view)
        if text in options:
            return text
        instead = f"Shown instead: {default}." if default else "It is left out."
        view.says(self, shortened(text), f"one of {', '.join(options)} was expected. {instead}")
        return default

    def look(self, view: Any) -> dict[str, Any]:
        options = resolved(self.options, view)
        shown = {"format_func": options.get} if isinstance(options, Mapping) else {}
        required = {"required": True} if self.widget is st.segmented_control else {}
        return {"widget": self.widget, "options": list(options), **shown, **required}


class MaybeWhole(Parameter[int | None]):
    """A whole number from `low` to `high`, the nearest of them for one beyond; None where the address has none."""

    default_widget = staticmethod(st.number_input)

    def __init__(
        self,
        low: Int,
        high: Int,
        default: Int | None = None,
        *,
        what: str = "number",
        **options: Any,
    ) -> None:
        super().__init__(default, **options)
        self.low, self.high, self.what = low, high, what

    def parse(self, view: Any, text: str) -> int | None:
        low, high = resolved(self.low, view), resolved(self.high, view)
        try:
            number = int(text)
        except ValueError:
            view.says(self, shortened(text), f"a whole {self.what} was expected, so it is left out.")
            return self.default_of(view)
        if low <= number <= high:
            return number
        nearest, given = min(max(number, low), high), f"{number:,}" if abs(number) < 10**12 else shortened(text)
        view.says(
            self,
            given,
            f"there is no such {self.what} here, from {low:,} to {high:,} were expected. Shown instead: {nearest:,}.",
        )
        return nearest

    def look(self, view: Any) -> dict[str, Any]:
        low, high = resolved(self.low, view), resolved(self.high, view)
        empty = {"value": None} if self.default is None else {}
        return {"widget": self.widget, "min_value": low, "max_value": max(low, high), "step": 1, **empty}


class Whole(MaybeWhole):
    """A whole number from `low` to `high`, the nearest of them for one beyond.

    >>> from pages.parts.shared.address import Address
    >>> class View(Address):
    ...     k = Whole(10, 2, 20)
    >>> view = View({"k": "30"})
    >>> view.k, view.messages
    (20, ['The address says k=30; there is no such number here, from 2 to 20 were expected. Shown instead: 20.'])
    """

    def __init__(
        self,
        default: Int,
        low: Int,
        high: Int,
        **options: Any,
    ) -> None:
        super().__init__(low, high, default, **options)

    @overload
    def __get__(self, view: None, owner: type) -> Self: ...
    @overload
    def __get__(self, view: object, owner: type) -> int: ...
    def __get__(self, view: object, owner: type) -> Any:
        return super().__get__(view, owner)


class Real(Parameter[float]):
    """A number of any size."""

    default_widget = staticmethod(st.number_input)

    def __init__(self, default: float | Callable[[Any], float], **options: Any) -> None:
        super().__init__(default, **options)

    def parse(self, view: Any, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if number == number and abs(number) < 1e30:
            return number
        default = self.default_of(view)
        view.says(self, shortened(text), f"a number was expected. Shown instead: {default:g}.")
        return default


class Units(Parameter[tuple[int, ...]]):
    """Units of the view's state, each once, in the order of the address; at most the first `most`."""

    default_widget = staticmethod(st.multiselect)

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__((), **options)
        self.most = most

    def parse(self, view: Any, text: str) -> tuple[int, ...]:
        named = listed(text)
        known = [each for each in named if each.isdecimal() and len(each) < 10 and int(each) < view.state.units]
        if missing := [each for each in named if each not in known]:
            what = "units {}, which are" if len(missing) > 1 else "unit {}, which is"
            view.messages.append(
                f"The address names {what.format(abbreviated(missing))} none: {view.state.name} has units 0 to "
                f"{view.state.units - 1}."
            )
        return tuple(dict.fromkeys(map(int, known)))[: self.most]

    def look(self, view: Any) -> dict[str, Any]:
        most = {"max_selections": self.most} if self.most else {}
        return {"widget": self.widget, "options": list(range(view.state.units)), **most}


class Several(Parameter[tuple[str, ...]]):
    """Several of `options`, each once; `missing` makes a message of those that are none, and `too_many` of how many.

    An address that names none of them asks for the default.
    """

    default_widget = staticmethod(st.multiselect)

    def __init__(
        self,
        options: Callable[[Any], Sequence[str]],
        default: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = (),
        *,
        missing: Callable[[Any, str], str],
        most: int | None = None,
        too_many: Callable[[int], str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(default, **more)
        self.options, self.missing, self.most, self.too_many = options, missing, most, too_many

    def parse(self, view: Any, text: str) -> tuple[str, ...]:
        options, named = self.options(view), list(dict.fromkeys(listed(text)))
        if missing := [each for each in named if each not in options]:
            view.messages.append(self.missing(view, abbreviated(missing)))
        known = [each for each in named if each in options]
        if self.most is not None and len(known) > self.most and self.too_many:
            view.messages.append(self.too_many(len(known)))
        return tuple(known[: self.most]) or self.default_of(view)

    def look(self, view: Any) -> dict[str, Any]:
        most = {"max_selections": self.most} if self.most else {}
        return {"widget": self.widget, "options": list(self.options(view)), **most}


class Pair(Parameter[tuple[int, int] | None]):
    """Two whole numbers with a mark between them."""

    def __init__(self, between: str, **options: Any) -> None:
        super().__init__(None, **options)
        self.between = between

    def parse(self, view: Any, text: str) -> tuple[int, int] | None:
        one, _, other = text.partition(self.between)
        if one.isdecimal() and other.isdecimal() and len(text) < 20:
            return int(one), int(other)
        view.says(self, shortened(text, 20), f"two whole numbers were expected, as in 3{self.between}14.")
        return None

    def serialise(self, value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else f"{value[0]}{self.between}{value[1]}"


class Spans(Parameter[tuple[tuple[int, int], ...]]):
    """Recorded spans of the view's model, as "first-last,first-last" in the address and (first, stop) in the view."""

    def __init__(self, longest: int, are: str, *, most: int | None = None, **options: Any) -> None:
        super().__init__((), **options)
        self.longest, self.are, self.most = longest, are, most

    def parse(self, view: Any, text: str) -> tuple[tuple[int, int], ...]:
        found = [self._span(view, each) for each in filter(None, text.split(",")[: self.most])]
        return tuple(dict.fromkeys(span for span in found if span is not None))

    def _span(self, view: Any, text: str) -> tuple[int, int] | None:
        first, _, last = text.partition("-")
        if not (first.isdecimal() and last.isdecimal() and len(first) < 12 and len(last) < 12):
            view.messages.append(
                f"The address names the span {shortened(text, 30)}; first and last step were expected, as in 120-143."
            )
            return None
        (low, high), steps = sorted((int(first), int(last))), view.model.steps
        if low >= steps:
            view.messages.append(f"There is no step {low:,}: {view.model.name} has {steps:,}, from 0.")
            return None
        stop = min(high + 1, steps, low + self.longest)
        if stop < high + 1:
            why = "the recording ends there" if stop == steps else f"{self.longest:,} are {self.are} at most"
            view.messages.append(f"Of the span {low:,} to {high:,}, steps to {stop - 1:,} are shown: {why}.")
        return low, stop

    def serialise(self, value: Any) -> str | None:
        return ",".join(f"{first}-{stop - 1}" for first, stop in value) or None


class Parsed(Parameter[T]):
    """What a function of the page makes of a text."""

    def __init__(self, parse: Callable[[Any, str], T], default: T | Callable[[Any], T], **options: Any) -> None:
        super().__init__(default, **options)
        self._parse = parse

    def parse(self, view: Any, text: str) -> T:
        return self._parse(view, text)


def no_model(view: Any, missing: str) -> str:
    """The message about a model that is not in the store, for `Several`."""
    return f"The store has no model {missing}; it has {', '.join(view.store_models)}."


def listed(text: str) -> list[str]:
    """What stands between the commas of a text."""
    return [part for each in text.split(",") if (part := each.strip())]


def abbreviated(names: Sequence[str]) -> str:
    """What an address names in vain, as it can stand in a sentence: the first of them, and none at length."""
    more = [f"and {len(names) - 3:,} more"] if len(names) > 3 else []
    return ", ".join([*map(shortened, names[:3]), *more])


def shortened(text: str, most: int = 40) -> str:
    """A part of the address, cut, with what cannot be seen escaped."""
    seen = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:most])
    return seen if len(text) <= most else f"{seen[: most - 1]}…"
