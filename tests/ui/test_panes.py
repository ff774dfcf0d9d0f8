"""The panes at every size: by key larger, smaller, hidden and back, and as they were left at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.scroll_view import ScrollView
from textual.widgets import Input

from prune_tui.ui.app import PruneApp
from prune_tui.ui.layout import Layout
from prune_tui.ui.layout_file import LayoutFile
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.slice_map import TensorMap
from prune_tui.ui.widgets.tensor_grid import TensorGrid
from tests.in_process import app_on, press, running, screen_text, settle, words

SIZES = [(60, 18), (60, 20), (80, 24), (120, 40), (200, 60)]
DEEP = """
import torch
from torch import nn
torch.manual_seed(0)
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        for name in ("query_projection", "key_projection", "value_projection", "output_projection"):
            setattr(self, name, nn.Linear(8, 8, bias=False))
class DecoderLayerWithALongName(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attention = Attention()
        self.post_attention_layernorm = nn.LayerNorm(8)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayerWithALongName() for _ in range(12))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Model()
"""


@pytest.fixture
def deep(tmp_path: Path) -> str:
    """A model of five levels with long names."""
    (tmp_path / "deep.py").write_text(DEEP)
    return f"{tmp_path}/deep.py:Net"


def main(pilot: Pilot[None]) -> MainScreen:
    app = pilot.app
    assert isinstance(app, PruneApp)
    return app.main


def width_of(pilot: Pilot[None], pane: str) -> int:
    return main(pilot).query_one(pane).outer_size.width


def height_of(pilot: Pilot[None], pane: str) -> int:
    return main(pilot).query_one(pane).outer_size.height


def seen(pilot: Pilot[None]) -> set[str]:
    """The panes on the screen."""
    panes = {"tree": "#left", "module": "#module", "log": "#log-beside", "tensor": "#tensor"}
    return {name for name, pane in panes.items() if main(pilot).query_one(pane).region.area}


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_nothing_scrolls_sideways_and_the_focus_is_always_seen(size: tuple[int, int], deep: str) -> None:
    async with running(app_on(deep), size) as pilot:
        await press(pilot, "O")
        main(pilot).go_to("model.layers.11.self_attention.query_projection")
        await settle(pilot)
        for key in ("tab", "tab", "tab", "H", "H"):
            await press(pilot, key)
            focused = main(pilot).focused
            assert focused is not None
            assert focused.region.area, f"{focused} has the focus"
            for pane in main(pilot).query("ScrollView, ScrollableContainer"):
                # What is not shown has no size to scroll in; a grid has more columns than any window.
                if pane.region.area and not isinstance(pane, (TensorGrid, TensorMap)):
                    assert not pane.max_scroll_x, pane
                    assert not (isinstance(pane, ScrollView) and pane.show_horizontal_scrollbar), pane


@pytest.mark.parametrize("size", SIZES[1:4], ids=str)
async def test_the_depth_of_a_deep_module_is_seen(size: tuple[int, int], deep: str) -> None:
    async with running(app_on(deep), size) as pilot:
        await press(pilot, "O")
        main(pilot).go_to("model.layers.11.self_attention.query_projection")
        await settle(pilot)
        lines = screen_text(pilot).splitlines()
        inner = next(number for number, line in enumerate(lines) if "›" in line.partition("┃")[2][:1])
        middle = max(number for number, line in enumerate(lines[:inner]) if "▾ sel" in line)
        outer = max(number for number, line in enumerate(lines[:middle]) if "▾ 11" in line)
        begins = [lines[outer].index("▾"), lines[middle].index("▾"), lines[inner].index("que")]
        assert begins == sorted(set(begins)), "each level begins further right"
        assert "ction" in lines[inner], "the end of a name tells it from the others"


async def test_a_narrow_window_shows_the_tree_or_the_others() -> None:
    async with running(app_on(), (60, 20)) as pilot:
        assert seen(pilot) == {"tree"}
        assert width_of(pilot, "#left") == 60
        assert "tab pane" in screen_text(pilot)
        await press(pilot, "j", "enter")
        assert seen(pilot) == {"module", "tensor"}
        assert width_of(pilot, "#tensor") == 60
        await press(pilot, "escape")
        assert seen(pilot) == {"tree"}
        await press(pilot, "shift+tab")
        assert seen(pilot) == {"module", "tensor"}
        await press(pilot, "tab", "3")
        assert "amount" in screen_text(pilot)
        await press(pilot, "enter")
        assert seen(pilot) == {"tree"}
        assert "29.6%" not in screen_text(pilot)
        assert "26.7%" in screen_text(pilot), "16 of the 60 of conv1"
        await press(pilot, "(")
        assert "one at a time" in screen_text(pilot)
        await pilot.resize_terminal(100, 30)
        await settle(pilot)
        assert seen(pilot) == {"tree", "module", "tensor"}


async def test_the_tree_is_made_wider_and_narrower_within_bounds() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        assert width_of(pilot, "#left") == 29
        await press(pilot, "right_parenthesis")
        assert width_of(pilot, "#left") == 33
        await press(pilot, "shift+left", "left_parenthesis")
        assert width_of(pilot, "#left") == 25
        await press(pilot, *["left_parenthesis"] * 3)
        assert width_of(pilot, "#left") == 20
        assert "as narrow as it can be" in screen_text(pilot)
        await press(pilot, *["shift+right"] * 8)
        assert width_of(pilot, "#left") == 48
        assert "as wide as it can be" in screen_text(pilot)
        await press(pilot, "D")
        assert width_of(pilot, "#left") == 29


async def test_the_edge_between_module_and_tensor_moves_within_bounds() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        before = height_of(pilot, "#module")
        await press(pilot, "J", "shift+down")
        assert height_of(pilot, "#module") == before + 2
        await press(pilot, *["K"] * 9)
        assert (height_of(pilot, "#module"), height_of(pilot, "#tensor")) == (5, 17)
        assert "as low as it can be" in screen_text(pilot)
        await press(pilot, *["J"] * 12)
        assert (height_of(pilot, "#module"), height_of(pilot, "#tensor")) == (14, 8)


async def test_panes_are_hidden_and_shown_and_whatever_has_the_focus_is_seen() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        await press(pilot, "j", "T")
        assert seen(pilot) == {"module", "tensor"}
        assert main(pilot).focused is main(pilot).module_pane
        await press(pilot, "right_parenthesis")
        assert "the tree is hidden: T shows it" in screen_text(pilot)
        await press(pilot, "M")
        assert seen(pilot) == {"tensor"}
        assert main(pilot).focused is main(pilot).tensor_pane.picture
        await press(pilot, "W")
        assert seen(pilot) == {"tensor"}
        assert "all there is to see" in screen_text(pilot)
        await press(pilot, "slash")
        assert seen(pilot) == {"tree", "tensor"}, "the filter stands below the tree"
        await press(pilot, "enter", "enter")
        assert main(pilot).focused is main(pilot).tensor_pane.picture
        await press(pilot, "H")
        assert "Edit log" in screen_text(pilot), "in the place of the module pane, hidden or not"
        await press(pilot, "H", "D")
        assert seen(pilot) == {"tree", "module", "tensor"}


async def test_a_form_shows_the_tensor_and_gives_back_what_was_hidden() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        await press(pilot, "j", "W")
        assert seen(pilot) == {"tree", "module"}
        await press(pilot, "3")
        assert seen(pilot) == {"tree", "tensor"}
        await press(pilot, "escape")
        assert seen(pilot) == {"tree", "module"}


async def test_a_wide_window_shows_the_edit_log_beside_the_module() -> None:
    async with running(app_on(), (200, 60)) as pilot:
        assert seen(pilot) == {"tree", "module", "log", "tensor"}
        await press(pilot, "j", "3", "enter")
        assert "16" in screen_text(pilot)
        assert "l1_unstructured(amount=0.3)" in screen_text(pilot)
        await press(pilot, "H")
        assert seen(pilot) == {"tree", "module", "tensor"}
        await press(pilot, "H")
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert seen(pilot) == {"tree", "module", "tensor"}


async def test_when_the_edit_log_goes_with_a_wide_window_the_focus_stays_in_sight() -> None:
    async with running(app_on(), (200, 60)) as pilot:
        await press(pilot, "tab", "tab")
        assert pilot.app.focused is pilot.app.main.query_one("#log-beside")
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert pilot.app.focused is pilot.app.main.module_pane


@pytest.mark.parametrize("opened", ["exclamation_mark", "L", "H"])
async def test_hiding_the_module_pane_behind_what_stands_in_its_place(opened: str) -> None:
    async with running(app_on(), (60, 20)) as pilot:
        await press(pilot, opened, "M", "M")
        assert pilot.app.focused is not None
        assert "module" not in pilot.app.main.pane_layout.hidden


async def test_no_field_of_a_form_is_a_pane_to_maximise() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "6", "tab", "z")
        assert pilot.app.main.maximized is None
        assert "a form is open" in words(pilot)
        await press(pilot, "escape")
        assert "conv1" in screen_text(pilot)


async def test_nothing_is_done_blind_in_a_window_that_is_too_small() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        await press(pilot, "j", "3")
        await pilot.resize_terminal(50, 15)
        await press(pilot, "enter")
        assert "Enlarge it; q leaves" in " ".join(screen_text(pilot).split())
        assert pilot.app.main.entries == ()
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert pilot.app.main.form is not None
        await press(pilot, "enter")
        assert len(pilot.app.main.entries) == 1


@pytest.mark.parametrize("keys", [("f2", "tab", "tab"), ()])
async def test_what_had_the_focus_before_the_window_was_too_small_has_it_again(keys: tuple[str, ...]) -> None:
    async with running(app_on(), (80, 24)) as pilot:
        await press(pilot, *keys)
        before = pilot.app.focused
        await pilot.resize_terminal(50, 15)
        await press(pilot, "j", "x", "enter")
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert pilot.app.focused is before
        assert pilot.app.main.entries == ()


async def test_a_window_that_is_too_small_at_first_gives_the_focus_to_the_tree_when_it_is_not() -> None:
    async with running(app_on(), (50, 15)) as pilot:
        await pilot.resize_terminal(80, 24)
        await press(pilot, "j")
        assert pilot.app.main.module_tree.current.path == "conv1"


async def test_the_layout_is_kept_for_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    file = LayoutFile(path)
    async with running(app_on(layout_file=file), (80, 24)) as pilot:
        await press(pilot, "c", "f3", "right_parenthesis", "J", "M")
        layout = main(pilot).pane_layout
    assert file.keep() == "", "as the command does when the app is left"
    async with running(app_on(layout_file=LayoutFile(path)), (80, 24)) as pilot:
        assert main(pilot).pane_layout == layout
        assert layout.hidden == ("module",)
        assert width_of(pilot, "#left") == 33
        assert seen(pilot) == {"tree", "tensor"}
        assert main(pilot).tensor_pane.pictures.current == "heatmap"
        assert main(pilot).module_tree.arrangement.column == "bytes"


async def test_a_damaged_layout_is_told_and_the_designed_one_shown(tmp_path: Path) -> None:
    path = tmp_path / "layout.json"
    path.write_text("{")
    async with running(app_on(layout_file=LayoutFile(path)), (120, 40)) as pilot:
        assert "the layout of the last time cannot be had" in screen_text(pilot)
        assert main(pilot).pane_layout == Layout()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)], ids=str)
async def test_the_first_start_names_a_few_keys_until_one_is_pressed(
    size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "layout.json"
    async with running(app_on(layout_file=LayoutFile(path)), size) as pilot:
        told = screen_text(pilot)
        for line in (
            "The first time here",
            "↓ down · ↑ up · enter in · tab next pane",
            "3 prunes at the cursor, after showing what would go",
            "u takes the last step back · s saves",
            "? shows all keys · q leaves",
        ):
            assert line in told
        await press(pilot, "j")
        assert "The first time here" not in screen_text(pilot)
        assert main(pilot).module_tree.current.path == "conv1", "the key does what it does"
    assert not LayoutFile(path).first


async def test_the_filter_keeps_its_text_and_is_no_stop_of_tab() -> None:
    async with running(app_on(), (80, 24)) as pilot:
        await press(pilot, "slash", *"conv", "enter")
        tree, field = main(pilot).module_tree, main(pilot).query_one("#filter", Input)
        assert main(pilot).focused is tree
        assert tree.current.path == "conv1"
        await press(pilot, "n")
        assert tree.current.path == "conv2"
        assert "match 2 of 2" in screen_text(pilot)
        await press(pilot, "n")
        assert tree.current.path == "conv1"
        await press(pilot, "N")
        assert tree.current.path == "conv2"
        for key in ("shift+tab", "shift+tab", "shift+tab", "tab", "tab"):
            await press(pilot, key)
            assert main(pilot).focused is not field
        await press(pilot, "slash", "1")
        assert field.value == "conv1", "what stood there is not typed over"
        await press(pilot, "shift+tab")
        assert isinstance(main(pilot).focused, ModuleTree)
        await press(pilot, "escape", "n")
        assert "no filter is set: / sets one" in screen_text(pilot)


async def test_the_edit_log_comes_before_the_tree_where_there_is_room_for_one() -> None:
    async with running(app_on(), (60, 20)) as pilot:
        await press(pilot, "j", "3", "enter", "H")
        assert "l1_unstructured(amount=0.3)" in screen_text(pilot)
        await press(pilot, "H")
        assert pilot.app.main.query_one("#upper").current == "module"
