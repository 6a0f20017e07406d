"""Datasets in HDF5 files, named by lstm.yml, read a span of steps at a time.

`read` is the only place where values are read, so that what it is asked for bounds the memory that an import takes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from pipelines.lstmvis.description import LstmvisError
from rnnstore.store.limits import MOST_UNITS
from rnnstore.validation import nearest

PIECE = 1 << 26
"""Bytes of states that are read together."""

MOST_LINKS = 16

MOST_STEPS = 1 << 16
"""Steps that are read together at most, however narrow they are."""


@dataclass(frozen=True)
class Dataset:
    """A dataset that was found: the key of lstm.yml that names it, its file, path, shape and type."""

    key: str
    file: Path
    path: str
    shape: tuple[int, ...]
    dtype: np.dtype
    stored_together: int  # rows that HDF5 keeps in one piece

    def __str__(self) -> str:
        return f"{self.key}: dataset '{self.path}' of {self.file.name}"

    @property
    def form(self) -> str:
        """Type and shape as in float32[1000, 200]."""
        kind = "text" if self.is_text else str(self.dtype)
        return f"{kind}{list(self.shape)}"

    @property
    def is_text(self) -> bool:
        return self.dtype.kind in "OS"


def find(key: str, file: Path, path: str) -> Dataset:
    """The dataset at `path` of an HDF5 file. Raises `LstmvisError` when there is none."""
    if not file.exists():
        raise LstmvisError(f"{key}: {file.name} is not there; it was looked for in {file.parent}.")
    try:
        with _opened(file) as opened:
            _check_links(opened, path, f"{key}: '{path}' of {file.name}")
            if path not in opened:
                inside = _datasets(opened)
                there = nearest(path, inside, "it holds") if inside else "it holds none."
                raise LstmvisError(f"{key}: {file.name} has no dataset '{path}'; {there}")
            try:
                found = opened[path]
            except KeyError:
                raise LstmvisError(
                    f"{key}: '{path}' of {file.name} is a link to something that is not there."
                ) from None
            if not isinstance(found, h5py.Dataset):
                inside = [f"{path.rstrip('/')}/{name}" for name in _datasets(found)]
                there = nearest(path, inside, "it holds") if inside else "it is empty."
                raise LstmvisError(f"{key}: '{path}' of {file.name} is a group, not a dataset; {there}")
            if found.external or found.is_virtual:
                how = "is a virtual dataset" if found.is_virtual else "keeps its values in external files"
                raise LstmvisError(
                    f"{key}: dataset '{path}' of {file.name} {how}, which may be any files of this machine; write its "
                    "values into the file itself."
                )
            if math.prod(found.shape[1:] if found.shape else ()) > MOST_UNITS:
                raise LstmvisError(
                    f"{key}: dataset '{path}' of {file.name} has the shape {list(found.shape)}; at most {MOST_UNITS:,} "
                    "values a row are imported."
                )
            kind = found.dtype.kind
            if kind not in "fiubOS" or (kind == "O" and h5py.check_string_dtype(found.dtype) is None):
                raise LstmvisError(
                    f"{key}: dataset '{path}' of {file.name} holds {found.dtype}; numbers were expected."
                )
            together = found.chunks[0] if found.chunks else 1
            return Dataset(key, file, path, tuple(found.shape or ()), found.dtype, together)
    except OSError as error:
        raise LstmvisError(
            f"{key}: {file.name} is no HDF5 file that can be read ({_reason(error)}); it may be cut off, or of another "
            "kind."
        ) from error


def _check_links(opened: h5py.File, path: str, what: str) -> None:
    """Refuse a path that leads into another file, or through links in a circle."""
    waiting, here, followed = [part for part in path.split("/") if part], "", 0
    while waiting:
        part = waiting.pop(0)
        link = opened.get(f"{here}/{part}", getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise LstmvisError(
                f"{what} is an external link, which may lead to any file; copy the values into this one."
            )
        if isinstance(link, h5py.SoftLink):
            followed += 1
            if followed > MOST_LINKS:
                raise LstmvisError(f"{what} is a link that leads to itself, or through more than {MOST_LINKS} others.")
            waiting = [part for part in link.path.split("/") if part] + waiting
            here = "" if link.path.startswith("/") else here
        else:
            here = f"{here}/{part}"
            if link is None:
                return


def read(dataset: Dataset, start: int, stop: int) -> np.ndarray:
    """Rows start..stop-1 of a dataset, fewer where it ends before; text as objects."""
    try:
        with _opened(dataset.file) as opened:
            found = opened[dataset.path]
            return (found.asstr(errors="replace") if dataset.is_text else found)[start:stop]
    except (OSError, KeyError) as error:
        raise LstmvisError(
            f"{dataset} cannot be read from step {start:,} to {min(stop, dataset.shape[0]) - 1:,} ({_reason(error)}); "
            "the file may be damaged, or written in a way that this HDF5 does not know."
        ) from error


def pieces(steps: int, rows: int) -> Iterator[tuple[int, int]]:
    """(first step, step after the last) of stretches of at most `rows` steps, in order."""
    for start in range(0, steps, rows):
        yield start, min(start + rows, steps)


def rows_a_piece(datasets: list[Dataset]) -> int:
    """Steps to read together, of all datasets at once, so that they take about `PIECE` bytes.

    Whole numbers of what HDF5 keeps in one piece, where that is not much more: a compressed piece is unpacked anew
    whenever a part of it is read.
    """
    a_step = sum(int(np.prod(dataset.shape[1:])) * max(dataset.dtype.itemsize, 4) for dataset in datasets)
    rows = max(1, min(MOST_STEPS, PIECE // max(1, a_step)))
    together = max(dataset.stored_together for dataset in datasets)
    if together <= rows:
        return rows // together * together
    return together if together * a_step <= 4 * PIECE else rows


def _opened(file: Path) -> h5py.File:
    return h5py.File(file, "r", locking="best-effort")


def _datasets(group: h5py.Group) -> list[str]:
    found: list[str] = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def _reason(error: Exception) -> str:
    """HDF5's own reason without the wording around it."""
    text = str(error).strip("'\" ")
    return text[text.find("(") + 1 : text.rfind(")")] if "(" in text and ")" in text else text
