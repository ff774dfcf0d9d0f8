"""A line on a terminal's standard error that says how far long work is, and is gone when it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prune_tui.commands.printing import tell

_PATIENCE = 0.5
"""Seconds before anything is said, and between two lines."""
_SURE = 2.0
"""Seconds before the time that is left is told."""


class ProgressLine:
    """Where long work stands."""

    def __init__(self, what: str, *, live: bool) -> None:
        """Begin to count.

        Args:
            what: `writing`.
            live: Somebody looks on.
        """
        self._what, self._live = what, live
        self._began = time.monotonic()
        self._next = self._began + _PATIENCE
        self._shown = False

    def tell(self, done: int, whole: int) -> None:
        """So many bytes of so many are done."""
        if self._live and whole and time.monotonic() >= self._next:
            self.wipe()
            left = time_left(time.monotonic() - self._began, done, whole)
            tell(f"{self._what} {done / whole:.0%} of {whole:,} bytes …{left}"[:79], end="")
            self._next, self._shown = time.monotonic() + _PATIENCE, True

    def wipe(self) -> None:
        """Nothing of it stays."""
        if self._shown:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)
            self._shown = False


@contextmanager
def shown(what: str) -> Iterator[ProgressLine]:
    """Show it, where standard error is a terminal, for as long as the block lasts."""
    line = ProgressLine(what, live=sys.stderr is not None and sys.stderr.isatty())
    try:
        yield line
    finally:
        line.wipe()


def time_left(passed: float, done: int, whole: int) -> str:
    """` 20 s left`, as soon as that is more than a guess; empty before."""
    if passed < _SURE or not 0 < done < whole:
        return ""
    seconds = passed * (whole - done) / done
    return f" {seconds / 60:.0f} min left" if seconds >= 90 else f" {seconds:.0f} s left"
