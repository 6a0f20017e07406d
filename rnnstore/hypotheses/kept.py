"""Hypotheses kept: a selection with a name and a note, saved in the store, run again elsewhere, compared.

One is a small JSON file in the store's folder `hypotheses`, readable by eye and sent by mail; it says what was selected
(words, steps, threshold, limits, units left out and pinned) and which units that gave. It stays when its model is
deleted or recorded anew: run again, the words say where to look.

Another model, state or part of the corpus is asked in one of two ways: by the words, which select units of their own
where they stand there; or by the units themselves, where the state is the same. Unit numbers mean nothing in another
state, so what was left out or pinned by hand counts only where state and model are the same.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import filelock
import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rnnstore.errors import Busy, DamagedModel, QuestionError, StoreError, cause, nearest
from rnnstore.hypotheses.worth import BLOCK, Base, Places, base, places, worth
from rnnstore.matching.selection import MOST_OFF, Selection, select
from rnnstore.statistics import wilson
from rnnstore.store.card import checked_name
from rnnstore.store.documents import parsed
from rnnstore.store.folder import Problem, Store
from rnnstore.store.layout import new_id
from rnnstore.store.model import Model
from rnnstore.store.staging import explain_disk_errors

FOLDER = "hypotheses"

FORMAT = 1

SUFFIX = ".json"

MOST_BYTES = 1_000_000
"""Bytes of a file that is taken for hypotheses."""

MOST_WORDS = 10_000
"""Words of a hypothesis; looking for them takes a pass over the corpus each."""

LONGEST_NOTE = 20_000
"""Characters of a note."""

WAIT = 5
"""Seconds that a writer waits for another one, which takes milliseconds."""

Unit = Annotated[int, Field(ge=0, lt=2**31)]
Step = Annotated[int, Field(ge=0, lt=2**62)]
Length = Annotated[int, Field(ge=1, lt=2**62)]


class Hypothesis(BaseModel):
    """A named selection: steps start..stop-1 of a model's state, their words, and the units that they select.

    `left_out` and `pinned` are units taken out and put in by hand, `units` all that a match is asked with; matches have
    `shortest` to `longest` steps (None: any).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    name: str
    note: str = Field(default="", max_length=LONGEST_NOTE)
    model: str = Field(max_length=200)
    state: str = Field(max_length=200)
    start: Step
    stop: Length
    words: tuple[str, ...] = Field(max_length=MOST_WORDS)
    threshold: float = Field(allow_inf_nan=False)
    off_before: int = Field(default=0, ge=0, le=MOST_OFF)
    off_after: int = Field(default=0, ge=0, le=MOST_OFF)
    left_out: tuple[Unit, ...] = ()
    pinned: tuple[Unit, ...] = ()
    units: tuple[Unit, ...] = ()
    shortest: Length = 1
    longest: Length | None = None
    created: str = ""

    @model_validator(mode="after")
    def _steps_are_its_words(self) -> Hypothesis:
        if len(self.words) != self.stop - self.start:
            raise ValueError(f"it has {len(self.words)} words for steps {self.start} to {self.stop} (half-open)")
        return self

    @property
    def text(self) -> str:
        """The words as one text."""
        return " ".join(self.words)

    @property
    def quoted(self) -> str:
        """The words as a sentence quotes them, the first 200 characters."""
        text = self.text
        return repr(text if len(text) <= 200 else f"{text[:199]}…")


