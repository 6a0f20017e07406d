"""DuckDB in memory, opened when it is first asked, for the models of one look at a store.

It knows no model, though every model asks it, so that a store nobody uses any more lets go of its files at once.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import duckdb

from rnnstore.store import views
from rnnstore.store.macros import PLANNING


class Connection:
    """Gives cursors, each for one thread; safe to use from several."""

    def __init__(self) -> None:
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._viewed = False
        self._lock = threading.Lock()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor that knows no views."""
        with self._lock:
            return self._open().cursor()

    def cursor_with_views(self, store: Path, models: views.Models) -> duckdb.DuckDBPyConnection:
        """A cursor that knows the views; they are made when first wanted, as DuckDB reads every footer for them."""
        with self._lock:
            opened = self._open()
            if not self._viewed:
                views.add_views(opened, store, models)
                self._viewed = True
            return opened.cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._opened is None:
            self._opened = duckdb.connect(":memory:", config={"threads": min(4, os.cpu_count() or 1), **PLANNING})
            self._opened.execute("set parquet_metadata_cache = true")
        return self._opened
