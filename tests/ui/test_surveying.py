"""What is looked at in the background: broken tensors, and the norms that the tree shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from textual.pilot import Pilot

from prune_tui.ui.widgets.module_tree import ModuleTree
from tests.in_process import app_on, press, running, screen_text, settle, words
from tests.ui.tensor_pane_here import main_of, pane_of, picture_text, readout, said

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

def several():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(30, 20))
    with torch.no_grad():
        model[0].weight[4, 9] = model[0].weight[19, 29] = torch.nan
        model[0].weight[7, 1] = -torch.inf
    return model
"""


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(SOURCE)
    return f"{tmp_path}/nets.py:net"


def at(pilot: Pilot[None]) -> str:
    tensor = main_of(pilot).tensor
    return "" if tensor is None else tensor.tensor


def first_line(pilot: Pilot[None]) -> str:
    return screen_text(pilot).splitlines()[0]


async def test_the_first_line_counts_broken_tensors_by_what_is_wrong_with_them(net: str) -> None:
    async with running(app_on(net)) as pilot:
        assert "2 tensors with NaN/Inf, 1 of one value" in first_line(pilot)
        await pilot.resize_terminal(60, 24)
        await settle(pilot)
        assert "3 broken" in first_line(pilot), "where there is no room to say it"
    async with running(app_on()) as pilot:
        assert "one value" not in first_line(pilot)
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


async def test_the_cursor_goes_to_the_first_nan_or_inf_and_n_to_the_next(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "right_square_bracket")
        assert readout(pilot) == "[1, 2] NaN · NaN or Inf 1 of 1  out 1 in 2"
        assert isinstance(main_of(pilot).focused, ModuleTree), "where the key was pressed"
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert readout(pilot).startswith("[0] Inf · NaN or Inf 1 of 1")
        assert "NaN" not in picture_text(pilot)
    async with running(app_on(net.replace(":net", ":several"))) as pilot:
        await press(pilot, "right_square_bracket", "tab", "tab", "n")
        assert readout(pilot).startswith("[7, 1] -Inf · NaN or Inf 2 of 3")
        await press(pilot, "n", "n")
        assert readout(pilot).startswith("[4, 9] NaN · NaN or Inf 1 of 3")
        await press(pilot, "f")
        assert said(pilot) == "nothing is masked here", "f looks for one kind again"


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_from_the_tensor_pane_it_goes_on_there_and_is_seen(net: str, key: str) -> None:
    async with running(app_on(net.replace(":net", ":several")), size=(80, 24)) as pilot:
        await press(pilot, "tab", "tab", key, "G", "w", "w", "right_square_bracket")
        pane = pane_of(pilot)
        assert main_of(pilot).focused is pane.picture
        assert pane.view == "effective", "in which it is broken"
        assert pane.aim.index == (4, 9)
        assert "NaN" in picture_text(pilot) if key == "f2" else "┼" in picture_text(pilot)
        await press(pilot, "g", "right_square_bracket")
        assert pane.aim.index == (4, 9), "the only broken tensor, again"


async def test_a_pane_that_hides_the_tensor_makes_room_for_it(net: str) -> None:
    async with running(app_on(net)) as pilot:
        await press(pilot, "z", "right_square_bracket")
        assert main_of(pilot).maximized is None
        await press(pilot, "tab", "tab", "z", "right_square_bracket")
        assert main_of(pilot).maximized is pane_of(pilot)
        assert at(pilot) == "2.weight"


async def test_an_edit_is_looked_through_and_undo_as_well() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "4")
        main_of(pilot).form.query_one("#field-amount").value = "1.0"
        await press(pilot, "enter")
        assert "1 tensor of one value" in first_line(pilot)
        await press(pilot, "right_square_bracket")
        assert "1 of 1 broken: conv1.weight, all masked" in words(pilot)
        await press(pilot, "u")
        assert "one value" not in first_line(pilot)


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
