"""Names as they are told, and as a shell gives them back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from prune_tui.source_names import is_path
from prune_tui.step_settings import StepError
from prune_tui.told_names import escaped, typed


def test_what_would_command_the_terminal_is_spelled_out() -> None:
    assert escaped("weights é ×.pt") == "weights é ×.pt"
    assert escaped("a\nb\x1b[31m\udcff") == r"a\nb\x1b[31m\udcff"


def test_a_refusal_is_one_line_whatever_it_names() -> None:
    assert str(StepError("a\nb.pt is empty")) == r"a\nb.pt is empty"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model.safetensors", "model.safetensors"),
        ("-dash.pt", "./-dash.pt"),
        ("check", "./check"),
        ("demo", "./demo"),
        ("a b.pt", "'a b.pt'"),
        ("/x/-dash.pt", "/x/-dash.pt"),
        ("a\nb'\\.pt", r"$'a\nb\'\\.pt'"),
        ("a\xa0b.pt", r"$'a\xc2\xa0b.pt'"),
        ("\x85\xad.pt", r"$'\xc2\x85\xc2\xad.pt'"),
        ("-dir/w.pt", "./-dir/w.pt"),
    ],
)
def test_a_shell_gives_the_name_back(name: str, told: str) -> None:
    assert typed(Path(name)) == told
    shell = subprocess.run(["bash", "-c", f"printf %s {told}"], capture_output=True, text=True, check=True)
    assert shell.stdout.removeprefix("./") == name
    assert is_path(shell.stdout)


def test_a_shell_gives_back_a_name_that_is_not_utf_8() -> None:
    told = typed(Path(os.fsdecode(b"a\xff.pt")))
    assert told == r"$'a\xff.pt'"
    shell = subprocess.run(["bash", "-c", f"printf %s {told}"], capture_output=True, check=True)
    assert shell.stdout == b"a\xff.pt"
