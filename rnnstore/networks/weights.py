"""The weights of a saved network: an .npz of plain arrays, looked at before a number of it is read.

An .npz is a zip of .npy files, and ours are stored, not compressed. So each array's place, type and shape are known
from a few bytes, are held against what the network says of itself, and only then is anything read. Nothing in it is
ever executed, and a file can neither ask for more memory than it has bytes nor end in the middle unnoticed.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rnnstore.errors import DamagedModel, StoreError, cause
from rnnstore.store.card import MENDING

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a zip's member: signature, ..., length of its name, of what follows it
_TYPE = np.dtype("<f4")


@dataclass(frozen=True)
class Place:
    """Where the numbers of an array begin in the file, its shape, and whether they lie column by column."""

    at: int
    shape: tuple[int, ...]
    by_column: bool

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=object))


class Weights(Mapping):
    """The arrays of a weights file by name, float32 of known shape; read when first asked for, and kept.

    `rows(name, index)` reads single rows without the rest: an embedding is large, and a sentence has few words.
    """

    def __init__(self, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._path = path
        self._places, self._version = _places(path, shapes)
        self._read: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._read:
            place = self._places[name]
            with self._opened() as file:
                file.seek(place.at)
                values = np.fromfile(file, _TYPE, place.size)
            self._read[name] = values.reshape(place.shape, order="F" if place.by_column else "C")
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def rows(self, name: str, index: np.ndarray) -> np.ndarray:
        """float32[len(index), columns]: rows of a matrix."""
        place = self._places[name]
        if name in self._read or place.by_column:
            return self[name][index]
        wanted, order = np.unique(index, return_inverse=True)
        columns = place.shape[1]
        values = np.empty((len(wanted), columns), _TYPE)
        with self._opened() as file:
            for row, number in enumerate(wanted.tolist()):
                file.seek(place.at + _TYPE.itemsize * columns * number)
                values[row] = np.fromfile(file, _TYPE, columns)
        return values[order]

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file, if it still is the one whose places are known."""
        try:
            with open(self._path, "rb") as file:
                if _version(file) != self._version:
                    raise StoreError(f"{_of(self._path)} changed while it was being read; read the sentence again.")
                yield file
        except OSError as error:
            raise StoreError(f"{_of(self._path)} cannot be read any more ({error.strerror}); open it again.") from error


def _version(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns, status.st_size


def _places(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, Place], tuple[int, int, int]]:
    """Where each array is, every one float32 of the shape in `shapes`, and of which file; `DamagedModel` otherwise."""
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for name in shapes:
                if name not in found:
                    raise DamagedModel(f"{_of(path)} lacks the weights {name!r} of its network. {MENDING}")
            return {name: _place(file, path, name, found[name], s) for name, s in shapes.items()}, _version(file)
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, struct.error) as error:
        raise DamagedModel(f"{_of(path)} is no file of weights that can be read ({cause(error)}). {MENDING}") from error


def _place(file: BinaryIO, path: Path, name: str, info: zipfile.ZipInfo, shape: tuple[int, ...]) -> Place:
    """Where an array is in the file, once its type, shape and size were found right."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise DamagedModel(f"{_of(path)} holds {name!r} compressed; weights are stored as they are. {MENDING}")
    file.seek(info.header_offset)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise ValueError(f"{name!r} is not where the file says")
    begin = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    file.seek(begin)
    try:
        np.lib.format.read_magic(file)
        found, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # NumPy parses it as a Python literal, and a damaged one fails in many ways
        raise ValueError(f"{name!r} is no array") from error
    if dtype != _TYPE or found != shape:
        raise DamagedModel(
            f"{_of(path)} has {name!r} as {dtype} of shape {found}, and its network needs float32 of shape {shape}. "
            f"{MENDING}"
        )
    place = Place(file.tell(), shape, by_column)
    size = _TYPE.itemsize * place.size
    if place.at - begin + size != info.file_size or info.file_size != info.compress_size:
        raise DamagedModel(f"{_of(path)} has {info.file_size:,} bytes for {name!r} instead of {size:,}. {MENDING}")
    file.seek(0, 2)
    if place.at + size > file.tell():
        raise DamagedModel(f"{_of(path)} ends in the middle of {name!r}. {MENDING}")
    return place


def _of(path: Path) -> str:
    return f"{path.parents[1].name}/{path.parent.name}/{path.name}"
