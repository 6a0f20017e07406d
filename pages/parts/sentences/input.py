"""What is read on the page "Sentences": typed sentences, stretches of the recording, and the list of both."""

from __future__ import annotations

import streamlit as st

from pages.parts.matching.queries import find
from pages.parts.sentences import queries
from pages.parts.sentences.address import LONGEST_STRETCH, MOST_PASSAGES, Names, View, write_text
from pages.parts.shared.controls import controlled
from pages.parts.shared.markdown import escape
from rnnstore import Model, StoreError
from rnnstore.networks import missing_network
from rnnstore.sentences.passages import TitledReading
from rnnstore.visible import visible

HITS = 50
FIRST_STEPS = {"word": 16, "character": 48}
"""Steps of the recording that are shown where nothing was asked for."""

FOUND_STEPS = {"word": 16, "character": 48}
"""Steps of a stretch that a hit of a search begins."""


def ask(model: Model, view: View, names: Names) -> None:
    """The input for sentences, and what leads to stretches of the recording."""
    missing = missing_network(model, "text")
    by_character = model.card.level == "character"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        key = f"sentences-type-{names('text')}"

        def add() -> None:
            typed = st.session_state[key]
            if typed.strip():
                between = "\n\n" if by_character else "\n"
                write_text(names, view.text.rstrip("\n") + between + typed if view.sentences else typed)
            else:
                st.session_state[f"{key}-empty"] = True

        # A form, because a sentence half typed is none, and leaving a lone text field would read it.
        with (
            st.form(f"{key}-form", clear_on_submit=True, border=False),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            st.text_input(
                "Type a sentence",
                key=key,
                disabled=missing is not None,
                placeholder="another one comes beside it" if missing is None else "no network, see below",
                help="It is read by the model as its text was in training. Up to six sentences and stretches stand "
                "side by side",
            )
            st.form_submit_button("Read", on_click=add, disabled=missing is not None)
        if missing is None:
            with st.popover("Edit all"), st.container(width=560):
                _edit(view, names, by_character)
        with st.popover("From the corpus"), st.container(width=620):
            _choose_stretch(model, view, names)
        if view.sentences or view.stretches:
            st.button(
                "Clear",
                key=f"sentences-clear-{names('text')}",
                on_click=lambda: (write_text(names, ""), names.change(stretch=None, align=None)),
                help="Take all of them away",
            )
    if st.session_state.pop(f"sentences-type-{names('text')}-empty", False):
        st.warning("Nothing was typed but blanks; type at least one word.")
    if len(view.sentences) + len(view.stretches) > 1:
        _list(view, names)
    if missing is not None:
        st.info(f"{missing} *From the corpus* chooses them.")


def _edit(view: View, names: Names, by_character: bool) -> None:
    key = f"sentences-edit-{names('text')}"
    st.session_state[key] = view.text
    st.text_area(
        "Sentences, with an empty line between them" if by_character else "Sentences, one a line",
        key=key,
        on_change=lambda: write_text(names, st.session_state[key]),
        height=180,
        help="Ctrl+Enter reads them",
    )


def _list(view: View, names: Names) -> None:
    """What stands side by side, to take single ones away."""
    entries = [("text", text) for text in view.sentences] + [("stretch", each) for each in view.stretches]
    key = f"sentences-list-{names('text')}"
    st.session_state[key] = list(range(len(entries)))

    def said(index: int) -> str:
        kind, what = entries[index]
        if kind == "stretch":
            return f"steps {what[0]:,} to {what[1] - 1:,}"
        short = visible(what.strip()).replace("␣", " ")
        return f"{index + 1}: {short if len(short) < 40 else short[:39] + '…'}"

    def keep() -> None:
        kept = [entries[index] for index in sorted(st.session_state[key])]
        texts = [what for kind, what in kept if kind == "text"]
        between = "\n\n" if any("\n" in text for text in texts) else "\n"
        write_text(names, between.join(texts))
        names.change(stretch=_written(what for kind, what in kept if kind == "stretch"), align=None)

    st.multiselect(
        "Side by side",
        list(range(len(entries))),
        key=key,
        on_change=keep,
        format_func=said,
        label_visibility="collapsed",
    )


def _written(stretches) -> str | None:
    return ",".join(f"{first}-{stop - 1}" for first, stop in stretches) or None


def _choose_stretch(model: Model, view: View, names: Names) -> None:
    """A stretch by its steps, or from a search."""

    def add(first: int, steps: int) -> None:
        stop = min(model.steps, first + steps)
        kept = [*view.stretches, (first, stop)][-MOST_PASSAGES:]
        names.change(stretch=_written(dict.fromkeys(kept)), at=None, shown=None)

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        key = f"sentences-{names('stretch')}"
        first = st.number_input("First step", 0, max(model.steps - 1, 0), key=f"{key}-first")
        steps = st.number_input("Steps", 1, LONGEST_STRETCH, FIRST_STEPS[_level(model)], key=f"{key}-steps")
        st.button("Show it", on_click=add, args=(int(first), int(steps)), type="primary", key=f"{key}-show")
    controlled(
        st.text_input,
        "Or find a phrase",
        names("seek"),
        view.find,
        placeholder="words as they stand in the corpus",
        key=f"{key}-find",
        usual="",
    )
    if not view.find:
        return
    try:
        hits = find(model, view.find, limit=HITS)
    except StoreError as error:
        st.error(escape(str(error)))
        return
    st.caption(
        escape(hits.note) + (f" Shown: the first {HITS}." if hits.total > HITS else "") + " Click one to show it."
    )
    if not hits.table.num_rows:
        return
    table = f"{key}-hits-{view.find}"

    def go() -> None:
        for row, _ in st.session_state[table].selection.cells:
            step = hits.table["start"][row].as_py()
            before = 4 if model.card.level == "word" else 8
            begin = int(model.sequence_starts[model.sequence_starts <= step][-1])
            add(max(begin, step - before), FOUND_STEPS[_level(model)])

    st.dataframe(
        hits.table.select(["start", "before", "words", "after"]),
        key=table,
        on_select=go,
        selection_mode="single-cell",
        hide_index=True,
        height=min(38 + 35 * hits.table.num_rows, 240),
        column_config={"start": st.column_config.NumberColumn("step", format="localized")},
    )


def _level(model: Model) -> str:
    return "character" if model.card.level == "character" else "word"


def readings(model: Model, view: View) -> list[TitledReading]:
    """The readings that the address asks for; those that fail are said and left out."""
    found: list[TitledReading] = []
    for number, text in enumerate(view.sentences, 1):
        try:
            found.append(TitledReading(f"sentence {number}", queries.typed_reading(model, text)))
        except StoreError as error:
            st.error(escape(f"Sentence {number}: {error}"))
    stretches = view.stretches
    if not view.sentences and not stretches:
        stretches = ((0, min(model.steps, FIRST_STEPS[_level(model)])),)
    for first, stop in stretches:
        try:
            reading = queries.recorded_reading(model, first, stop)
            found.append(TitledReading(f"step {first:,}", reading, first))
        except StoreError as error:
            st.error(escape(str(error)))
    return found
