"""A terminal without a window: a pseudo-terminal, and an emulator that knows what would be on its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pagedown": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f9": "\x1b[20~",
    "f12": "\x1b[24~",
    "ctrl+c": "\x03",
    "ctrl+p": "\x10",
    "ctrl+z": "\x1a",
}
# What a program that took the screen must have given back: the sequence that sets a mode, the one that ends it.
MODES = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse movement": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "focus events": (b"\x1b[?1004h", b"\x1b[?1004l"),
}


def _in_a_window() -> None:
    """Make the terminal the controlling one, as a window does; its signals work where ours are ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A command in a pseudo-terminal of its own, which is its controlling terminal, as in a window.

    Args:
        command: What to run.
        columns: Width of the window.
        lines: Height of the window.
        env: Environment on top of this process's; None as a value takes a variable out.
        cwd: Where it runs.
        stderr: File descriptor for its standard error instead of the terminal.

    Example:
        >>> with Terminal(["prune-tui"]) as terminal:
        ...     terminal.wait_for("LeNet")
        ...     terminal.press("q")
        ...     assert terminal.exit_code() == 0
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        lines: int = 24,
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        stderr: int | None = None,
    ) -> None:
        self.output = b""
        self.bytes_a_second: int | None = None  # how fast it takes what is written; None as fast as it can
        # Journals of its own: the steps that one test leaves behind must not be offered to the next.
        self._state = tempfile.TemporaryDirectory()
        self._changed = threading.Condition()
        self._emulator = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._emulator)
        self._master, self._slave = pty.openpty()
        self._window(columns, lines)
        self._cooked = termios.tcgetattr(self._slave)
        # A size in the environment, as pytest-xdist gives its workers, would be believed before the window's.
        here = {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "COLUMNS": None,
            "LINES": None,
            "XDG_STATE_HOME": self._state.name,
            "PRUNE_TUI_SLOW": "never",  # the emulator is slow itself, above all on a busy machine
        }
        settings = {**os.environ, **here, **(env or {})}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave if stderr is None else stderr,
            env={name: value for name, value in settings.items() if value is not None},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_in_a_window,  # noqa: PLW1509 - it is three system calls
        )
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            for child in children(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process.kill()
        self.process.wait()
        self._ended = True
        self._reader.join()
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._state.cleanup()

    # What is seen

    @property
    def screen(self) -> list[str]:
        """The lines of the screen, blanks at their ends cut."""
        with self._changed:
            return [line.rstrip() for line in self._emulator.display]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.screen)

    def wait_for(self, *wanted: str, timeout: float = 30) -> None:
        """Wait until all these texts stand on the screen together.

        Raises:
            AssertionError: They did not within the time; shows the screen.
        """
        self.wait_until(
            lambda: all(text in self.text for text in wanted), " and ".join(map(repr, wanted)), timeout
        )

    def wait_until(self, is_so: Callable[[], bool], what: str, timeout: float = 30) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: It was not within the time; shows the screen.
        """
        deadline = time.monotonic() + timeout
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} within {timeout} s; the screen:\n{self.text}")
            with self._changed:
                self._changed.wait(0.05)

    def not_restored(self) -> list[str]:
        """What a program has left as the shell would not like it; empty after a clean end."""
        left = self._modes_left()
        if termios.tcgetattr(self._slave)[:4] != self._cooked[:4]:
            left.append("raw mode")
        return left

    def not_given_back(self) -> list[str]:
        """The same where a shell reads the next line, which edits and takes pastes in modes of its own."""
        return [name for name in self._modes_left() if name != "bracketed paste"]

    def _modes_left(self) -> list[str]:
        with self._changed:
            output = self.output
        return [name for name, (on, off) in MODES.items() if output.rfind(on) > output.rfind(off)]

    # What a person does

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS`, or text to type."""
        os.write(self._master, "".join(KEYS.get(key, key) for key in keys).encode())

    def sent_by(self, *keys: str, shows: str) -> int:
        """How many bytes some keys lead to, from silence to silence.

        Args:
            keys: For `press`.
            shows: A text that stands on the screen when they have been answered.
        """
        before = self.silence()
        self.press(*keys)
        self.wait_for(shows)
        return self.silence() - before

    def writes(self, output: bytes) -> None:
        """Have something stand on the screen that another program wrote."""
        with self._changed:
            self._stream.feed(output)

    def resize(self, columns: int, lines: int) -> None:
        """Drag the window's corner."""
        with self._changed:
            self._emulator.resize(lines, columns)
        self._window(columns, lines)  # the kernel sends SIGWINCH

    def hang_up(self) -> None:
        """Close the window: the kernel sends SIGHUP, and nothing can be read or written any more."""
        self._ended = True
        self._reader.join()
        os.close(self._slave)
        os.close(self._master)

    def exit_code(self, timeout: float = 20) -> int:
        """Wait for the end, and for all that was written until then."""
        self.wait_until(lambda: self.process.poll() is not None, "end of the program", timeout)
        self.wait_until(lambda: not select.select([self._master], [], [], 0)[0], "end of its output", timeout)
        return int(self.process.returncode)

    # Inside

    def silence(self, seconds: float = 0.5) -> int:
        """Wait until nothing has been written for some time; how many bytes were until then."""
        known, since = len(self.output), time.monotonic()
        while time.monotonic() - since < seconds:
            with self._changed:
                self._changed.wait(0.05)
            if len(self.output) != known:
                known, since = len(self.output), time.monotonic()
        return known

    def _window(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _read(self) -> None:
        while not self._ended:
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            slowly = self.bytes_a_second
            piece = os.read(self._master, 1 << 16 if slowly is None else max(slowly // 20, 1))
            if slowly is not None:
                time.sleep(0.05)
            with self._changed:
                self.output += piece
                self._stream.feed(piece.replace(b"\x1b[<u", b""))  # a sequence that pyte does not know
                self._changed.notify_all()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [child for child, parent in _parents() if parent == pid]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def has_loaded(pid: int, library: str) -> bool:
    """Whether a process has mapped a shared library."""
    return library in Path(f"/proc/{pid}/maps").read_text()


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                after_name = (folder / "stat").read_text().rpartition(") ")[2]
                yield int(folder.name), int(after_name.split()[1])
