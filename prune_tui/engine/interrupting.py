"""Interrupting a person's code that would not ask whether to stop, and telling of code that cannot be interrupted.

An exception is raised in its thread, as ctrl+c raises one in the main thread: Python code ends by it, an endless
loop too. Code that catches everything, or is deep in a call of C, goes on; then whoever waits for it is told.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.step_settings import StepError

_LOOK = 0.05
"""Seconds between two looks at whether somebody still wants it."""
_AGAIN = 1.0
"""Seconds until it is interrupted again."""
_PATIENCE = 2.0
"""Seconds after which code that was interrupted counts as deaf."""

_Result = TypeVar("_Result")


class Interrupted(BaseException):
    """Raised in the middle of a person's code; no `except Exception` there catches it."""


class BlockedError(StepError):
    """It has to wait for code that was interrupted in vain."""


class _Running:
    """A person's code at work in this thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.thread = threading.get_ident()
        self.since = time.monotonic()
        self.interrupted: float | None = None
        self._over = threading.Event()
        self._raising = threading.Lock()

    def watch(self, stop: Stop) -> None:
        """Interrupt it as soon as nobody wants it any more, and again until it ends."""
        while not self._over.wait(_LOOK if self.interrupted is None else _AGAIN):
            if stop():
                self.interrupted = self.interrupted or time.monotonic()
                with self._raising:
                    if not self._over.is_set():
                        _raise_in(self.thread, Interrupted)

    def end(self) -> None:
        """Nothing is raised in this thread from here on."""
        self._over.set()
        with self._raising:
            _raise_in(self.thread, None)


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Have Python raise an exception in a thread before its next bytecode; None takes one back that waits."""
    raised = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)


_running: list[_Running] = []


def interruptible(work: Callable[[], _Result], name: str, stop: Stop) -> _Result:
    """Do a person's work, and interrupt it when that is asked for.

    Args:
        work: Changes nothing that it leaves half done.
        name: What it is called when it is told of.
        stop: Asked from another thread.

    Raises:
        Cancelled: It was interrupted.
    """
    running = _Running(name)
    _running.append(running)
    try:
        try:
            if stop is not never:
                threading.Thread(target=running.watch, args=(stop,), name="prune-tui watch", daemon=True).start()
            return work()
        finally:
            running.end()
    except Interrupted:
        running.end()  # it may have come while the first one began
        raise Cancelled from None
    finally:
        _running.remove(running)


def deaf(thread: int | None = None) -> str:
    """What to tell of code that was interrupted in vain, in a thread or in any; empty where there is none."""
    now = time.monotonic()
    for running in (*_running,):  # others begin and end meanwhile
        told = running.interrupted
        if told is not None and now - told > _PATIENCE and thread in {None, running.thread}:
            return (
                f"{running.name} is still running, for {now - running.since:.0f} s now, and cannot be interrupted;"
                " wait for it, or have another engine started, which goes on where the steps ended"
            )
    return ""
