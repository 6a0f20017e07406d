"""An LSTMVis folder, read: everything that an import would bring, found, checked, and put into the store's terms.

`read` looks at every value once. That takes a share of the time of the import itself, and in return an import that
begins can end, and says beforehand what precision its values need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.lstmvis import datasets, dictionary
from pipelines.lstmvis.datasets import Dataset
from pipelines.lstmvis.description import Description, LstmvisError, Meta, StateType, load, raise_all
from pipelines.lstmvis.dictionary import Dictionary
from pipelines.lstmvis.sources import TRANSFORMS, ScoreRange, State, TopWords, Track, Words, of_shape
from rnnstore.errors import StoreError
from rnnstore.store.card import checked_name
from rnnstore.validation import nearest

Progress = Callable[[str, int, int], None]
"""Told what is done (checking, importing), how many steps of it, and of how many."""

TARGETLESS = "the words that came next are not in an LSTMVis folder, so predictions have no target and no loss"


@dataclass(frozen=True)
class Project:
    """A folder that can be imported."""

    folder: Path
    name: str  # of the model
    title: str
    description: str
    steps: int
    rows: int  # steps that are read together
    words: Words
    states: tuple[State, ...]
    tracks: tuple[Track, ...]
    predictions: TopWords | None
    embedding: int | None
    layers: int | None
    dtype: str
    vocabulary: tuple[str, ...]
    word_places: np.ndarray  # int32: place in the vocabulary of each word of the words' dictionary
    predicted_places: np.ndarray  # int32: the same for the words of the predictions' dictionary
    notes: tuple[str, ...]

    @property
    def level(self) -> str:
        """character, when all words are one character long but those like <eos>."""
        plain = [word for word in self.vocabulary if not re.fullmatch(r"<.+>", word)]
        return "character" if plain and all(len(word) == 1 for word in plain) else "word"

    @property
    def bytes(self) -> int:
        """The bytes of all state values, once."""
        return sum(self.steps * state.units for state in self.states) * np.dtype(self.dtype).itemsize


def read(
    folder: str | Path,
    *,
    name: str | None = None,
    transform: str | None = None,
    dtype: str | None = None,
    rows: int | None = None,
    progress: Progress = lambda doing, done, total: None,
) -> Project:
    """The project in an LSTMVis folder, looked through and found good. Nothing is written.

    `name`: of the model, instead of the project's. `transform`: for all states, instead of what lstm.yml says. `dtype`:
    float16 or float32, instead of the first where the values allow it. `rows`: steps to read together.
    Raises `LstmvisError` with a line for every mistake: file, dataset, shape or value, and what was expected.
    """
    for what, given, known in (("transform", transform, TRANSFORMS), ("dtype", dtype, ("float16", "float32"))):
        if given is not None and given not in known:
            raise LstmvisError(f"{what} is {given!r}; {nearest(str(given), known, 'expected one of')}")
    described = load(Path(folder))
    where = str(described.folder)
    name = model_name(described, name)
    attempt = _Attempts(where)
    dictionaries = _Dictionaries(described)
    words = attempt(_words, described, dictionaries)
    states = attempt.each(_state, described, _state_names(described), transform)
    embedding = attempt(_embedding, described)
    attempt.end()
    steps, notes = _steps(words, states, where)
    rows = rows or datasets.rows_a_piece([state.dataset for state in states])
    look = _Scan(steps, rows, progress)
    words = attempt(_known_words, words, look)
    attempt.end()

    found = attempt.each(_track, described, _track_names(described, attempt), dictionaries, words, steps)
    attempt.end()
    tracks, predictions, more = _one_prediction(found)
    notes += more
    for track in tracks:
        attempt(_scan_track, track, words, look)
    if predictions is not None:
        predictions = attempt(_scan_predictions, predictions, look)
    attempt.end()
    states = [attempt(_scan_state, state, look) for state in states]
    attempt.end()

    notes += _coverage_notes(tracks, predictions, steps)
    notes += _transform_notes(states)
    vocabulary, word_places, predicted_places = _vocabulary(words.known, predictions)
    dtype, precision_notes = _precision(states, dtype, where)
    layers = {each.layer for each in described.lstm.states.types} - {None}
    return Project(
        folder=described.folder,
        name=name,
        title=described.lstm.name,
        description=described.lstm.description or described.lstm.name,
        steps=steps,
        rows=rows,
        words=words,
        states=tuple(states),
        tracks=tuple(tracks),
        predictions=predictions,
        embedding=embedding.shape[1] if embedding is not None else None,
        layers=len(layers) or None,
        dtype=dtype,
        vocabulary=vocabulary,
        word_places=word_places,
        predicted_places=predicted_places,
        notes=tuple([*notes, *precision_notes]),
    )


class _Attempts:
    """Makes one thing after another, keeps the sentences of those that fail, and raises them together."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.mistakes: list[str] = []

    def __call__(self, make: Callable[..., Any], *given: Any) -> Any:
        try:
            return make(*given)
        except LstmvisError as error:
            self.mistakes.append(str(error))
            return None

    def each(self, make: Callable[..., Any], described: Description, names: dict[Any, str], *given: Any) -> list[Any]:
        return [self(make, described, key, name, *given) for key, name in names.items()]

    def end(self) -> None:
        raise_all(list(dict.fromkeys(self.mistakes)), self._where)


