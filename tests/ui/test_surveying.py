"""What is looked at in the background: broken tensors, and the norms that the tree shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from textual.pilot import Pilot

from prune_tui.ui.screens.main import MainScreen
from tests.in_process import app_on, press, running, screen_text, words

SOURCE = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight[1, 2] = torch.nan
        model[2].weight.zero_()
        model[3].running_var[0] = torch.inf
    return model
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(SOURCE)
    return f"{tmp_path}/nets.py:net"


def main_of(pilot: Pilot[None]) -> MainScreen:
    return pilot.app.main


def at(pilot: Pilot[None]) -> str:
    tensor = main_of(pilot).tensor
    return "" if tensor is None else tensor.tensor


def first_line(pilot: Pilot[None]) -> str:
    return screen_text(pilot).splitlines()[0]


async def test_the_first_line_counts_broken_tensors(net: str) -> None:
    async with running(app_on(net)) as pilot:
        assert "3 broken" in first_line(pilot)
    async with running(app_on()) as pilot:
        assert "broken" not in first_line(pilot)
        await press(pilot, "right_square_bracket")
        assert "nothing is broken" in screen_text(pilot)


async def test_brackets_go_round_the_broken_tensors(net: str) -> None:
    async with running(app_on(net)) as pilot:
        seen = []
        for _ in range(4):
            await press(pilot, "right_square_bracket")
            seen.append(at(pilot))
        assert seen == ["0.weight", "2.weight", "3.running_var", "0.weight"]
        assert "1 of 3 broken: 0.weight, 1 NaN" in screen_text(pilot)
        await press(pilot, "left_square_bracket")
        assert at(pilot) == "3.running_var"
        await press(pilot, "left_square_bracket")
        assert at(pilot) == "2.weight"


@pytest.mark.parametrize(
    ("key", "found"), [("right_square_bracket", "2.weight"), ("left_square_bracket", "0.weight")]
)
async def test_they_go_on_from_the_module_at_the_cursor(net: str, key: str, found: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "j", "j")
        assert main_of(pilot).module_tree.current.path == "1"
        await press(pilot, key)
        assert at(pilot) == found


async def test_an_edit_is_looked_through_and_undo_as_well() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "4")
        main_of(pilot).form.query_one("#field-amount").value = "1.0"
        await press(pilot, "enter")
        assert "1 broken" in first_line(pilot)
        await press(pilot, "right_square_bracket")
        assert "1 of 1 broken: conv1.weight, all masked" in words(pilot)
        await press(pilot, "u")
        assert "broken" not in first_line(pilot)


async def test_c_shows_norms_and_an_edit_makes_them_new() -> None:
    async with running(app_on()) as pilot:
        main = main_of(pilot)
        model = pilot.app.engine.model
        await press(pilot, "c")
        assert main.query_one("#left").border_title == "Modules · bytes"
        assert not main.module_tree.norms.known, "they are not counted before they are shown"
        await press(pilot, "c")
        before = main.module_tree.norms.by_path["conv1"]
        values = torch.cat([one.detach().flatten() for one in model.conv1.parameters()])
        assert before == pytest.approx(float(values.norm()))
        assert f"{before:.3g}" in next(line for line in screen_text(pilot).splitlines() if "conv1" in line)
        await press(pilot, "j", "3", "enter")
        assert main.module_tree.norms.known
        assert main.module_tree.norms.by_path["conv1"] < before


async def test_o_sorts_the_tree_and_says_so() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "o")
        assert "Modules · params ↓" in screen_text(pilot)
        lines = screen_text(pilot).splitlines()
        order = [
            name
            for line in lines
            for name in ("fc1", "fc2", "conv2")
            if f"─ {name}" in line or f"├ {name}" in line
        ]
        assert order[:3] == ["fc1", "fc2", "conv2"]
