"""Unpacking a model that came as one file, perhaps from anybody: nothing is believed before it was looked at.

The archive's list of contents is read first and refused whole if anything in it is not as `packing` writes it: plain
files, uncompressed (so no small file can become a large one), inside the model's folder, each name once on every file
system, in places that do not overlap, and exactly those that the model's card lists. Then every file is compared with
the card's checksum on its way, and the model appears in the store in one step. Nothing of it is executed: tables are
Parquet, weights are plain numbers.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rnnstore.errors import DamagedModel, DiskFull, StoreError
from rnnstore.integrity.packing import AT_ONCE, Progress
from rnnstore.store.card import CARD, Card, File, OwnFile, card_in, checked_name, is_as_written
from rnnstore.store.checksums import SummedFile, shown
from rnnstore.store.commit import incoming
from rnnstore.store.folder import Store
from rnnstore.store.layout import PREFIX
from rnnstore.store.limits import MOST_BYTES, portable
from rnnstore.store.tables import folders

MOST_FILES = 100_000
"""Files that a packed model has at most: 10,000,000 steps of 20 states are some 2,000."""

MOST_OF_A_LIST = 1 << 25
"""Bytes of an archive's list of contents, at most."""

_END = struct.Struct("<4s4H2LH")  # of a zip archive: signature, disks, entries, bytes of its list, where it is, comment
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_LOCAL_HEADER = 30


class _Refused(Exception):
    """Why an archive is not unpacked: the end of a sentence that begins with its name."""


def unpack(store: Store, file: Path, name: str | None = None, progress: Progress = lambda *_: None) -> str:
    """Bring a packed model into the store, under another `name` if one is given; returns its name there.

    Raises `DamagedModel` with what is wrong with the file, `StoreError` where there is such a model already, `DiskFull`
    before anything is written where it does not fit. Nothing of a refused or interrupted unpacking is ever seen.
    """
    store.check_writable("unpacking a model")
    try:
        with open(file, "rb") as opened:
            _check_list(opened)
            with zipfile.ZipFile(opened) as archive:
                packed_as, members = _looked_at(archive)
                name = checked_name(packed_as if name is None else name)
                card = _card(archive, members)
                _all_listed(members, card)
                size = sum(member.file_size for member in members.values())
                _fits(store.path, size, file)
                with incoming(store.path, name, f"unpacking {file.name}") as staging:
                    _extract(archive, members, staging, size, progress)
    except _Refused as error:
        raise DamagedModel(f"{file} was not unpacked: {error}. Ask for it again; `pack` writes such files.") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError) as error:
        raise DamagedModel(
            f"{file} is no packed model, or it is damaged ({error}). Ask for it again; `pack` writes such files."
        ) from error
    except FileNotFoundError as error:
        if error.filename not in (file, str(file)):
            raise
        raise StoreError(f"There is no file {file}; name a packed model.") from None
    except OSError as error:
        raise StoreError(f"{file} could not be unpacked into {store.path} ({error.strerror or error}).") from error
    store.refresh()
    return name


def _check_list(file: BinaryIO) -> None:
    """Refuse an archive whose list of contents is too long to be read into memory."""
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(max(0, size - _END.size - _LOCATOR_64.size - _END_64.size))
    end = file.read()
    if len(end) < _END.size or end[-_END.size :][:4] != b"PK\x05\x06":
        raise _Refused("it is no packed model, or its end is missing")
    *_, entries, length, _, _ = _END.unpack(end[-_END.size :])
    if end[-_END.size - _LOCATOR_64.size :][:4] == b"PK\x06\x07" and end[:4] == b"PK\x06\x06":
        *_, entries, length, _ = _END_64.unpack(end[: _END_64.size])
    if entries > MOST_FILES or length > MOST_OF_A_LIST:
        raise _Refused(f"it lists {entries:,} files; at most {MOST_FILES:,} were expected")
    file.seek(0)