class _Dictionaries:
    """The dict files of a folder, each read once."""

    def __init__(self, described: Description) -> None:
        self._described = described
        self._read: dict[str, Dictionary] = {}

    def get(self, key: str, name: str | None) -> Dictionary | None:
        if name is not None and name not in self._read:
            self._read[name] = dictionary.load(self._described.file(name), key)
        return None if name is None else self._read[name]


# --- names --------------------------------------------------------------------------------------------------


def _allowed_name(name: str) -> str:
    """`name` with a hyphen for whatever the store's names may not hold, or nothing where a word ends anyway."""
    name = re.sub(r"[^\w. -]+(?= |$)", "", name)
    short = re.sub(r"[^\w. -]+", "-", name).strip(" .-_")[:100].encode()[:200]
    return short.decode(errors="ignore").rstrip(" .-_")


def model_name(described: Description, name: str | None = None) -> str:
    """The name of the model: `name`, else the project's as far as the store's names allow."""
    if name is None:
        name = _allowed_name(described.lstm.name)
        if not name:
            raise LstmvisError(
                f"{described.path}: name is '{described.lstm.name}', which cannot name a model; choose one with --name."
            )
    return checked_name(name)


def _state_names(described: Description) -> dict[int, str]:
    """The store's name of each of states.types: layer1.state, and more of what is said where that is not enough."""
    ways = [_longer_names(state, described.lstm.states.file) for state in described.lstm.states.types]
    names = {}
    for index, own in enumerate(ways):
        unique = (name for length, name in enumerate(own) if sum(other[length] == name for other in ways) == 1)
        names[index] = next(unique, own[-1])
    return names


def _longer_names(state: StateType, file: str | None) -> list[str]:
    layer = [f"layer{state.layer}" if state.layer[0].isdigit() else state.layer] if state.layer else []
    short = ".".join([*layer, *([state.type] if state.type else [])]) or state.path
    longer = [state.path, state.file or file or "", state.transform]
    return [_allowed_name(".".join([short, *longer[:count]])) for count in range(4)]


def _track_names(described: Description, attempt: _Attempts) -> dict[str, str]:
    names: dict[str, str] = {}
    for given in described.tracks:
        name = _allowed_name(given)
        if not name:
            attempt.mistakes.append(f"meta.{given} cannot name a track; use letters or digits.")
        elif name in names.values():
            attempt.mistakes.append(f"meta.{given} would be the second track called '{name}'; give it another name.")
        names[given] = name
    return names


# --- finding, by shape --------------------------------------------------------------------------------------


def _words(described: Description, dictionaries: _Dictionaries) -> Words:
    entry = described.lstm.word_sequence
    dataset = datasets.find("word_sequence", described.file(entry.file), entry.path)
    of_shape(dataset, "a word id for each step, [steps],", 1)
    return Words(dataset, dictionaries.get("word_sequence.dict_file", entry.dict_file))


