"""States below the first one in the select view: the same words in another layer or another model, under one brush."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import streamlit as st

from pages.parts.matching import queries
from pages.parts.matching.address import Linked, View, first_threshold
from pages.parts.matching.match_panel import matches_of
from pages.parts.shared.current import current_store
from pages.parts.shared.frame import page_link
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from rnnstore.matching.charts.select_view import LinkedPlot, drawn_selection
from rnnstore.matching.linked_states import MOST, LinkedState, check_same_words, count_overlapping, select_linked
from rnnstore.matching.matches import Matches
from rnnstore.matching.selection import SelectedUnits, Selection, units_on
from rnnstore.visible import visible

WORDS_TO_FIND = 8
"""Words of the window with which a model that reads others is searched."""


@dataclass(frozen=True)
class Row:
    """A state below, as the address names it: what it selects and matches, or a sentence why it cannot stand there."""

    named: Linked
    threshold: float = 0.0
    also: LinkedState | None = None
    below: LinkedPlot | None = None
    units: SelectedUnits | None = None
    matches: Matches | None = None
    refused: str = ""


def row_below(view: View, named: Linked, selection: Selection | None) -> Row:
    """What stands below the first state."""
    model, threshold = view.model, named.threshold or 0.0
    refused: list[str] = []
    with errors_as(refused.append):
        other = model if named.model is None else current_store().model(named.model)
        state = other.state(named.state)
        threshold = first_threshold(state) if named.threshold is None else named.threshold
        check_same_words(model, other, view.at, view.stop)
    if refused:
        return Row(named, threshold, refused=refused[0])
    also = LinkedState(other, state.name, threshold)
    window = queries.window(other, state.name, view.at, view.stop)
    units, matches = None, None
    hypothesis = replace(drawn_selection(Selection(state.name, 0, 0, threshold), ()), start=None, stop=None)
    with errors_as(refused.append):
        if selection is not None:
            units = select_linked(model, also, selection)
            matches = matches_of(view, other, state, threshold, units.units) if len(units.units) else None
            hypothesis = drawn_selection(also.restate(selection), units.units, matches)
    on = units_on(other, state.name, () if units is None else units.units, threshold, view.at, view.stop)
    plot = LinkedPlot(also.label(model), window, hypothesis, on)
    return Row(named, threshold, also, plot, units, matches, "".join(refused))


def choose_below(view: View) -> None:
    """A further state to put below, of this model or another."""
    model = view.model
    options = [Linked(None, name, None) for name in model.states]
    options += [
        Linked(other.name, name, None)
        for other in current_store().models.values()
        if other.name != model.name
        for name in other.states
    ]
    full = len(view.linked) >= MOST

    def add() -> None:
        if (chosen := st.session_state["add-below"]) is not None:
            view.change(linked=[*view.linked, chosen])
            st.session_state["add-below"] = None

    st.selectbox(
        "Another state below",
        options,
        index=None,
        key="add-below",
        format_func=lambda named: named.called,
        placeholder="the same words elsewhere",
        on_change=add,
        disabled=full,
        help="The same steps in another state, under the same brush; of another model, where it reads the same words",
    )
    if full:
        st.caption(f"{MOST} stand below; take one away first.")


def show_below(view: View, rows: list[Row], first: Matches | None) -> None:
    """A line for each state below: its threshold, what it selects, how it matches, and what can be done with it."""
    for index, row in enumerate(rows):
        level, sentence, actions = st.columns([0.14, 0.58, 0.28], vertical_alignment="center")
        with level:
            _choose_threshold(view, row, index)
        sentence.markdown(_summary(row, first))
        with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            if row.also is not None:
                there = on_top(view, index, row.also, st.query_params.to_dict())
                page_link("matching", label="To the top", query_params=there)
            elif row.named.model in current_store().models:
                _offer_search(view, row)
            others = [named for place, named in enumerate(view.linked) if place != index]
            st.button("Remove", key=f"below-away-{index}", on_click=view.change, kwargs={"linked": others})


def _choose_threshold(view: View, row: Row, index: int) -> None:
    key = f"below-threshold-{index}"
    st.session_state[key] = row.threshold

    def take() -> None:
        named = list(view.linked)
        named[index] = replace(row.named, threshold=st.session_state[key])
        view.change(linked=named)

    st.number_input(
        f"Threshold of {row.named.state}",
        step=0.01,
        format="%.3f",
        key=key,
        on_change=take,
        disabled=row.also is None,
        label_visibility="collapsed",
        help="A unit of this state is on where its value is at least this",
    )


def _summary(row: Row, first: Matches | None) -> str:
    """What a state below selects and where it matches, in a line."""
    name = row.named.called
    if row.refused:
        return f"**{name}**: :orange[{row.refused}]"
    if row.units is None:
        return f"**{name}**: drag over words to see which of its units switch on there."
    count = len(row.units.units)
    if not count:
        return f"**{name}**: no unit is on throughout these words at {row.threshold:g}."
    sentence = f"**{name}**: **{count} unit{'s' if count > 1 else ''}** on throughout."
    if row.matches is not None:
        sentence += f" {row.matches.note}"
        best = row.matches.table.num_rows
        if first is not None and first.table.num_rows and best:
            shared = count_overlapping(first.table, row.matches.table)
            sentence += f" {shared} of its best {best} touch one of the first state's best {first.table.num_rows}."
    return sentence


def on_top(view: View, index: int, also: LinkedState, now: Mapping[str, str]) -> dict[str, str]:
    """The address (`now` it is this) in which a state below and the first one have changed places."""
    model = view.model
    here = also.model.name == model.name
    below = [Linked(None if here else model.name, view.state.name, view.threshold)]
    for place, named in enumerate(view.linked):
        if place != index:
            owner = named.model or model.name
            below.append(replace(named, model=None if owner == also.model.name else owner))
    parted = ("out", "pin", "page") if here else ("out", "pin", "page", "tracks", "colour", "predicted")
    kept = {name: value for name, value in now.items() if name not in parted}
    facts = {"model": also.model.name, "state": also.state, "threshold": f"{also.threshold:.6g}"}
    return {**kept, **facts, "below": ",".join(map(str, below))}


def _offer_search(view: View, row: Row) -> None:
    """The way to where a model that reads other words here reads these."""
    model = view.model
    first, stop = view.brushed or (view.at, view.at + WORDS_TO_FIND)
    words: pa.Table = model.words(first, min(stop, first + WORDS_TO_FIND, model.steps))
    joint = "" if model.card.level == "character" else " "
    text = joint.join(words["word"].to_pylist())
    there = {"model": str(row.named.model), "state": row.named.state, "find": text}
    shown = visible(text) if len(text) < 16 else f"{visible(text)[:15]}…"
    page_link("matching", label=f"Find {escape(shown)} there", query_params=there)
