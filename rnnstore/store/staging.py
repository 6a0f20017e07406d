"""Files before they are published: written into a hidden folder of the model, and gone when nobody publishes them."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rnnstore.errors import DiskFull, StoreError, is_disk_full
from rnnstore.store import checksums
from rnnstore.store.card import File
from rnnstore.store.checksums import SummedFile
from rnnstore.store.layout import new_id

STAGING = ".writing-"
"""With which the name of a staging folder begins."""


class Staging:
    """A hidden folder in which files are written before they are published; gone when its `with` is left.

    `model` gives the folder of the model, which is another one once a new model has got its card.
    """

    def __init__(self, model: Callable[[], Path]):
        self.id = new_id()
        self._model = model

    @property
    def path(self) -> Path:
        return self._model() / f"{STAGING}{self.id}"

    def __enter__(self) -> Staging:
        with explain_disk_errors(f"beginning to write {self._model().name}"):
            self.path.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, folder: str, number: int, suffix: str = "parquet") -> Path:
        """Where to write block `number` of the table in `folder` (`tokens`, `states/state=layer1.c`)."""
        path = self.path / folder / f"{self.id}-{number:04d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def relative(self, path: Path) -> str:
        """The path of a file inside this folder, and of the model once it is published."""
        return path.relative_to(self.path).as_posix()

    def entry(self, path: Path, rows: int, crc: int, first: int = 0) -> File:
        """The card's entry for a file that was written whole, with the CRC-32 of what was written."""
        return File(
            path=self.relative(path),
            bytes=path.stat().st_size,
            rows=rows,
            first=first,
            crc32=checksums.shown(crc),
        )

    def write(self, folder: str, rows: pa.Table, **options: Any) -> File:
        """Write a table of one block; `options` are those of `pyarrow.parquet.write_table`."""
        path = self.file(folder, 0)
        with SummedFile(path) as file:
            pq.write_table(rows, file, compression="zstd", **options)
        return self.entry(path, rows.num_rows, file.crc)


class explain_disk_errors:
    """Turns the operating system's refusals, no room or no right, into sentences that say what was being done."""

    def __init__(self, doing: str):
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and is_disk_full(error):
            raise DiskFull(
                f"The disk is full ({self.doing}). What the store held before is untouched; "
                "make room and run the same command again."
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(f"{error.filename} cannot be written ({self.doing}): {error.strerror}.") from error
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            raise DiskFull(
                f"A file became larger than this system allows ({self.doing}); see `ulimit -f`. What the store held "
                "before is untouched."
            ) from error