def _state(described: Description, index: int, name: str, transform: str | None) -> State:
    entry: StateType = described.lstm.states.types[index]
    key = f"states.types[{index}]"
    file = described.file(entry.file or described.lstm.states.file or "")
    dataset = datasets.find(key, file, entry.path)
    of_shape(dataset, "numbers, [steps, units],", 2)
    if dataset.dtype.kind == "b":
        raise LstmvisError(f"{dataset} holds {dataset.form}; numbers, [steps, units], were expected.")
    for other, earlier in enumerate(described.lstm.states.types[:index]):
        same_file = (earlier.file or described.lstm.states.file) == (entry.file or described.lstm.states.file)
        if same_file and earlier.path == entry.path and (earlier.transform == entry.transform or transform is not None):
            raise LstmvisError(f"{dataset} is also that of states.types[{other}]; leave one of the two out.")
    try:
        checked_name(name, "state")
    except StoreError as error:
        raise LstmvisError(f"{key}: {error}") from error
    chosen = transform or entry.transform
    return State(
        name=name,
        dataset=dataset,
        transform="none" if chosen == "raw" else chosen,
        stated=transform is not None or "transform" in entry.model_fields_set,
        unsigned=entry.unsigned,
    )


def _embedding(described: Description) -> Dataset | None:
    entry = described.lstm.word_embedding
    if entry is None:
        return None
    dataset = datasets.find("word_embedding", described.file(entry.file), entry.path)
    of_shape(dataset, "a vector for each word, [words, size],", 2)
    return dataset


def _track(
    described: Description, given: str, name: str, dictionaries: _Dictionaries, words: Words, steps: int
) -> Track | TopWords:
    entry: Meta = described.tracks[given]
    key = f"meta.{given}"
    dataset = datasets.find(key, described.file(entry.file), entry.path)
    labels = dictionaries.get(f"{key}.dict", entry.dict)
    if entry.kind == "wordvec":
        of_shape(dataset, "word ids, [steps, words],", 2)
        _not_longer(dataset, words)
        scores = None
        if entry.weights_path is not None:
            scores = datasets.find(f"{key}.weights_path", described.file(entry.file), entry.weights_path)
            of_shape(scores, f"a score for each word, {list(dataset.shape)},", 2)
            if scores.shape != dataset.shape:
                raise LstmvisError(
                    f"{scores} holds {scores.form}; a score for each word of '{dataset.path}', {list(dataset.shape)}, "
                    "was expected."
                )
        return TopWords(name, dataset, scores, labels or words.known)
    if len(dataset.shape) == 2 and entry.index == "self":
        raise LstmvisError(
            f"{dataset} holds {dataset.form}; one value a step, [steps], was expected (several words a step are "
            "a track of type: wordvec)."
        )
    text = entry.kind == "discrete" and labels is None
    if entry.index == "word_sequence":
        of_shape(dataset, "a value for each word id, [words],", 1, text)
        track = Track(name, entry.kind, dataset, labels)
        return replace(track, by_word=track.decoded(datasets.read(dataset, 0, dataset.shape[0]), 0))
    of_shape(dataset, "a value for each step, [steps],", 1, text)
    _not_longer(dataset, words)
    return Track(name, entry.kind, dataset, labels)


def _not_longer(dataset: Dataset, words: Words) -> None:
    if dataset.shape[0] > words.dataset.shape[0]:
        raise LstmvisError(
            f"{dataset} holds {dataset.form}, more rows than there are words; at most one for each of the "
            f"{words.dataset.shape[0]:,} words of word_sequence was expected."
        )


def _steps(words: Words, states: list[State], where: str) -> tuple[int, list[str]]:
    """The steps that have words and states, and a note where there are more words."""
    first = states[0].dataset
    steps, there = first.shape[0], words.dataset.shape[0]
    mistakes = [
        f"{state.dataset} holds {state.dataset.form}, but '{first.path}' of {first.file.name} has {steps:,} steps; the "
        "same number of steps was expected of every state."
        for state in states
        if state.dataset.shape[0] != steps
    ]
    if steps > there:
        mistakes.append(
            f"{first} holds {first.form}, more steps than there are words; at most the {there:,} of "
            f"word_sequence ('{words.dataset.path}' of {words.dataset.file.name}) were expected."
        )
    raise_all(mistakes, where)
    if there > steps:
        return steps, [f"the last {there - steps:,} of {there:,} words have no states and are left out"]
    return steps, []


# --- looking at every value ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scan:
    """Goes through all steps, a piece at a time, and says how far it is."""

    steps: int
    rows: int
    progress: Progress

    def through(self, what: str) -> Iterator[tuple[int, int]]:
        for start, stop in datasets.pieces(self.steps, self.rows):
            yield start, stop
            self.progress(f"checking {what}", stop, self.steps)