def form(
    model: Model,
    selection: Selection,
    name: str,
    note: str = "",
    left_out: tuple[int, ...] = (),
    pinned: tuple[int, ...] = (),
    shortest: int = 1,
    longest: int | None = None,
) -> Hypothesis:
    """The hypothesis that a selection makes, with the words and units that it has now; raises `QuestionError`."""
    if selection.stop - selection.start > MOST_WORDS:
        raise QuestionError(
            f"The selection has {selection.stop - selection.start:,} words; a hypothesis is kept of {MOST_WORDS:,} at "
            "most. Choose fewer."
        )
    if len(note) > LONGEST_NOTE:
        raise QuestionError(f"The note has {len(note):,} characters; {LONGEST_NOTE:,} at most are kept. Shorten it.")
    units = select(model, selection, left_out, pinned).units
    words = model.words(selection.start, selection.stop)["word"].to_pylist()
    return Hypothesis(
        name=checked_name(name.strip(), "hypothesis"),
        note=note,
        model=model.name,
        state=selection.state,
        start=selection.start,
        stop=selection.stop,
        words=tuple(words),
        threshold=float(selection.threshold),
        off_before=selection.off_before,
        off_after=selection.off_after,
        left_out=tuple(sorted(set(left_out))),
        pinned=tuple(sorted(set(pinned))),
        units=tuple(units.tolist()),
        shortest=shortest,
        longest=longest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


# Keeping


@dataclass(frozen=True)
class Saved:
    """The hypotheses of a store by name, and the files that are none, each with a sentence that says why."""

    hypotheses: dict[str, Hypothesis]
    problems: list[Problem]


def save(store: Store, hypothesis: Hypothesis, *, replace: bool = False) -> None:
    """Keep a hypothesis in the store, whole or not at all; another of its name is replaced only when asked."""
    name = checked_name(hypothesis.name, "hypothesis")
    with _writing(store, f"saving the hypothesis {name}") as folder:
        if not replace and (folder / f"{name}{SUFFIX}").exists():
            raise StoreError(f"There is a hypothesis {name!r} already; choose another name or replace it.")
        _write(folder, hypothesis)


def saved(store: Store) -> Saved:
    """All hypotheses of the store, by name."""
    found, problems = {}, []
    folder = store.path / FOLDER
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except FileNotFoundError:
        paths = []
    except OSError as error:
        raise StoreError(f"The folder {FOLDER} of the store cannot be read ({error.strerror}).") from error
    for path in paths:
        try:
            found[path.stem] = _read(path)
        except DamagedModel as error:
            problems.append(Problem(path.stem, str(error)))
        except FileNotFoundError:  # deleted in between
            continue
    return Saved(found, problems)


def load(store: Store, name: str) -> Hypothesis:
    """The hypothesis of that name; a `StoreError` with the nearest names, or what is wrong with its file."""
    try:
        return _read(_path(store, name))
    except FileNotFoundError:
        known = saved(store).hypotheses
        raise StoreError(f"The store has no hypothesis {name!r}: {nearest(name, known)}") from None


def rename(store: Store, old: str, new: str) -> None:
    """Give a hypothesis another name."""
    hypothesis, new = load(store, old), checked_name(new.strip(), "hypothesis")
    if old == new:
        return
    with _writing(store, f"renaming the hypothesis {old}") as folder:
        if (folder / f"{new}{SUFFIX}").exists():
            raise StoreError(f"There is a hypothesis {new!r} already; choose another name or delete it first.")
        _write(folder, hypothesis.model_copy(update={"name": new}))
        _path(store, old).unlink(missing_ok=True)


def delete(store: Store, name: str) -> None:
    """Delete a hypothesis, or a damaged file of that name."""
    if not _path(store, name).exists():
        load(store, name)  # raises
    with _writing(store, f"deleting the hypothesis {name}"):
        _path(store, name).unlink(missing_ok=True)


def _path(store: Store, name: str) -> Path:
    return store.path / FOLDER / f"{checked_name(name, 'hypothesis')}{SUFFIX}"


@contextmanager
def _writing(store: Store, doing: str) -> Iterator[Path]:
    """The folder of the hypotheses, for one writer at a time."""
    store.check_writable(doing)
    folder = store.path / FOLDER
    with explain_disk_errors(doing):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise StoreError(f"{folder} is a file; the hypotheses need a folder of that name. Move it away.") from None
        try:
            with filelock.FileLock(folder / ".lock", timeout=WAIT):
                yield folder
        except filelock.Timeout:
            raise Busy("Another process is writing the store's hypotheses; try again.") from None


def _write(folder: Path, hypothesis: Hypothesis) -> None:
    path = folder / f".{new_id()}.new"
    try:
        with open(path, "wb") as file:
            file.write(written(hypothesis))
            file.flush()
            os.fsync(file.fileno())
        os.replace(path, folder / f"{hypothesis.name}{SUFFIX}")
    finally:
        path.unlink(missing_ok=True)


def _read(path: Path) -> Hypothesis:
    """The hypothesis in a file, named as the file is; `DamagedModel` with a sentence that names it."""
    shown, mending = f"{FOLDER}/{path.name}", "Delete it and save the hypothesis again."
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedModel(f"{shown} cannot be read ({cause(error)}). {mending}") from error
    return parsed(content, Hypothesis, shown=shown, what="hypothesis", newest=FORMAT, mending=mending, name=path.stem)


# Giving away


def written(hypothesis: Hypothesis) -> bytes:
    """A hypothesis as the small file that it is in a store, to be sent and received elsewhere."""
    return json.dumps(hypothesis.model_dump(), ensure_ascii=False, indent=1).encode()


def written_together(hypotheses: Iterable[Hypothesis]) -> bytes:
    """Several hypotheses as one file."""
    several = [hypothesis.model_dump() for hypothesis in hypotheses]
    return json.dumps({"format": FORMAT, "hypotheses": several}, ensure_ascii=False, indent=1).encode()


_TOGETHER = re.compile(rb'\s*\{\s*"format"\s*:\s*\d+\s*,\s*"hypotheses"\s*:')


class _Several(BaseModel):
    format: int
    hypotheses: tuple[Hypothesis, ...] = Field(min_length=1)


def received(content: bytes, shown: str = "The file") -> list[Hypothesis]:
    """The hypotheses in the bytes of a file from elsewhere, which a sentence about it calls `shown`.

    It is what `written` or `written_together` gave.

    Raises `DamagedModel` for what is too large, no JSON, no hypothesis, of a newer format, or damaged, and `StoreError`
    for a name that cannot be one. Whether the hypothesis fits a store, `unfit` says.
    """
    mending = "Ask for the file again, as rnnstore wrote it."
    if len(content) > MOST_BYTES:
        raise DamagedModel(
            f"{shown} has {len(content):,} bytes; a file of hypotheses has at most {MOST_BYTES:,}. Choose such a file."
        )
    told = {"shown": shown, "what": "hypothesis", "newest": FORMAT, "mending": mending}
    if _TOGETHER.match(content):
        found = list(parsed(content, _Several, **told).hypotheses)
    else:
        found = [parsed(content, Hypothesis, **told)]
    for hypothesis in found:
        checked_name(hypothesis.name, "hypothesis")
    return found


def unfit(store: Store, hypothesis: Hypothesis) -> str:
    """Why a hypothesis is not, in this store, what it was where it was formed: a sentence, empty when it is."""
    words = "Its words can still be looked for, in any model of this store."
    try:
        model = store.model(hypothesis.model)
        units = model.state(hypothesis.state).units
    except StoreError as error:
        return f"{error} {words}"
    named = max((*hypothesis.units, *hypothesis.left_out, *hypothesis.pinned), default=0)
    if named >= units:
        return (
            f"It names unit {named:,} of {hypothesis.state}, and in {model.name} of this store that state has units 0 "
            f"to {units - 1:,}: it is another network of the same name. {words}"
        )
    if not _stands(model, hypothesis):
        return (
            f"At steps {hypothesis.start:,} to {hypothesis.stop - 1:,} {model.name} of this store reads other words "
            f"than {hypothesis.quoted}: it was recorded over another text. {words}"
        )
    return ""


# Running again


@dataclass(frozen=True)
class Rerun:
    """A hypothesis asked of a model's state within steps start..stop-1: what it selects there, and where it matches.

    `selection` is where its words stand there (None when it was asked by units, which are `units`); `hits` counts the
    places where the words stand. `found` are the matches, the selection's own place not counted.
    """

    hypothesis: Hypothesis
    model: Model
    state: str
    start: int
    stop: int
    selection: Selection | None
    units: np.ndarray
    hits: int
    found: Places
    note: str


def rerun(
    model: Model,
    hypothesis: Hypothesis,
    *,
    state: str | None = None,
    start: int = 0,
    stop: int | None = None,
    by: str = "words",
    minimum_overlap: int | None = None,
) -> Rerun:
    """The hypothesis asked of `model`, in `state` (without one: its own), within steps start..stop-1 of the corpus.

    By "words": where they stand there they select units anew; where they stand several times, the place of the
    hypothesis if it is one of them, else the first. By "units": its units are asked as they are. Raises
    `QuestionError` when the words do not stand there, or the state has no such units.
    """
    state = hypothesis.state if state is None else state
    stop = model.steps if stop is None else stop
    facts = model.state(state)
    if not 0 <= start < stop <= model.steps:
        raise QuestionError(
            f"Steps {start:,} to {stop:,} (half-open) are no part of the corpus of {model.name!r}, which has "
            f"steps 0 to {model.steps:,}."
        )
    own = model.name == hypothesis.model and state == hypothesis.state
    selection, hits = None, 0
    if by == "units":
        if state != hypothesis.state or max(hypothesis.units, default=0) >= facts.units:
            raise QuestionError(
                f"The units of {hypothesis.name!r} are of {hypothesis.state!r} and mean nothing in {state!r} of "
                f"{model.name!r}, which has {facts.units} units of its own. Run it by its words."
            )
        units = np.array(hypothesis.units, np.int64)
        said = f"The {len(units)} units of {hypothesis.name} in {state} of {model.name}"
        said += "" if own else ", which mean the same only if it is the same network"
    elif by == "words":
        place, hits = _place(model, hypothesis, start, stop)
        length = hypothesis.stop - hypothesis.start
        selection = Selection(
            state, place, place + length, hypothesis.threshold, hypothesis.off_before, hypothesis.off_after
        )
        by_hand = {"left_out": hypothesis.left_out, "pinned": hypothesis.pinned} if own else {}
        units = select(model, selection, **by_hand).units
        said = f"{hypothesis.quoted} at step {place:,} ({hits:,} place{'' if hits == 1 else 's'}) selects {len(units)} "
        said += f"units of {state} of {model.name}"
        if not own and (hypothesis.left_out or hypothesis.pinned):
            said += "; what was left out or pinned by hand is not, for these are other units"
    else:
        raise QuestionError(f"A hypothesis cannot be run again by {by!r}: {nearest(by, ('words', 'units'))}")
    place = selection or hypothesis
    counts = selection is not None or (model.name == hypothesis.model and _stands(model, hypothesis))
    apart = (place.start, place.stop) if counts else None
    found = places(
        model,
        state,
        units,
        hypothesis.threshold,
        hypothesis.off_before,
        hypothesis.off_after,
        minimum_overlap=minimum_overlap if minimum_overlap is None else min(minimum_overlap, max(len(units), 1)),
        minimum_length=hypothesis.shortest,
        maximum_length=hypothesis.longest,
        apart_from=apart,
    )
    inside = found.within(start, stop)
    if (start, stop) != (0, model.steps):
        said += f", matches within steps {start:,} to {stop - 1:,}"
    return Rerun(hypothesis, model, state, start, stop, selection, units, hits, inside, f"{said}. {inside.note}")


def _stands(model: Model, hypothesis: Hypothesis) -> bool:
    """Whether the words of a hypothesis stand where they stood when it was formed."""
    if hypothesis.stop > model.steps:
        return False
    return tuple(model.words(hypothesis.start, hypothesis.stop)["word"].to_pylist()) == hypothesis.words


def _place(model: Model, hypothesis: Hypothesis, start: int, stop: int) -> tuple[int, int]:
    """The step at which the words of a hypothesis stand within start..stop-1, and how many places there are."""
    known = {word: index for index, word in enumerate(model.vocabulary)}
    for word in hypothesis.words:
        if word not in known:
            raise QuestionError(
                f"The words {hypothesis.quoted} stand nowhere in the corpus of {model.name!r}: no step reads "
                f"{word[:100]!r}."
            )
    wanted = [known[word] for word in hypothesis.words]
    steps = np.concatenate([np.zeros(0, np.int64), *_places_of(model, wanted, start, stop)])
    if not len(steps):
        where = "" if (start, stop) == (0, model.steps) else f" within steps {start:,} to {stop - 1:,}"
        raise QuestionError(
            f"The words {hypothesis.quoted} stand nowhere in the corpus of {model.name!r}{where}, in this order."
        )
    here = model.name == hypothesis.model and hypothesis.start in steps
    return (hypothesis.start if here else int(steps[0])), len(steps)


def _places_of(model: Model, wanted: list[int], start: int, stop: int) -> Iterator[np.ndarray]:
    """int64[n] of the steps within start..stop-1 at which these word ids follow each other in one sequence, by blocks.

    Unlike a search, this tells blanks apart, and gives places that overlap.
    """
    more = len(wanted) - 1
    for first in range(start, stop, BLOCK):
        ids = model.word_ids(first, min(stop, first + BLOCK + more))
        fits = np.ones(max(0, len(ids) - more), bool)
        for ahead, word in enumerate(wanted):
            fits &= ids[ahead : ahead + len(fits)] == word
        steps = np.flatnonzero(fits) + first
        sequence = [np.searchsorted(model.sequence_starts, steps + offset, "right") for offset in (0, more)]
        yield steps[sequence[0] == sequence[1]]


# Comparing


@dataclass(frozen=True)
class Comparison:
    """How far two hypotheses find the same places, and how far both agree with a track.

    `same_corpus` says whether both were asked of the same words; if not, places cannot be compared and the shares are
    NaN. `first_shared` of the first's matches touch one of the second's, `second_shared` the other way round;
    `steps_shared` of the `steps_either` steps of both are in both, and `jaccard` is their share. `table` has a row for
    each label: label, corpus_share (of the first's corpus), and for first and second the count, share, low, high (95 %)
    of matches that start with it; without a track it has no rows.
    """

    first: Rerun
    second: Rerun
    same_corpus: bool
    first_shared: int
    second_shared: int
    steps_shared: int
    steps_either: int
    table: pa.Table

    @property
    def jaccard(self) -> float:
        if not self.same_corpus or not self.steps_either:
            return float("nan")
        return self.steps_shared / self.steps_either

    @property
    def note(self) -> str:
        """A sentence with every number and its count."""
        if not self.same_corpus:
            return "They were asked of different corpora, so their places cannot be compared."
        one, other = len(self.first.found), len(self.second.found)
        if not one or not other:
            return f"{one:,} and {other:,} matches: there is nothing to compare."
        return (
            f"{self.first_shared:,} of the first's {one:,} matches touch one of the second's, {self.second_shared:,} "
            f"of the second's {other:,} one of the first's; {self.steps_shared:,} of {self.steps_either:,} steps are "
            f"in both (Jaccard {self.jaccard:.3f})."
        )


def compare(first: Rerun, second: Rerun, track: str | None = None, against: Base | None = None) -> Comparison:
    """Two hypotheses, as they were run, side by side; `track` is a discrete track of both models."""
    same = _same_corpus(first.model, second.model)
    shared = [0, 0, 0, 0]
    if same:
        one, other = first.found.steps, second.found.steps
        both = len(np.intersect1d(one, other, assume_unique=True))
        touched = [int(_touches(a.found, steps).sum()) for a, steps in ((first, other), (second, one))]
        shared = [*touched, both, len(one) + len(other) - both]
    return Comparison(first, second, same, *shared, _agreement(first, second, track, against))


def _agreement(first: Rerun, second: Rerun, track: str | None, against: Base | None) -> pa.Table:
    numbers = [f"{side}_{what}" for side in ("first", "second") for what in ("count", "share", "low", "high")]
    if track is None:
        columns = [("label", pa.string()), ("corpus_share", pa.float64())]
        return pa.schema([*columns, *((name, pa.float64()) for name in numbers)]).empty_table()
    for run in (first, second):
        if track in run.model.tracks and run.model.tracks[track].kind != "discrete":
            raise QuestionError(f"Track {track!r} holds numbers; agreement needs a track of labels.")
    corpus = against or base(first.model, track)
    told = [worth(first.model, first.found, track, against=corpus)]
    told.append(worth(second.model, second.found, track, against=corpus if second.model is first.model else None))
    starts = [dict(zip(one.table["label"].to_pylist(), one.table["starts"].to_pylist(), strict=True)) for one in told]
    labels = sorted(set(starts[0]) | set(starts[1]), key=lambda label: (-corpus.counts.get(label, 0), label))
    columns = {
        "label": pa.array(labels, pa.string()),
        "corpus_share": [corpus.counts.get(label, 0) / corpus.steps for label in labels],
    }
    for side, counts, run in zip(("first", "second"), starts, (first, second), strict=True):
        hits, of = np.array([counts.get(label, 0) for label in labels]), len(run.found)
        low, high = wilson(hits, of)
        share = hits / of if of else np.full(len(labels), np.nan)
        columns |= dict(
            zip((f"{side}_{what}" for what in ("count", "share", "low", "high")), (hits, share, low, high), strict=True)
        )
    return pa.table(columns)


def _touches(found: Places, steps: np.ndarray) -> np.ndarray:
    """bool[n]: which places have one of the steps, which ascend."""
    return np.searchsorted(steps, found.stop) > np.searchsorted(steps, found.start)


def _same_corpus(one: Model, other: Model) -> bool:
    """Whether both models were recorded over the same words in the same sequences."""
    if one is other or (one.folder, one.card) == (other.folder, other.card):
        return True
    if one.steps != other.steps or not np.array_equal(one.sequence_starts, other.sequence_starts):
        return False
    mine = {word: index for index, word in enumerate(one.vocabulary)}
    there = np.array([mine.get(word, -1) for word in other.vocabulary], np.int64)
    for begin in range(0, one.steps, BLOCK):
        end = min(one.steps, begin + BLOCK)
        if not np.array_equal(one.word_ids(begin, end), there[other.word_ids(begin, end)]):
            return False
    return True
