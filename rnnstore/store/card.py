"""A model's card: the facts about it, and the list of files that make up its tables.

The card is a JSON file in the model's folder, and replacing it is the one moment at which anything becomes visible: a
file that the card does not list does not exist for the store, a listed file must have the listed size. That is what
makes a table appear whole or not at all, and a truncated copy noticed without reading it. Checksums of all files, and
of the card itself, stand in it too; opening a model does not read them, `python -m rnnstore check` does.
"""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rnnstore.errors import DamagedModel, StoreError, cause
from rnnstore.store import checksums, disk
from rnnstore.store.documents import parsed
from rnnstore.store.limits import MOST_BYTES, MOST_UNITS, Bytes, Finite, Short, Steps, Text, plain, portable, text
from rnnstore.store.tables import FORMAT, TABLES, VECTORS, of_key

CARD = "card.json"

MENDING = "Copy the model again, or record it anew under the same name; `python -m rnnstore check` says more."

NO_CARD = "Copy the model again, or delete it and record it anew."

_ALLOWED = re.compile(r"[^\W_][\w. -]{0,99}")
_FILE = re.compile(r"[\w.-]+")
_BYTES = 200  # file systems end names at 255 bytes, and this program puts a few before and behind

Size = Annotated[int, Field(ge=0, lt=2**31)]

Checksum = Annotated[str, Field(pattern="^([0-9a-f]{8})?$")]
"""CRC-32 of a file's bytes; empty where nobody took it."""

Edition = Annotated[str, Field(pattern="^[0-9A-Za-z-]{0,64}$")]
"""Names the files that a card lists: another one whenever they are others, so that a reader can hold on to them."""


def checked_name(name: str, what: str = "model") -> str:
    """`name`, when it can name a `what` (model, state or track); a `StoreError` that says why otherwise."""
    allowed = isinstance(name, str) and _ALLOWED.fullmatch(name) and portable(name)
    if not allowed or len(name.encode()) > _BYTES:
        raise StoreError(
            f"{name!r} cannot name a {what}: letters, digits, '.', '_', '-' and spaces are allowed, beginning with a "
            f"letter or digit, at most 100 long and {_BYTES} bytes, so that it can name a folder (it is no path)."
        )
    return name


def _name(name: str) -> str:
    try:
        return checked_name(name, "state or track")
    except StoreError:
        raise ValueError("cannot name a state or track, since it can name no folder") from None


def _inside(path: str) -> str:
    pure = PurePosixPath(text(path))
    if pure.is_absolute() or ".." in pure.parts or "\\" in path:
        raise ValueError("lies outside the model's folder")
    if path != pure.as_posix() or len(path) > 1000 or not all(map(portable, pure.parts)):
        raise ValueError("cannot name a file on every operating system")
    return path


Inside = Annotated[str, AfterValidator(_inside)]
"""Path of a file inside the model's folder."""

Name = Annotated[str, AfterValidator(_name)]
"""Name of a state or a track, which names a folder."""


class _Entry(BaseModel):
    # JSON has no NaN: a perplexity that overflowed is written as text and read as a number again.
    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")


class File(_Entry):
    """A block of a table: path inside the model's folder, size in bytes, rows, and first step (where it has steps)."""

    path: Inside
    bytes: Bytes
    rows: Steps
    first: Steps = 0
    crc32: Checksum = ""


def _at_their_places(files: dict[str, tuple[File, ...]]) -> dict[str, tuple[File, ...]]:
    """The files by table, each in the folder of its table, which gives its rows their state or track in SQL."""
    for key, blocks in files.items():
        name, _, inner = key.partition("/")
        table = TABLES["states"] if name == VECTORS else of_key(key)
        if table is None:
            continue
        if bool(inner) != bool(table.folder):
            raise ValueError(f"list files of {key}, which is no table")
        where = f"{name}/{table.folder}={_name(inner)}" if inner else name
        kind = ".npy" if name == VECTORS else ".parquet"
        for block in blocks:
            folder, _, file = block.path.rpartition("/")
            if folder != where or not _FILE.fullmatch(file) or not file.endswith(kind):
                raise ValueError(f"list a file of {key} that is not at {where}/<file>{kind}")
    return files


class OwnFile(_Entry):
    """A file beside the tables, of whoever made the model (weights, settings): path, size in bytes, checksum."""

    path: Inside
    bytes: Bytes
    crc32: Checksum = ""


class Metric(_Entry):
    """A result with the split it was measured on, for example perplexity, test, 115.2."""

    name: Short
    split: Short
    value: float


