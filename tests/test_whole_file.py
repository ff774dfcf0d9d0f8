"""A file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prune_tui import whole_file
from prune_tui.step_settings import StepError


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StepError, match=r"out\.yaml cannot be written: No space left on device; it is as it was"):
        whole_file.write_text(tmp_path / "out.yaml", "text", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out.yaml"
    writing = whole_file.written_whole(out, overwrite=False)
    writing.__enter__().write_text("ours")
    out.write_text("theirs")
    with pytest.raises(whole_file.ExistsError):
        writing.__exit__(None, None, None)
    assert out.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [out]


def test_where_there_are_no_links_a_file_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert whole_file.write_text(tmp_path / "out.yaml", "é", overwrite=False) == 2
    assert (tmp_path / "out.yaml").read_text() == "é"
    with pytest.raises(whole_file.ExistsError):
        whole_file.write_text(tmp_path / "out.yaml", "text", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out.yaml"]
