"""The child process that answers one query of an untrusted user. Run as a script by `pool`, and imported by nobody.

It knows nothing of the rest of the program: it is given the files of each table, registers them as Arrow datasets,
closes everything else, says that it is ready, begins one query, answers, and ends. (What the gate refuses was not
begun.) Messages are lengths, JSON and Arrow: what an untrusted user typed or a query answered is never unpickled.

Four locks, each enough for most attacks alone: only a SELECT is taken; DuckDB has no path it may touch, no extension
and a locked configuration; the operating system allows no file to grow, no process, no core and so much memory and
time; and all that is left behind ends with this process.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import struct
import sys
import threading
import time
from typing import Any, BinaryIO

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

if __name__ == "__main__":  # Arrow and DuckDB can do without, and two thirds of the start are theirs
    sys.modules["pandas"] = sys.modules["numpy"] = None  # type: ignore[assignment]

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

STEPS_AT_ONCE = 16_384
"""Rows in a batch: a row group of `states`. Arrow's own 131,072 hold 160 MB of 300 units each, sixteen ahead."""

ASKED = ("SELECT", "EXPLAIN", "MULTI")
"""Statements that are taken; a PIVOT counts as several."""

IDLE_SECONDS = 900
"""A worker that nobody asks ends by itself."""


class Dataset(ds.FileSystemDataset):
    """Files that are read in small batches, few ahead: DuckDB asks for no size of its own."""

    def scanner(self, **options: Any) -> ds.Scanner:
        return super().scanner(
            batch_size=STEPS_AT_ONCE, batch_readahead=2, fragment_readahead=1, cache_metadata=False, **options
        )


def main() -> None:
    """Open, say that all is ready, answer one query, end."""
    messages, answers = _own_pipes()
    watch = Watch(messages)
    try:
        opening = _read(messages)
        limits = opening["limits"]
        _limit_before(limits)
        connection = _open(opening)
        watch.start(limits["resident"])
        _limit_after(limits)
    except Exception as error:
        _write(answers, {"error": {"message": _named(error)}})
        return
    _write(answers, {"ready": True})
    while True:
        try:
            asked = _read(messages)
        except EOFError:
            return
        header, query = gate(connection, asked["query"]), asked["query"]
        if header is None or asked.get("any_statement"):
            break
        _write(answers, header)  # nothing was done: the next may be asked here
    watch.asked.set()
    header, table = answer(connection, query, limits)
    _write(answers, header, b"" if table is None else _as_ipc(table))
    os._exit(0)  # no thread, no destructor and no buffer of the query's has a say any more


class Watch:
    """Ends the process when its parent is gone, when nobody asks for long, or when it holds more memory than it may.

    Its threads begin before the limits: after those no thread begins.
    """

    def __init__(self, messages: BinaryIO) -> None:
        self.messages, self.asked = messages, threading.Event()  # set when a query is begun

    def start(self, resident: int) -> None:
        threading.Thread(target=self._follow_the_parent, daemon=True).start()
        threading.Thread(target=self._measure, args=(_resident() + resident,), daemon=True).start()

    def _follow_the_parent(self) -> None:
        if self.asked.wait(IDLE_SECONDS):
            self.messages.read(1)  # comes back when the parent is gone
        os._exit(0)

    def _measure(self, most: int) -> None:
        self.asked.wait()
        while _resident() <= most:
            time.sleep(0.02)
        os._exit(MEMORY)


def _resident() -> int:
    """Bytes in memory: now on Linux, whose highest is the parent's too; elsewhere the most so far, 0 where unknown."""
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent, moved away from standard input and output, which lead nowhere from now on."""
    messages, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return messages, answers


def _read(pipe: BinaryIO) -> dict[str, Any]:
    size = pipe.read(4)
    if len(size) < 4:
        raise EOFError
    return json.loads(pipe.read(struct.unpack(">I", size)[0]))


def _write(pipe: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    text = json.dumps(header).encode("utf-8", "replace")
    pipe.write(struct.pack(">II", len(text), len(body)) + text + body)
    pipe.flush()


# Opening


def _open(opening: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that sees the tables and macros, and can neither reach nor become anything else."""
    limits = opening["limits"]
    pa.set_cpu_count(limits["threads"])
    pa.set_io_thread_count(limits["threads"])
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": limits["threads"],
            "memory_limit": f"{limits['memory'] // 1_000_000}MB",
            "temp_directory": "",
            "allow_community_extensions": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
            "enable_external_file_cache": False,
            "max_expression_depth": 250,
            **opening["planning"],
        },
    )
    for table in opening["tables"]:
        connection.register(f"{table['name']}_files", _dataset(table))
        connection.execute(f"create view {table['name']} as {table['select']}")
    for name, rows in opening["rows"].items():
        with pa.ipc.open_stream(base64.b64decode(rows)) as stream:
            connection.register("rows_now", stream.read_all())
        connection.execute(f"create table {name} as from rows_now")
        connection.unregister("rows_now")
    for statement in opening["statements"]:
        connection.execute(statement)
    connection.execute("set errors_as_json = true")
    for warmed in opening["warm"]:  # threads and caches that the first query would wait for
        connection.execute(warmed).fetchall()
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _dataset(table: dict[str, Any]) -> Dataset:
    """The files of a table as one dataset: `model` and a folder's name are columns of each of them."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(table["schema"])))
    form, disk = ds.ParquetFileFormat(), pyarrow.fs.LocalFileSystem()
    fragments = []
    for path, named in table["files"]:
        condition = None
        for name, value in named.items():
            here = ds.field(name) == value
            condition = here if condition is None else condition & here
        fragments.append(form.make_fragment(path, filesystem=disk, partition_expression=condition))
    return Dataset(fragments, schema, form, disk)


# Limits


def _limit_before(limits: dict[str, Any]) -> None:
    """What can be limited before anything is opened."""
    if resource is not None:
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_NOFILE, limits["open_files"])


def _limit_after(limits: dict[str, Any]) -> None:
    """What would stop the opening itself: from now on no file grows, no process or thread starts, memory is short."""
    if hasattr(os, "nice"):
        os.nice(limits["nice"])
    if resource is None:
        return
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _lower(resource.RLIMIT_CPU, int(used + limits["processor_seconds"]) + 1)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NPROC, 0)
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _lower(resource.RLIMIT_AS, now + limits["address_space"])


def _lower(kind: int, value: int) -> None:
    """Set a limit that cannot be raised again, or leave a lower one."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses some values of some limits; the others hold
        resource.setrlimit(kind, (value, value))


