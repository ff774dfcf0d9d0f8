"""Textual's way to a terminal, which also knows how fast that takes what it is sent, and lets go of the mouse."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from prune_tui.ui.line_speed import PIECE, LineSpeed

if TYPE_CHECKING:
    from textual.app import App


class LineIsSlow(Message):
    """Writes back up. Told once."""


class LineRestarted(Message):
    """The terminal was given back and taken again, as after ctrl+z: nothing of ours is on it."""


class TimedFile:
    """The terminal's file: measures how long it takes each piece of what is written.

    Args:
        file: Where to.
        slow: Called, in the thread that writes, when the line has turned out to be slow.
    """

    def __init__(self, file: IO[str], slow: Callable[[], None]) -> None:
        self._file = file
        self._slow = slow
        self._speed = LineSpeed()
        self._told = False
        self._since: float | None = None

    @property
    def behind(self) -> float:
        """Seconds that the terminal has kept us waiting by now; 0 where it does not."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def write(self, text: str) -> int:
        """Write; waits until the terminal has taken all of it."""
        self._since = time.monotonic()
        try:
            for start in range(0, len(text), PIECE):
                piece = text[start : start + PIECE]
                before = time.monotonic()
                self._file.write(piece)
                self._file.flush()
                now = time.monotonic()
                if self._speed.took(len(piece), now - before, now) and not self._told:
                    self._told = True
                    self._slow()
        finally:
            self._since = None
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def fileno(self) -> int:
        """Of the terminal."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._file.isatty()


class LineDriver(LinuxDriver):
    """What Textual's is, with a view of the line.

    Textual has no public way to either: its writer thread takes the file that a driver names `_file`, and the
    mouse is asked for once, at the start.
    """

    def __init__(self, app: App[Any], **settings: Any) -> None:
        super().__init__(app, **settings)
        self._timed = TimedFile(cast("IO[str]", self._file), lambda: self.send_message(LineIsSlow()))
        self._file = cast("Any", self._timed)
        self._started = False

    def start_application_mode(self) -> None:
        """Take the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._started:
            self.send_message(LineRestarted())
        self._started = True

    @property
    def behind(self) -> float:
        """Seconds that the terminal has kept us waiting by now."""
        return self._timed.behind

    @property
    def has_mouse(self) -> bool:
        """Whether the mouse is ours."""
        return self._mouse

    def take_mouse(self) -> None:
        """Have the terminal report the mouse."""
        self._mouse = True
        self._enable_mouse_support()
        if self._in_band_window_resize:  # then places are read as pixels, so they must be sent as such
            self._enable_mouse_pixels()

    def leave_mouse(self) -> None:
        """Leave the mouse to the terminal."""
        self._disable_mouse_support()
        self._mouse = False
