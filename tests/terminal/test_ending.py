"""Every way to end gives the terminal back and leaves no process behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.terminal.conftest import Start
from tests.terminal.emulated import Terminal, alive, children

# A factory that never comes back, in a C call that holds the interpreter lock: the engine's other threads stand.
STUCK = "import re\ndef make():\n    re.match('(a+)+$', 'a' * 60 + 'b')\n"
MINE = "from torch import nn\nnet = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))\n"


def _engine(terminal: Terminal) -> int:
    terminal.wait_until(lambda: bool(children(terminal.process.pid)), "engine")
    return children(terminal.process.pid)[0]


def _opened(start: Start, **settings: int) -> tuple[Terminal, int]:
    terminal = start(**settings)
    terminal.wait_for("LeNet", "conv1")
    return terminal, _engine(terminal)


def _busy(start: Start, tmp_path: Path) -> tuple[Terminal, int]:
    file = tmp_path / "stuck.py"
    file.write_text(STUCK)
    terminal = start(f"{file}:make")
    terminal.wait_for("opening")
    return terminal, _engine(terminal)


def _gone(terminal: Terminal, pid: int, timeout: float = 10) -> None:
    terminal.wait_until(lambda: not alive(pid), f"end of process {pid}", timeout)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_gives_the_terminal_back(start: Start, number: signal.Signals, code: int) -> None:
    terminal, engine = _opened(start)
    os.kill(terminal.process.pid, number)
    assert terminal.exit_code() == code
    assert terminal.not_restored() == []
    assert b"Traceback" not in terminal.output
    _gone(terminal, engine)


def test_signals_at_the_first_paint_and_twice(start: Start) -> None:
    terminal = start()
    terminal.wait_until(lambda: b"\x1b[?1049h" in terminal.output, "alternate screen")
    engine = _engine(terminal)
    os.kill(terminal.process.pid, signal.SIGTERM)
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.exit_code() in {143, 129}
    assert terminal.not_restored() == []
    _gone(terminal, engine)


def test_ctrl_c_is_a_key(start: Start) -> None:
    terminal, engine = _opened(start)
    terminal.press("ctrl+c")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []
    _gone(terminal, engine)


def test_ctrl_c_before_the_screen_is_there(start: Start) -> None:
    terminal = start()
    engine = _engine(terminal)
    terminal.press("ctrl+c")
    assert terminal.exit_code() in {0, 130}
    assert terminal.not_restored() == []
    assert b"Traceback" not in terminal.output
    _gone(terminal, engine)


def test_a_closed_window(start: Start) -> None:
    terminal, engine = _opened(start)
    terminal.hang_up()
    terminal.process.wait(timeout=10)
    _gone(terminal, engine)


def test_under_nohup_it_outlives_the_signal_but_not_its_window() -> None:
    with Terminal(["sh", "-c", f"trap '' HUP; exec {sys.executable} -m prune_tui"]) as terminal:
        terminal.wait_for("LeNet", "conv1")
        engine = _engine(terminal)
        os.kill(terminal.process.pid, signal.SIGHUP)
        terminal.press("?")
        terminal.wait_for("esc closes")
        terminal.hang_up()
        terminal.process.wait(timeout=10)
        _gone(terminal, engine)


def test_a_closed_window_whose_signal_never_arrives() -> None:
    blocked = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP}); "
    start = "os.execv(sys.executable, [sys.executable, '-m', 'prune_tui'])"
    with Terminal([sys.executable, "-c", blocked + start]) as terminal:
        terminal.wait_for("LeNet", "conv1")
        engine = _engine(terminal)
        terminal.hang_up()
        terminal.process.wait(timeout=10)
        _gone(terminal, engine)


def test_leaving_while_the_engine_is_stuck(start: Start, tmp_path: Path) -> None:
    terminal, engine = _busy(start, tmp_path)
    terminal.press("q")
    assert terminal.exit_code(5) == 0
    assert terminal.not_restored() == []
    _gone(terminal, engine)


def test_leaving_while_the_engine_is_suspended(start: Start) -> None:
    terminal, engine = _opened(start)
    os.kill(engine, signal.SIGSTOP)
    terminal.press("q")
    assert terminal.exit_code(5) == 0
    _gone(terminal, engine)


def test_what_the_model_has_started_ends_too(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "parent.py"
    file.write_text(f"import subprocess\nsubprocess.Popen(['sleep', '600'])\n{MINE}")
    terminal = start(f"{file}:net")
    terminal.wait_for("Sequential")
    (sleep,) = children(_engine(terminal))
    terminal.press("q")
    assert terminal.exit_code() == 0
    _gone(terminal, sleep)


def test_the_engine_ends_with_a_killed_ui(start: Start) -> None:
    terminal, engine = _opened(start)
    terminal.process.kill()
    _gone(terminal, engine)


def test_the_engine_ends_with_a_killed_ui_even_while_it_is_stuck(start: Start, tmp_path: Path) -> None:
    terminal, engine = _busy(start, tmp_path)
    terminal.process.kill()
    _gone(terminal, engine)


def test_a_killed_engine_leaves_a_ui_that_can_start_another(start: Start) -> None:
    terminal, engine = _opened(start, columns=120)
    terminal.wait_for("accuracy 99.7%")
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")
    terminal.press("3")
    terminal.wait_for("l1_unstructured", "amount")
    terminal.press("enter")
    terminal.wait_for("1 unsaved step", "keeps 38 of 54", "accuracy 99.4% ▼0.3")
    os.kill(engine, signal.SIGKILL)
    terminal.wait_for("The engine is gone", "it was killed by SIGKILL", "do your 1 step again")
    terminal.press("r")
    terminal.wait_for("importing torch")
    terminal.wait_for("1 unsaved step", "keeps 38 of 54", "accuracy 99.4% ▼0.3")
    terminal.press("u")
    terminal.wait_until(lambda: "weight_mask" not in terminal.text, "undo")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.not_restored() == []


def test_an_engine_that_crashes_while_it_opens_the_model(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "crash.py"
    file.write_text("import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    terminal = start(f"{file}:net")
    terminal.wait_for("The engine is gone", "it was killed by SIGSEGV", "last words")
    terminal.press("q")
    assert terminal.exit_code() == 2
    assert terminal.not_restored() == []
    assert b"the engine has ended, it was killed by SIGSEGV" in terminal.output.replace(b"\r\n", b" ")