MEMORY = 90
"""Exit code of a worker that held too much memory."""


# Answering


def gate(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any] | None:
    """Why a query is not even begun, or None: it cannot be read, is none or several, or is no question."""
    try:
        kinds = [str(statement.type).rpartition(".")[2] for statement in connection.extract_statements(query)]
    except Exception as error:  # also of text that is no UTF-8
        return {
            "unused": True,
            "error": {"message": f"{error if isinstance(error, duckdb.Error) else _named(error)}"[:20_000]},
        }
    if len(kinds) != 1:
        return {"unused": True, "statements": len(kinds)}
    return None if kinds[0] in ASKED else {"unused": True, "kind": kinds[0]}


def answer(
    connection: duckdb.DuckDBPyConnection, query: str, limits: dict[str, Any]
) -> tuple[dict[str, Any], pa.Table | None]:
    """What the header says of the answer, and the answer: at most so many rows and bytes of it."""
    started = time.perf_counter()
    try:
        asked = connection.sql(query)
        if asked is None:  # a statement without an answer
            return {"rows": 0, "cut": "", "seconds": time.perf_counter() - started}, pa.table({})
        table, cut = _fetched(asked, limits["rows"], limits["bytes"])
    except MemoryError:
        return {"error": {"message": "Out of Memory Error: "}}, None
    except duckdb.Error as error:
        return {"error": _explained(connection, query, error)}, None
    except Exception as error:  # Arrow's own, of a file that has gone or a value that no column holds
        return {"error": {"message": _named(error)[:2000]}}, None
    return {"rows": table.num_rows, "cut": cut, "seconds": time.perf_counter() - started}, table


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _explained(connection: duckdb.DuckDBPyConnection, query: str, error: duckdb.Error) -> dict[str, Any]:
    """The facts of an error. Of one in the query's meaning DuckDB gives them when it is asked to explain the query."""
    text, after = str(error), ""
    if "{" not in text and isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        try:
            connection.execute(EXPLAINING + query)
        except duckdb.Error as explained:
            text, after = str(explained), EXPLAINING
    return {"message": text[:20_000], "after": after}


EXPLAINING = "explain "


def _fetched(asked: duckdb.DuckDBPyRelation, rows: int, most: int) -> tuple[pa.Table, str]:
    """The first rows of the answer as plain columns, and what cut it: "rows", "bytes" or nothing.

    One row more than is shown is asked for, so that a cut is known and not guessed.
    """
    reader = asked.limit(rows + 1).to_arrow_reader(min(rows + 1, 2048))
    batches: list[pa.RecordBatch] = []
    count = size = 0
    cut = ""
    for batch in reader:
        while size + batch.nbytes > most and batch.num_rows > 1:
            batch, cut = batch.slice(0, batch.num_rows // 2), "bytes"
        if size + batch.nbytes > most:
            if not count:
                raise OverflowError(f"The first row of the answer alone takes {batch.nbytes:,} bytes.")
            cut = "bytes"
            break
        batches.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        if cut or count > rows:
            break
    if count > rows and not cut:
        cut = "rows"
    return _plain(pa.Table.from_batches(batches, reader.schema).slice(0, rows)), cut


def _plain(table: pa.Table) -> pa.Table:
    """The table with names that occur once, and columns of kinds that every reader knows."""
    names: list[str] = []
    for name in table.column_names:
        place = 1
        while name in names:
            name, place = f"{table.column_names[len(names)]}_{place}", place + 1
        names.append(name)
    columns = [column if _is_plain(column.type) else _as_text(column) for column in table.columns]
    return pa.table(columns, names=names) if columns else table


def _is_plain(kind: pa.DataType, inside: bool = False) -> bool:
    if pa.types.is_list(kind):
        return _is_plain(kind.value_type, True)
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        return len(set(names)) == len(names) > 0 and all(_is_plain(field.type, True) for field in kind)
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or (pa.types.is_decimal(kind) and kind.scale > 0 and not inside)
    )


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    """A column of another kind as text: dates, as some lie outside of any calendar, intervals, unions, maps, blobs."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type).combine_chunks()
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64()).combine_chunks()
    return pa.array([_said(value) for value in column], pa.string())


def _said(value: pa.Scalar) -> str | None:
    try:
        return None if (plain := value.as_py()) is None else str(plain)
    except (ValueError, OverflowError, NotImplementedError):
        return "(no calendar has it)" if pa.types.is_temporal(value.type) else "(cannot be shown)"


def _as_ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


if __name__ == "__main__":
    main()
