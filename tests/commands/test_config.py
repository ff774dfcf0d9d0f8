"""`prune-tui config`: where the settings are, what they come to, and whether they are sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prune_tui.commands import config as command
from prune_tui.exit_codes import DONE, FAILED, FOUND
from prune_tui.ui import keys
from tests.commands.given_back import standard_output_given_back


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prune-tui" / "config.toml"
    monkeypatch.setenv("PRUNE_TUI_CONFIG", str(path))
    return path


def written(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def config(*what: Any, **options: Any) -> int:
    with standard_output_given_back():
        return command.config(*what, **options)


def test_it_says_where_the_file_is_or_would_be(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert config("path") == DONE
    assert capfd.readouterr().out == f"{file}\n"


def test_a_home_that_is_nobodys(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNE_TUI_CONFIG", "~nosuchuser/config.toml")
    assert config("path") == FOUND
    said = "PRUNE_TUI_CONFIG='~nosuchuser/config.toml': there is no such home folder\n"
    assert capfd.readouterr() == ("", said)


def test_every_setting_says_who_said_so(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(file, 'theme = "light"\n[keys]\n"app.quit" = "Q"\n')
    monkeypatch.setenv("PRUNE_TUI_MOUSE", "no")
    assert config("show") == DONE
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["theme", "light", f"{file}:1"] in rows
    assert ["mouse", "false", "PRUNE_TUI_MOUSE"] in rows
    assert ["ascii", "false", "without", "a", "word"] in rows
    assert ["app.quit", "Q", f"{file}:3"] in rows


def test_the_same_for_machines(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written(file, '[keys]\n"app.quit" = "Q"\n')
    assert config("show", json=True) == DONE
    told = json.loads(capfd.readouterr().out)
    assert told["settings"]["slow"] == {"value": "auto", "by": "without a word"}
    assert told["keys"] == {"app.quit": {"keys": ["Q"], "by": f"{file}:2"}}


def test_what_is_wrong_is_told_with_its_line_and_exit_code_1(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written(file, 'them = "dark"\nascii = 3\n')
    assert config("check") == FOUND
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f'{file}:1: there is no setting "them"; did you mean "theme"?',
        f"{file}:2: ascii is 3; it must be true or false",
    ]


def test_keys_that_clash_are_found_too(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written(file, '[keys]\n"steps.undo" = "q"\n')
    assert config("check") == FOUND
    assert capfd.readouterr().err == (
        f"{file}:2: steps.undo: q is the key of app.quit; give that another one, too\n"
    )


def test_all_that_is_wrong_is_told_at_once_and_the_keys_are_listed_anyway(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    written(file, 'theme = "lihgt"\n[keys]\n"zzz" = "x"\n"steps.undo" = "q"\n')
    assert config("check") == FOUND
    theme, nothing, clash = capfd.readouterr().err.splitlines()
    assert theme.endswith('; did you mean "light"?')
    assert nothing.startswith(f"{file}:3: nothing is called 'zzz'")
    assert clash.startswith(f"{file}:4: steps.undo: q is the key of app.quit")
    assert config("keys") == DONE
    out, err = capfd.readouterr()
    assert "steps.undo" in out
    assert "lihgt" in err


def test_nothing_wrong(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert config("check") == DONE
    assert capfd.readouterr().out == f"there is no {file}: everything is as it comes\n"
    written(file, "ascii = true\n")
    assert config("check") == DONE
    assert capfd.readouterr().out == f"{file}: nothing is wrong\n"


@pytest.mark.usefixtures("file")
def test_all_that_a_key_can_be_chosen_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert config("keys", json=True) == DONE
    told = json.loads(capfd.readouterr().out)
    assert told["steps.undo"] == {"keys": ["u"], "does": "Take back the last step, exactly."}
    assert set(told) == {row.id for row in keys.KEYS if row.place not in {"form", "list"}}


def test_it_makes_a_file_that_says_nothing_yet_and_never_over_another(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert config("create") == DONE
    assert capfd.readouterr().err == f"made {file}\n"
    assert config("check") == DONE
    made = file.read_text()
    assert "# theme = " in made
    assert config("create") == FAILED
    assert "exists already; nothing was written" in capfd.readouterr().err
    assert file.read_text() == made
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_folder_that_cannot_be_made(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file.parent.write_text("a file in its place")
    assert config("create") == FAILED
    assert "cannot be" in capfd.readouterr().err
