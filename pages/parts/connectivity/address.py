"""What the page "Connectivity" shows, as its address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pages.parts.sentences.address import LAST, typed_text
from pages.parts.shared.parameters import ALONE, Parameters, some
from rnnstore import Model, Store
from rnnstore.connectivity.norms import LONGEST
from rnnstore.connectivity.texts import SCALES, TARGETS

MOST_MODELS = 4
LONGEST_NOTES = 2000


@dataclass(frozen=True)
class View:
    """Everything that the page shows: one text, read by the sidebar's model and by `others`.

    `stretch` (first, stop) is a part of the recording; typed `text` goes before it. `at` is the held step, counted from
    the beginning of the text. `pairs` and `known` are the pictures below it that were asked for.
    """

    text: str
    stretch: tuple[int, int] | None
    others: tuple[str, ...]
    target: str
    word: str
    scale: str
    later: bool
    absolute: bool
    own_scale: bool
    difference: bool
    check: bool
    at: int | None
    notes: str
    pairs: bool
    known: bool


def read(given: Mapping[str, str], store: Store, model: Model) -> tuple[View, list[str]]:
    """What the address `given` asks for, and sentences about what it names in vain."""
    asked = ALONE.read(given)
    text = st.session_state[LAST] = typed_text(asked, ALONE)
    notes = asked.text("notes")
    if len(notes) > LONGEST_NOTES:
        asked.sentences.append(f"The notes are cut to {LONGEST_NOTES:,} letters, which is what a link can hold.")
    view = View(
        text=text,
        stretch=None if text else _stretch(asked, model),
        others=_others(asked, store, model),
        target=asked.one_of("target", TARGETS, TARGETS[0]),
        word=asked.text("word")[:200],
        scale=asked.one_of("input", SCALES, SCALES[0]),
        later=asked.yes("later"),
        absolute=asked.yes("absolute"),
        own_scale=asked.yes("own"),
        difference=asked.yes("difference"),
        check=asked.yes("check"),
        at=asked.maybe("at", 0, LONGEST - 1, "step"),
        notes=notes[:LONGEST_NOTES],
        pairs=asked.yes("pairs"),
        known=asked.yes("known"),
    )
    return view, asked.sentences


def _others(asked: Parameters, store: Store, model: Model) -> tuple[str, ...]:
    named = [name for name in dict.fromkeys(asked.text("with").split(",")) if name and name != model.name]
    unknown = [name for name in named if name not in store.models]
    if unknown:
        asked.sentences.append(f"There is no model {some(unknown)} in this store.")
    known = [name for name in named if name in store.models]
    if len(known) >= MOST_MODELS:
        asked.sentences.append(f"{MOST_MODELS} models at most stand on one text; shown: the first of those asked for.")
    return tuple(known[: MOST_MODELS - 1])


def _stretch(asked: Parameters, model: Model) -> tuple[int, int] | None:
    """(first, stop) of the recorded stretch "first-last", within the recording."""
    said = asked.text("stretch")
    if not said:
        return None
    first, _, last = said.partition("-")
    if not (first.isdecimal() and last.isdecimal() and len(first) < 12 and len(last) < 12):
        asked.sentences.append(
            f"The address names the stretch {said[:30]}; first and last step were expected, as in 120-143."
        )
        return None
    low, high = sorted((int(first), int(last)))
    if low >= model.steps:
        asked.sentences.append(f"There is no step {low:,}: {model.name} has {model.steps:,}, from 0.")
        return None
    stop = min(high + 1, model.steps, low + LONGEST)
    if stop < high + 1:
        why = "the recording ends there" if stop == model.steps else f"{LONGEST:,} are worked out at most"
        asked.sentences.append(f"Of the stretch {low:,} to {high:,}, steps to {stop - 1:,} are shown: {why}.")
    return low, stop
