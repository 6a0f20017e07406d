"""Files of a table, written as a stream: blocks of at most 2^20 steps, in memory that does not grow with the corpus.

A writer hands its rows to a thread and returns, one batch ahead at most, so that compressing and the caller's next
forward pass run side by side; an error in the thread comes out at the next call.
"""

from __future__ import annotations

import bisect
import io
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rnnstore.store import checksums
from rnnstore.store.card import File
from rnnstore.store.checksums import SummedFile
from rnnstore.store.staging import Staging
from rnnstore.store.tables import STEPS_PER_BLOCK

DELTA = "DELTA_BINARY_PACKED"


class _Stream:
    """Batches written in order by a thread of `pool`, at most one of them waiting."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._pending: Future | None = None
        self.files: list[File] = []

    def _run(self, task: Callable[..., None], *arguments: Any) -> None:
        self.wait()
        self._pending = self._pool.submit(task, *arguments)

    def wait(self) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def close(self) -> list[File]:
        """The files written; the stream ends."""
        self.wait()
        self._close()
        return self.files

    def abandon(self) -> None:
        """Give up: close what is open without a word, so that the files can be deleted."""
        for end in (self.wait, self._close):
            try:
                end()
            except Exception:  # the error that made us give up is the one to report
                continue

    def _close(self) -> None:
        raise NotImplementedError


class ParquetBlocks(_Stream):
    """The Parquet blocks of one table, below `folder` of a staging folder."""

    def __init__(
        self, staging: Staging, folder: str, schema: pa.Schema, pool: ThreadPoolExecutor, **options: Any
    ) -> None:
        super().__init__(pool)
        self._staging, self._folder, self._schema, self._options = staging, folder, schema, options
        self._writer: pq.ParquetWriter | None = None
        self._file: SummedFile | None = None
        self._path = Path()
        self._block = self._rows = self._first = 0

    def write(self, table: pa.Table, first: int, row_group_size: int | None = None) -> None:
        """Write the rows of one row group, whose first step is `first`; they come in order and do not cross a block."""
        self._run(self._write, table, first, row_group_size)

    def _write(self, table: pa.Table, first: int, row_group_size: int | None) -> None:
        block = first // STEPS_PER_BLOCK
        if self._writer is None or block != self._block:
            self._close()
            self._block, self._first, self._rows = block, block * STEPS_PER_BLOCK, 0
            self._path = self._staging.file(self._folder, block)
            self._file = SummedFile(self._path)
            self._writer = pq.ParquetWriter(self._file, self._schema, **self._options)
        self._writer.write_table(table, row_group_size=row_group_size)
        self._rows += table.num_rows

    def _close(self) -> None:
        if self._writer is not None:
            writer, self._writer, file = self._writer, None, self._file
            assert file is not None
            with file:
                writer.close()
            self.files.append(self._staging.entry(self._path, self._rows, file.crc, self._first))


class RowMajorBlocks(_Stream):
    """A state's values once more as NumPy files [steps, units], where a window or a single step is one short read."""

    def __init__(self, staging: Staging, folder: str, units: int, dtype: np.dtype, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)
        self._staging, self._folder, self._units, self._dtype = staging, folder, units, np.dtype(dtype)
        self._file: Any = None
        self._path = Path()
        self._block = self._rows = self._crc = 0

    def write(self, values: np.ndarray, first: int) -> None:
        """Append `values` [steps, units], whose first row is step `first`; they do not cross a block."""
        self._run(self._write, values, first)

    def _write(self, values: np.ndarray, first: int) -> None:
        block = first // STEPS_PER_BLOCK
        if self._file is None or block != self._block:
            self._close()
            self._block, self._rows, self._crc = block, 0, 0
            self._path = self._staging.file(self._folder, block, "npy")
            self._file = open(self._path, "wb")  # noqa: SIM115 - closed with the block
            self._file.write(self._header(STEPS_PER_BLOCK))
        rows = np.ascontiguousarray(values, self._dtype).data
        self._file.write(rows)
        self._crc = zlib.crc32(rows, self._crc)
        self._rows += len(values)

    def _header(self, rows: int) -> bytes:
        # NumPy pads headers so that the first axis can grow in place: both headers of a block have one length.
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (rows, self._units)}
        written = io.BytesIO()
        np.lib.format.write_array_header_1_0(written, header)
        return written.getvalue()

    def _close(self) -> None:
        if self._file is not None:
            file, header = self._file, self._header(self._rows)
            with file:
                file.seek(0)
                file.write(header)
                self._file = None
            values = self._rows * self._units * self._dtype.itemsize
            crc = checksums.joined(zlib.crc32(header), self._crc, values)
            self.files.append(self._staging.entry(self._path, self._rows, crc, self._block * STEPS_PER_BLOCK))


