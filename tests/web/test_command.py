"""`prune-tui web` without a browser: what it starts, what it refuses, what it warns of."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from prune_tui import cli
from prune_tui.web import server
from prune_tui.web.command import MISSING, SHARED, address, web
from prune_tui.web.server import PruneServer, app_command


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[PruneServer]:
    """The servers that would be running."""
    running: list[PruneServer] = []

    def serve(server: PruneServer) -> None:
        running.append(server)

    monkeypatch.setattr(PruneServer, "serve", serve)
    monkeypatch.setenv("COLORTERM", "")
    return running


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
    return found


def test_options_of_the_app_are_handed_through(served: list[PruneServer], port: int) -> None:
    options = ["demo", "--readonly", "--theme", "light", "--arg", "a=b c'd"]
    assert cli._run(["web", *options[:2], "--port", str(port), *options[2:]]) == 0
    (one,) = served
    assert shlex.split(one.command) == ["exec", sys.executable, "-m", "prune_tui", *options]
    assert (one.host, one.port) == ("127.0.0.1", port)


def test_what_a_shell_would_take_for_its_own_is_quoted() -> None:
    command = app_command(["$(touch x);.py:Net"])
    shown = command.replace("exec", "printf '%s\\n'", 1)
    ended = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [sys.executable, "-m", "prune_tui", "$(touch x);.py:Net"]


def test_here_it_only_says_who_can_open_it(
    served: list[PruneServer], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert web("demo", port=port) == 0
    said = f"prune-tui demo is at http://127.0.0.1:{port}/\nctrl+c ends it\n{SHARED}\n"
    assert capsys.readouterr() == ("", said)
    assert web("demo", port=port, token=True) == 0
    assert f"http://127.0.0.1:{port}/?token=" in capsys.readouterr().err


def test_elsewhere_it_warns_and_asks_for_a_token_that_nobody_guesses(
    served: list[PruneServer], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert web(host="0.0.0.0", port=port) == 0
    told = capsys.readouterr().err
    first, second = (line.partition("?token=")[2] for line in told.splitlines() if "?token=" in line)
    assert len(first) == len(second) == 32
    assert first != second
    assert "! Whoever has this address can prune, save files and run code here as you" in told
    assert f"ssh -L {port}:127.0.0.1:{port}" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--theme", "pink"], "--theme pink: it must be dark, light"),
        (["--colour"], "Unknown option: --colour"),
        (["none.py:Net"], "there is no file none.py"),
        (["demo", "another"], "another"),
        (["show", "demo"], "show demo opens no model"),
        (["--resume", "--readonly"], "--resume opens the model as it was opened then; leave out --arg"),
        (["demo", "--resume", "--seed", "1"], "--resume opens the model as it was opened then"),
        (["--port", "0"], "--port 0: a port is a number from 1 to 65535"),
        (["--host", "no.such.host.invalid"], "nothing can listen on no.such.host.invalid, port 8000"),
    ],
)
def test_what_would_not_start_is_refused_at_once(
    served: list[PruneServer], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert cli._run(["web", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("prune-tui: ")
    assert said in err
    assert served == []


def test_a_session_is_gone_on_with_by_its_name(served: list[PruneServer], port: int) -> None:
    assert cli._run(["web", "--port", str(port), "--resume", "20260101-120000-abcd"]) == 0
    assert len(served) == 1


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert web(port=port) == 2
    said = (
        f"prune-tui: nothing can listen on 127.0.0.1, port {port}: Address already in use; --port takes another\n"
    )
    assert capsys.readouterr().err == said


def test_without_textual_serve_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("prune_tui.web.server", "textual_serve", "textual_serve.server"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert web() == 2
    assert capsys.readouterr().err == f"prune-tui: {MISSING}\n"


@pytest.mark.parametrize(
    ("host", "token", "shown"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:80/"),
        ("::1", "t", "http://[::1]:80/?token=t"),
        ("0.0.0.0", "t", f"http://{socket.gethostname()}:80/?token=t"),
    ],
)
def test_addresses(host: str, token: str, shown: str) -> None:
    assert address(host, 80, token) == shown


def test_the_page_fetches_nothing_from_another_machine() -> None:
    page = Path(server.__file__).with_name("app_index.html").read_text()
    assert "http://" not in page
    assert "https://" not in page


def test_the_page_claims_nothing_of_the_steps_of_a_session_that_has_ended() -> None:
    """It knows nothing of them: --no-journal, `discard them` and a model that cannot be opened keep none."""
    page = Path(server.__file__).with_name("app_index.html").read_text()
    ended = page.partition('class="told ended">')[2].partition("<button")[0]
    assert ended.strip() == "This session has ended."


def test_ctrl_c_ends_the_server(port: int) -> None:
    command = [sys.executable, "-m", "prune_tui", "web", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"prune-tui is at http://127.0.0.1:{port}/\n"
        while True:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
