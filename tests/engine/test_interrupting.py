"""A person's code that does not end by itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from prune_tui.engine import generators, interrupting
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.interrupting import deaf, interruptible
from prune_tui.step_settings import StepError


def endless() -> None:
    while True:
        pass


def test_an_endless_loop_is_interrupted_when_nobody_wants_it_any_more() -> None:
    wanted = iter([False, False, True, True])
    with pytest.raises(Cancelled):
        interruptible(endless, "endless", lambda: next(wanted))
    assert deaf() == ""


def test_what_ends_by_itself_is_left_alone() -> None:
    assert interruptible(lambda: 5, "five", lambda: False) == 5
    assert interruptible(lambda: 5, "five", never) == 5
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0, "nothing", lambda: False)


def test_except_exception_does_not_keep_it_running() -> None:
    def stubborn() -> None:
        while True:
            try:
                endless()
            except Exception:  # noqa: BLE001, PERF203 - as people write it
                continue

    with pytest.raises(Cancelled):
        interruptible(stubborn, "stubborn", lambda: True)


def test_an_interrupt_that_comes_at_the_end_is_not_raised_afterwards() -> None:
    for _ in range(20):
        stopped = threading.Event()
        try:
            interruptible(lambda event=stopped: time.sleep(0.06) or event.set(), "short", lambda: True)
        except Cancelled:
            continue
        for _ in range(1000):  # room for an exception that waits
            pass


@pytest.fixture
def deaf_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """Code that was interrupted in vain, in another thread that holds torch's generators."""
    monkeypatch.setattr(interrupting, "_PATIENCE", 0)
    free = threading.Event()

    def stubborn() -> None:
        while not free.is_set():
            try:
                free.wait()
            except BaseException:  # noqa: BLE001, PERF203
                continue

    def run() -> None:
        with contextlib.suppress(Cancelled), generators.seeded(1, []):
            interruptible(stubborn, "halved (my_methods.py:2)", lambda: True)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 10
    while not deaf():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield thread
    free.set()
    thread.join(10)
    assert not thread.is_alive()
    assert deaf() == ""


def test_code_that_cannot_be_interrupted_is_told_of(deaf_code: threading.Thread) -> None:
    assert deaf().startswith("halved (my_methods.py:2) is still running, for 0 s now, and cannot be interrupted;")
    assert deaf(deaf_code.ident) == deaf()
    assert deaf(threading.get_ident()) == ""


def test_who_waits_for_the_generators_it_holds_is_told(deaf_code: threading.Thread) -> None:
    with pytest.raises(StepError, match="halved"), generators.seeded(1, []):
        pass


def test_who_waits_for_the_generators_can_be_stopped(deaf_code: threading.Thread) -> None:
    with pytest.raises(Cancelled), generators.seeded(1, [], lambda: True):
        pass
