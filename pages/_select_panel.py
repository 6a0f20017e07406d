"""The upper half of "Select and match": going through the corpus, brushing words, and the units that switch there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages import _asked as asked
from pages._address import LONGEST_WINDOW, MOST_OFF, SHORTEST_WINDOW, View, change
from pages._controls import clicked_since, controlled, number
from rnnstore import Model, State, StoreError
from rnnstore.charts.palette import palette
from rnnstore.charts.select import LINES, Hypothesis, select_picture
from rnnstore.selection import SelectedUnits, Selection, select, units_on
from rnnstore.suggestions import example, highest_threshold
from rnnstore.windows import Window, visible, window_start

HITS = 100


@dataclass(frozen=True)
class Shown:
    """What the chart shows: the window, what is selected (or why nothing), and how many units are on at each step."""

    window: Window
    selection: Selection | None
    units: SelectedUnits | None
    refused: str
    on: np.ndarray


def navigate(model: Model, state: State, view: View) -> None:
    """Going through the corpus: by windows, to a step, to where a phrase occurs."""
    last = max(0, model.steps - view.window)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        back, forward = max(0, view.at - view.window), min(last, view.at + view.window)
        st.button(
            "Back", on_click=change, kwargs={"at": back}, disabled=view.at == 0, shortcut="B", help="Back by a window"
        )
        st.button(
            "Forward",
            on_click=change,
            kwargs={"at": forward},
            disabled=view.at >= last,
            shortcut="F",
            help="Forward by a window; the brushed words stay brushed",
        )
        number(
            "First step shown", "at", view.at, 0, last, width=130, help="Position in the corpus, from 0; type one to go"
        )
        controlled(
            st.slider,
            "Steps shown",
            "window",
            view.window,
            min_value=SHORTEST_WINDOW,
            max_value=LONGEST_WINDOW,
            width=180,
            help="Fewer steps make wider cells, up to long words; more make narrower ones, down to a character",
        )
        controlled(
            st.text_input,
            "Find in the corpus",
            "find",
            view.find,
            placeholder="a phrase",
            help="Words as they stand in the corpus, or a regular expression; then click a hit to go there",
        )
        controlled(st.toggle, "Regular expression", "regex", view.regex, usual=False)
    if view.find:
        _show_hits(model, view)


def _show_hits(model: Model, view: View) -> None:
    hits = asked.search(asked.as_of(model), model, model.name, view.find, view.regex, HITS)
    more = f" Shown: the first {HITS}." if hits.total > HITS else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{hits.note}{more}", width="stretch")
        st.button("Close the search", on_click=change, kwargs={"find": None, "regex": None}, type="tertiary")
    if not hits.table.num_rows:
        return
    key = f"hits-{view.find}-{view.regex}"

    def go() -> None:
        for row, _ in st.session_state[key].selection.cells:
            change(at=window_start(model, hits.table["start"][row].as_py(), view.window))

    st.dataframe(
        hits.table.select(["start", "before", "words", "after"]),
        key=key,
        on_select=go,
        selection_mode="single-cell",
        hide_index=True,
        height=min(38 + 35 * hits.table.num_rows, 160),
        column_config={
            "start": st.column_config.NumberColumn("step", format="localized", width=80),
            "before": st.column_config.TextColumn("before", alignment="right", width=260),
            "words": st.column_config.TextColumn("found", width=120),
            "after": st.column_config.TextColumn("after", width=260),
        },
    )


def choose_hypothesis(model: Model, state: State, view: View) -> None:
    """Threshold, brushed words by number, and how many steps before and after must be off."""
    low, high = state.minimum, state.maximum
    step = max(round((high - low) / 200, 3), 0.001)
    low, high = min(low, view.threshold), max(high, view.threshold, low + step)

    def from_at_most(final: int | None) -> dict[str, Any]:
        return {"from": None if final is None else min(final, final if view.first is None else view.first)}

    def to_at_least(first: int | None) -> dict[str, Any]:
        return {"to": None if first is None else max(first, first if view.last is None else view.last)}

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.slider,
            "Threshold",
            "threshold",
            min(max(view.threshold, low), high),
            min_value=float(low),
            max_value=float(high),
            step=step,
            key="select-threshold-slider",
            help="A unit is on at a step when its value there is at least this",
        )
        controlled(
            st.number_input,
            "Exactly",
            "threshold",
            view.threshold,
            step=step,
            format="%.3f",
            width=116,
            key="select-threshold-number",
        )
        last = model.steps - 1
        controlled(
            st.number_input,
            "First word",
            "from",
            view.first,
            min_value=0,
            max_value=last,
            step=1,
            value=None,
            width=170,
            placeholder="step",
            also=to_at_least,
            help="Step of the first brushed word; brush on the chart, or set it exactly here",
        )
        controlled(
            st.number_input,
            "Last word",
            "to",
            view.last,
            min_value=0,
            max_value=last,
            step=1,
            value=None,
            width=170,
            placeholder="step",
            also=from_at_most,
            help="Step of the last brushed word",
        )
        number(
            "Off before",
            "before",
            view.before,
            0,
            MOST_OFF,
            width=90,
            usual=0,
            help="So many steps before the brushed words the units must be off; 0: does not matter",
        )
        number(
            "Off after",
            "after",
            view.after,
            0,
            MOST_OFF,
            width=90,
            usual=0,
            help="So many steps after the brushed words the units must be off; 0: does not matter",
        )


def show_selection(model: Model, state: State, view: View, matches: Sequence[tuple[int, int, int]]) -> Shown:
    """The select view itself, and what is selected in a sentence; `matches` are marked where they lie in it."""
    stop = min(model.steps, view.at + view.window)
    store = asked.as_of(model)
    seen = asked.window(store, model, model.name, state.name, view.at, stop)
    selection, units, refused = selected_units(model, state, view)
    chosen = units.units if units else np.zeros(0, int)
    on = units_on(model, state.name, chosen, view.threshold, view.at, stop)
    tracks = {name: model.tracks[name] for name in view.tracks}
    key, held = _chart_key(model, state, view)
    picture = select_picture(
        seen,
        Hypothesis(
            threshold=view.threshold,
            start=selection.start if selection else None,
            stop=selection.stop if selection else None,
            off_before=view.before,
            off_after=view.after,
            units=chosen.tolist(),
            left_out=view.left_out,
            pinned=view.pinned,
            matches=matches,
        ),
        palette(st.context.theme.type),
        on=on,
        tracks=tracks,
        annotations=asked.annotations(store, model, model.name, view.tracks, view.at, stop) if tracks else None,
        predictions=asked.predictions(store, model, model.name, view.at, stop) if view.predicted else None,
        predicted=view.predicted,
        brush=held,
    )
    with st.container(key="select_view"):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=lambda: _take_brush(key, view),
            selection_mode=["brush", "clicked_word", "clicked_unit"],
            theme=None,
            width="stretch",
            height=picture.specification["height"],
            alt="Values of all units over the words shown; drag over words to select the units that are on there.",
        )
    return Shown(seen, selection, units, refused, on)


def selected_units(model: Model, state: State, view: View) -> tuple[Selection | None, SelectedUnits | None, str]:
    """The selection that the address describes, the units that it selects, and why there are none."""
    if view.brushed is None:
        return None, None, ""
    selection = Selection(state.name, *view.brushed, view.threshold, view.before, view.after)
    try:
        return selection, select(model, selection, view.left_out, view.pinned), ""
    except StoreError as error:
        return selection, None, str(error)


def say_selection(model: Model, view: View, shown: Shown) -> None:
    """What is selected, in a sentence."""
    selection, units = shown.selection, shown.units
    if selection is None:
        st.markdown("**Drag over words** to see which units switch on there; a click takes one word.")
    elif units is None:
        st.markdown(f":orange[{shown.refused}]")
    elif len(units.units):
        st.markdown(_said(model, view, selection, units))
    else:
        beside = ", and off beside it as asked" if view.before or view.after else ""
        sentence = f"**No unit** is on throughout {_quoted(model, selection)} at threshold {view.threshold:g}{beside}."
        none = highest_threshold(model, selection) is None
        st.markdown(sentence + (" No threshold would select one." if none else ""))


def offer_actions(model: Model, state: State, view: View, shown: Shown) -> None:
    """Buttons for what to do next: an example, a threshold that selects something, the way back to the brush."""
    selection, units = shown.selection, shown.units
    if selection is None:
        _offer_example(model, state, view)
        return
    if units is not None and not len(units.units):
        highest = highest_threshold(model, selection)
        if highest is not None:
            lower = float(np.floor(highest * 1000) / 1000)
            st.button(f"Set it to {lower:g}", on_click=change, kwargs={"threshold": lower}, type="primary")
    if selection.start >= view.at + view.window or selection.stop <= view.at:
        there = window_start(model, selection.start, view.window)
        st.button("Go to the brush", on_click=change, kwargs={"at": there}, help="Show the brushed words")
    st.button("Clear", on_click=change, kwargs={"from": None, "to": None}, help="Take the brush away")


def _said(model: Model, view: View, selection: Selection, units: SelectedUnits) -> str:
    count = len(units.units)
    sides = [f"{view.before} before" * bool(view.before), f"{view.after} after" * bool(view.after)]
    limits = " and ".join(side for side in sides if side)
    sentence = f"**{count} unit{'s' if count > 1 else ''}** on throughout {_quoted(model, selection)}"
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


def _offer_example(model: Model, state: State, view: View) -> None:
    found = example(model, state.name, view.threshold, view.at, min(model.steps, view.at + view.window))
    if found:
        st.button(
            "Try an example",
            on_click=change,
            kwargs={
                "from": found.start,
                "to": found.stop - 1,
                "threshold": found.threshold,
                "before": found.off_before,
                "after": None,
            },
            type="primary",
        )


def choose_units(state: State, view: View, units: SelectedUnits | None) -> None:
    """Units left out and pinned by hand."""
    following = units.following.tolist() if units else []
    everything = list(range(state.units))
    controlled(
        st.multiselect,
        "Left out",
        "out",
        list(view.left_out),
        options=sorted({*following, *view.left_out}),
        placeholder="none",
        help="Units that follow the pattern but should not count; clicking a unit in the chart's list does the same",
    )
    controlled(
        st.multiselect,
        "Pinned",
        "pin",
        list(view.pinned),
        options=everything,
        placeholder="none",
        help="Units that count whether they follow the pattern or not",
    )


def choose_tracks(model: Model, view: View) -> None:
    """What stands under the words."""
    controlled(
        st.multiselect,
        "Under the words",
        "tracks",
        list(view.tracks),
        options=list(model.tracks),
        placeholder="no track" if model.tracks else "no track was recorded",
        disabled=not model.tracks,
        also=lambda chosen: {} if chosen else {"tracks": ["none"]},
    )
    if model.has_predictions:
        number("Predicted next words", "predicted", view.predicted, 0, model.predictions_per_step)
    for name in view.tracks:
        if model.tracks[name].source:
            st.caption(f"{name}: {model.tracks[name].source}")


def _chart_key(model: Model, state: State, view: View) -> tuple[str, tuple[float, float] | None]:
    """The chart's key, and the brush with which it began: a new chart whenever the brush was changed from elsewhere.

    The chart itself cannot be told to move its brush; while the mouse moves it, it must not be replaced.
    """
    held = st.session_state.setdefault("select-held", {"version": 0, "brushed": None, "began": None})
    if held["brushed"] != view.brushed:
        held.update(version=held["version"] + 1, brushed=view.brushed, began=view.brushed, seen={})
    return f"select-{model.name}-{state.name}-{held['version']}", held["began"]


def _take_brush(key: str, view: View) -> None:
    """Take over what was done in the chart: a brush, a click on a word, or a click on a unit of the list."""
    held = st.session_state["select-held"]
    now, before = dict(st.session_state[key].selection), held.get("seen", {})
    held["seen"] = now
    for word in clicked_since(before, now, "clicked_word", "t"):
        change(**{"from": word, "to": word})
        return
    for unit in clicked_since(before, now, "clicked_unit", "unit"):
        change(out=sorted({*view.left_out} ^ {unit}), pin=sorted({*view.pinned} - {unit}))
        return
    interval = now.get("brush", {}).get("mid")
    if interval and interval != before.get("brush", {}).get("mid"):
        first, last = _whole_steps(*interval)
        held["brushed"] = (first, last + 1)
        change(**{"from": first, "to": last})


def _whole_steps(low: float, high: float) -> tuple[int, int]:
    """The first and last step whose middle lies in an interval of the axis, or the one step that it lies in."""
    first, last = int(np.ceil(low - 0.5)), int(np.floor(high - 0.5))
    return (first, last) if first <= last else (int(np.floor((low + high) / 2)),) * 2
