"""The stack of repeated layers by key: from layer to layer, and into one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.in_process import app_on, press, running
from tests.ui.tensor_pane_here import frame_text, look_at, main_of, picture_text, said

LAYERS = """
import torch
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up = torch.nn.Linear(32, 64)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer() for _ in range(12))
torch.manual_seed(0)
net = Net()
with torch.no_grad():
    net.layers[3].up.weight.mul_(4)
"""


@pytest.fixture
def source(tmp_path: Path) -> str:
    (tmp_path / "layers.py").write_text(LAYERS)
    return f"{tmp_path}/layers.py:net"


async def test_the_heading_names_the_odd_layer_and_what_is_odd_in_it(source: str) -> None:
    async with running(app_on(source), size=(80, 24)) as pilot:
        await look_at(pilot, "layers.0.up.weight", "f8")
        text = " ".join(picture_text(pilot).split())
        assert text.startswith("12 layers · layers.*.up.weight 1 odd: 3 (rms 3.98× median)")
        assert "▸0 here" in text


async def test_arrows_go_from_layer_to_layer_and_the_picture_follows(source: str) -> None:
    async with running(app_on(source), size=(80, 24)) as pilot:
        pane = await look_at(pilot, "layers.2.up.weight", "f8", "l")
        assert "▸3 odd" in picture_text(pilot)
        assert " 2 here" in picture_text(pilot)
        there = pane.aim
        await press(pilot, "G")
        assert "▸11" in picture_text(pilot)
        assert "12 layers" not in picture_text(pilot), "it has scrolled"
        await press(pilot, "k", "pageup", "pagedown", "h", "g")
        assert "▸0" in picture_text(pilot)
        assert "12 layers" in picture_text(pilot), "beside the first layers the heading shows"
        assert pane.aim == there
        assert pane.tensor.tensor == "layers.2.up.weight", "looking along the stack leaves the tensor"


async def test_it_opens_with_the_odd_ones_named_and_the_cursor_on_the_layer_it_is_opened_from(source: str) -> None:
    async with running(app_on(source), size=(80, 24)) as pilot:
        await look_at(pilot, "layers.11.up.weight", "f8")
        assert "1 odd: 3" in picture_text(pilot)
        await press(pilot, "l")  # there is none beside the last
        assert "▸11 here" in picture_text(pilot)


async def test_enter_opens_the_layer_at_the_cursor_as_a_heat_map(source: str) -> None:
    async with running(app_on(source)) as pilot:
        pane = await look_at(pilot, "layers.0.up.weight", "f8", "l", "l", "l", "enter")
        assert main_of(pilot).module_tree.current.path == "layers.3.up"
        assert frame_text(pilot).splitlines()[0].strip("┏━ ").startswith("layers.3.up.weight  64×32")
        assert pane.picture.id == "heatmap"
        assert main_of(pilot).focused is pane.picture
        await press(pilot, "f8")
        assert "▸3 here odd" in picture_text(pilot)


async def test_after_an_edit_the_cursor_stays_on_its_layer(source: str) -> None:
    async with running(app_on(source)) as pilot:
        await look_at(pilot, "layers.0.up.weight", "f8", "l", "l", "5", "enter")
        assert "▸2" in picture_text(pilot)
        assert "0 (keeps 70.3%, median 100.0%" in " ".join(picture_text(pilot).split())


async def test_keys_that_have_nothing_to_do_there_say_so(source: str) -> None:
    async with running(app_on(source)) as pilot:
        pane = await look_at(pilot, "layers.0.up.weight", "f8")
        before = pane.aim
        for key, why in {
            "a": "this picture is of the whole tensor: other axes are for values, heat map and mask",
            "x": "paint in values, heat map or mask",
            "i": "nothing to zoom here",
            "p": "this picture has one way only",
            "r": "nothing is sorted here",
        }.items():
            await press(pilot, key)
            assert why in said(pilot), key
        assert pane.aim == before
    async with running(app_on()) as pilot:
        await look_at(pilot, "conv1.weight", "f8", "enter")
        assert said(pilot) == "no other layer has a weight like this one"
