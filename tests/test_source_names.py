"""What a source's name means, told without opening it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_tui.source_names import FORMS, is_path, missing, settled


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text("class Net: ...")
    Path("weights").write_bytes(b"1")
    Path("model.safetensors").write_bytes(b"1")


@pytest.mark.parametrize(
    "source", ["demo", "net.py", "net.py:", "net.py:Net", "weights", ".", "model.safetensors", "torch.nn:Linear"]
)
def test_what_may_be_opened(source: str) -> None:
    assert missing(source) == ""


def test_what_no_file_can_be_called_is_left_to_its_reader() -> None:
    assert missing("x" * 5000) == ""
    assert is_path("x" * 5000)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("none.py", f"there is no file none.py; {FORMS}"),
        ("none.py:Net", f"there is no file none.py; {FORMS}"),
        ("none.pt", "there is no file none.pt"),
        ("model.safetensor", f"there is no file model.safetensor; {FORMS}"),
        ("models/none", "there is no file models/none"),
        ("demmo", f"cannot tell what 'demmo' is; {FORMS}"),
        ("torch.nn:", f"cannot tell what 'torch.nn:' is; {FORMS}"),
    ],
)
def test_what_cannot_be_there(source: str, why: str) -> None:
    assert missing(source) == why


def test_a_file_is_settled_by_its_absolute_path(tmp_path: Path) -> None:
    assert settled("weights") == str(tmp_path / "weights")
    assert settled("net.py:Net") == f"{tmp_path}/net.py:Net"
    assert settled("torch.nn:Linear") == "torch.nn:Linear"