class RowMajorReader:
    """Reads the blocks that `RowMajorBlocks` wrote; plain reads, so that no mapped file weighs on the process.

    A description of 1M steps x 300 units is 600 MB on disk; a read of scattered steps takes only what it needs.
    """

    GAP = 8192
    """Unwanted bytes that are read along rather than making two reads of it."""

    READ = 1 << 22
    """Bytes of one read of scattered steps, at most."""

    def __init__(self, folder: Path, files: Sequence[File], units: int, dtype: str) -> None:
        self._files, self._folder = files, folder
        self._units, self._dtype = units, np.dtype(dtype)
        self._row = units * self._dtype.itemsize
        self._firsts = [file.first for file in files]
        self._handles: list[int] = []
        self._offsets: list[int] = []
        for file in files:
            self._handles.append(os.open(folder / file.path, os.O_RDONLY))
            # Not by NumPy, which evaluates the header: Python 3.11 now and then fails at that in several threads.
            prefix = os.pread(self._handles[-1], 10, 0)
            header = os.pread(self._handles[-1], int.from_bytes(prefix[8:], "little"), 10).decode("latin1")
            if f"'{self._dtype.str}'" not in header or f"({file.rows}, {units})" not in header:
                raise OSError(f"{file.path} holds {header.strip()}, not {dtype}[{file.rows}, {units}]")
            self._offsets.append(len(prefix) + len(header))

    def __del__(self) -> None:
        for handle in self._handles:
            os.close(handle)

    def window(self, start: int, stop: int) -> np.ndarray:
        """dtype[stop - start, units]: the values of steps start..stop-1."""
        values = np.empty((stop - start, self._units), self._dtype)
        self._fill(values, start)
        return values

    def at(self, steps: np.ndarray) -> np.ndarray:
        """dtype[len(steps), units]: the values of `steps` (any order, repeats allowed)."""
        steps = np.asarray(steps, np.int64)
        if not len(steps):
            return np.empty((0, self._units), self._dtype)
        wanted, places = np.unique(steps, return_inverse=True)
        span = wanted // max(1, self.READ // self._row)
        breaks = np.flatnonzero(((np.diff(wanted) - 1) * self._row > self.GAP) | (np.diff(span) > 0)) + 1
        begins, ends = np.r_[0, breaks], np.r_[breaks, len(wanted)]
        firsts, lasts = wanted[begins], wanted[ends - 1]
        values = np.empty((len(wanted), self._units), self._dtype)
        for begin, end, first, last in zip(
            begins.tolist(), ends.tolist(), firsts.tolist(), lasts.tolist(), strict=True
        ):
            if last - first == end - begin - 1:
                self._fill(values[begin:end], first)
            else:
                values[begin:end] = self.window(first, last + 1)[wanted[begin:end] - first]
        return values if len(wanted) == len(steps) and (places[1:] > places[:-1]).all() else values[places]

    def _fill(self, target: np.ndarray, first: int) -> None:
        """Read the steps from `first` on into all rows of `target`."""
        row = 0
        while row < len(target):
            block = bisect.bisect_right(self._firsts, first + row) - 1
            rows = min(len(target) - row, self._files[block].first + self._files[block].rows - first - row)
            if rows <= 0:
                raise OSError(f"step {first + row} is not recorded")
            wanted = target[row : row + rows]
            offset = self._offsets[block] + (first + row - self._firsts[block]) * self._row
            if os.preadv(self._handles[block], [wanted.data], offset) != wanted.nbytes:
                self._read_on(block, wanted, offset)
            row += rows

    def _read_on(self, block: int, target: np.ndarray, offset: int) -> None:
        """Read in several goes what one read did not bring (the system limits a read to 2 GiB)."""
        view = target.reshape(-1).view(np.uint8).data
        while len(view):
            count = os.preadv(self._handles[block], [view], offset)
            if count == 0:
                raise OSError(f"{self._files[block].path} ends early")
            view, offset = view[count:], offset + count