class State(_Entry):
    """A recorded time series: how many units, stored as what, the range of its values, thresholds of recorded runs."""

    name: Name
    units: int = Field(ge=1, le=MOST_UNITS)
    dtype: Literal["float16", "float32"] = "float16"
    minimum: Finite
    maximum: Finite
    thresholds: tuple[Finite, ...] = Field(default=(), max_length=1000)


class Track(_Entry):
    """A recorded annotation: labels (by falling frequency, at most 200) or numbers with their range, whether all of
    them are whole (None: not known); who says so."""

    name: Name
    kind: Literal["discrete", "scalar"]
    labels: tuple[Text, ...] = Field(default=(), max_length=200)
    distinct: Steps = 0
    minimum: float | None = None
    maximum: float | None = None
    whole: bool | None = None
    source: Text = ""


class Card(_Entry):
    """What a model is, and which files hold it.

    `derived` names the facts that a recording found itself, which the next one finds anew; `notes` are sentences about
    what a recording left out. `own_files` are those in folders of `ModelWriter.folder`, as its writer left them; while
    one is being written, and after it was killed, they are not listed. `crc32` is the checksum of the card's own text
    with this last value left empty.
    """

    format: Size = FORMAT
    created: Short
    description: Text = ""
    task: Short = ""
    cell: Short = ""
    layers: Size | None = None
    units: Size | None = None
    embedding: Size | None = None
    parameters: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    corpus: Text = ""
    level: Short = "word"
    vocabulary: Size | None = None
    metrics: tuple[Metric, ...] = Field(default=(), max_length=100)
    settings: Annotated[dict[str, Any], AfterValidator(plain)] = {}
    derived: tuple[Short, ...] = Field(default=(), max_length=100)
    notes: tuple[Text, ...] = Field(default=(), max_length=1000)
    recorded: Text = ""
    steps: Steps = 0
    states: dict[Name, State] = Field(default={}, max_length=1000)
    tracks: dict[Name, Track] = Field(default={}, max_length=1000)
    predictions_per_step: int = Field(default=0, ge=0, lt=2**15)
    edition: Edition = ""
    files: Annotated[dict[Short, tuple[File, ...]], AfterValidator(_at_their_places)] = {}
    own_files: tuple[OwnFile, ...] = ()
    crc32: Checksum = ""


FACTS = (
    "description", "task", "cell", "layers", "units", "embedding", "parameters", "corpus", "level", "vocabulary",
    "metrics", "settings",
)  # fmt: skip
"""The fields of a card that whoever made the model says about it; the others follow from what was written."""

RECORDED = ("steps", "states", "tracks", "predictions_per_step", "notes", "recorded")
"""What a card says of a recording besides its files."""


def read_card(folder: Path) -> Card:
    """The card of a model's folder, its files checked to be there in the listed size.

    Raises `DamagedModel` with a sentence when the folder holds no model, a newer format, or damaged files.
    """
    card = card_alone(folder)
    while wrong := _wrong_file(folder, card):
        card, before = card_alone(folder), card
        if card.files == before.files:  # else a writer replaced the tables in between: look at the new ones
            raise DamagedModel(wrong)
    return card


