"""The weights of a saved network: an .npz of plain arrays, looked at before a number of it is read.

An .npz is a zip of .npy files, and ours are stored, not compressed. So each array's place, type and shape are known
from a few bytes, are held against what the network says of itself, and only then is the file mapped. Nothing in it is
ever executed, and a file can neither ask for more memory than it has bytes nor end in the middle unnoticed.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rnnstore.card import MENDING
from rnnstore.errors import DamagedModel

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # of a zip's member: signature, ..., length of its name, of what follows it


class Weights(Mapping):
    """The arrays of a weights file by name, float32 of known shape; read when first asked for, and kept.

    `rows(name, index)` reads single rows without reading the rest.
    """

    def __init__(self, path: Path, shapes: Mapping[str, tuple[int, ...]]):
        self._mapped = mapped(path, shapes)
        self._read: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._read:
            self._read[name] = np.array(self._mapped[name])  # a copy: in the file, numbers need not lie aligned
        return self._read[name]

    def __iter__(self):
        return iter(self._mapped)

    def __len__(self) -> int:
        return len(self._mapped)

    def rows(self, name: str, index: np.ndarray) -> np.ndarray:
        """float32[len(index), ...]: rows of an array; only their pages of the file are touched."""
        return np.array((self._read.get(name, self._mapped[name]))[index])


def mapped(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The arrays of an .npz mapped read-only, every one float32 of the shape in `shapes`; `DamagedModel` otherwise."""
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for name in shapes:
                if name not in found:
                    raise DamagedModel(f"{_of(path)} lacks the weights {name!r} of its network. {MENDING}")
            places = {name: _place(file, path, name, found[name], shape) for name, shape in shapes.items()}
        return {
            name: np.memmap(path, np.dtype("<f4"), "r", place, shapes[name], order)
            for name, (place, order) in places.items()
        }
    except FileNotFoundError:
        raise
    except (OSError, zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, struct.error) as error:
        raise DamagedModel(f"{_of(path)} is no file of weights that can be read ({error}). {MENDING}") from error


def _place(file, path: Path, name: str, info: zipfile.ZipInfo, shape: tuple[int, ...]) -> tuple[int, str]:
    """Where an array's numbers begin in the file, and their order, once type, shape and size were found right."""
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
        found, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # NumPy parses it as a Python literal, and a damaged one fails in many ways
        raise ValueError(f"{name!r} is no array") from error
    if dtype != np.dtype("<f4") or found != shape:
        raise DamagedModel(
            f"{_of(path)} has {name!r} as {dtype} of shape {found}, and its network needs float32 of shape {shape}. "
            f"{MENDING}"
        )
    at, size = file.tell(), 4 * int(np.prod(shape, dtype=object))
    if at - begin + size != info.file_size or info.file_size != info.compress_size:
        raise DamagedModel(f"{_of(path)} has {info.file_size:,} bytes for {name!r} instead of {size:,}. {MENDING}")
    file.seek(0, 2)
    if at + size > file.tell():
        raise DamagedModel(f"{_of(path)} ends in the middle of {name!r}. {MENDING}")
    return at, "F" if fortran else "C"


def _of(path: Path) -> str:
    return f"{path.parents[1].name}/{path.parent.name}/{path.name}"
