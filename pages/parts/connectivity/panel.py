"""The page "Connectivity", whole: text, choices, shaded texts, what can be taken away."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import streamlit as st

from pages.parts.connectivity import asked as answers
from pages.parts.connectivity.address import View, read
from pages.parts.connectivity.controls import choose
from pages.parts.connectivity.guide import explain
from pages.parts.connectivity.text import show_text
from pages.parts.connectivity.typing_box import typing_box
from pages.parts.sentences.address import write_text
from pages.parts.shared import asked
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.current import architecture
from pages.parts.shared.parameters import ALONE, change, link
from pages.parts.shared.plain import plain
from rnnstore import Model, Store, StoreError
from rnnstore.charts.connectivity import pairs_picture
from rnnstore.charts.known_characters import known_characters_picture
from rnnstore.charts.palette import palette
from rnnstore.connectivity.connected import Connected, pairs_table, suggestions_table
from rnnstore.export import csv, parquet
from rnnstore.networks.network import network

STRETCHES = 20
"""Sequences over which the share of connectivity outside the word is taken."""

FIRST_STEPS = {"character": 200, "word": 40}
"""Steps of the recording that are shown where nothing was asked for."""


def draw(store: Store, model: Model) -> None:
    """The page for the sidebar's model."""
    view, sentences = read(st.query_params, store, model)
    for sentence in sentences:
        st.warning(plain(sentence))
    missing = _missing_network(model)
    _ask(model, view, missing)
    if missing is not None:
        st.info(plain(missing))
        explain()
        return
    reader = network(model)
    choose(store, model, view, list(reader.outputs) if reader.classifier else None)
    if view.target == "word" and not view.word:
        st.info("Which word's score is asked about? Name it above; it is then followed at every step.")
        explain()
        return
    texts = _texts(store, model, view)
    if texts:
        titles = [(each.model, _about(store.models[each.model], each)) for each in texts]
        show_text(
            texts,
            titles,
            palette(st.context.theme.type),
            held=view.at,
            notes=view.notes,
            later=view.later,
            absolute=view.absolute,
            own_scale=view.own_scale,
            difference=view.difference,
            target=view.target,
            hold=lambda at: change(at=at),
            file=f"connectivity-{model.name}",
        )
        _say(texts, view)
        _show_pairs(texts)
        _show_known(store, [each.model for each in texts])
        _take_away(model, texts)
    explain()


def _missing_network(model: Model) -> str | None:
    try:
        network(model).tokenise("")
    except StoreError as error:
        return f"{error} Connectivity is worked out with the weights, so it needs the network for recorded text, too."
    return None


def _ask(model: Model, view: View, missing: str | None) -> None:
    """The box for one's own text."""

    @st.fragment
    def box() -> None:
        typing_box(model, view.text, missing, lambda text: (change(stretch=None), write_text(ALONE, text)))

    box()


def _texts(store: Store, model: Model, view: View) -> list[Connected]:
    """The text as each model connects it; those that cannot are said and left out."""
    text = view.text or view.stretch
    if not text:
        if not model.states:
            st.info("Type a text above; nothing of this model was recorded that could be shown instead.")
            return []
        text = (0, min(model.steps, FIRST_STEPS.get(model.card.level, FIRST_STEPS["word"])))
    found: list[Connected] = []
    for name in (model.name, *view.others):
        each = store.models[name]
        try:
            if name != model.name and not isinstance(text, str):
                _check_same_recording(model, each, text)
            found.append(
                answers.connected(asked.as_of(each), each, name, text, view.target, view.scale, view.word, view.check)
            )
        except StoreError as error:
            message = str(error) if name == model.name and not view.others else f"{name}: {error}"
            st.error(plain(message))
            if name == model.name:
                break  # the others stand beside it
    return found


def _check_same_recording(model: Model, other: Model, stretch: tuple[int, int]) -> None:
    """Recorded stretches stand beside each other where both models were recorded over the same text."""
    first, stop = stretch
    same = other.steps >= stop and (
        other.words(first, stop)["word"].to_pylist() == model.words(first, stop)["word"].to_pylist()
    )
    if not same:
        raise StoreError(
            f"It was not recorded over the same text as {model.name}, so steps {first:,} to {stop - 1:,} are others. "
            "Type the text instead; then both read it."
        )