def card_alone(folder: Path) -> Card:
    """The card of a model's folder, whatever became of the files that it lists; raises `DamagedModel`."""
    shown = f"{folder.name}/{CARD}"
    try:
        if not stat.S_ISREG(os.stat(folder / CARD).st_mode):
            raise DamagedModel(f"{shown} is no plain file. {NO_CARD}")
        with open(folder / CARD, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise DamagedModel(
            f"{folder.name} is no model: it holds no {CARD}. Delete the folder, or copy the whole model again."
        ) from None
    except OSError as error:
        raise DamagedModel(f"{shown} cannot be read ({cause(error)}). {MENDING}") from error
    return card_in(content, shown)


def card_in(content: bytes, shown: str) -> Card:
    """The card that a text is, called `shown` where it is none; raises `DamagedModel`."""
    if len(content) > MOST_BYTES:
        raise DamagedModel(f"{shown} has more than {MOST_BYTES:,} bytes, which no card has. {NO_CARD}")
    return parsed(content, Card, shown=shown, what="card of a model", newest=FORMAT, mending=NO_CARD)


def _wrong_file(folder: Path, card: Card) -> str:
    """A sentence about the first file that is not there in the listed size, with its end; empty when all are."""
    return next(wrong_files(folder, card), ("", ""))[1]


def wrong_files(folder: Path, card: Card) -> Iterator[tuple[str, str]]:
    """(table, sentence) for every file that is not there in the listed size, with its end, and for every table that
    holds other steps or units than the card says."""
    for table, sentence in _disagreements(card):
        yield table, f"{folder.name}/{CARD} is damaged: {sentence} {MENDING}"
    for table, files in card.files.items():
        for file in files:
            end = b""
            try:
                found = os.stat(folder / file.path)
                if not stat.S_ISREG(found.st_mode):
                    yield table, f"{folder.name}/{file.path} (table {table}) is no plain file. {MENDING}"
                    continue
                size = found.st_size
                if file.path.endswith(".parquet") and size == file.bytes > 4:
                    with open(folder / file.path, "rb", buffering=0) as opened:
                        opened.seek(-4, os.SEEK_END)
                        end = opened.read(4)
            except OSError:
                yield table, f"{folder.name} lacks the file {file.path} of its table {table}. {MENDING}"
                continue
            if size != file.bytes:
                yield (
                    table,
                    f"{folder.name}/{file.path} (table {table}) has {size:,} bytes instead of {file.bytes:,}: it is "
                    f"truncated or was changed. {MENDING}",
                )
            elif end not in (b"", b"PAR1"):  # zeros, after a loss of power
                yield table, f"{folder.name}/{file.path} (table {table}) is no Parquet file any more. {MENDING}"


def _disagreements(card: Card) -> Iterator[tuple[str, str]]:
    """(table, sentence) for what a card says of its recording and its files do not hold: nobody allocates for steps
    and units that are not there."""
    for kind, named in (("state", card.states), ("track", card.tracks)):
        for name, one in named.items():
            if one.name != name:
                yield "tokens", f"its {kind} {name} is called {one.name} in another place."
    needed = ["tokens"] if card.steps else []
    needed += [f"{table}/{state}" for state in card.states for table in ("states", VECTORS)]
    needed += [f"annotations/{track}" for track in card.tracks] + ["predictions"] * bool(card.predictions_per_step)
    for key in needed:
        if key not in card.files:
            yield key, f"it lists no files of {key}."
    for key, files in card.files.items():
        name, _, inner = key.partition("/")
        table = of_key(key)
        if name in ("states", VECTORS) and inner not in card.states:
            yield key, f"it lists files of {key} and describes no state {inner}."
            continue
        if name != VECTORS and not (table and table.by_step):
            continue
        each, first = card.predictions_per_step if name == "predictions" else 1, 0
        for file in files:
            if file.first != first or file.rows % max(1, each):
                yield key, f"the files of {key} do not follow one another."
            first = file.first + file.rows // max(1, each)
            if name == VECTORS and file.rows * _row(card.states[inner]) > file.bytes:
                yield key, f"{file.path} is too small for {file.rows:,} steps of {card.states[inner].units:,} units."
        if first != card.steps:
            yield key, f"the files of {key} hold {first:,} steps, and it says {card.steps:,}."


def _row(state: State) -> int:
    """Bytes of a step of a state."""
    return state.units * (2 if state.dtype == "float16" else 4)


def write_card(folder: Path, card: Card) -> None:
    """Put `card` in place of the folder's present one, in a single step that cannot be seen half done, nor be lost."""
    content = text_of(card)
    if len(content) > MOST_BYTES:
        raise StoreError(f"The card of {folder.name} would have {len(content):,} bytes; {MOST_BYTES:,} are the most.")
    with disk.replacing(folder / CARD) as file:
        file.write(content)


_UNSUMMED, _SUMMED = b'"crc32": ""\n}', b'"crc32": "%s"\n}'


def text_of(card: Card) -> bytes:
    """The card as it stands in its file, its own checksum at the end."""
    text = card.model_copy(update={"crc32": ""}).model_dump_json(indent=1, fallback=_plain).encode()
    return text.removesuffix(_UNSUMMED) + _SUMMED % checksums.shown(zlib.crc32(text)).encode()


def is_as_written(content: bytes) -> bool | None:
    """Whether a card's text is the one that was written, by its own checksum; None where it has none."""
    found = re.fullmatch(rb'(.*)"crc32": "([0-9a-f]{8})"\n}', content, re.DOTALL)
    return found and checksums.shown(zlib.crc32(found[1] + _UNSUMMED)).encode() == found[2]


def _plain(value: Any) -> Any:
    """What stands in JSON for a setting of another type: NumPy's numbers as numbers, a path as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
