"""Steps outlive every end of the processes that made them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.conftest import Start, command
from tests.terminal.emulated import Terminal, children

ENDS: dict[str, Callable[[Terminal], None]] = {
    "kill -9 of the screen": lambda terminal: terminal.process.kill(),
    "kill -9 of the engine, then of the screen": lambda terminal: [
        os.kill(pid, signal.SIGKILL) for pid in (*children(terminal.process.pid), terminal.process.pid)
    ],
    "a dropped connection": Terminal.hang_up,
    "q q": lambda terminal: terminal.press("q", "q"),
}


def _pruned(start: Start, state: Path) -> Terminal:
    """The demo with conv1 pruned at random and by magnitude, the latter undone."""
    terminal = start(columns=120, lines=40, env={"XDG_STATE_HOME": str(state)})
    terminal.wait_for("LeNet", "conv1")
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")
    for key, steps in (("2", "1 unsaved step"), ("3", "2 unsaved steps")):
        terminal.press(key)
        terminal.wait_for("enter applies", "of 54 left" if key == "2" else "of 38 left")
        terminal.press("enter")
        terminal.wait_until(lambda: "enter applies" not in terminal.text, "end of the form")
        terminal.wait_for(steps)
    terminal.press("u")
    terminal.wait_for("1 unsaved step", "keeps 38 of 54")
    terminal.wait_until(lambda: "".join(_cells(terminal)).count("×") == 16, "picture of the undone step")
    return terminal


def _cells(terminal: Terminal) -> list[str]:
    """The values in the grid, with the masked ones marked."""
    return [line[38:] for line in terminal.screen if re.match(r"[012] [ ×]", line[39:])]


def _sessions(state: Path, *arguments: str) -> str:
    run = subprocess.run(
        [*command(), "sessions", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout


@pytest.mark.parametrize("end", ENDS)
def test_resume_goes_on_after(start: Start, tmp_path: Path, end: str) -> None:
    terminal = _pruned(start, tmp_path)
    before = _cells(terminal)
    assert "in use" in _sessions(tmp_path)
    ENDS[end](terminal)
    terminal.process.wait(timeout=10)

    again = start("--resume", columns=120, lines=40, env={"XDG_STATE_HOME": str(tmp_path)})
    again.wait_for("1 unsaved step", "conv1")
    again.press("j")
    again.wait_until(lambda: _cells(again) == before, "same masks")
    again.press("U")
    again.wait_for("2 unsaved steps")
    again.press("q")
    again.wait_for("2 steps not saved")
    again.press("d")
    assert again.exit_code() == 0
    assert _sessions(tmp_path) == ""


def test_sessions_are_listed_and_deleted(start: Start, tmp_path: Path) -> None:
    _pruned(start, tmp_path).process.kill()

    listed = _sessions(tmp_path)
    name = listed.split()[0]
    assert "1 step, 1 undone  LeNet (demo)" in listed
    terminal = start("--resume", name, env={"XDG_STATE_HOME": str(tmp_path)})
    terminal.wait_for("1 unsaved step")
    terminal.process.kill()
    terminal.process.wait()
    terminal.wait_until(lambda: "in use" not in _sessions(tmp_path), "end of the engine")
    _sessions(tmp_path, "--delete", name)
    assert _sessions(tmp_path) == ""


def test_without_a_journal_nothing_stays(start: Start, tmp_path: Path) -> None:
    terminal = start("--no-journal", env={"XDG_STATE_HOME": str(tmp_path / "state"), "TMPDIR": str(tmp_path)})
    terminal.wait_for("LeNet", "conv1")
    terminal.press("j")
    terminal.wait_for("Conv2d")
    terminal.press("3")
    terminal.wait_for("amount")
    terminal.press("enter")
    terminal.wait_for("1 unsaved step")
    terminal.press("q")
    terminal.wait_for("1 step will be lost")
    terminal.press("q")
    assert terminal.exit_code() == 0
    left = [file.name for file in tmp_path.rglob("*") if file.is_file()]
    assert left == ["layout.json"], "how the panes are is no step"


def test_nothing_to_go_on_with(start: Start) -> None:
    terminal = start("--resume", columns=120)
    assert terminal.exit_code() == 2
    assert "there is no session to go on with; prune-tui sessions lists those that are kept" in terminal.text
