"""How much one query may take, in one place, and what of it this operating system can hold a process to."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What one query may take at most. Beyond it is stopped, and a sentence says by which of these.

    `memory` is what DuckDB may use before it refuses by itself, `resident` what the process may hold above what it
    holds when it is ready, and `address_space` what the operating system hands out to it besides.
    """

    seconds: float = 20.0
    rows: int = 10_000
    bytes: int = 32 * MEGABYTE
    memory: int = 1000 * MEGABYTE
    resident: int = 1500 * MEGABYTE
    address_space: int = 3000 * MEGABYTE
    threads: int = min(2, os.cpu_count() or 1)
    open_files: int = 256
    nice: int = 5
    query_length: int = 100_000

    def for_worker(self) -> dict[str, Any]:
        """As the child process takes them."""
        return {**asdict(self), "processor_seconds": self.seconds * self.threads + 5}

    @property
    def sentence(self) -> str:
        """A sentence for the person who asks."""
        return (
            f"A query may take {self.seconds:g} seconds and {self.memory / 1e9:g} GB of memory, and shows "
            f"{self.rows:,} rows or {self.bytes // MEGABYTE} MB."
        )


def of_this_machine() -> Limits:
    """What a query may take where nobody else asks: a quarter of the machine's memory, from 1 to 4 GB."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return Limits()
    memory = min(4000 * MEGABYTE, max(Limits.memory, memory // 4 // MEGABYTE * MEGABYTE))
    return Limits(memory=memory, resident=memory + 500 * MEGABYTE, address_space=memory + 2000 * MEGABYTE)


def missing() -> str:
    """What this operating system cannot hold a process to, as a sentence; empty on Linux."""
    if sys.platform == "linux":
        return ""
    if os.name == "posix":
        return "This system does not limit the address space of a process; its memory is watched fifty times a second."
    return (
        "This system has no limits for processes: time, rows and DuckDB's own memory are held, but not processor time, "
        "open files or what a single function takes. Let only people ask whom you trust."
    )
