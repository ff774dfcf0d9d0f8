"""`prune-tui -1`: one screen of a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.commands.conftest import Call
from tests.commands.test_show import DEMO


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A model of 2 + 2 × 30 modules, three levels deep."""
    names = [f"{part}.{layer}.fc.weight" for part in ("encoder", "decoder") for layer in range(15)]
    save_file({name: torch.ones(2, 2) for name in names}, tmp_path / "deep.safetensors")
    return tmp_path / "deep.safetensors"


def test_a_model_that_fits_is_what_show_prints(call: Call) -> None:
    assert call("-1", "demo", "--device", "cpu") == (0, DEMO, "")


@pytest.mark.parametrize("arguments", [("--once", "demo"), ("demo", "-1"), ("--seed", "1", "-1"), ("-1",)])
def test_the_option_may_stand_anywhere(call: Call, arguments: tuple[str, ...]) -> None:
    assert call(*arguments, "--device", "cpu") == (0, DEMO, "")


def test_a_seed_of_minus_one_is_no_wish_for_one_screen(call: Call) -> None:
    code, out, err = call("-1", "demo", "--seed", "-1")
    assert (code, out) == (2, "")
    assert err.startswith("prune-tui: --seed -1: a seed is a whole number")


@pytest.mark.parametrize("height", [10, 24, 40])
def test_a_larger_one_is_cut_to_the_screen(
    call: Call, deep: Path, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    monkeypatch.setenv("LINES", str(height))
    code, out, _ = call("-1", deep)
    lines = out.splitlines()
    assert (code, len(lines)) == (0, height - 1)  # and the prompt
    shown = height - 1 - lines.index("") - 3
    assert lines[-1] == f"… {63 - shown} more inside ▸: prune-tui show prints all"
    assert max(map(len, lines)) <= 80


def test_outer_modules_come_before_inner_ones(call: Call, deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "13")
    names = [line.split()[:2] for line in call("-1", deep).out.splitlines()]
    head = names.index(["module", "params"])
    assert names[head + 1 : -1] == [
        ["deep.safetensors", "120"],
        ["decoder", "▸"], ["0", "▸"], ["1", "▸"], ["2", "▸"], ["3", "▸"], ["encoder", "▸"],
    ]  # fmt: skip


def test_json_is_that_of_show(call: Call, deep: Path) -> None:
    assert json.loads(call("-1", deep, "--json").out) == json.loads(call("show", deep, "--json").out)


def test_it_needs_no_terminal() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "prune_tui", "-1", "demo", "--device", "cpu"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, DEMO, "")


def test_what_cannot_be_opened(call: Call) -> None:
    code, out, err = call("none.safetensors", "--json", "-1")
    assert (code, json.loads(out)["source"]) == (2, "none.safetensors")
    assert err.startswith("prune-tui: there is no")