def _about(model: Model, text: Connected) -> str:
    reads = "characters" if model.card.level == "character" else "words"
    source = "" if text.first is None else text.reading.source
    return ", ".join(filter(None, (architecture(model.card), f"reads {reads}", source)))


def _say(texts: list[Connected], view: View) -> None:
    said = []
    for each in texts:
        notes = " ".join(each.reading.notes)
        if notes:
            said.append(f"{each.model}: {notes}" if len(texts) > 1 else notes)
    most = max(len(each) for each in texts)
    if view.at is not None and view.at >= len(texts[0]):
        said.append(f"The text has {len(texts[0]):,} steps, so step {view.at:,} cannot be held; the last is.")
    pairs = most * (most + 1) // 2
    said.append(f"{most:,} steps, {pairs:,} pairs, none sampled. Click the text for the arrow keys.")
    st.caption("  \n".join(plain(sentence) for sentence in said))


def _show_pairs(texts: list[Connected]) -> None:
    """All pairs of the first text at once, where they can be told apart."""
    name = texts[0].model
    with st.expander(f"All pairs at once, {name}"):
        try:
            picture = pairs_picture(texts[0], palette(st.context.theme.type))
        except StoreError as error:
            st.info(plain(str(error)))
            return
        with st.container(key="pairs_view", width=760):
            st.vega_lite_chart(picture.for_page(), theme=None, width="content")
        with st.container(width=380):
            save_picture_button("Save the pairs as a picture", "pairs_view", f"pairs-{name}")


def _show_known(store: Store, names: list[str]) -> None:
    """Of networks that complete words, how soon they know the word that is being typed."""
    completing = [name for name in names if store.models[name].card.task == "autocomplete"]
    if not completing:
        return
    with st.expander("Accuracy by known characters, over the whole recording"):
        tables = {}
        for name in completing:
            each = store.models[name]
            try:
                tables[name] = answers.known(asked.as_of(each), each, name, STRETCHES)
            except StoreError as error:
                st.info(plain(str(error)))
        if not tables:
            return
        picture = known_characters_picture(tables, palette(st.context.theme.type))
        with st.container(key="known_view", width=900):
            st.vega_lite_chart(picture.for_page(), theme=None, width="content")
        first = next(iter(tables.values())).to_pylist()
        left = sum(row["left_out"] for row in first)
        st.caption(
            f"Steps whose word the network has no output for are left out, {left:,} of {next(iter(tables))}'s. Bars "
            f"are 95 % intervals (Wilson). The share of connectivity is a mean over {STRETCHES} sequences drawn from "
            "the recording."
        )
        with st.container(horizontal=True, width=620):
            save_picture_button("Save as a picture", "known_view", "known-characters")
            for name, table in tables.items():
                st.download_button(
                    f"{name} as CSV", csv(table), f"known-{name}.csv", on_click="ignore", key=f"known-{name}"
                )


def _take_away(model: Model, texts: list[Connected]) -> None:
    name = f"connectivity-{model.name}"

    def numbers(label: str, file: str, table: Callable[[], pa.Table]) -> None:
        for written, ending in ((csv, "csv"), (parquet, "parquet")):
            st.download_button(
                f"{label} as {'CSV' if ending == 'csv' else 'Parquet'}",
                lambda written=written: written(table()),
                f"{file}.{ending}",
                on_click="ignore",
                width="stretch",
                key=f"connectivity-{label}-{ending}",
            )

    with st.popover("Take away"), st.container(width=380):
        numbers("Connectivity of all pairs", name, lambda: pairs_table(texts))
        numbers("Suggestions", f"suggestions-{name}", lambda: suggestions_table(texts))
        st.caption("The picture is saved by the button below the text. Link to exactly this view:")
        state = next(iter(model.states.values()), None)
        if state is not None:
            st.code(link(model, state), language=None, wrap_lines=True)
