"""The command line without a screen: what it refuses, in which words, and with which exit code."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import prune_tui
from prune_tui import cli


def _main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of `prune-tui` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["prune-tui", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.fixture
def _in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_is_terminal", lambda _: True)
    monkeypatch.setenv("TERM", "xterm-256color")


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("prune-tui: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removeprefix("prune-tui: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--colour"], "Unknown option: --colour."),
        (["--reedonly"], "Did you mean --readonly?"),
        (["--seed", "x"], 'Invalid value for --seed: unable to convert "x" into int.'),
        (["--seed"], "--seed requires an argument"),
        (["demo", "another"], "another is more than it takes."),
        (["--no-readonly"], "Unknown option: --no-readonly."),
        (["--arg"], "--arg requires an argument"),
    ],
)
def test_options_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert _main(monkeypatch, *arguments) == 2
    line = _said(capsys)
    assert said in line
    assert line.endswith("prune-tui --help shows the options")


@pytest.mark.usefixtures("_in_a_terminal")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1"], "--seed -1: a seed is a whole number from 0 to"),
        (["--seed", "9223372036854775808"], "a seed is a whole number from 0 to 9223372036854775807"),
        (["none.py:Net"], "there is no file none.py"),
        (["none.py"], "there is no file none.py"),
        (["demmo"], "cannot tell what 'demmo' is; a source is demo, file.py:Symbol, package.module:Symbol, or a"),
        (["demmo"], "file or folder (did you mean 'demo'?)"),
        (["none.safetensors"], "there is no file none.safetensors"),
        (["shwo"], "did you mean 'show'?"),
        (["shwo", "none.safetensors", "--json"], "did you mean 'show'?"),
        (["no/such/folder/none.py:Net"], "there is no file no/such/folder/none.py"),
        (["net\udcff.py:Net"], "is not UTF-8"),
        (["--plugin", "none.py"], "--plugin none.py: there is no such file"),
        (["--plugin", "README.md"], "--plugin README.md: a plugin is a Python file, such as my_methods.py"),
        (["demo", "--arg", "x=\udcff"], "is not UTF-8"),
    ],
)
def test_what_no_engine_is_started_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("prune_tui.client.EngineProcess", None)
    assert _main(monkeypatch, *arguments) == 2
    assert said in _said(capsys)


@pytest.mark.usefixtures("_in_a_terminal")
@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    assert _main(monkeypatch) == 2
    assert _said(capsys) == f"TERM is {term!r}: this terminal cannot move the cursor; set TERM=xterm-256color"


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_pipe_or_nothing_instead_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stream: str
) -> None:
    monkeypatch.setattr(cli, "_is_terminal", lambda given: given is not getattr(sys, stream))
    assert _main(monkeypatch) == 2
    assert "run prune-tui in one, not in a pipe" in _said(capsys)
    assert not cli._is_terminal(getattr(sys, stream))


def test_a_closed_stream_is_no_terminal() -> None:
    assert not cli._is_terminal(None)


def test_ctrl_c_before_the_screen_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert _main(monkeypatch) == 130
    assert capsys.readouterr() == ("", "")


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{prune_tui.__version__}\n"
    assert importlib.metadata.version("prune-tui") == prune_tui.__version__


def test_help_names_every_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(monkeypatch, "--help") == 0
    out, err = capsys.readouterr()
    assert err == ""
    for option in ("SOURCE", "--arg", "--device", "--seed", "--readonly", "--debug", "--version"):
        assert option in out


@pytest.mark.parametrize(
    "command", [[sys.executable, "-m", "prune_tui"], [str(Path(sys.executable).with_name("prune-tui"))]]
)
def test_both_ways_to_start_it(command: list[str]) -> None:
    if not Path(command[0]).exists():
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("prune-tui: standard input and output must be a terminal")
    assert ended.stderr.count("\n") == 1


def test_closed_standard_streams_are_refused_as_well() -> None:
    code = f"exec {sys.executable} -m prune_tui <&- >&-"
    ended = subprocess.run(["sh", "-c", code], stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("prune-tui: standard input and output must be a terminal")


@pytest.mark.usefixtures("_in_a_terminal")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('theme = "pink"', 'config.toml:1: theme is "pink"; it must be dark, light'),
        ('[keys]\n"steps.undo" = "q"', "config.toml:2: steps.undo: q is the key of app.quit"),
    ],
)
def test_settings_that_cannot_be_are_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    monkeypatch.setenv("PRUNE_TUI_CONFIG", str(file))
    monkeypatch.setattr("prune_tui.client.EngineProcess", None)
    assert _main(monkeypatch) == 2
    assert said in _said(capsys)


@pytest.mark.usefixtures("_in_a_terminal")
def test_an_option_that_may_not_be_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("prune_tui.client.EngineProcess", None)
    assert _main(monkeypatch, "--theme", "pink") == 2
    assert _said(capsys).startswith("--theme pink: it must be dark, light, ansi")
