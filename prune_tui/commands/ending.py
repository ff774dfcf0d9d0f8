"""Being ended by a signal in the middle of writing, so that no file is left half written."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from prune_tui.exit_codes import by_signal


class Ended(KeyboardInterrupt):
    """A signal has ended the command: as an interrupt, which is no failure of the model's code it comes in."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have a signal that would end the process do so by an exception, so that no file is left half written.

    One that the process was started to ignore, as SIGHUP under nohup, stays ignored.
    """

    def end(number: int, _: object) -> NoReturn:
        raise Ended(by_signal(number))

    fatal = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in fatal}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def identity_of(file: Path | None) -> tuple[int, int] | None:
    """Of the file that has a name now; None where there is none."""
    try:
        found = file.stat() if file is not None else None
    except (OSError, ValueError):  # too long a name, or one with a zero byte
        return None
    return None if found is None else (found.st_dev, found.st_ino)
