"""Progress of a long command on one line of a terminal: what is done, the share of it, the rate, the time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 2.0
"""Seconds between two lines of a log."""


class Line:
    """Called with what is being done, how much of it is done and how much there is; a `with` statement, or `end`.

    `subject` stands before it, `unit` is what is counted, for the rate. It is written to `console`, else to stderr.
    Where that is no terminal, nothing is written, or with `log` a line every two seconds and at the end.
    """

    def __init__(self, subject: str = "", unit: str = "", console: Console | None = None, *, log: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}"), TimeRemainingColumn(compact=True), TextColumn("left"),
        )  # fmt: skip
        console = console or Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._subject, self._unit, self._doing = subject, unit, ""
        self._task = self._bar.add_task(subject, total=None, note="")
        self._log, self._began, self._logged = log and self._bar.disable, time.monotonic(), 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Take the line away; the next call shows it again."""
        self._bar.stop()

    def __call__(self, doing: str, done: int, of: int | None, note: str = "") -> None:
        """`note` stands in the place of the rate."""
        self._bar.start()
        if doing != self._doing:
            self._doing = doing
            self._bar.reset(self._task, description=": ".join(filter(None, (self._subject, doing))))
        speed = self._bar.tasks[0].speed
        rate = "" if speed is None or not self._unit else f"{speed:,.0f} {self._unit}/s"
        self._bar.update(self._task, completed=done, total=of, note=note or rate)
        now = time.monotonic()
        if self._log and of is not None and (now - self._logged >= EVERY or done >= of):
            self._logged, rate = now, f"{done / max(now - self._began, 1e-9):,.0f} {self._unit}/s"
            self._bar.console.print(
                f"{doing}, {done:,} of {of:,} {self._unit}, {rate}", soft_wrap=True, highlight=False
            )
