"""What the page "Sentences" shows, as its address says it.

Two panels can stand on one page: each reads its parameters with a prefix of its own, and those that both share without
one. A text that is too long for a link stays in the visitor's session, and the page says that no link holds it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import streamlit as st

from pages.parts.co_clusters.address import DEFAULT_CLUSTERS, FEWEST, default_clusters
from pages.parts.co_clusters.address import most_clusters as most_of
from pages.parts.co_clusters.queries import expected_responses
from pages.parts.shared.address import Address, Names
from pages.parts.shared.address import change as change_address
from pages.parts.shared.messages import errors_as, ignore
from pages.parts.shared.parameters import MaybeWhole, OneOf, Pair, Parameter, Spans, Text, Whole, Yes
from rnnstore import Model, State
from rnnstore.co_clusters.decomposition import METHODS
from rnnstore.sentences.charts.layout import FEWEST_COLUMNS
from rnnstore.sentences.passages import Colouring, sentences_of

MOST_PASSAGES = 6
LONGEST_SPAN = 1000
LONGEST_LINK = 6000
"""Letters of an address that a text may take; browsers take more, what stands between them and a server often not."""

MOST_A_LINE = 40

LAST = "sentences-last"
"""In the session: the text of the sentences shown last, which another page may take over."""


class TypedText(Parameter[str]):
    """Typed text: the address's, or the session's where it is too long for a link and the view is `long`."""

    def read(self, view: Any, text: str | None) -> str:
        found = st.session_state[LAST] = self._long(view) if view.long else text or ""
        return found

    def _long(self, view: Any) -> str:
        text = st.session_state.get(f"sentences-{view.names(self.url)}")
        if text is None:
            view.messages.append(
                "This link is one to a text that was too long for it, so the text itself is not in it. Type it again, "
                "or ask for it to be sent."
            )
            return ""
        view.messages.append(
            f"A text of {len(text):,} characters is too long for a link: the address does not hold it. It stays here "
            "until this window is closed."
        )
        return text


class ColouringBy(Parameter[Colouring | None]):
    """A unit or a cluster, as "unit-3" or "cluster-2"."""

    def parse(self, view: Any, text: str) -> Colouring | None:
        kind, _, number = text.partition("-")
        most = {"unit": view.state.units, "cluster": view.k}.get(kind, 0)
        if number.isdecimal() and len(number) < 10 and int(number) < most:
            return Colouring(**{kind: int(number)})
        view.says(
            self,
            text[:20],
            f"unit-0 to unit-{view.state.units - 1} or cluster-0 to cluster-{view.k - 1} were expected. Nothing "
            "colours the words instead.",
        )
        return None

    def serialise(self, value: Any) -> str | None:
        if value is None:
            return None
        return f"unit-{value.unit}" if value.unit is not None else f"cluster-{value.cluster}"


def most_clusters(view: Any) -> int:
    """The largest number of clusters that can be asked for."""
    with errors_as(ignore):  # without responses to group units by, which the panel says
        return most_of(expected_responses(view.model, view.state.name))
    return DEFAULT_CLUSTERS


def most_predicted(view: Any) -> int:
    """Predictions that can be shown of a word: a classifier has no more than it has labels."""
    recorded = view.model.predictions_per_step
    return recorded if recorded and view.model.card.task == "classifier" else max(recorded, 5)


class View(Address):
    """Everything that a panel shows of a model's state.

    `sentences` are typed, `spans` (first step, stop) recorded; `shown` are the first and last column of glyphs, and
    `at` is the chosen token as passage and index.
    """

    # fmt: off
    model: Model
    state: State
    sentences: tuple[str, ...]

    long = Yes()
    text = TypedText("")
    spans = Spans(LONGEST_SPAN, "shown", url="span")
    k = Whole(
        lambda view: default_clusters(most_clusters(view)), lambda view: min(FEWEST, most_clusters(view)),
        most_clusters, what="number of clusters", label="Clusters",
    )
    words = Whole(
        500, 2, 1_000_000, label="Words in the clustering",
        help="The most frequent ones; their expected responses group the units",
    )
    method = OneOf(
        METHODS, label="Clusters by",
        help="Signed: singular vectors with their signs, never empty, always the same. Mirrored: units that move "
        "opposite ways share a cluster. Spectral: as in the paper",
    )
    seed = Whole(0, 0, 10_000, label="Seed")
    direction = OneOf(("across", "down"), label="Direction")
    per_line = MaybeWhole(FEWEST_COLUMNS, MOST_A_LINE, url="line", label="Glyphs per row")
    predicted = Whole(lambda view: min(3, most_predicted(view)), 0, most_predicted, label="Predicted")
    align = Text(label="Align at", widget=st.selectbox)
    shown = Pair("-")
    at = Pair(":")
    chip = MaybeWhole(0, lambda view: view.k - 1, what="cluster")
    by_gate = Yes(
        url="gates", label="Preserved: by the gate",
        help="The LSTM's forget gate or the GRU's update gate says what is kept, instead of the values themselves",
    )
    own_scale = Yes(
        url="own", label="Each cluster on a scale of its own",
        help="Bars of different clusters cannot be compared then, but small clusters are seen",
    )
    colouring = ColouringBy(None, url="colour", help="Or click a cell of a memory chip, which is a unit")
    find = Text(url="seek", label="Or find a phrase")
    # fmt: on

    def check(self) -> None:
        self.sentences = tuple(sentences_of(self.text, self.model.card.level == "character"))
        passages = len(self.sentences) + len(self.spans)
        if passages > MOST_PASSAGES:
            self.messages.append(f"{passages} passages were asked for; shown: the first {MOST_PASSAGES}.")
            self.sentences = self.sentences[:MOST_PASSAGES]
            self.spans = self.spans[: MOST_PASSAGES - len(self.sentences)]

    @property
    def prefix(self) -> str:
        return self.names.prefix

    @property
    def down(self) -> bool:
        return self.direction == "down"


def write_text(names: Names, text: str, **more: Any) -> None:
    """Put typed sentences, and what changes with them, into the address; a text too long for it into the session."""
    key, too_long = f"sentences-{names('text')}", len(quote(text)) > LONGEST_LINK
    st.session_state.pop(key, None)
    if too_long:
        st.session_state[key] = text
    written = {"text": None if too_long else text, "long": too_long, "at": None, "shown": None, **more}
    change_address(**{names(name): value for name, value in written.items()})
