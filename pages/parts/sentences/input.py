"""What is read on the page "Sentences": typed sentences, spans of the recording, and the list of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.parts.matching.queries import find
from pages.parts.sentences import queries
from pages.parts.sentences.address import LONGEST_SPAN, MOST_PASSAGES, View, write_text
from pages.parts.shared.controls import clickable_table, side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from rnnstore import Model
from rnnstore.networks import missing_network
from rnnstore.sentences.passages import TitledReading
from rnnstore.visible import visible

HITS = 50
FIRST_STEPS = {"word": 16, "character": 48}
"""Steps of the recording that are shown where nothing was asked for, and of a span that a hit of a search begins."""


def ask(view: View) -> None:
    """The input for sentences, and what leads to spans of the recording."""
    model = view.model
    missing = missing_network(model, "text")
    by_character = model.card.level == "character"
    with side_by_side():
        key = f"sentences-type-{view.names('text')}"

        def add() -> None:
            typed = st.session_state[key]
            if typed.strip():
                between = "\n\n" if by_character else "\n"
                write_text(view.names, view.text.rstrip("\n") + between + typed if view.sentences else typed)
            else:
                st.session_state[f"{key}-empty"] = True

        # A form, because a sentence half typed is none, and leaving a lone text field would read it.
        with (
            st.form(f"{key}-form", clear_on_submit=True, border=False),
            side_by_side(),
        ):
            st.text_input(
                "Type a sentence",
                key=key,
                disabled=missing is not None,
                placeholder="Add another sentence" if missing is None else "no network, see below",
                help="It is read by the model as its text was in training. Up to six sentences and spans stand "
                "side by side",
            )
            st.form_submit_button("Read", on_click=add, disabled=missing is not None)
        if missing is None:
            with st.popover("Edit all"), st.container(width=560):
                _edit(view, by_character)
        with st.popover("From the corpus"), st.container(width=620):
            _choose_span(view)
        if view.sentences or view.spans:
            st.button(
                "Clear",
                key=f"sentences-clear-{view.names('text')}",
                on_click=lambda: write_text(view.names, "", span=None, align=None),
                help="Take all of them away",
            )
    if st.session_state.pop(f"sentences-type-{view.names('text')}-empty", False):
        st.warning("Nothing was typed but blanks; type at least one word.")
    if len(view.sentences) + len(view.spans) > 1:
        _list(view)
    if missing is not None:
        st.info(f"{missing} *From the corpus* chooses them.")


def _edit(view: View, by_character: bool) -> None:
    key = f"sentences-edit-{view.names('text')}"
    st.session_state[key] = view.text
    st.text_area(
        "Sentences, with an empty line between them" if by_character else "Sentences, one a line",
        key=key,
        on_change=lambda: write_text(view.names, st.session_state[key]),
        height=180,
        help="Ctrl+Enter reads them",
    )


def _list(view: View) -> None:
    """What stands side by side, to take single ones away."""
    entries: list[tuple[str, Any]] = [("text", text) for text in view.sentences] + [
        ("span", each) for each in view.spans
    ]
    key = f"sentences-list-{view.names('text')}"
    st.session_state[key] = list(range(len(entries)))

    def shown(index: int) -> str:
        kind, what = entries[index]
        if kind == "span":
            return f"steps {what[0]:,} to {what[1] - 1:,}"
        short = visible(what.strip()).replace("␣", " ")
        return f"{index + 1}: {short if len(short) < 40 else short[:39] + '…'}"

    def keep() -> None:
        entries_left = [entries[index] for index in sorted(st.session_state[key])]
        texts = [what for kind, what in entries_left if kind == "text"]
        between = "\n\n" if any("\n" in text for text in texts) else "\n"
        spans = View.spans.serialise([what for kind, what in entries_left if kind == "span"])
        write_text(view.names, between.join(texts), span=spans, align=None)

    st.multiselect(
        "Side by side",
        list(range(len(entries))),
        key=key,
        on_change=keep,
        format_func=shown,
        label_visibility="collapsed",
    )


def _choose_span(view: View) -> None:
    """A span by its steps, or from a search."""
    model = view.model

    def add(first: int, steps: int) -> None:
        stop = min(model.steps, first + steps)
        spans = [*view.spans, (first, stop)][-MOST_PASSAGES:]
        view.change(spans=tuple(dict.fromkeys(spans)), at=None, shown=None)

    with side_by_side():
        key = f"sentences-{view.names('span')}"
        first = st.number_input("First step", 0, max(model.steps - 1, 0), key=f"{key}-first")
        steps = st.number_input("Steps", 1, LONGEST_SPAN, FIRST_STEPS[_level(model)], key=f"{key}-steps")
        st.button("Show it", on_click=add, args=(int(first), int(steps)), type="primary", key=f"{key}-show")
    view.control("find", placeholder="words as they stand in the corpus")
    if view.find:
        with errors_as(st.error):
            _show_hits(view, add)


def _show_hits(view: View, add: Callable[[int, int], None]) -> None:
    """Where the phrase occurs; a hit that is clicked begins a span, which `add` puts beside the others."""
    model = view.model
    hits = find(model, view.find, limit=HITS)
    more = f" Shown: the first {HITS}." if hits.total > HITS else ""
    st.caption(f"{escape(hits.note)}{more} Click one to show it.")
    if not hits.table.num_rows:
        return

    def go(place: int) -> None:
        step = hits.table["start"][place].as_py()
        before = 4 if model.card.level == "word" else 8
        begin = int(model.sequence_starts[model.sequence_starts <= step][-1])
        add(max(begin, step - before), FIRST_STEPS[_level(model)])

    clickable_table(
        hits.table.select(["start", "before", "words", "after"]),
        f"sentences-{view.names('span')}-hits-{view.find}",
        go,
        height=240,
        column_config={"start": st.column_config.NumberColumn("step", format="localized")},
    )


def _level(model: Model) -> str:
    return "character" if model.card.level == "character" else "word"


def readings(view: View) -> list[TitledReading]:
    """The readings that the address asks for; a message stands for each that fails."""
    model, found = view.model, list[TitledReading]()
    for number, text in enumerate(view.sentences, 1):
        with errors_as(st.error, about=f"Sentence {number}: "):
            found.append(TitledReading(f"sentence {number}", queries.typed_reading(model, text)))
    spans = view.spans
    if not view.sentences and not spans:
        spans = ((0, min(model.steps, FIRST_STEPS[_level(model)])),)
    for first, stop in spans:
        with errors_as(st.error):
            found.append(TitledReading(f"step {first:,}", queries.recorded_reading(model, first, stop), first))
    return found