def _known_words(words: Words, look: _Scan) -> Words:
    seen: set[int] = set()
    for start, stop in look.through("words"):
        ids = words.ids(start, stop)
        if words.dictionary is None:
            seen.update(np.unique(ids).tolist())
    if words.dictionary is None:
        return replace(words, dictionary=dictionary.numbered(seen, f"'{words.dataset.path}'"))
    return words


def _scan_track(track: Track, words: Words, look: _Scan) -> None:
    for start, stop in look.through(track.name):
        track.values(start, stop, words.ids(start, stop))


def _scan_predictions(predictions: TopWords, look: _Scan) -> TopWords:
    seen = ScoreRange()
    for start, stop in look.through(predictions.name):
        predictions.places(start, stop)
        seen.add(predictions.raw_scores(start, stop))
    return replace(predictions, scale="" if predictions.scores is None else seen.scale)


def _scan_state(state: State, look: _Scan) -> State:
    low, high = np.inf, -np.inf
    for start, stop in look.through(state.name):
        values = state.raw(start, stop)
        if state.unsigned and values.min() < 0:
            row, unit = np.argwhere(values < 0)[0]
            raise LstmvisError(
                f"{state.dataset} is {values[row, unit]:g} at step {start + row}, unit {unit}, but is said to be "
                "unsigned; values from 0 were expected. Leave unsigned out, or name the other dataset."
            )
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return replace(state, minimum=low, maximum=high)


# --- conclusions --------------------------------------------------------------------------------------------


def _one_prediction(found: list[Track | TopWords]) -> tuple[list[Track], TopWords | None, list[str]]:
    """The tracks, the predictions (the first track of several words a step), and a note about further ones."""
    tracks = [each for each in found if isinstance(each, Track)]
    several = [each for each in found if isinstance(each, TopWords)]
    notes = [
        f"{each.name} is left out: a model has one set of predictions, here {several[0].name}" for each in several[1:]
    ]
    return tracks, several[0] if several else None, notes


def _coverage_notes(tracks: list[Track], predictions: TopWords | None, steps: int) -> list[str]:
    """Notes about what says nothing of the last steps, and about scores."""
    ends = {track.name: track.dataset.shape[0] for track in tracks if track.by_word is None}
    notes = []
    if predictions is not None:
        ends[predictions.name] = predictions.ids.shape[0]
        if predictions.scores is None:
            notes.append(f"{predictions.name} has no scores (weights_path): its words are shown without probabilities")
        elif predictions.scale == "logarithm":
            notes.append(f"no score of {predictions.name} is above 0: they are taken as logarithms of probabilities")
        elif predictions.scale == "other":
            notes.append(
                f"the scores of {predictions.name} are neither probabilities nor their logarithms: they rank its "
                "words, which are shown without probabilities"
            )
        notes.append(TARGETLESS)
    return [f"{name} covers the first {end:,} of {steps:,} steps" for name, end in ends.items() if end < steps] + notes


def _transform_notes(states: list[State]) -> list[str]:
    return [
        f"{state.name} lies within -1 and 1 before tanh, which LSTMVis applies where lstm.yml says nothing: if these "
        "are outputs that were squashed before, choose transform: none"
        for state in states
        if state.transform == "tanh" and not state.stated and max(abs(state.minimum), abs(state.maximum)) <= 1
    ]


def _precision(states: list[State], asked: str | None, where: str) -> tuple[str, list[str]]:
    """The precision to store states in, and why it is not half."""
    beyond = [f"the values of {state.name} {state.beyond_half}" for state in states if state.beyond_half]
    if beyond and asked == "float16":
        raise LstmvisError(f"{where}: {beyond[0]}; float32 is needed, or a transform.")
    huge = [state for state in states if max(map(abs, state.range)) > float(np.finfo(np.float32).max)]
    if huge:
        raise LstmvisError(
            f"{huge[0].dataset} reaches {max(map(abs, huge[0].range)):g}, beyond single precision; transform it."
        )
    if beyond and asked is None:
        return "float32", [f"{sentence}: all states are stored in single precision" for sentence in beyond]
    return asked or "float16", []


def _vocabulary(words: Dictionary, predictions: TopWords | None) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The words of both dictionaries, each once, and the place in them of each word of either."""
    predicted = predictions.dictionary.words if predictions is not None else ()
    places = {word: place for place, word in enumerate(dict.fromkeys([*words.words, *predicted]))}
    return (
        tuple(places),
        np.array([places[word] for word in words.words], np.int32),
        np.array([places[word] for word in predicted], np.int32),
    )
