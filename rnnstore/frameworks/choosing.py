"""Which series are recorded, by name or pattern, and what they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from rnnstore.errors import StoreError, suggest


def choose(widths: Mapping[str, int], states: str | Sequence[str] | None) -> list[str]:
    """The names that are recorded, in order: all, or those that a name or a pattern such as `*.c` names."""
    if states is None:
        return list(widths)
    patterns = [states] if isinstance(states, str) else list(states)
    chosen = []
    for pattern in patterns:
        found = [name for name in widths if fnmatchcase(name, pattern)]
        if not found:
            raise StoreError(f"states= names {pattern!r}, which is no state or gate of it: {suggest(pattern, widths)}")
        chosen += found
    return [name for name in widths if name in set(chosen)]


def size_message(widths: Mapping[str, int], dtype: str, steps: int | None) -> str:
    """What is recorded and what it takes: "12 series of 200 to 400 units, 9,600 bytes a step, ..."."""
    units = sum(widths.values())
    # By column and by row.
    each = 2 * units * (2 if dtype == "float16" else 4)
    low, high = min(widths.values()), max(widths.values())
    wide = f"{low:,} units" if low == high else f"{low:,} to {high:,} units"
    names = ", ".join(list(widths)[:4]) + (f", ... {list(widths)[-1]}" if len(widths) > 4 else "")
    whole = "" if steps is None else f", {size(each * steps)} for {steps:,} steps"
    return f"{len(widths):,} series of {wide} ({names}): {size(each)} a step{whole}"


def size(count: float) -> str:
    """So many bytes, in a unit that reads well."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{int(count)} {unit}"
        count /= 1000
    return f"{count:,.3g} GB"
