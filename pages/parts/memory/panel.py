"""Curves of memory over the delay, and the directions that are kept at one delay."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from pages.parts.memory import queries
from pages.parts.memory.address import View, with_memory
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import Clicks, colours, show_picture
from rnnstore import Model
from rnnstore.memory import charts, samples
from rnnstore.memory import singular_values as memory
from rnnstore.visible import visible


def choose(view: View) -> None:
    """What is drawn over one another."""
    with side_by_side():
        view.control("classes", width=400)
        about = f"A word, words with commas between, or TRACK:LABEL. {samples.PLACES} places that have it, or fewer, "
        view.control("own", width=230, placeholder=_example(view.model), help=f"{about}are followed now.")
        view.control("states", width=240)
        if len(others := with_memory(view.store_models, view.states)) > 1:
            view.control("models", options=others, width=300)
    with side_by_side():
        view.control("measure")
        view.control("log")
        if view.measure == "sigma_1":
            view.control("single")


def _example(model: Model) -> str:
    """A class that the reader could ask for."""
    words = [word for word in ("he", "the", "(", "def", "e") if word in model.vocabulary]
    return words[0] if words else "a word"


def show_curves(view: View) -> pa.Table:
    """The curves that were chosen; the table of what is drawn."""
    parts = []
    for name in view.models:
        for state in view.states:
            with errors_as(st.warning):
                parts.append(queries.curves(view.store_models[name], state))
    classes = list(view.classes)
    for part in parts:
        if without := [name for name in classes if name not in part["word_class"].to_pylist()]:
            whose = f"{escape(part['state'][0].as_py())} of {escape(part['model'][0].as_py())}"
            st.info(f"Not computed for {whose}: {escape(', '.join(without))}. What was computed is drawn.")
    if view.own:
        classes += _follow(view, parts)
    table = memory.of_classes(parts, classes)
    shown = list(dict.fromkeys(table["series"].to_pylist()))
    if len(shown) > charts.MOST:
        st.info(f"{len(shown)} curves were chosen; the first {charts.MOST} are drawn.")
        drawn = set(shown[: charts.MOST])
        table = table.filter(pa.array([name in drawn for name in table["series"].to_pylist()]))
    picture = charts.curves_picture(
        table,
        colours(),
        measure=view.measure,
        log=view.log,
        single=view.single,
        delay=view.delay,
    )
    clicks: Clicks = {"clicked_delay": ("delay", lambda delay: view.change(delay=delay, direction=1))}
    show_picture(picture, "memory_view", f"curves-{view.model.name}-{view.states[0]}", clicks)
    _say_counts(table)
    return table


def _follow(view: View, parts: list[pa.Table]) -> list[str]:
    """The curves of what the reader asks for, added to `parts`; their classes."""
    longest = max((max(part["delay"].to_pylist()) for part in parts), default=29)
    followed = []
    with errors_as(st.warning):
        followed = [queries.sample(view.model, state, view.own, longest + 1) for state in view.states]
    if not followed:
        return []
    parts += [found.table for found in followed]
    found = followed[-1]
    places = f"all {found.of:,}" if found.places == found.of else f"{found.places:,} of the {found.of:,}"
    st.caption(
        f"**{escape(found.name)}** in {escape(view.model.name)}: {places} places, "
        + ("" if found.places == found.of else "evenly spread over the recording, ")
        + "followed now. A mean over few cancels less than one over thousands: compare the means of single words'."
    )
    return [found.name]


def _say_counts(table: pa.Table) -> None:
    firsts = {row["series"]: row["count"] for row in table.to_pylist() if row["delay"] == 0}
    counts = "; ".join(f"{escape(name)}: {count:,}" for name, count in firsts.items())
    st.caption(f"Words followed: {counts}. Click a point to see the directions at its delay.")


def show_directions(view: View) -> None:
    """The spectrum at one delay of the first state, with the words and units of one direction."""
    model, state = view.model, view.states[0]
    st.subheader(f"Directions that {escape(state)} keeps, at one delay", anchor=False)
    with side_by_side():
        view.control("delay", width=130)
        view.control("word_class", width=260)
    found = queries.directions(model, state, view.word_class, view.delay)
    chosen = min(view.direction, len(found.singular_values)) - 1
    left, right = st.columns([5, 6], gap="medium")
    with left:
        picture = charts.spectrum_picture(found, colours(), chosen=chosen)
        key = f"spectrum-{model.name}-{state}-{view.word_class}"
        clicks: Clicks = {"clicked_direction": ("direction", lambda direction: view.change(direction=direction))}
        show_picture(picture, "spectrum_view", key, clicks)
        rank = memory.effective_rank(found.singular_values)
        st.caption(f"Mean over {found.count:,} pairs; effective rank {rank:.1f} of {len(found.singular_values)}.")
    with right:
        view.control("direction", now=chosen + 1, max_value=len(found.singular_values), width=130)
        along, against = queries.nearest_words(model, state, view.word_class, view.delay, chosen)
        share = found.singular_values[chosen] / (found.singular_values.sum() or 1)
        st.markdown(f"Singular value **{found.singular_values[chosen]:.4g}**, {share:.1%} of the sum.")
        st.markdown(f"Words on one side: {_listed(along)}")
        st.markdown(f"on the other: {_listed(against)}")
        units = ", ".join(f"{unit} ({value:+.2f})" for unit, value in found.strongest_units(chosen))
        st.markdown(f"Units of {escape(state)} where it is kept: {units}")


def _listed(words: list[tuple[str, float]]) -> str:
    return ", ".join(f"**{escape(visible(word))}** {cosine:+.2f}" for word, cosine in words) or "none"
