"""Stopping this process as `ctrl+z` in a shell does, and whether anybody could continue it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PROCESSES = Path("/proc")
_LOOK = 0.05
"""Seconds between two looks at whose turn it is at the terminal."""


def continued_by_somebody(group: int | None = None, processes: Path = _PROCESSES) -> bool:
    """Whether a process group has a parent that could continue it: a shell with job control.

    POSIX calls one without an orphaned group. A program that a terminal, tmux or sshd has started without a shell
    between them is one; so is one of a script. Stopped, it would stand for ever.

    Args:
        group: Its id; our own where none is given.
        processes: Where Linux tells of processes. Elsewhere nobody does: then it is left to the kernel, which does
            not stop an orphaned group.
    """
    wanted = os.getpgrp() if group is None else group
    known = dict(_processes(processes))
    if not known:
        return True
    return any(
        parent in known and known[parent][1] != wanted and known[parent][2] == session
        for parent, own_group, session in known.values()
        if own_group == wanted
    )


def _processes(folder: Path) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Process ids, each with its parent, its group and its session."""
    with contextlib.suppress(OSError):
        for one in folder.iterdir():
            if one.name.isdecimal():
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    # `pid (name) state parent group session`; a name may have blanks and brackets.
                    parent, group, session = (one / "stat").read_text().rpartition(") ")[2].split()[1:4]
                    yield int(one.name), (int(parent), int(group), int(session))


def stop(terminal: int, leaving: Callable[[], bool]) -> None:
    """Stop our process group until a shell brings it back into the foreground.

    The whole group: a wrapper around us, such as `uv run` or `time`, is what the shell waits for. Continued in the
    background (`bg`) it stops again, as whoever writes to a terminal there does. Call it from the main thread.

    Args:
        terminal: A descriptor of the terminal.
        leaving: Asked when it was continued: a hang-up continues a stopped group, too.

    Raises:
        OSError: Somebody else's process is in the group.
    """
    ours = os.getpgrp()
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTSTP, signal.SIGTTOU)}
    try:
        os.killpg(ours, signal.SIGTSTP)
        while not leaving() and not _in_foreground(terminal, ours) and continued_by_somebody():
            os.killpg(ours, signal.SIGTTOU)
            time.sleep(_LOOK)  # until the signals that continued us have been heeded
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground(terminal: int, group: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) == group
    except OSError:  # it is gone, or not ours: nothing to wait for
        return True
