"""Pictures of the demo at the two sizes people use. Look at a picture before you accept its change."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from torch.utils.hooks import RemovableHandle

from prune_tui.ui.layout_file import LayoutFile
from tests.in_process import app_on, press, settle
from tests.settings_given import given
from tests.ui.test_doctor_pane import SOURCE as AILING
from tests.ui.test_panes import DEEP

SIZES = [(120, 40), (80, 24)]
WALKS = {
    "opened": (),
    "conv1": ("j",),
    "form": ("j", "5", "up", "up", "up", "up"),
    "pruned": ("j", "5", "up", "up", "up", "up", "enter"),
    "container": ("j", "2", "enter", "5", "enter"),
    "refused": ("j", "t", "5"),
    "global": ("6",),
    "edit-log": ("j", "2", "enter", "3", "enter", "H"),
    "mask": ("j", "3", "enter", "f4"),
    "marks": ("slash", *"linear", "enter", "asterisk"),
    "marks-pane": ("j", "j", "j", "S", "3", "enter", "L"),
    "pattern": ("P", *"fc?.wieght"),
    "matrix": ("j", "j", "j", "3"),
    "help": ("question_mark",),
    "export": ("j", "3", "enter", "e"),
    "n-m": ("j", "j", "j", "8"),
    "more-methods": ("j", "9"),
    "columns": ("j", "3", "enter", "c", "o"),
    "picture-values": ("j", "j", "5", "enter", "f2"),
    "picture-heatmap": ("j", "j", "5", "enter", "f3"),
    "picture-mask": ("j", "j", "j", "3", "enter", "f4"),
    "picture-histogram": ("j", "j", "j", "3", "enter", "f5"),
    "picture-channels": ("j", "j", "5", "enter", "f6"),
    "picture-structure": ("j", "j", "5", "enter", "f7"),
    "picture-stack": ("j", "j", "5", "enter", "f8"),
    "painted": ("j", "enter", "enter", "f3", "X", "x", "j", "x"),
}
LAYERS = """
import torch
class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = torch.nn.Linear(32, 32)
        self.up = torch.nn.Linear(32, 64)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer() for _ in range(6))
torch.manual_seed(0)
net = Net()
with torch.no_grad():
    net.layers[3].up.weight.mul_(4)
"""


@pytest.fixture(autouse=True)
def _as_in_a_fresh_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemovableHandle, "next_id", 0)


@pytest.fixture(autouse=True)
def _in_a_terminal_with_all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests run in: pictures of tensors are drawn for it."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("walk", WALKS)
def test_the_demo(snap_compare, walk: str, size: tuple[int, int]) -> None:
    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *WALKS[walk])

    assert snap_compare(app_on(), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "walk", [("exclamation_mark",), ("exclamation_mark", "j", "enter")], ids=["first", "second"]
)
def test_the_doctor(snap_compare, tmp_path: Path, walk: tuple[str, ...], size: tuple[int, int]) -> None:
    (tmp_path / "nets.py").write_text(AILING)

    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *("exclamation_mark" if key == "!" else key for key in walk))

    assert snap_compare(app_on(f"{tmp_path}/nets.py:net"), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_stack_of_repeated_layers(snap_compare, tmp_path: Path, size: tuple[int, int]) -> None:
    """One of six is four times as large, another one is pruned."""
    (tmp_path / "layers.py").write_text(LAYERS)

    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        pilot.app.main.go_to("layers.1.up")
        await settle(pilot)
        await press(pilot, "5", "enter", "f8")

    assert snap_compare(app_on(f"{tmp_path}/layers.py:net"), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("size", [(60, 20), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("walk", ["opened", "pruned", "inside"])
def test_narrow_and_wide_windows(snap_compare, walk: str, size: tuple[int, int]) -> None:
    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *{**WALKS, "inside": (*WALKS["pruned"], "enter", "enter", "f3")}[walk])

    assert snap_compare(app_on(), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("size", [(60, 20), *SIZES, (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_deep_model(snap_compare, tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "deep.py").write_text(DEEP)

    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "O")
        pilot.app.main.go_to("model.layers.2.self_attention.query_projection")
        await settle(pilot)

    assert snap_compare(app_on(f"{tmp_path}/deep.py:Net"), terminal_size=size, run_before=walked)


@pytest.mark.parametrize("size", [(60, 20), *SIZES], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_first_start(snap_compare, tmp_path: Path, size: tuple[int, int]) -> None:
    app = app_on(layout_file=LayoutFile(tmp_path / "layout.json"))
    assert snap_compare(app, terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", [(60, 18), (20, 5)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_small_windows(snap_compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_on(), terminal_size=size, run_before=settle)


def test_names_that_look_like_markup(snap_compare, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.add_module('[b]x[/b]', torch.nn.Linear(2, 2))\n"
        "        self.add_module('w[/]', torch.nn.Linear(2, 2))\n"
        "        self.add_module('層', torch.nn.Linear(2, 2))\n"
        "        for module in self.children():\n"
        "            torch.nn.init.constant_(module.weight, 0.5)\n"
        "            torch.nn.init.constant_(module.bias, 0.5)\n"
    )

    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "j", "j", "3")

    assert snap_compare(app_on(f"{tmp_path}/odd.py:Net"), terminal_size=(80, 24), run_before=walked)


LOOKS = {
    "light": {"theme": "light"},
    "ansi": {"theme": "ansi"},
    "colour-blind": {"theme": "colour-blind"},
    "colour-blind-light": {"theme": "colour-blind-light"},
    "no-colour": {},
    "ascii": {"ascii": True},
}


@pytest.mark.parametrize(
    ("look", "size"),
    [(look, size) for look in LOOKS for size in SIZES]
    + [(look, size) for look in ("light", "ansi") for size in ((60, 20), (200, 60))],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_the_main_screen_in_another_look(
    snap_compare, look: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks, a step just done, what another one would take."""
    if look == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")

    async def walked(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "j", "space", "j", "space", "3", "enter", "j", "j", "f3", "5")

    assert snap_compare(app_on(settings=given(**LOOKS[look])), terminal_size=size, run_before=walked)
