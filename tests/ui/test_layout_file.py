from __future__ import annotations

from pathlib import Path

import pytest

from prune_tui.ui.layout import Layout
from prune_tui.ui.layout_file import LayoutFile, place

CHANGED = Layout(0.4, 0.31, ("module", "log"), "heatmap", "bytes")


def test_what_is_kept_is_there_at_the_next_start(tmp_path: Path) -> None:
    file = LayoutFile(tmp_path / "state" / "layout.json")
    assert (file.first, file.problem, file.layout) == (True, "", Layout())
    file.layout = CHANGED
    assert file.keep() == ""
    again = LayoutFile(file.path)
    assert (again.first, again.problem, again.layout) == (False, "", CHANGED)


def test_as_long_as_nothing_is_pressed_it_is_the_first_time(tmp_path: Path) -> None:
    file = LayoutFile(tmp_path / "layout.json")
    assert file.keep() == ""
    assert not file.path.exists()
    file.first = False
    file.keep()
    assert not LayoutFile(file.path).first


def test_a_file_that_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text('{"version": 1, "tree": 0.4}')
    file = LayoutFile(path)
    assert file.layout == Layout(tree=0.4)
    assert file.keep() == ""
    assert path.read_text() == '{"version": 1, "tree": 0.4}'


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff\x00",
        b"{",
        b"[]",
        b"[" * 5000,
        b'{"version": 2}',
        b'{"version": 1, "tree": 7}',
        b'{"version": 1, "tree": "wide"}',
        b'{"version": 1, "hidden": ["kitchen"]}',
        b'{"version": 1, "hidden": ["tree", "module", "tensor"]}',
        b" " * 200_000,
    ],
    ids=lambda text: f"{text[:50]!r}",
)
def test_a_damaged_file_is_told_once_and_hinders_nothing(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "layout.json"
    path.write_bytes(damaged)
    file = LayoutFile(path)
    assert file.layout == Layout()
    assert not file.first
    assert str(path) in file.problem
    assert file.keep() == ""
    assert LayoutFile(path).problem == ""


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    file = LayoutFile(tmp_path)
    assert str(tmp_path) in file.problem
    assert file.keep().startswith("the layout is not kept: ")


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = LayoutFile(tmp_path / "file" / "layout.json")
    file.layout = CHANGED
    assert file.keep().startswith("the layout is not kept: ")


def test_it_is_beside_the_sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert place().name == "layout.json"
    assert place().parent.name == "prune-tui"
