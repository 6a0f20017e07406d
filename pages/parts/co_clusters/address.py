"""What the co-cluster panel shows, as the address says it.

A page that shows two panels gives the parameters of each a prefix. Words stand in the address as they are, with commas
and per cent signs escaped, because those are words, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from pages.parts.shared.parameters import Names, Parameters, some
from rnnstore import Model, State, StoreError
from rnnstore.co_clusters.charts.picture import Drawing, Highlights
from rnnstore.co_clusters.decomposition import METHODS
from rnnstore.co_clusters.expected import ExpectedResponses, WordTags

FEWEST, MOST = 2, 20
"""Clusters that can be asked for."""

USUAL_CLUSTERS, USUAL_WORDS, USUAL_SHARE, USUAL_BOXES, USUAL_COUNT = 10, 500, 20, 10, 5

TOGETHER = 6
"""Words that are compared, and units that are shown, at most."""

NO_TRACK = "none"

SHAPES = {"height": "equal heights", "width": "equal widths"}


@dataclass(frozen=True)
class View:
    """Everything that the panel shows of a state. `words` are clustered (the most frequent, and those pinned), `picked`
    words and `units` are looked at in detail, in the order in which they were picked."""

    clusters: int
    words: int
    method: str
    seed: int
    share: int
    thickness: int
    equal: str
    focus: str
    picked: tuple[str, ...]
    units: tuple[int, ...]
    pinned: tuple[str, ...]
    sort: str
    boxes: int
    least: int
    tags: str
    find: str

    def drawing(self, width: int) -> Drawing:
        return Drawing(self.share / 100, self.thickness / 100, self.equal, self.focus, width)

    def chosen(self, tags: WordTags | None) -> Highlights:
        return Highlights(self.picked, self.units, self.pinned, tags, self.sort)


def most_clusters(expected: ExpectedResponses) -> int:
    """The largest number of clusters that can be asked for: not more than words or units."""
    return min(MOST, len(expected.words), expected.units)


def read(
    given: Mapping[str, str], model: Model, state: State, expected: ExpectedResponses, names: Names
) -> tuple[View, list[str]]:
    """What the address asks for, and sentences about what it names in vain."""
    asked = names.read(given)
    most, vocabulary = most_clusters(expected), len(expected.words)
    clusters = asked.whole("k", min(USUAL_CLUSTERS, most), min(FEWEST, most), most, "number of clusters")
    words = asked.whole("words", min(USUAL_WORDS, vocabulary), 2, vocabulary, "number of words")
    if words < clusters:
        asked.sentences.append(f"{words} words cannot make {clusters} clusters; shown instead: {clusters} words.")
    picked = _words(asked, "word", expected)[:TOGETHER]
    tracks = [name for name, track in model.tracks.items() if track.kind == "discrete"]
    sort = (_words(asked, "sort", expected) or picked[:1] or ("",))[0]
    return View(
        clusters=clusters,
        words=max(words, clusters),
        method=asked.one_of("method", METHODS, METHODS[0]),
        seed=asked.whole("seed", 0, 0, 9999),
        share=asked.whole("share", USUAL_SHARE, 0, 100, "share of the strongest link"),
        thickness=asked.whole("thick", 100, 20, 300, "width of links"),
        equal=asked.one_of("equal", list(SHAPES), "height"),
        focus=_focus(asked, clusters),
        picked=picked,
        units=asked.chosen_units("unit", state)[:TOGETHER],
        pinned=_words(asked, "pin", expected),
        sort=sort if sort in picked else (picked or ("",))[0],
        boxes=asked.whole("m", USUAL_BOXES, 1, 40, "number of words"),
        least=asked.whole("least", USUAL_COUNT, 1, 1_000_000, "number of times"),
        tags=asked.one_of("tags", [NO_TRACK, *tracks], NO_TRACK),
        find=asked.text("find"),
    ), asked.sentences


def as_written(words: Sequence[str]) -> list[str]:
    """Words as they stand in the address, to be joined by commas."""
    return [word.replace("%", "%25").replace(",", "%2C") for word in words]


def _words(asked: Parameters, name: str, expected: ExpectedResponses) -> tuple[str, ...]:
    found = []
    for text in asked.text(name).split(","):
        word = unquote(text)
        try:
            if word:
                expected.row(word)
                found.append(word)
        except StoreError as error:
            said = str(error)
            asked.sentences.append(said if len(word) < 100 else f"There is no word {some([word])}.")
    return tuple(dict.fromkeys(found))


def _focus(asked: Parameters, clusters: int) -> str:
    """A chip ("u3") or cloud ("w3") that is there."""
    text = asked.text("focus")
    if not text or (text[:1] in "uw" and text[1:].isdecimal() and int(text[1:]) < clusters):
        return text
    asked.sentences.append(
        f"The address says focus={text[:20]}; u or w with the number of a cluster, from 0 to {clusters - 1}, was "
        "expected, so it is left out."
    )
    return ""
