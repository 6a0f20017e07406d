"""Parameters of the address: each declared once, as an attribute of a page's `Address`.

    class View(Address):
        state: State
        page = Whole(1, 1, 10_000, label="Page")
        unit = Whole(0, 0, lambda view: view.state.units - 1, what="unit", label="Unit")

From that line follow how the address is read (`view.page`), the message about a wrong value (`view.messages`), the
widget (`view.control("page")`), how a choice is written (`view.change(page=3)`) and what the tests try; the kinds of
parameters are in pages/parts/shared/parameters.py. A panel of which a page shows two is given `Names` with a prefix.

The address is the truth: a widget changes it, every run reads it and sets the widgets from it. A link, the Back button
and a mouse therefore do the same thing. What it names in vain is left out with a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import streamlit as st

from pages.parts.shared.markdown import escape
from pages.parts.shared.parameters import Parameter, serialised
from rnnstore import Model, State


def change(**parameters: Any) -> None:
    """Write parameters into the address in one step (None removes one), as an entry of the browser's history."""
    now = {**st.query_params.to_dict(), **{name: serialised(value) for name, value in parameters.items()}}
    st.query_params.from_dict({name: value for name, value in now.items() if value is not None})


def link(model: Model, state: State) -> str:
    """The address of what is shown, with model and state named even where they are the first."""
    base = (st.context.url or "").split("?")[0]
    named = {"model": model.name, "state": state.name}
    return f"{base}?{urlencode({**named, **st.query_params.to_dict(), **named})}"


@dataclass(frozen=True)
class Names:
    """How the parameters of a panel are called in the address: those that it shares with another have no prefix."""

    prefix: str = ""
    shared: tuple[str, ...] = ()

    def __call__(self, name: str) -> str:
        return name if name in self.shared else self.prefix + name


ALONE = Names()
"""The names of a panel that stands alone."""


class Address:
    """What a page shows, as the address says it. Annotations without a value are its context: what is given to it."""

    parameters: ClassVar[dict[str, Parameter[Any]]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Parameter)}
        if taken := own.keys() & vars(Address).keys():
            raise TypeError(f"A view has {', '.join(sorted(taken))} already; name it differently, with `url=`.")
        cls.parameters = {**cls.parameters, **own}

    def __init__(self, given: Mapping[str, str], names: Names = ALONE, **context: Any) -> None:
        vars(self).update(context)
        self.given, self.names = given, names
        self.messages: list[str] = []
        for name, parameter in self.parameters.items():
            setattr(self, name, parameter.read(self, given.get(names(parameter.url))))
        self.check()

    @classmethod
    def of_page(cls, names: Names = ALONE, **context: Any) -> Self:
        """What the browser's address asks for; the page says what it names in vain."""
        view = cls(st.query_params, names, **context)
        view.warn()
        return view

    def warn(self) -> None:
        """Shows what the address names in vain."""
        for message in self.messages:
            st.warning(escape(message))

    def check(self) -> None:
        """Mends what parameters say only together."""

    def says(self, parameter: Parameter[Any], text: str, expected: str) -> None:
        """A message about a value that is none."""
        self.messages.append(f"The address says {self.names(parameter.url)}={text}; {expected}")

    def change(self, **values: Any) -> None:
        """Write parameters, by the names of their attributes, in one step as an entry of the browser's history."""
        change(
            **{self.names((it := self.parameters[name]).url): it.write(self, value) for name, value in values.items()}
        )

    def control(self, name: str, **options: Any) -> Any:
        """The widget of a parameter; what is chosen in it goes into the address.

        `now` is what it shows instead of the view's value, and `also` gives further parameters to change along with a
        chosen value. Other options are the widget's own.
        """
        parameter = self.parameters[name]
        also, now = options.pop("also", None), options.pop("now", getattr(self, name))
        key = options.pop("key", f"{self.names.prefix}{type(self).__module__.split('.')[-2]}-{parameter.url}")
        options = {"label": parameter.label, "help": parameter.help or None} | parameter.look(self) | options
        st.session_state[key] = list(now) if isinstance(now, tuple) else now

        def take() -> None:
            chosen = st.session_state[key]
            self.change(**{name: chosen, **(also(chosen) if also else {})})

        return options.pop("widget")(key=key, on_change=take, **options)
