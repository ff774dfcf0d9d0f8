"""The signals that end a process, while the app has the terminal: they leave it, so that it is given back."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from prune_tui.exit_codes import by_signal

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 5.0
"""Seconds."""


@contextlib.contextmanager
def ended_by_signals(leave: Callable[[int], None], *, watched: bool) -> Iterator[None]:
    """Have the signals that end a process leave the app instead, so that the terminal is given back.

    One that the process was started to ignore, as SIGHUP under nohup, stays ignored; that the terminal is gone, as
    SIGHUP would tell, still ends the app.

    Often two come together, SIGTERM and SIGHUP: only the first counts. The app cannot leave while it waits for a
    terminal that takes no output any more, as over a connection that has died; then it is ended as it stands.

    Args:
        leave: Called with the exit code.
        watched: Whether standard input is where a person's keys come from, so that its end is theirs.
    """
    ending: list[threading.Timer] = []

    def handle(number: int, _: object) -> None:
        code = by_signal(number)
        for wanted in _ENDING:
            signal.signal(wanted, signal.SIG_IGN)
        patience = threading.Timer(_PATIENCE, os._exit, (code,))
        patience.daemon = True
        patience.start()
        ending.append(patience)
        leave(code)

    heeded = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        with _ended_with_its_terminal() if watched else contextlib.nullcontext():
            yield
    finally:
        for patience in ending:
            patience.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _ended_with_its_terminal() -> Iterator[None]:
    """Have SIGTERM sent when standard input hangs up: nobody can press a key or see the screen any more.

    SIGHUP does not reach everybody: not who was started to ignore or to block it, nor who was left behind.
    """
    over, end = os.pipe()

    def wait() -> None:
        waiting = select.poll()
        waiting.register(sys.stdin.fileno(), 0)  # of no events but the one that it hung up
        waiting.register(over, 0)
        if dict(waiting.poll()).get(sys.stdin.fileno(), 0) & select.POLLHUP:  # not where that cannot be told
            os.kill(os.getpid(), signal.SIGTERM)
        os.close(over)

    threading.Thread(target=wait, name="prune-tui terminal", daemon=True).start()
    try:
        yield
    finally:
        os.close(end)