def _looked_at(archive: zipfile.ZipFile) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The model's name and its files by their path in the model's folder, once all of them were found harmless."""
    members, folders, seen, top = {}, set(), set(), ""
    if len(archive.infolist()) > MOST_FILES:
        raise _Refused(f"it lists more than {MOST_FILES:,} files")
    for member in archive.infolist():
        raw = member.orig_filename
        if wrong := "".join(_wrong_with(member)):
            raise _Refused(f"{raw[:100]!r} {wrong}")
        first, *parts = member.filename.split("/")
        top = top or first
        if first != top or not first.startswith(PREFIX) or not parts:
            raise _Refused(f"{raw[:100]!r} is in no folder {PREFIX}<name>, or in another one than the rest")
        alike = unicodedata.normalize("NFC", member.filename).casefold()
        if alike in seen:
            raise _Refused(f"{raw[:100]!r} is in it twice, or differs from another name only in how it is written")
        seen.add(alike)
        folders |= {alike.rsplit("/", depth)[0] for depth in range(1, len(parts) + 1)}
        members["/".join(parts)] = member
    if folders & seen:
        raise _Refused(f"{min(folders & seen)!r} is a file and a folder in it")
    if not members:
        raise _Refused("it is empty")
    end = 0
    for member in sorted(members.values(), key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise _Refused(f"{member.filename!r} shares its bytes with another file")
        end = member.header_offset + _LOCAL_HEADER + len(member.filename.encode()) + member.compress_size
    if end > archive.start_dir:
        raise _Refused("a file in it is larger than the archive")
    try:
        return checked_name(top.removeprefix(PREFIX)), members
    except StoreError as error:
        raise _Refused(f"its folder is called {top!r}") from error


def _wrong_with(member: zipfile.ZipInfo) -> Iterator[str]:
    """What about one entry of the list is not as `packing` writes it."""
    name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    parts = name.split("/")
    if name != member.filename or any(ord(character) < 32 or character in '\\:*?"<>|\x7f' for character in name):
        yield "has characters that no file of a model has"
    elif any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        yield "leads out of the model's folder, or is hidden or no file"
    elif len(parts) > 10 or any(len(part.encode()) > 255 for part in parts):
        yield "is too long a name"
    elif not all(map(portable, parts)):
        yield "is a name that not every operating system can have, or that is not seen as it is"
    elif kind not in (0, stat.S_IFREG):
        yield "is a link, a device or a folder, not a plain file"
    elif member.flag_bits & 1:
        yield "is encrypted"
    elif member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        yield "is compressed, which a packed model is not"


def _card(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Card:
    if CARD not in members:
        raise _Refused(f"it holds no {CARD}")
    if members[CARD].file_size > MOST_BYTES:
        raise _Refused(f"its {CARD} has {members[CARD].file_size:,} bytes")
    content = archive.read(members[CARD])
    if not is_as_written(content):
        raise _Refused(f"its {CARD} was changed: it does not have its own checksum")
    try:
        return card_in(content, CARD)
    except StoreError as error:
        raise _Refused(str(error).rstrip(".")) from error


def _all_listed(members: dict[str, zipfile.ZipInfo], card: Card) -> None:
    """Refuse an archive whose files are not exactly those of its card, in size and checksum."""
    tables = [block for blocks in card.files.values() for block in blocks]
    for file in card.own_files:
        if file.path.split("/")[0] in (*folders(), CARD):
            raise _Refused(f"its card calls {file.path!r} a file beside the tables")
    listed: dict[str, File | OwnFile] = {block.path: block for block in tables}
    listed |= {file.path: file for file in card.own_files}
    for path in sorted((set(listed) ^ set(members)) - {CARD}):
        what = "lacks" if path in listed else "holds, beside what its card lists,"
        raise _Refused(f"it {what} the file {path!r}")
    for path, entry in listed.items():
        if path == CARD or members[path].file_size != entry.bytes or shown(members[path].CRC) != entry.crc32:
            raise _Refused(f"{path!r} is not the file that its card lists: size or checksum differ")


def _fits(store: Path, size: int, file: Path) -> None:
    folder = next(parent for parent in (store, *store.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DiskFull(
            f"The disk is full (unpacking {file.name}): it needs {size:,} bytes, and {free:,} are free in {folder}. "
            "Make room and run the same command again."
        )


def _extract(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], staging: Path, size: int, progress: Progress
) -> None:
    """Write every file, each compared with its checksum."""
    done = 0
    for path, member in members.items():
        target = staging / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, SummedFile(target) as copy:
            while piece := source.read(AT_ONCE):
                copy.write(piece)
                done += len(piece)
                progress("unpacking", done, size)
        if copy.crc != member.CRC or target.stat().st_size != member.file_size:
            raise _Refused(f"{path!r} is damaged: its checksum is another one")
