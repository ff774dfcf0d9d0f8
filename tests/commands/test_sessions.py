"""`prune-tui sessions` without torch and without a terminal."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prune_tui import journal
from prune_tui.commands import sessions as command
from prune_tui.commands.sessions import _when
from prune_tui.exit_codes import FAILED
from prune_tui.journal import Did, Header, Undid
from prune_tui.journal_writer import Writer
from prune_tui.steps import L1Unstructured
from tests.commands.given_back import standard_output_given_back

STEP = Did(L1Unstructured(targets=("conv1.weight",), amount=0.5), "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(journal, "folder", lambda: tmp_path)
    return tmp_path


def sessions(**options: Any) -> int:
    with standard_output_given_back():
        return command.sessions(**options)


def kept(folder: Path, name: str, *events: journal.Event, age: int = 0) -> Path:
    path = folder / f"{name}.journal"
    writer = Writer.begin(path, Header(source="demo", arguments=("x=1",), model="LeNet"))
    for event in events:
        writer.append(event)
    writer.close()
    changed = path.stat().st_mtime - age * 24 * 60 * 60
    os.utime(path, (changed, changed))
    return path


def test_a_line_a_session_the_last_first(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept(folder, "old", STEP, STEP, Undid(), age=3)
    kept(folder, "new", STEP)
    (folder / "bad.journal").write_text("garbage\n")
    os.utime(folder / "bad.journal", (0, 0))

    assert sessions() == 0
    new, old, bad = capfd.readouterr().out.splitlines()
    assert new.startswith("new  ")
    assert new.endswith("  1 step  LeNet (demo x=1)")
    assert old.endswith("  1 step, 1 undone  LeNet (demo x=1)")
    assert "is not a journal of prune-tui" in bad


def test_json_for_machines(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = kept(folder, "one", STEP, STEP, Undid())

    assert sessions(json=True) == 0
    told = json.loads(capfd.readouterr().out)
    assert told.pop("changed")
    assert told == {
        "name": "one",
        "file": str(path),
        "source": "demo",
        "arguments": ["x=1"],
        "model": "LeNet",
        "seed": 0,
        "steps": 1,
        "undone": 1,
        "in_use": False,
        "problem": "",
    }


def test_none_is_kept(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert sessions() == 0
    assert f"no session is kept in {folder}" in capfd.readouterr().err


def test_deleting_by_name_and_by_age(folder: Path) -> None:
    for name, age in (("a", 0), ("b", 10), ("c", 40)):
        kept(folder, name, STEP, age=age)

    assert sessions(older_than=30) == 0
    assert [path.stem for path in journal.listing(folder)] == ["a", "b"]
    assert sessions(delete=("a",)) == 0
    assert [path.stem for path in journal.listing(folder)] == ["b"]


def test_an_unknown_name_deletes_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept(folder, "a", STEP)

    assert sessions(delete=("a", "x")) == FAILED
    assert capfd.readouterr().err == "prune-tui: there is no session 'x'; prune-tui sessions lists them\n"
    assert len(journal.listing(folder)) == 1


def test_one_in_use_is_not_deleted(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writer = Writer.begin(folder / "a.journal", Header(source="demo"))

    assert sessions(delete=("a",)) == FAILED
    assert "a is in use by another prune-tui" in capfd.readouterr().err
    assert sessions(older_than=0) == 0
    assert len(journal.listing(folder)) == 1
    writer.close()


def test_a_negative_age_deletes_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept(folder, "a", STEP)

    assert sessions(older_than=-5) == FAILED
    said = "prune-tui: --older-than -5: it must be a number of days, 0 or more\n"
    assert capfd.readouterr().err == said
    assert len(journal.listing(folder)) == 1


def test_one_that_cannot_be_read_at_all_is_a_line(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(folder, "good", STEP)
    bad = kept(folder, "bad", STEP, age=1)
    read = journal.read

    def failing(path: Path) -> journal.Kept:
        if path == bad:
            raise RecursionError("too deep")
        return read(path)

    monkeypatch.setattr(journal, "read", failing)
    assert sessions() == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first.endswith("  1 step  LeNet (demo x=1)")
    assert second.endswith(f"  {bad} cannot be read: RecursionError: too deep")
    assert sessions(json=True) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[1])["name"] == "bad"


def test_a_time_that_no_calendar_has_is_told_in_seconds() -> None:
    assert _when(0)[:4] in {"1969", "1970"}
    assert _when(1e15) == "1000000000000000 s"


def test_a_folder_that_cannot_be_read(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    def refused(_: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(journal, "listing", refused)
    assert sessions() == FAILED
    assert capfd.readouterr().err == f"prune-tui: [Errno 13] Permission denied: '{folder}'\n"


def test_a_journal_cannot_command_the_terminal(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    writer = Writer.begin(folder / "a\x1bb.journal", Header(source="evil\x1b[2J.py:Net", model="\x9b\aNet\nb"))
    writer.append(STEP)
    writer.close()
    assert sessions() == 0
    (line,) = capfd.readouterr().out.splitlines()
    assert line.startswith("a�b  ")
    assert line.endswith("  ��Net�b (evil�[2J.py:Net)")
    assert sessions(delete=("a\x1bb",)) == 0
    assert capfd.readouterr().err == "deleted a�b\n"


def test_a_name_that_is_not_utf8(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        kept(folder, "a\udcff", STEP)
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    assert sessions() == 0
    assert capfd.readouterr().out.startswith("a?  ")
    assert sessions(json=True) == 0
    assert json.loads(capfd.readouterr().out)["name"] == "a?"


def test_the_command_loads_no_torch(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['prune-tui', 'sessions']\nfrom prune_tui import cli\ntry:\n    cli.main()\n"
    code += "except SystemExit as end:\n    assert end.code == 0\nassert 'torch' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}, check=True, timeout=60
    )


@pytest.mark.parametrize("option", ["", "--json"])
@pytest.mark.parametrize(
    ("redirection", "why"),
    [
        (">&-", "it is closed"),
        pytest.param(
            ">/dev/full",
            "No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full"),
        ),
    ],
)
def test_a_list_that_cannot_be_printed_is_told(tmp_path: Path, option: str, redirection: str, why: str) -> None:
    kept(tmp_path / "prune-tui" / "sessions", "a", STEP)
    ended = subprocess.run(
        ["sh", "-c", f'"$0" -m prune_tui sessions {option} {redirection}', sys.executable],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"prune-tui: the sessions cannot be printed to standard output: {why}\n"
    assert (ended.returncode, ended.stderr) == (FAILED, said)


@pytest.mark.parametrize("options", [{}, {"json": True}, {"delete": ("one",)}, {"older_than": 3}])
def test_a_folder_that_cannot_be_read_is_told(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    def denied(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    assert sessions(**options) == FAILED
    assert capfd.readouterr().err == (
        f"prune-tui: the sessions that are kept in {folder} cannot be read: Permission denied;"
        " make that folder yours, or name another by XDG_STATE_HOME\n"
    )
