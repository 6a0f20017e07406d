"""Classes of words: those of a track's labels, those that a person lists, and the ones that ship for parts of speech.

A class is written `name=word,word`, `name=TRACK:LABEL,LABEL` or `TRACK:LABEL`; a track's name alone stands for all of
its labels or, where they are the Penn Treebank's parts of speech, for the six classes of Verwimp et al. (2018). Steps
belong to a class by their own label, so that a word with two parts of speech is in either class as it is used; where
words are wanted without a place in a text (`class_words`), the label that each has most often decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rnnstore.co_clusters.expected import word_tags
from rnnstore.errors import QuestionError, UnknownName, suggest
from rnnstore.networks.opening import open_network
from rnnstore.store.model import Model

MOST = 12
"""Labels of a track that become classes, the most frequent ones."""

PENN = {
    "pronouns": ("PRP", "PRP$", "WP", "WP$"),
    "nouns": ("NN", "NNS", "NNP", "NNPS"),
    "verbs": ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"),
    "adjectives": ("JJ", "JJR", "JJS"),
    "adverbs": ("RB", "RBR", "RBS", "WRB"),
    "conjunctions and prepositions": ("CC", "IN", "TO"),
}
"""The six classes of the paper's Table 1."""

PROPERTIES = {
    "singular / plural": (("NN",), ("NNS",)),
    "common / proper": (("NN", "NNS"), ("NNP", "NNPS")),
}
"""The properties of the paper's Figure 2, by the Penn Treebank's parts of speech."""

UNIVERSAL = {"common / proper": (("NOUN",), ("PROPN",))}
"""The same where a track has universal parts of speech, which do not distinguish singular from plural."""


def labels_of(model: Model, track: str) -> list[str]:
    """The labels of a track by falling number of steps; sentences for a track that is not there or holds numbers."""
    return word_tags(model, track).labels


def shipped_properties(model: Model) -> dict[str, tuple[str, str]]:
    """Properties that need nobody's naming: name -> the two classes as they are written; empty without such a track."""
    found: dict[str, tuple[str, str]] = {}
    for track, facts in model.tracks.items():
        if facts.kind != "discrete" or not 2 <= facts.distinct <= 100:
            continue
        labels = set(labels_of(model, track))
        for known in (PROPERTIES, UNIVERSAL):
            for name, sides in known.items():
                if name not in found and all(set(side) & labels for side in sides):
                    first, second = (f"{track}:{','.join(x for x in side if x in labels)}" for side in sides)
                    found[name] = first, second
    return found


def two_classes(text: str) -> tuple[str, tuple[str, str]]:
    """A property as it is written, `CLASS/CLASS`: its name, and the two classes."""
    first, slash, second = text.partition("/")
    if not (slash and first.strip() and second.strip()):
        raise QuestionError(
            f"{text!r} is no property; write two classes, such as pos:NN/pos:NNS or a=cat,dog/b=ran,sat."
        )
    names = [side.partition("=")[0].strip() if "=" in side else side.strip() for side in (first, second)]
    return " / ".join(names), (first.strip(), second.strip())


def of_steps(model: Model, written: Sequence[str], start: int, stop: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """bool[stop - start] by the name of each class, which steps belong to it, and sentences about what was left out.

    `QuestionError` for a class that cannot be read or has no word there, `UnknownName` for a track, label or word that
    is not there.
    """
    classes: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for text in written:
        for name, track, members in _read(model, text, notes):
            if name in classes:
                raise QuestionError(f"Two classes are called {name!r}; give one of them another name: name=word,word.")
            if track:
                values = np.array(model.annotations([track], start, stop)["value"].to_pylist(), object)
                classes[name] = np.isin(values.astype(str), list(members))
            else:
                classes[name] = np.isin(model.word_ids(start, stop), _ids(model, members))
    for name in [name for name, steps in classes.items() if not steps.any()]:
        raise QuestionError(
            f"None of the steps {start:,} to {stop - 1:,} belongs to the class {name!r}; take more steps, or leave it."
        )
    return classes, notes


def class_words(model: Model, written: str) -> list[str]:
    """The words of one class: those that have a track's label most often, or a list, of any words that the network
    knows, read in the recording or not. Sentences as in `of_steps`."""
    found: list[str] = []
    for _, track, members in _read(model, written, []):
        if track:
            tags = word_tags(model, track)
            known = zip(model.vocabulary, tags.label, strict=True)
            found += [word for word, label in known if label in members and word]
        else:
            words = dict.fromkeys(open_network(model).words)
            for word in members:
                if word not in words:
                    raise UnknownName(f"The network of {model.name!r} does not know {word!r}: {suggest(word, words)}")
            found += members
    return list(dict.fromkeys(found))


def _read(model: Model, text: str, notes: list[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """(name, track or "", labels or words) of each class that `text` stands for."""
    name, equals, rest = text.strip().partition("=")
    if not equals:
        name, rest = "", text.strip()
    if not rest.strip():
        raise QuestionError(f"The class {text!r} names no words; write name=word,word, TRACK or TRACK:LABEL.")
    track, colon, labels = rest.partition(":")
    if track in model.tracks and (colon or not equals):
        known = labels_of(model, track)
        if not colon:
            return _whole(model, track, known, notes)
        asked = _listed(labels)
        for label in asked:
            if label not in known:
                raise UnknownName(f"Track {track!r} of {model.name!r} has no label {label!r}: {suggest(label, known)}")
        if not asked:
            raise QuestionError(f"The class {text!r} names no label of {track!r}: {suggest('', known)}")
        return [(name.strip().replace(",", "+") or "+".join(asked), track, asked)]
    if not equals:
        raise UnknownName(
            f"{text!r} is no class: {model.name!r} has no track of that name ({suggest(track, model.tracks)}), and a "
            "list of words is written name=word,word."
        )
    return [(name.strip().replace(",", "+") or rest.strip(), "", _listed(rest))]


def _whole(model: Model, track: str, known: list[str], notes: list[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    groups: Mapping[str, tuple[str, ...]] = PENN
    if {"NN", "NNS", "VB", "IN"} <= set(known):
        return [
            (name, track, tuple(label for label in labels if label in known))
            for name, labels in groups.items()
            if set(labels) & set(known)
        ]
    if len(known) > MOST:
        notes.append(f"{track} has {len(known)} labels; the {MOST} most frequent are classes.")
    if not known:
        raise QuestionError(f"Track {track!r} of {model.name!r} labels no step, so it makes no classes.")
    return [(label, track, (label,)) for label in known[:MOST]]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _ids(model: Model, words: Sequence[str]) -> list[int]:
    number_of = {word: number for number, word in enumerate(model.vocabulary) if word}
    for word in words:
        if word not in number_of:
            raise UnknownName(f"{model.name!r} never read {word!r}: {suggest(word, number_of)}")
    return [number_of[word] for word in words]
