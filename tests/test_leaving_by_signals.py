"""Signals that end the process: heeded once, ignored where they were, and as before afterwards."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from prune_tui.leaving_by_signals import ended_by_signals


def test_a_signal_before_the_screen_is_there_ends_the_process_too() -> None:
    def leave(code: int) -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as ended, ended_by_signals(leave, watched=False):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 143


def test_nothing_waits_to_end_the_process_by_force_once_it_has_left() -> None:
    with ended_by_signals(lambda _: None, watched=False):
        os.kill(os.getpid(), signal.SIGTERM)
    waiting = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert all(timer.finished.is_set() for timer in waiting)


def test_signals_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with ended_by_signals(lambda _: None, watched=False):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_was_ignored_stays_so() -> None:
    left: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with ended_by_signals(left.append, watched=False):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert left == []
