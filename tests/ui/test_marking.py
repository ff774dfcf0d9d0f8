"""Marks by key, and what every method does with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Input

from prune_tui import steps
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.widgets.module_tree import ModuleTree
from tests.in_process import app_on, press, running, screen_text, settle, words

FC = {"fc1.weight", "fc2.weight", "fc3.weight"}
WEIGHTS = FC | {"conv1.weight", "conv2.weight"}


def main_of(pilot: Pilot[None]) -> MainScreen:
    return pilot.app.main


def marked(pilot: Pilot[None]) -> frozenset[str]:
    return main_of(pilot).marked


def told(pilot: Pilot[None]) -> str:
    """What stands below the pattern, in one line."""
    return str(main_of(pilot).query_one("#matched").render())


async def test_space_marks_tensors_and_steps_work_on_all_of_them() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "space")
        assert "no tensor at the cursor to mark" in screen_text(pilot)
        await press(pilot, "j", "space", "j", "space", "3")
        assert "On 2 tensors: conv1.weight, conv2.weight." in words(pilot)
        await press(pilot, "enter", "space")
        assert marked(pilot) == {"conv1.weight"}
        assert main_of(pilot).entries[0].step.targets == ("conv1.weight", "conv2.weight")


async def test_space_marks_a_bias_where_the_cursor_is_on_one() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "t", "space")
        assert marked(pilot) == {"conv1.bias"}


async def test_what_is_no_parameter_is_not_marked(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("from torch import nn\n\ndef net():\n    return nn.BatchNorm1d(4)\n")
    async with running(app_on(f"{tmp_path}/nets.py:net")) as pilot:
        await press(pilot, "t", "t")
        assert main_of(pilot).tensor.name == "running_mean"
        for key in ("space", "S"):
            await press(pilot, key)
            assert marked(pilot) == frozenset()
            assert "running_mean is no parameter; only parameters can be pruned" in words(pilot)


async def test_a_star_marks_the_weights_of_what_the_filter_shows_and_unmarks_them() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "slash", *"linear", "enter", "asterisk")
        assert marked(pilot) == FC
        assert "3 marked" in screen_text(pilot)
        await press(pilot, "asterisk")
        assert marked(pilot) == frozenset()


async def test_s_marks_the_same_in_all_modules_of_the_type_and_unmarks_them() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "G", "S")
        assert marked(pilot) == FC
        assert "marked: weight of 3 Linear modules" in words(pilot)
        await press(pilot, "t", "S")
        assert marked(pilot) == FC | {"fc1.bias", "fc2.bias", "fc3.bias"}
        await press(pilot, "S")
        assert marked(pilot) == FC
        assert "unmarked: bias of 3 Linear modules" in words(pilot)


async def test_s_marks_the_same_place_of_repeated_modules_where_types_are_not_known(tmp_path: Path) -> None:
    query, names = "layers.{}.attention.query", ("attention.query", "attention.key", "norm")
    tensors = {f"layers.{layer}.{name}.weight": torch.ones(4) for layer in range(3) for name in names}
    save_file(tensors, tmp_path / "model.safetensors")
    async with running(app_on(str(tmp_path / "model.safetensors"))) as pilot:
        main_of(pilot).go_to(query.format(1))
        await settle(pilot)
        await press(pilot, "S")
        assert marked(pilot) == {f"{query.format(layer)}.weight" for layer in range(3)}
        assert "marked: weight of 3 modules at layers.*.attention.query" in words(pilot)


async def test_a_pattern_that_matches_nothing_marks_nothing_and_says_so() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "P", *"none", "enter")
        assert marked(pilot) == frozenset()
        assert "no tensor matches 'none'; nothing was marked" in words(pilot)
        assert main_of(pilot).patterning


async def test_r_marks_the_others_among_the_weights() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "space", "t", "space", "R")
        assert marked(pilot) == WEIGHTS - {"conv1.weight"}, "a bias that was marked is not, no other one is"


async def test_r_leaves_alone_what_the_filter_hides() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "space", "G", "space", "slash", *"linear", "enter", "R")
        assert marked(pilot) == {"conv1.weight", "fc1.weight", "fc2.weight"}


async def test_b_goes_back_to_the_marks_before() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "B")
        assert "there were no other marks before" in words(pilot)
        await press(pilot, "G", "S", "escape")
        assert marked(pilot) == frozenset()
        assert "3 tensors unmarked; B marks them again" in words(pilot)
        await press(pilot, "B")
        assert marked(pilot) == FC
        await press(pilot, "B")
        assert marked(pilot) == frozenset()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_p_marks_by_pattern_and_counts_while_it_is_typed(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        await press(pilot, "P")
        assert told(pilot) == "5 of 10 match: enter marks them"
        await press(pilot, *"fc?.*")
        assert told(pilot) == "6 of 10 match: enter marks them"
        await press(pilot, "enter")
        assert marked(pilot) == FC | {"fc1.bias", "fc2.bias", "fc3.bias"}
        assert isinstance(pilot.app.focused, ModuleTree)
        await press(pilot, "P", *"*.bias", "enter")
        assert marked(pilot) == FC | {f"{name}.bias" for name in ("conv1", "conv2", "fc1", "fc2", "fc3")}
        await press(pilot, "P")
        assert told(pilot) == "5 of 10 match: enter unmarks them"
        await press(pilot, "enter")
        assert marked(pilot) == FC


async def test_a_pattern_that_matches_nothing_says_how_far_it_is_right_and_marks_nothing() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "P", *"conv?.wieght", "enter")
        assert told(pilot) == "none matches; some begin with conv?.w"
        assert main_of(pilot).patterning
        await press(pilot, "escape")
        assert not main_of(pilot).patterning
        assert marked(pilot) == frozenset()


async def test_a_pattern_is_not_asked_for_beside_an_open_form() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "1", "P")
        assert "a form is open" in words(pilot)
        await press(pilot, "L")
        assert main_of(pilot).query_one("#upper", ContentSwitcher).current == "module"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_pane_lists_them_goes_there_and_unmarks(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        await press(pilot, "L")
        assert "nothing is marked space marks the tensor at the cursor" in words(pilot)
        await press(pilot, "L", "G", "S", "3", "enter", "L")
        assert "Marks 3 · 58.9k entries · 30.0% pruned" in words(pilot)
        assert "fc1.weight 120×400 48.0k █▏ 30.0%" in words(pilot)
        await press(pilot, "j", "enter")
        assert main_of(pilot).module_tree.current.path == "fc2"
        assert main_of(pilot).listing_marks, "it stays, for the next one"
        await press(pilot, "space")
        assert marked(pilot) == {"fc1.weight", "fc3.weight"}
        await press(pilot, "u")
        assert "Marks 2 · 48.8k entries · 0.0% pruned" in words(pilot), "it follows every step"
        await press(pilot, "c")
        assert marked(pilot) == frozenset()
        await press(pilot, "B", "escape")
        assert not main_of(pilot).listing_marks
        assert marked(pilot) == {"fc1.weight", "fc3.weight"}, "esc closed the pane, no more"


# Every method

_FILES = ("custom_from_mask", "importance_scores")
_REFUSED = {"semi_structured": "conv1.weight"}
"""What cannot be done on all that is marked, and the tensor it cannot be done on."""
METHODS = [method.name for method in steps.METHODS if not method.repair]


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Half of each of the two tensors, as a mask and as scores."""
    import torch

    ones = {"conv1.weight": torch.ones(6, 1, 3, 3), "conv2.weight": torch.ones(16, 6, 3, 3)}
    for mask in ones.values():
        mask.view(-1)[: mask.numel() // 2] = 0
    torch.save(ones, tmp_path / "masks.pt")
    return tmp_path / "masks.pt"


@pytest.mark.parametrize("name", METHODS)
async def test_every_method_takes_all_marked_in_one_step_with_one_preview_and_one_undo(
    name: str, masks: Path
) -> None:
    async with running(app_on()) as pilot:
        main = main_of(pilot)
        await press(pilot, "j", "space", "j", "space")
        before = 0
        if name == "remove":
            await press(pilot, "3", "enter")
            before = main.status.summary.masked
        main.action_method(name)
        await pilot.pause()
        if name in _FILES:
            main.query_one("#field-file", Input).value = str(masks)
            await settle(pilot)
        else:
            await press(pilot, "left")  # a key that changes nothing, and waits for the preview
        if name in _REFUSED:
            assert f"✗ {_REFUSED[name]}" in words(pilot), "which one, and why"
            await press(pilot, "enter")
            assert not main.entries
            return
        assert "conv1.weight" in words(pilot)
        previewed = str(main.form.query_one("#effect").render())
        assert "conv1.weight" in previewed
        assert "conv2.weight" in previewed
        steps_before = len(main.entries)
        await press(pilot, "enter")
        assert len(main.entries) == steps_before + 1
        assert main.entries[-1].step.targets == ("conv1.weight", "conv2.weight")
        pruned = {row.path for row in main.rows for tensor in row.tensors if tensor.pruned}
        assert pruned == (set() if name == "remove" else {"conv1", "conv2"})
        await press(pilot, "u")
        assert main.status.summary.masked == before
        pruned = {row.path for row in main.rows for tensor in row.tensors if tensor.pruned}
        assert pruned == ({"conv1", "conv2"} if name == "remove" else set())


async def test_a_method_that_cannot_work_on_one_of_them_says_which_and_why_and_does_nothing() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "t", "space", "j", "space", "5")
        assert "✗ conv1.bias" in words(pilot)
        await press(pilot, "enter")
        assert main_of(pilot).status.summary.masked == 0
        assert not main_of(pilot).entries
