"""A hypothesis on the page "Select and match": brushed words, threshold and limits, and the units they select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.parts.matching.address import View
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.messages import errors_as
from rnnstore import Model
from rnnstore.matching.charts.select_view import LINES
from rnnstore.matching.selection import SelectedUnits, Selection, select
from rnnstore.matching.suggestions import example_selection, nearest_threshold
from rnnstore.matching.windows import Window, threshold_range, window_start
from rnnstore.visible import visible


def choose_hypothesis(view: View, window: Window) -> None:
    """Threshold within the values of the window, brushed words by number, and how many steps beside must be off."""
    low, high, step = threshold_range(window, view.threshold)
    with side_by_side():
        view.control(
            "threshold",
            now=min(max(view.threshold, low), high),
            widget=st.slider,
            min_value=low,
            max_value=high,
            step=step,
            key="matching-threshold-slider",
            help="A unit is on at a step when its value there is at least this; from here to there as the bands of the "
            "steps shown reach, any other number beside it",
        )
        view.control("threshold", label="Exactly", step=step, format="%.3f", width=116)

        def until(first: int | None) -> dict[str, Any]:  # the other end is moved along where it must be
            return {"last": None if first is None else max(first, first if view.last is None else view.last)}

        def since(last: int | None) -> dict[str, Any]:
            return {"first": None if last is None else min(last, last if view.first is None else view.first)}

        view.control("first", also=until, width=170, placeholder="step")
        view.control("last", also=since, width=170, placeholder="step")
        view.control("before", width=90)
        view.control("after", width=90)


@dataclass(frozen=True)
class Selected:
    """What the address selects: nothing, a selection with its units, or one that is refused with a sentence.

    Where no unit follows the pattern, `nearest` is the nearest threshold at which one does, if there is any.
    """

    selection: Selection | None = None
    units: SelectedUnits | None = None
    refused: str = ""
    nearest: float | None = None

    @property
    def chosen(self) -> np.ndarray:
        """int64[n]: the units that are selected, which may be none."""
        return np.zeros(0, np.int64) if self.units is None else self.units.units


def selected(view: View) -> Selected:
    """The selection that the address describes, and the units that it selects."""
    if view.brushed is None:
        return Selected()
    selection = Selection(view.state.name, *view.brushed, view.threshold, view.before, view.after)
    refused: list[str] = []
    with errors_as(refused.append):
        units = select(view.model, selection, view.left_out, view.pinned)
        none = not len(units.units) and not len(units.left_out)
        return Selected(selection, units, nearest=nearest_threshold(view.model, selection) if none else None)
    return Selected(selection, refused=refused[0])


def say_selection(view: View, selected: Selected) -> None:
    """What is selected, in a sentence."""
    selection, units = selected.selection, selected.units
    if selection is None:
        st.markdown("**Drag over words** to see which units switch on there; a click takes one word.")
    elif units is None:
        st.markdown(f":orange[{selected.refused}]")
    elif len(units.units):
        st.markdown(_summary(view, selection, units))
    elif len(units.left_out):
        count = len(units.left_out)
        follow = f"**The {count} units** that are on" if count > 1 else "**The one unit** that is on"
        st.markdown(
            f"{follow} throughout {_quoted(view.model, selection)} {'are' if count > 1 else 'is'} left out by hand."
        )
    else:
        beside = ", and off beside it as asked" if view.before or view.after else ""
        sentence = (
            f"**No unit** is on throughout {_quoted(view.model, selection)} at threshold {view.threshold:g}{beside}."
        )
        st.markdown(sentence + (" No threshold would select one." if selected.nearest is None else ""))


def offer_actions(view: View, selected: Selected) -> None:
    """Buttons for what to do next: an example, a threshold that selects something, the way back to the brush."""
    selection, units = selected.selection, selected.units
    if selection is None:
        _offer_example(view)
        return
    if units is not None and not len(units.units) and len(units.left_out):
        st.button("Take them back", on_click=view.change, kwargs={"left_out": ()}, type="primary")
    elif selected.nearest is not None:
        about, to = "The nearest threshold at which a unit follows the pattern", {"threshold": selected.nearest}
        st.button(f"Set it to {selected.nearest:g}", on_click=view.change, kwargs=to, type="primary", help=about)
    if selection.start >= view.at + view.window or selection.stop <= view.at:
        there = window_start(view.model, selection.start, view.window)
        st.button("Go to the brush", on_click=view.change, kwargs={"at": there}, help="Show the brushed words")
    st.button("Clear", on_click=view.change, kwargs={"first": None, "last": None}, help="Take the brush away")


def _summary(view: View, selection: Selection, units: SelectedUnits) -> str:
    count = len(units.units)
    sides = [f"{view.before} before" * bool(view.before), f"{view.after} after" * bool(view.after)]
    limits = " and ".join(side for side in sides if side)
    sentence = f"**{count} unit{'s' if count > 1 else ''}** on throughout {_quoted(view.model, selection)}"
    sentence += f", off {limits}" if limits else ""
    if len(units.left_out):
        sentence += f"; {len(units.left_out)} left out"
    if len(units.pinned):
        sentence += f"; {len(units.pinned)} pinned"
    return sentence + (f". Drawn: the first {LINES}." if count > LINES else ".")


def _quoted(model: Model, selection: Selection) -> str:
    words = model.words(selection.start, min(selection.stop, selection.start + 12))["word"].to_pylist()
    text = ("" if model.card.level == "character" else " ").join(visible(word) for word in words)
    text = text.replace("`", "'") + (" …" if selection.stop - selection.start > 12 else "")
    last = selection.stop - 1
    steps = f"step {selection.start:,}" if last == selection.start else f"steps {selection.start:,} to {last:,}"
    return f"`{text}` ({steps})"


def _offer_example(view: View) -> None:
    found = example_selection(view.model, view.state.name, view.threshold, view.at, view.stop)
    if found:
        st.button(
            "Try an example",
            on_click=view.change,
            kwargs={
                "first": found.start,
                "last": found.stop - 1,
                "threshold": found.threshold,
                "before": found.off_before,
                "after": 0,
            },
            type="primary",
        )


def choose_units(view: View, units: SelectedUnits | None) -> None:
    """Units left out and pinned by hand."""
    following = units.following.tolist() if units else []
    view.control("left_out", options=sorted({*following, *view.left_out}), placeholder="none")
    view.control("pinned", placeholder="none")
