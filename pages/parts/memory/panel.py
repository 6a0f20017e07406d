"""Curves of memory over the delay, and the directions that are kept at one delay."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from pages.parts.memory import asked as remembered
from pages.parts.memory.address import MOST_MODELS, View, with_memory
from pages.parts.shared import asked
from pages.parts.shared.controls import clicked_since, controlled, last_selections, number
from pages.parts.shared.current import command
from pages.parts.shared.parameters import change
from pages.parts.shared.plain import plain
from rnnstore import Model, Store, StoreError
from rnnstore.charts import memory as charts
from rnnstore.charts.palette import palette
from rnnstore.memory import answers as memory
from rnnstore.memory.answers import MEASURES
from rnnstore.memory.state_gradients import ALL


def choose(store: Store, state: str, view: View, known: list[str]) -> None:
    """What is drawn over one another."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.multiselect,
            "Models",
            "models",
            list(view.models),
            options=with_memory(store, state),
            max_selections=MOST_MODELS,
            width=360,
        )
        controlled(st.multiselect, "Classes of words", "classes", list(view.classes), options=known, width=360)
        controlled(
            st.text_input,
            "One word's own curve",
            "word",
            view.word,
            usual="",
            width=180,
            placeholder="a word",
            help=f"At most {memory.OCCURRENCES} of its occurrences are followed, now",
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.segmented_control,
            "Measure",
            "measure",
            view.measure,
            options=list(MEASURES),
            format_func=lambda name: MEASURES[name].capitalize(),
            usual="sigma_1",
            required=True,
        )
        controlled(st.toggle, "Log scale", "log", view.log, usual=False)
        if view.measure == "sigma_1":
            controlled(
                st.toggle,
                "Mean of single words'",
                "single",
                view.single,
                usual=True,
                change=lambda single: change(single="no" if single is False else None),
            )


def show_curves(store: Store, model: Model, state: str, view: View) -> pa.Table:
    """The curves that were chosen; the table of what is drawn."""
    parts = []
    for name in view.models:
        each = store.models[name]
        try:
            parts.append(remembered.curves(asked.as_of(each), each, name, state))
        except StoreError as error:
            st.warning(plain(str(error)))
    classes = list(view.classes)
    if view.word:
        classes += _follow(model, state, view, parts)
    table = memory.of_classes(parts, classes)
    shown = list(dict.fromkeys(table["series"].to_pylist()))
    if len(shown) > charts.MOST:
        st.info(f"{len(shown)} curves were chosen; the first {charts.MOST} are drawn.")
        kept = set(shown[: charts.MOST])
        table = table.filter(pa.array([name in kept for name in table["series"].to_pylist()]))
    picture = charts.curves_picture(
        table,
        palette(st.context.theme.type),
        measure=view.measure,
        log=view.log,
        single=view.single,
        delay=view.delay,
    )
    _listening(picture, "memory_view", f"curves-{model.name}-{state}", "clicked_delay", "delay", _to_delay)
    _say_counts(table, view)
    return table


def _follow(model: Model, state: str, view: View, parts: list[pa.Table]) -> list[str]:
    """The curve of the word asked for, added to `parts`; its class."""
    longest = max((max(part["delay"].to_pylist()) for part in parts), default=29)
    try:
        found = remembered.word_curve(asked.as_of(model), model, model.name, state, view.word, longest + 1)
    except StoreError as error:
        st.warning(plain(str(error)))
        return []
    parts.append(found.table)
    which = "all" if found.occurrences == found.of else f"{found.occurrences:,} of its {found.of:,}"
    st.caption(
        f"**{plain(view.word)}** in {model.name}: {which} {found.occurrences:,} occurrences, followed now."
        if which == "all"
        else f"**{plain(view.word)}** in {model.name}: {which} occurrences, evenly spread, followed now."
    )
    return [f"“{found.word}”"]


def _say_counts(table: pa.Table, view: View) -> None:
    firsts = {row["series"]: row["count"] for row in table.to_pylist() if row["delay"] == 0}
    said = "; ".join(f"{plain(name)}: {count:,}" for name, count in firsts.items())
    st.caption(f"Words followed: {said}. Click a point to see the directions at its delay.")


def _to_delay(value: object) -> None:
    change(delay=int(value), direction=None)


def _to_direction(value: object) -> None:
    change(direction=int(value))


def show_directions(model: Model, state: str, view: View, known: dict[str, int]) -> None:
    """The spectrum at one delay, with the words and units of one direction."""
    st.subheader("Directions at one delay", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number("Delay", "delay", view.delay, 0, known[view.word_class], width=130)
        controlled(st.selectbox, "Class of words", "class", view.word_class, options=list(known), usual=ALL, width=260)
    store = asked.as_of(model)
    found = remembered.directions(store, model, model.name, state, view.word_class, view.delay)
    chosen = min(view.direction, len(found.singular_values) - 1)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        picture = charts.spectrum_picture(found, palette(st.context.theme.type), chosen=chosen)
        key = f"spectrum-{model.name}-{state}-{view.word_class}"
        _listening(picture, "spectrum_view", key, "clicked_direction", "direction", _to_direction)
        rank = memory.effective_rank(found.singular_values)
        st.caption(f"Mean over {found.count:,} pairs; effective rank {rank:.1f} of {len(found.singular_values)}.")
    with right:
        number("Direction", "direction", chosen + 1, 1, len(found.singular_values), width=130)
        along, against = remembered.nearest(store, model, model.name, state, view.word_class, view.delay, chosen)
        share = found.singular_values[chosen] / (found.singular_values.sum() or 1)
        st.markdown(f"Singular value **{found.singular_values[chosen]:.4g}**, {share:.1%} of the sum.")
        st.markdown(f"Words on one side: {_listed(along)}")
        st.markdown(f"on the other: {_listed(against)}")
        units = ", ".join(f"{unit} ({value:+.2f})" for unit, value in found.strongest_units(chosen))
        st.markdown(f"Units of {state} where it is kept: {units}")


def _listed(words: list[tuple[str, float]]) -> str:
    return ", ".join(f"**{plain(_visible(word))}** {cosine:+.2f}" for word, cosine in words) or "none"


def _visible(word: str) -> str:
    return {" ": "␣", "\n": "⏎", "\t": "⇥"}.get(word, word)


def _listening(picture, view_key, key, parameter, field, do) -> None:
    """A chart whose clicks are acted on."""

    def take() -> None:
        before, now = last_selections(key)
        for value in clicked_since(before, now, parameter, field):
            do(value)

    with st.container(key=view_key):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=take,
            selection_mode=[parameter],
            theme=None,
            width="stretch",
            height="content",
        )


def say_missing(model: Model, state: str) -> None:
    """What to do where there are no gradients."""
    there = memory.has_memory(model)
    st.info(
        f"**{model.name}** has no state gradients of {state} yet"
        + (f"; it has those of {', '.join(there)} (choose one in the sidebar)." if there else ".")
        + " This command computes them from the recorded words and the saved network:"
    )
    st.code(command(memory.command_for(model)), language="bash")
    tracks = [name for name, track in model.tracks.items() if track.kind == "discrete"]
    if tracks:
        st.caption(
            f"With classes of words: `--classes {tracks[0]}` for the labels of a track, `--classes name=word,word` for "
            "a list. A part of the recording: `--steps 0:10000`."
        )
