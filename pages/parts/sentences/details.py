"""Details of the page "Sentences": the chosen word's response, and the text in its colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from pages.parts.co_clusters import queries
from pages.parts.sentences.address import View
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore.co_clusters.charts.responses import response_picture
from rnnstore.co_clusters.expected import WordResponse
from rnnstore.sentences.charts.coloured_text import MOST, coloured_text_picture
from rnnstore.sentences.passages import Colouring, Grouping, Passage, TitledReading, response_at, same_word_tokens
from rnnstore.visible import visible

MOST_LINES = 3
"""Actual responses to the chosen word that are drawn over one another."""


def show_details(
    view: View,
    shown: Sequence[TitledReading],
    passages: Sequence[Passage],
    chosen: tuple[int, int],
    found: Grouping,
    go: Callable[[int, int], None],
) -> None:
    """The chosen word's response beside what the word does elsewhere, and the text in its colours."""
    reading = shown[chosen[0]].reading
    word = visible(reading.words[chosen[1]])
    st.subheader(f"What “{escape(word, 100)}” did here, and what it does elsewhere", anchor=False)
    with errors_as(lambda refused: st.info(f"{refused} So there is nothing to compare its response with.")):
        _show_response(view, shown, chosen, found)
    if view.colouring is not None:
        _show_text(view, passages, chosen, go)


def _show_response(view: View, shown: Sequence[TitledReading], chosen: tuple[int, int], found: Grouping) -> None:
    """The actual response of the chosen token, of the same word in the other passages, and their distribution."""
    reading = shown[chosen[0]].reading
    word, state = reading.words[chosen[1]], view.state
    elsewhere = queries.word_response(view.model, state.name, word)
    actual = {}
    for number, index in same_word_tokens([each.reading for each in shown], chosen)[:MOST_LINES]:
        unit = "character" if view.model.card.level == "character" else "word"
        where = f"{shown[number].title}, {unit} {index + 1}"
        actual[f"{visible(word)} in {where}"] = response_at(shown[number].reading, state.name, index)
    picture = response_picture([elsewhere], colours(), actual=actual, clusters=found.unit_cluster)

    def colour(unit: int) -> None:
        clicked = Colouring(unit=int(unit))
        view.change(colouring=None if view.colouring == clicked else clicked)

    show_picture(
        picture,
        f"{view.prefix}response_view",
        f"{view.prefix}sentences-response",
        {"clicked_unit": ("unit", colour)},
        fixed=True,
        alt=f"How {visible(word)} moved every unit here, over the distribution of its responses in the recording.",
    )
    st.caption(_summary(elsewhere, response_at(reading, state.name, chosen[1]), found.unit_cluster))


def _summary(elsewhere: WordResponse, actual: np.ndarray, unit_cluster: np.ndarray) -> str:
    """The units outside of what four in five responses do, in a sentence."""
    low, high = elsewhere.quantiles[0], elsewhere.quantiles[-1]
    outside = np.flatnonzero((actual < low) | (actual > high))
    if elsewhere.count < 2:
        return "The word was read once in the recording, so its bands are a single line."
    how_much = np.maximum(actual - high, low - actual)[outside]
    furthest = outside[np.argsort(-how_much, kind="stable")][:5]
    named = ", ".join(f"{unit} (cluster {unit_cluster[unit]})" for unit in furthest.tolist())
    sentence = (
        f"{len(outside):,} of {len(actual):,} units responded beyond the light band, which holds the middle 82 % of "
        f"{elsewhere.quantile_count:,} responses"
    )
    return f"{sentence}; furthest beyond: {named}." if named else f"{sentence}."


def _show_text(
    view: View,
    passages: Sequence[Passage],
    chosen: tuple[int, int],
    go: Callable[[int, int], None],
) -> None:
    of_cluster = "the mean of " if view.colouring is not None and view.colouring.unit is None else ""
    st.subheader(f"The text, coloured by {of_cluster}{view.colouring}", anchor=False)
    words = sum(len(each) for each in passages)
    if words > MOST:
        st.caption(f"Shown: the first {MOST:,} of {words:,} words.")
    picture = coloured_text_picture(passages, str(view.colouring), colours(), selected=chosen)

    def look(place: str) -> None:
        number, _, index = place.partition(":")
        go(int(number), int(index))

    show_picture(
        picture,
        f"{view.prefix}text_view",
        f"{view.prefix}sentences-coloured",
        {"clicked_word": ("place", look)},
        fixed=True,
        alt=f"The words, coloured by {view.colouring}.",
    )
