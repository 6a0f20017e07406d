"""Progress on one line of a terminal: what is being done, the share of it, the time left."""

from __future__ import annotations

import time
from typing import TextIO

EVERY = 0.2
"""Seconds between two lines; what takes less than one shows none."""


class Line:
    """Called with what is being done, how much of it is done and how much there is. Silent where nobody watches."""

    def __init__(self, to: TextIO, subject: str = "") -> None:
        self._to, self._subject = to, f"{subject}: " if subject else ""
        self._doing, self._began, self._said, self._shown = "", 0.0, 0.0, 0

    def __call__(self, doing: str, done: int, of: int) -> None:
        now = time.monotonic()
        if doing != self._doing:
            self._doing, self._began, self._said = doing, now, now
        if now - self._said < EVERY or not self._to.isatty():
            return
        self._said = now
        left = (of - done) * (now - self._began) / max(done, 1)
        line = f"{self._subject}{doing}, {min(1, done / max(of, 1)):.0%}, {left:,.0f} s left"
        self._to.write(f"\r{line:{self._shown}}")
        self._to.flush()
        self._shown = len(line)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            self._to.write(f"\r{'':{self._shown}}\r")
            self._to.flush()
            self._shown = 0
