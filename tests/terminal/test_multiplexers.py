"""Within tmux and screen: started, used, resized, left and come back to."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.conftest import command
from tests.terminal.emulated import Terminal

NO_OTHER = {"TMUX": None, "STY": None}


def tmux(socket: str, *arguments: str) -> str:
    """One command of tmux, on a socket of its own; no size of a test process is believed before the window's."""
    env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = ["tmux", "-L", socket, "-f", os.devnull, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


@pytest.fixture
def session(tmp_path: Path) -> Iterator[str]:
    """The socket of a tmux of its own, with prune-tui in it and nobody attached."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    socket = f"prune-tui-{os.getpid()}-{time.monotonic_ns()}"
    started = ["new-session", "-d", "-s", "it", "-x", "100", "-y", "30", "-e", f"XDG_STATE_HOME={tmp_path}"]
    tmux(socket, *started, "-e", f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}", *command())
    try:
        yield socket
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], capture_output=True, check=False)


def shown(socket: str, *wanted: str) -> str:
    """The pane as it is when some texts stand in it together."""
    deadline = time.monotonic() + 30
    while True:
        text = tmux(socket, "capture-pane", "-p", "-t", "it")
        if all(one in text for one in wanted):
            return text
        assert time.monotonic() < deadline, f"no {wanted} in\n{text}"
        time.sleep(0.1)


def test_keys_and_sizes_in_tmux(session: str) -> None:
    shown(session, "LeNet", "accuracy")
    tmux(session, "send-keys", "-t", "it", "Down")
    shown(session, "conv1  Conv2d(1")
    tmux(session, "send-keys", "-t", "it", "3")
    shown(session, "amount")
    tmux(session, "send-keys", "-t", "it", "Escape")
    time.sleep(0.5)
    tmux(session, "resize-window", "-t", "it", "-x", "130", "-y", "40")
    deadline = time.monotonic() + 20
    while max(map(len, shown(session, "conv1", "quit").splitlines())) != 130:
        assert time.monotonic() < deadline, "it fills the window"
        time.sleep(0.1)
    tmux(session, "send-keys", "-t", "it", "q")
    deadline = time.monotonic() + 20
    while subprocess.run(["tmux", "-L", session, "has-session"], capture_output=True, check=False).returncode == 0:
        assert time.monotonic() < deadline, "q leaves"
        time.sleep(0.1)


def attached(socket: str, columns: int = 100, lines: int = 30) -> Terminal:
    """A terminal that shows the session."""
    return Terminal(["tmux", "-L", socket, "attach", "-t", "it"], columns, lines, env=NO_OTHER)


def test_left_and_come_back_to(session: str) -> None:
    shown(session, "LeNet", "accuracy")
    with attached(session) as terminal:
        terminal.wait_for("LeNet", "conv2")
        terminal.press("j")
        terminal.wait_for("conv1  Conv2d(1")
        tmux(session, "detach-client", "-s", "it")
        assert terminal.exit_code() == 0
    with attached(session, 110, 34) as terminal:
        terminal.wait_for("conv1  Conv2d(1", "quit")
        terminal.process.kill()  # the line is dead; the session is not
    with attached(session) as terminal:
        terminal.wait_for("conv1  Conv2d(1", "quit")
        terminal.press("j")
        terminal.wait_for("conv2  Conv2d(6")


def test_what_is_copied_goes_through_tmux(session: str) -> None:
    tmux(session, "set-option", "-g", "set-clipboard", "on")
    shown(session, "LeNet", "accuracy")
    tmux(session, "send-keys", "-t", "it", "j", "y")
    shown(session, "sent to the terminal: conv1")
    deadline = time.monotonic() + 10
    while "conv1" not in tmux(session, "list-buffers"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert tmux(session, "show-buffer") == "conv1"


def test_what_is_copied_is_handed_through_tmux(session: str) -> None:
    tmux(session, "set-option", "-g", "set-clipboard", "off")
    tmux(session, "set-option", "-g", "allow-passthrough", "on")
    shown(session, "LeNet", "accuracy")
    with attached(session) as terminal:
        terminal.wait_for("LeNet", "conv2")
        terminal.press("j", "y")
        terminal.wait_for("sent to the terminal: conv1")
        assert b"\x1b]52;c;" + base64.b64encode(b"conv1") + b"\a" in terminal.output


@pytest.mark.skipif(shutil.which("screen") is None, reason="screen is not installed")
def test_in_screen_all_of_it_comes_through(tmp_path: Path) -> None:
    env = {**NO_OTHER, "SCREENDIR": str(tmp_path), "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": str(tmp_path / "state")}
    tmp_path.chmod(0o700)
    with Terminal(["screen", "-U", "-c", os.devnull, *command()], 100, 30, env=env) as terminal:
        terminal.wait_for("LeNet", "accuracy")
        terminal.press("j")
        terminal.wait_for("conv1  Conv2d(1", "[0, 0, 0, 0]")
        terminal.press("tab", "tab", "Y")
        terminal.wait_for("sent to the terminal:", "conv1.weight")
        terminal.press("\x1b[Z", "\x1b[Z", "y")
        terminal.wait_for("sent to the terminal: conv1")
        assert base64.b64encode(b"conv1") in terminal.output
        terminal.press("q")
        terminal.exit_code()
