"""What the co-cluster panel shows, as the address says it.

Words stand in the address as they are, with commas and per cent signs escaped, because those are words, too.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import unquote

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.messages import errors_as
from pages.parts.shared.parameters import OneOf, Parameter, Parsed, Text, Units, Whole, abbreviated
from rnnstore import Model, State
from rnnstore.co_clusters.charts.picture import Drawing, Highlights
from rnnstore.co_clusters.decomposition import METHODS
from rnnstore.co_clusters.expected import ExpectedResponses, WordTags

FEWEST, MOST = 2, 20
"""Clusters that can be asked for."""

DEFAULT_CLUSTERS = 10

TOGETHER = 6
"""Words that are compared, and units that are shown, at most."""

NO_TRACK = "none"


class Words(Parameter[tuple[str, ...]]):
    """Words of the view's vocabulary, each once; at most the first `most`."""

    default_widget = staticmethod(st.multiselect)

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__((), **options)
        self.most = most

    def parse(self, view: Any, text: str) -> tuple[str, ...]:
        found = []
        for word in filter(None, map(unquote, text.split(","))):
            unknown = f"There is no word {abbreviated([word])}." if len(word) >= 100 else ""
            with errors_as(partial(_complain, view, unknown), markdown=False):
                view.expected.row(word)
                found.append(word)
        return tuple(dict.fromkeys(found))[: self.most]

    def serialise(self, value: Any) -> str | None:
        words = [value] if isinstance(value, str) else value
        return ",".join(word.replace("%", "%25").replace(",", "%2C") for word in words) or None

    def look(self, view: Any) -> dict[str, Any]:
        return super().look(view) | ({"max_selections": self.most} if self.most and self.most > 1 else {})


def _complain(view: Address, unknown: str, why: str) -> None:
    view.messages.append(unknown or why)


class AnyWords(Words):
    """Words of whatever vocabulary."""

    def parse(self, view: Any, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, map(unquote, text.split(",")))))


def _parse_focus(view: Any, text: str) -> str:
    """A chip ("u3") or cloud ("w3") that is there."""
    if text[:1] in "uw" and text[1:].isdecimal() and int(text[1:]) < view.clusters:
        return text
    view.messages.append(
        f"The address says focus={text[:20]}; u or w with the number of a cluster, from 0 to {view.clusters - 1}, was "
        "expected, so it is left out."
    )
    return ""


def most_clusters(expected: ExpectedResponses) -> int:
    """The largest number of clusters that can be asked for: not more than words or units."""
    return min(MOST, len(expected.words), expected.units)


def default_clusters(most: int) -> int:
    """The number of clusters where the address says nothing: of few words or units, groups of two at least."""
    return min(DEFAULT_CLUSTERS, max(FEWEST, most // 2), most)


def most(view: Any) -> int:
    return most_clusters(view.expected)


def vocabulary(view: Any) -> int:
    return len(view.expected.words)


def tracks(view: Any) -> list[str]:
    return [NO_TRACK, *(name for name, track in view.model.tracks.items() if track.kind == "discrete")]


class View(Address):
    """Everything that the panel shows of a state. `words` are clustered (the most frequent, and those pinned), `picked`
    words and `units` are looked at in detail, in the order in which they were picked."""

    # fmt: off
    model: Model
    state: State
    expected: ExpectedResponses

    clusters = Whole(
        lambda view: default_clusters(most(view)), lambda view: min(FEWEST, most(view)), most,
        what="number of clusters", url="k", label="Clusters", widget=st.slider,
        help="Groups of words, and as many groups of units. One more splits one of either; the others stay",
    )
    words = Whole(lambda view: min(500, vocabulary(view)), 2, vocabulary, what="number of words", label="Words")
    method = OneOf(
        METHODS, label="Method",
        help="signed: strongest singular vectors and Ward linkage, no empty cluster and no random start; mirrored: "
        "the same, and units that move the opposite way join, with their sign reversed; spectral: the paper's "
        "spectral co-clustering",
    )
    seed = Whole(0, 0, 9999, label="Seed", help="Spectral co-clustering begins at random")
    share = Whole(
        20, 0, 100, what="share of the strongest link", label="Hide links below", widget=st.slider,
        help="Links weaker than this share of the strongest one are not drawn",
    )
    thickness = Whole(100, 20, 300, what="width of links", url="thick", label="Width of links", widget=st.slider)
    equal = OneOf({"height": "equal heights", "width": "equal widths"}, label="Chips", widget=st.segmented_control)
    focus = Parsed(_parse_focus, "")
    picked = Words(url="word", most=TOGETHER, label="Words compared")
    units = Units(url="unit", most=TOGETHER, label="Units shown")
    pinned = Words(url="pin", label="Pinned")
    sort = Words(most=1, label="Units in the order of", widget=st.selectbox)
    boxes = Whole(
        10, 1, 40, what="number of words", url="m", label="Words per unit",
        help="Those with the largest mean response, of either sign",
    )
    least = Whole(
        5, 1, 1_000_000, what="number of times", label="Min. occurrences",
        help="The mean of a word that was read a few times is large by chance",
    )
    tags = OneOf(tracks, label="Colour words by", help="The label that each word has most often on this track")
    find = Text(
        label="Find a word",
        help="A part of a word is enough. What is pinned stands in the cloud whose words respond most alike, and is "
        "always drawn; the groups stay as they are",
    )
    # fmt: on

    def check(self) -> None:
        if self.words < self.clusters:
            self.messages.append(
                f"{self.words} words cannot make {self.clusters} clusters; shown instead: {self.clusters} words."
            )
            self.words = self.clusters

    @property
    def order(self) -> str:
        """The picked word by which units are ordered; none where none is picked."""
        return next((word for word in (*self.sort, *self.picked) if word in self.picked), "")

    def drawing(self, width: int) -> Drawing:
        return Drawing(self.share / 100, self.thickness / 100, self.equal, self.focus, width)

    def chosen(self, tags: WordTags | None) -> Highlights:
        return Highlights(self.picked, self.units, self.pinned, tags, self.order)
