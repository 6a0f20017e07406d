"""What the page "Sentences" shows, as its address says it.

Two panels can stand on one page: each reads its parameters with a prefix of its own, and those that both share without
one. A text that is too long for a link is kept in the visitor's session, and the page says that no link holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st

from pages.parts.co_clusters.address import FEWEST, USUAL_CLUSTERS
from pages.parts.co_clusters.address import most_clusters as most_of
from pages.parts.co_clusters.queries import expected_responses
from pages.parts.shared.parameters import Names, Parameters
from rnnstore import Model, State, StoreError
from rnnstore.co_clusters.decomposition import METHODS
from rnnstore.sentences.charts.layout import FEWEST_COLUMNS
from rnnstore.sentences.passages import Colouring, sentences_of

MOST_PASSAGES = 6
LONGEST_STRETCH = 1000
LONGEST_LINK = 6000
"""Letters of an address that a text may take; browsers take more, what stands between them and a server often not."""

WORDS = (2, 1_000_000)
MOST_A_LINE = 40

LONG = "long"

LAST = "sentences-last"
"""In the session: the text of the sentences shown last, which another page may take over."""


@dataclass(frozen=True)
class View:
    """Everything that a panel shows of a model's state.

    `sentences` are typed, `stretches` (first step, stop) recorded; `shown` are the first and last column of glyphs, and
    `at` is the chosen token as passage and index.
    """

    text: str
    sentences: tuple[str, ...]
    stretches: tuple[tuple[int, int], ...]
    k: int
    words: int
    method: str
    seed: int
    down: bool
    per_line: int | None
    predicted: int
    align: str
    shown: tuple[int, int] | None
    at: tuple[int, int] | None
    chip: int | None
    by_gate: bool
    own_scale: bool
    colouring: Colouring | None
    find: str


def read(given: Mapping[str, str], model: Model, state: State, names: Names) -> tuple[View, list[str]]:
    """What the address `given` asks for of this model and state, and sentences about what it names in vain."""
    asked = names.read(given)
    text = st.session_state[LAST] = typed_text(asked, names)
    sentences = sentences_of(text, model.card.level == "character")
    stretches = _stretches(asked, model)
    if len(sentences) + len(stretches) > MOST_PASSAGES:
        asked.sentences.append(
            f"{len(sentences) + len(stretches)} passages were asked for; shown: the first {MOST_PASSAGES}."
        )
        sentences = sentences[:MOST_PASSAGES]
        stretches = stretches[: MOST_PASSAGES - len(sentences)]
    most = most_clusters(model, state)
    k = asked.whole("k", min(USUAL_CLUSTERS, most), min(FEWEST, most), most, "number of clusters")
    view = View(
        text=text,
        sentences=tuple(sentences),
        stretches=tuple(stretches),
        k=k,
        words=asked.whole("words", 500, *WORDS),
        method=asked.one_of("method", METHODS, METHODS[0]),
        seed=asked.whole("seed", 0, 0, 10_000),
        down=asked.one_of("direction", ("across", "down"), "across") == "down",
        per_line=asked.maybe("line", FEWEST_COLUMNS, MOST_A_LINE),
        predicted=asked.whole("predicted", min(3, most_predicted(model)), 0, most_predicted(model)),
        align=asked.text("align"),
        shown=_pair(asked, "shown", "-"),
        at=_pair(asked, "at", ":"),
        chip=asked.maybe("chip", 0, k - 1, "cluster"),
        by_gate=asked.yes("gates"),
        own_scale=asked.yes("own"),
        colouring=_colouring(asked, state, k),
        find=asked.text("seek"),
    )
    return view, asked.sentences


def most_clusters(model: Model, state: State) -> int:
    """The largest number of clusters that can be asked for."""
    try:
        return most_of(expected_responses(model, state.name))
    except StoreError:  # there are no responses to group units by, which the panel says
        return USUAL_CLUSTERS


def write_text(names: Names, text: str) -> None:
    """Put typed sentences into the address, or into the session where they are too long for it."""
    kept = f"sentences-{names('text')}"
    st.session_state.pop(kept, None)
    start_over = {"at": None, "shown": None}
    if len(quote(text)) > LONGEST_LINK:
        st.session_state[kept] = text
        names.change(text=None, long=True, **start_over)
    else:
        names.change(text=text or None, long=None, **start_over)


def typed_text(asked: Parameters, names: Names) -> str:
    """The text of the address, or the one kept in the session where it is too long for a link."""
    if not asked.yes(LONG):
        return asked.text("text")
    text = st.session_state.get(f"sentences-{names('text')}")
    if text is None:
        asked.sentences.append(
            "This link is one to a text that was too long for it, so the text itself is not in it. Type it again, or "
            "ask for it to be sent."
        )
        return ""
    asked.sentences.append(
        f"A text of {len(text):,} characters is too long for a link: the address does not hold it. It stays here until "
        "this window is closed."
    )
    return text


def most_predicted(model: Model) -> int:
    """Predictions that can be shown of a word: a classifier has no more than it has labels."""
    recorded = model.predictions_per_step
    return recorded if recorded and model.card.task == "classifier" else max(recorded, 5)


def _stretches(asked: Parameters, model: Model) -> list[tuple[int, int]]:
    """Recorded stretches, "first-last" and so on, within the recording."""
    found = []
    for said in filter(None, asked.text("stretch").split(",")):
        first, _, last = said.partition("-")
        if not (first.isdecimal() and last.isdecimal() and len(first) < 12 and len(last) < 12):
            asked.sentences.append(
                f"The address names the stretch {said[:30]}; first and last step were expected, as in 120-143."
            )
            continue
        low, high = sorted((int(first), int(last)))
        if low >= model.steps:
            asked.sentences.append(f"There is no step {low:,}: {model.name} has {model.steps:,}, from 0.")
            continue
        stop = min(high + 1, model.steps, low + LONGEST_STRETCH)
        if stop < high + 1:
            why = "the recording ends there" if stop == model.steps else f"{LONGEST_STRETCH:,} are shown at most"
            asked.sentences.append(f"Of the stretch {low:,} to {high:,}, steps to {stop - 1:,} are shown: {why}.")
        found.append((low, stop))
    return list(dict.fromkeys(found))


def _pair(asked: Parameters, name: str, between: str) -> tuple[int, int] | None:
    said = asked.text(name)
    if not said:
        return None
    one, _, other = said.partition(between)
    if one.isdecimal() and other.isdecimal() and len(said) < 20:
        return int(one), int(other)
    asked.sentences.append(
        f"The address says {asked.prefix}{name}={said[:20]}; two whole numbers were expected, as in 3{between}14."
    )
    return None


def _colouring(asked: Parameters, state: State, k: int) -> Colouring | None:
    said = asked.text("colour")
    if not said:
        return None
    kind, _, number = said.partition("-")
    most = {"unit": state.units, "cluster": k}.get(kind, 0)
    if number.isdecimal() and len(number) < 10 and int(number) < most:
        return Colouring(**{kind: int(number)})
    asked.sentences.append(
        f"The address says {asked.prefix}colour={said[:20]}; unit-0 to unit-{state.units - 1} or cluster-0 to "
        f"cluster-{k - 1} were expected. Nothing colours the words instead."
    )
    return None
