"""Saved hypotheses: a selection with a name and a note, as a small JSON file in the store's folder `hypotheses`.

It is readable by eye and says what was selected (words, steps, threshold, limits, units left out and pinned) and which
units that gave. It stays when its model is deleted or recorded anew: run again (`reruns`), the words say where to look.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import filelock
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rnnstore.errors import Busy, DamagedModel, QuestionError, StoreError, cause, suggest
from rnnstore.matching.selection import MOST_OFF, Selection, select
from rnnstore.store import disk
from rnnstore.store.card import checked_name
from rnnstore.store.documents import parsed
from rnnstore.store.folder import Problem, Store
from rnnstore.store.model import Model
from rnnstore.store.staging import explain_disk_errors

FOLDER = "hypotheses"

FORMAT = 1

SUFFIX = ".json"

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

    `left_out` and `pinned` are units taken out and put in by hand, `units` all that matches are searched with; matches
    have `shortest` to `longest` steps (None: any).
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


def from_selection(
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
            f"The selection has {selection.stop - selection.start:,} words; a hypothesis has {MOST_WORDS:,} at "
            "most. Choose fewer."
        )
    if len(note) > LONGEST_NOTE:
        raise QuestionError(f"The note has {len(note):,} characters; {LONGEST_NOTE:,} at most are saved. Shorten it.")
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


@dataclass(frozen=True)
class Saved:
    """The hypotheses of a store by name, and the files that are none, each with a sentence that says why."""

    hypotheses: dict[str, Hypothesis]
    problems: list[Problem]


def save(store: Store, hypothesis: Hypothesis, *, replace: bool = False) -> None:
    """Save a hypothesis in the store, whole or not at all; another of its name is replaced only with `replace`."""
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
        raise StoreError(f"The store has no hypothesis {name!r}: {suggest(name, known)}") from None


def rename(store: Store, old: str, new: str) -> None:
    """Give a hypothesis another name."""
    hypothesis, new = load(store, old), checked_name(new.strip(), "hypothesis")
    if old == new:
        return
    with _writing(store, f"renaming the hypothesis {old}") as folder:
        if (folder / f"{new}{SUFFIX}").exists():
            raise StoreError(f"There is a hypothesis {new!r} already; choose another name or delete it first.")
        _write(folder, hypothesis.model_copy(update={"name": new}))
        _remove(_path(store, old))


def delete(store: Store, name: str) -> None:
    """Delete a hypothesis, or a damaged file of that name."""
    if not _path(store, name).exists():
        load(store, name)  # raises
    with _writing(store, f"deleting the hypothesis {name}"):
        _remove(_path(store, name))


def _path(store: Store, name: str) -> Path:
    return store.path / FOLDER / f"{checked_name(name, 'hypothesis')}{SUFFIX}"


@contextmanager
def _writing(store: Store, doing: str) -> Iterator[Path]:
    """The folder of the hypotheses, for one writer at a time."""
    store.check_writable(doing)
    folder = store.path / FOLDER
    with explain_disk_errors(doing):
        try:
            disk.make_folders([folder])
        except (FileExistsError, NotADirectoryError):
            raise StoreError(f"{folder} is a file; the hypotheses need a folder of that name. Move it away.") from None
        try:
            with filelock.FileLock(folder / ".lock", timeout=WAIT):
                yield folder
        except filelock.Timeout:
            raise Busy("Another process is writing the store's hypotheses; try again.") from None


def _write(folder: Path, hypothesis: Hypothesis) -> None:
    with disk.replacing(folder / f"{hypothesis.name}{SUFFIX}") as file:
        file.write(serialised(hypothesis))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    disk.sync_folders([path.parent])


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


def serialised(hypothesis: Hypothesis) -> bytes:
    """A hypothesis as the small file that it is in a store, to be sent and read elsewhere."""
    return json.dumps(hypothesis.model_dump(), ensure_ascii=False, indent=1).encode()
