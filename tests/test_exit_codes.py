"""The exit codes that the table tells are those of the commands."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from prune_tui import cli, exit_codes
from prune_tui.exit_codes import DONE, FAILED, FOUND, INTERRUPTED
from tests.commands.conftest import Call, call  # noqa: F401 - a fixture

OPENING = (
    ("show", "none.pt"),
    ("check", "none.pt"),
    ("diff", "none.pt", "demo"),
    ("convert", "none.pt", "out.pt"),
    ("apply", "none.yaml", "demo", "-o", "out.pt"),
    ("-1", "none.pt"),
    ("sessions", "--delete", "none"),
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize("command", OPENING, ids=lambda command: command[0])
def test_what_cannot_be_done(call: Call, command: tuple[str, ...]) -> None:  # noqa: F811
    ended = call(*command)
    assert (ended.code, ended.out) == (FAILED, "")
    assert ended.err.startswith("prune-tui: ")


@pytest.mark.parametrize("name", [*cli.COMMANDS, "-1"])
def test_an_unknown_option(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prune-tui", name, "--none"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == FAILED


def test_something_to_look_at(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    (tmp_path / "config.toml").write_text('theme = "pink"')
    monkeypatch.setenv("PRUNE_TUI_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "net.py").write_text(
        "import torch\ndef net():\n    net = torch.nn.Linear(2, 2)\n"
        "    torch.nn.init.constant_(net.weight, float('nan'))\n    return net\n"
    )
    assert call("config", "check").code == FOUND
    assert call("check", "net.py:net").code == FOUND
    assert call("diff", "net.py:net", "demo").code == FOUND


def test_nothing_to_tell(call: Call) -> None:  # noqa: F811
    for command in (("config", "check"), ("show",), ("diff", "demo", "demo"), ("sessions",), ("man",), ("-1",)):
        assert call(*command).code == DONE, command


def test_a_signal_ends_a_command_as_shells_have_it() -> None:
    assert INTERRUPTED == exit_codes.by_signal(signal.SIGINT) == 130
    assert exit_codes.by_signal(signal.SIGTERM) == 143


def test_the_table_has_every_code_once() -> None:
    assert [row.code for row in exit_codes.TABLE] == [str(DONE), str(FOUND), str(FAILED), "128+n"]
    assert exit_codes.in_a_line() == (
        "Exit codes: 0 done; 1 done, and there is something to look at; 2 could not be done;"
        " 128+n ended by signal n."
    )
