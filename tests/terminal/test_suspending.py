"""ctrl+z in a shell with job control: the terminal is given back, and `fg` goes on where it was."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.terminal.conftest import Start, command
from tests.terminal.emulated import Terminal, alive, children

PROMPT = "ready>"
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")


@pytest.fixture
def shell() -> Iterator[Callable[..., Terminal]]:
    """A bash that a person types into, with `prune-tui` started from it as the arguments say."""
    with ExitStack() as stack:

        def typed(line: str, **settings: object) -> Terminal:
            terminal = stack.enter_context(
                Terminal(["bash", "--norc", "--noprofile", "-i"], env={"PS1": PROMPT, **settings})
            )
            terminal.wait_for(PROMPT)
            terminal.press(line.format(shlex.join(command())), "enter")
            terminal.wait_for("LeNet", "conv1")
            return terminal

        yield typed


def _suspended(terminal: Terminal) -> None:
    terminal.press("ctrl+z")
    terminal.wait_for("Stopped", PROMPT)
    assert terminal.not_given_back() == []


def _brought_back(terminal: Terminal) -> None:
    terminal.press("clear; fg", "enter")  # all that is seen then has been drawn since
    terminal.wait_for("LeNet", "conv1", "Modules")


def _left(terminal: Terminal) -> None:
    terminal.wait_until(lambda: children(terminal.process.pid) == [], "end of prune-tui")
    assert terminal.not_given_back() == []


def test_it_goes_on_where_it_was(shell: Callable[..., Terminal]) -> None:
    terminal = shell("{}")
    terminal.press("j", "3")
    terminal.wait_for("enter applies", "of 54 left")
    _suspended(terminal)
    _brought_back(terminal)
    terminal.wait_for("enter applies", "of 54 left")
    terminal.press("enter")
    terminal.wait_for("1 unsaved step")
    terminal.press("q")
    terminal.wait_for("Leave?")
    _suspended(terminal)  # a question lies over the screen
    _brought_back(terminal)
    terminal.wait_for("Leave?")
    terminal.press("d")
    _left(terminal)


def test_another_size_of_the_window_is_noticed(shell: Callable[..., Terminal]) -> None:
    terminal = shell("{}")
    _suspended(terminal)
    terminal.resize(120, 40)
    _brought_back(terminal)
    terminal.wait_until(lambda: len(terminal.screen[1]) == 120 and "quit" in terminal.screen[39], "larger screen")


def test_in_the_background_it_stops_again(shell: Callable[..., Terminal]) -> None:
    terminal = shell("{}")
    _suspended(terminal)
    terminal.press("bg; clear", "enter")
    terminal.wait_until(lambda: "Stopped" not in terminal.text, "clear screen")
    terminal.press("sleep 0.5; jobs", "enter")
    terminal.wait_for("Stopped")
    _brought_back(terminal)
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")


def test_a_wrapper_is_stopped_with_it(shell: Callable[..., Terminal]) -> None:
    terminal = shell("sh -c '{}; true'")
    _suspended(terminal)
    _brought_back(terminal)


def test_what_stops_it_unprepared_does_no_harm(shell: Callable[..., Terminal]) -> None:
    terminal = shell("{}")
    (ui,) = children(terminal.process.pid)
    os.kill(ui, signal.SIGSTOP)
    terminal.wait_for("Stopped")
    _brought_back(terminal)
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")
    terminal.press("q")
    _left(terminal)


def test_a_window_closed_meanwhile_ends_it_and_keeps_the_steps(
    shell: Callable[..., Terminal], start: Start, tmp_path: Path
) -> None:
    terminal = shell("{}", XDG_STATE_HOME=str(tmp_path))
    terminal.press("j", "3")
    terminal.wait_for("enter applies", "of 54 left")
    terminal.press("enter")
    terminal.wait_for("1 unsaved step")
    (ui,) = children(terminal.process.pid)
    (engine,) = children(ui)
    _suspended(terminal)
    terminal.hang_up()
    for process in (ui, engine):
        terminal.wait_until(lambda pid=process: not alive(pid), "end of the processes", 10)
    again = start("--resume", env={"XDG_STATE_HOME": str(tmp_path)})
    again.wait_for("1 unsaved step")


def test_without_job_control_it_says_so_and_goes_on(start: Start) -> None:
    terminal = start()
    terminal.wait_for("LeNet", "conv1")
    terminal.press("ctrl+z")
    terminal.wait_for("nothing was suspended")
    terminal.press("j")
    terminal.wait_for("Conv2d(1, 6")
