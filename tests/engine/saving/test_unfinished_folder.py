"""A folder whose finished files are kept when the writing is ended."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from prune_tui.engine.saving.unfinished_folder import finished_in, place_of, unfinished_folder
from prune_tui.step_settings import StepError

SAME = {"recipe": "a", "source": "b"}


def begun(path: Path, identity: dict[str, str] = SAME, keeps: bool = True) -> None:
    """One file finished, one half written, then an end."""
    with contextlib.suppress(KeyboardInterrupt), unfinished_folder(path, identity, keeps=keeps) as found:
        (found.folder / "one").write_text("whole")
        found.finish("one")
        (found.folder / "two").write_text("hal")
        raise KeyboardInterrupt


def test_finished_files_are_taken_by_who_comes_with_the_same(tmp_path: Path) -> None:
    path = tmp_path / "out"
    begun(path)
    assert not path.exists()
    assert finished_in(path) == 1
    with unfinished_folder(path, SAME, keeps=True) as found:
        assert (found.size_of("one"), found.size_of("two"), found.size_of("three")) == (5, 0, 0)
        (found.folder / "two").write_text("whole")
        found.finish("two")
    assert {file.name: file.read_text() for file in path.iterdir()} == {"one": "whole", "two": "whole"}
    assert list(tmp_path.iterdir()) == [path]


def test_with_something_else_all_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "out"
    begun(path)
    with unfinished_folder(path, {**SAME, "recipe": "other"}, keeps=True) as found:
        assert found.size_of("one") == 0
        assert [file.name for file in found.folder.iterdir()] == [".prune-tui-state.json"]
    assert list(path.iterdir()) == []


def test_a_file_that_is_not_as_it_was_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "out"
    begun(path)
    (place_of(path) / "one").write_text("cut")
    with unfinished_folder(path, SAME, keeps=True) as found:
        assert found.size_of("one") == 0


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"finished": 3}', '{"identity": {}}'])
def test_a_damaged_state_is_no_state(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "out"
    begun(path)
    (place_of(path) / ".prune-tui-state.json").write_text(damaged)
    assert finished_in(path) == 0
    with unfinished_folder(path, SAME, keeps=True) as found:
        assert found.size_of("one") == 0


def test_without_a_finished_file_nothing_stays(tmp_path: Path) -> None:
    with contextlib.suppress(OSError), unfinished_folder(tmp_path / "out", SAME, keeps=True) as found:
        (found.folder / "one").write_text("half")
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def test_who_does_not_ask_for_it_keeps_nothing(tmp_path: Path) -> None:
    begun(tmp_path / "out", keeps=False)
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_do_not_write_into_one(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with unfinished_folder(path, SAME, keeps=True) as found:
        (found.folder / "one").write_text("whole")
        found.finish("one")
        with (
            pytest.raises(StepError, match=r"another prune-tui is writing .*out; wait for it, or end it"),
            unfinished_folder(path, SAME, keeps=True),
        ):
            pass
        assert json.loads((found.folder / ".prune-tui-state.json").read_text())["finished"] == {"one": 5}
    assert (path / "one").read_text() == "whole"
