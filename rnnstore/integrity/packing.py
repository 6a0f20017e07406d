"""A model as one file: an uncompressed zip archive whose checksums are those of the model's card.

Parquet is compressed already, so nothing is compressed again; a packed model is as large as its folder, and the same
model gives the same bytes every time. It appears whole or not at all. `unpacking` is its counterpart.
"""

from __future__ import annotations

import contextlib
import errno
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from rnnstore.errors import DamagedModel, StoreError
from rnnstore.integrity.findings import quoted
from rnnstore.store import checksums, disk, leases
from rnnstore.store.card import CARD, Card, OwnFile, card_alone, is_as_written, read_card, text_of
from rnnstore.store.layout import PREFIX, new_id, own_files
from rnnstore.store.staging import explain_disk_errors

SUFFIX = ".rnnstore.zip"

AT_ONCE = 1 << 20
"""Bytes that are copied together."""

_OPEN_FILES = "/proc/self/fd"

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive knows: the same model, the same bytes

Progress = Callable[[str, int, int], None]


def pack(folder: Path, target: Path | None = None, progress: Progress = lambda *_: None) -> Path:
    """Pack the model in `folder` into the file `target`, or into one named like the model, here; returns its path.

    Every byte is held against the card's checksums on its way: `DamagedModel` where they differ. Checksums that the
    card lacks are taken and packed with it. A model that is recorded anew meanwhile is packed as it was. `StoreError`
    where there is such a file already, or where the model was deleted or its other files were written meanwhile.
    """
    card, lease = leases.hold(folder)
    name = folder.name.removeprefix(PREFIX)
    if is_as_written((folder / CARD).read_bytes()) is False:
        raise DamagedModel(
            f"{folder.name}/{CARD} was changed, by hand or by damage: it does not have its own checksum. Nothing was "
            f"packed; if you changed it, python -m rnnstore check {quoted(name)} --seal takes it as it is."
        )
    target = Path(f"{name}{SUFFIX}") if target is None else target
    if target.is_dir():
        target = target / f"{name}{SUFFIX}"
    if target.exists():
        raise StoreError(f"There is a file {target} already; name another one, or delete it first.")
    with explain_disk_errors(f"packing {name}"), _appearing(target) as file:
        try:
            summed = _write(file, folder, card, progress)
        except FileNotFoundError:
            summed = None
        kept = summed is not None and lease is not None and card_alone(folder).own_files == card.own_files
        if summed is None or not (kept or read_card(folder).files == card.files):
            raise StoreError(f"Model {name!r} was written or deleted while it was being packed; pack it again.")
        with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
            archive.writestr(_member(f"{folder.name}/{CARD}"), text_of(summed))
    return target


def _write(file: BinaryIO, folder: Path, card: Card, progress: Progress) -> Card:
    """Write all files of the model but its card; the card, with the checksums of all."""
    own = own_files(folder)
    size = sum(block.bytes for blocks in card.files.values() for block in blocks)
    size += sum((folder / path).stat().st_size for path in own)
    done = 0
    known = {file.path: file.crc32 for file in card.own_files}
    files, others = {}, []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def add(path: str, expected: str) -> tuple[int, str]:
            nonlocal done
            count = crc = 0
            member = _member(f"{folder.name}/{path}")
            member.file_size = (folder / path).stat().st_size
            with open(folder / path, "rb") as source, archive.open(member, "w", force_zip64=True) as packed:
                while piece := source.read(AT_ONCE):
                    packed.write(piece)
                    crc, count = zlib.crc32(piece, crc), count + len(piece)
                    progress(f"packing {folder.name.removeprefix(PREFIX)}", done + count, size)
            done += count
            if expected and checksums.shown(crc) != expected:
                raise DamagedModel(
                    f"{folder.name}/{path} is damaged: its checksum is {checksums.shown(crc)} instead of {expected}. "
                    "Nothing was packed; python -m rnnstore check says how to mend it."
                )
            return count, checksums.shown(crc)

        for key, blocks in sorted(card.files.items()):
            files[key] = tuple(block.model_copy(update={"crc32": add(block.path, block.crc32)[1]}) for block in blocks)
        for path in own:
            count, crc = add(path, known.get(path, ""))
            others.append(OwnFile(path=path, bytes=count, crc32=crc))
    missing = sorted(set(known) - set(own))
    if missing:
        raise DamagedModel(f"{folder.name} lacks the file {missing[0]}; python -m rnnstore check says how to mend it.")
    if files == card.files and set(others) == set(card.own_files):
        return card
    return card.model_copy(update={"files": files, "own_files": tuple(others)})


def _member(path: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(path, _LONG_AGO)
    member.create_system, member.external_attr = 3, 0o100644 << 16
    return member


@contextlib.contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A new file to write, without a name until the `with` ends well: a program that is killed leaves nothing.

    Where a file system knows no files without names, one with a hidden name, deleted unless the process is killed.
    """
    folder = target.absolute().parent
    with contextlib.ExitStack() as opened:
        try:
            file, name = _nameless(folder, opened), None
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
        if file is None:
            name = folder / f".{target.name}-{new_id()}"
            file = opened.enter_context(name.open("w+b"))
            opened.callback(name.unlink, missing_ok=True)
        yield file
        file.flush()
        os.fsync(file.fileno())
        try:
            if name is not None:
                os.link(name, target)
            else:  # a file that is open has a place in this folder, and a name that is linked to it
                names = os.open(_OPEN_FILES, os.O_RDONLY)
                opened.callback(os.close, names)
                os.link(str(file.fileno()), target.absolute(), src_dir_fd=names, follow_symlinks=True)
        except FileExistsError:
            raise StoreError(f"There is a file {target} already; name another one, or delete it first.") from None
        disk.sync_folders([folder])


def _nameless(folder: Path, opened: contextlib.ExitStack) -> BinaryIO | None:
    """A new file without a name in `folder`; None where there can be none."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir(_OPEN_FILES):
        return None
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            return None
        raise
    return opened.enter_context(os.fdopen(handle, "w+b"))
