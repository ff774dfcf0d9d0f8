"""Every key of the app, pressed in the demo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from textual.pilot import Pilot
from textual.widgets import Input

from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.screens.text import EngineLogScreen
from prune_tui.ui.widgets.module_pane import ModulePane
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.tensor_grid import TensorGrid
from tests.in_process import app_on, press, running, screen_text, settle, words


def main_of(pilot: Pilot[None]) -> MainScreen:
    return pilot.app.main


def masked(pilot: Pilot[None]) -> int:
    return main_of(pilot).status.summary.masked


async def type_into(pilot: Pilot[None], field: str, text: str) -> None:
    main_of(pilot).query_one(f"#field-{field}", Input).value = text
    await settle(pilot)


@pytest.mark.parametrize(
    ("key", "hook", "took"),
    [
        ("1", "Identity", 0),
        ("2", "RandomUnstructured", 16),
        ("3", "L1Unstructured", 16),
        ("4", "RandomStructured", 18),
        ("5", "LnStructured", 18),
    ],
)
async def test_a_number_key_prunes_the_tensor_at_the_cursor(key: str, hook: str, took: int) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", key, "enter")
        assert f"forward_pre  {hook} → weight" in screen_text(pilot)
        assert masked(pilot) == took


async def test_6_ranks_all_weights_of_the_model_at_once() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "6")
        assert "= 17,951 of 59,838 left" in screen_text(pilot)
        await press(pilot, "enter")
        assert masked(pilot) == 17_951


async def test_a_form_with_more_lines_than_room_says_so_and_where_they_are() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "6")
        form = main_of(pilot).form
        hidden = form.max_scroll_y
        assert hidden > 0
        assert f" ↓ {hidden} more lines: page down " in words(pilot)
        await press(pilot, "pagedown")
        assert f" ↑ {hidden} more lines: page up " in words(pilot)
        assert "fc3.weight −113" in words(pilot)
        form.scroll_to(y=1, animate=False)
        await settle(pilot)
        assert f" ↑ 1 ↓ {hidden - 1} more lines: page up, page down " in words(pilot)
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert " enter applies · esc leaves all as it was " in words(pilot)


async def test_a_floor_says_what_it_does() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "6")
        assert "floor 0.0 each may lose all" in words(pilot)
        await type_into(pilot, "floor", "0.125")
        assert "floor 0.125 each keeps ≥ 12.5%" in words(pilot)
        await type_into(pilot, "floor", "1")
        assert "each" not in words(pilot)
        assert "floor is 1.0; it must be at least 0.0 and less than 1.0" in words(pilot)


async def test_6_can_rank_at_random() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "6", "tab", "enter", "down", "enter")
        await press(pilot, "shift+tab", "enter")
        assert main_of(pilot).entries[0].step.pruning_method == "RandomUnstructured"
        assert main_of(pilot).entries[0].step.seed is not None


async def test_8_keeps_2_of_every_4() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "8")
        assert "axis 1 has 1, which is not a multiple of 4" in words(pilot)
        await press(pilot, "escape", "j", "j", "8")
        await type_into(pilot, "pattern", "1:4")
        await press(pilot, "enter")
        assert "CustomFromMask → weight" in screen_text(pilot)
        assert masked(pilot) == 400 * 120 * 3 // 4


async def test_7_takes_a_mask_from_a_file(tmp_path: Path) -> None:
    mask = torch.ones(6, 1, 3, 3)
    mask[2] = 0
    np.save(tmp_path / "mask.npy", mask.numpy())
    async with running(app_on()) as pilot:
        await press(pilot, "j", "7")
        await type_into(pilot, "file", str(tmp_path / "wrong.npy"))
        assert "there is no file" in screen_text(pilot)
        await type_into(pilot, "file", str(tmp_path / "mask.npy"))
        await press(pilot, "enter")
        assert "CustomFromMask → weight" in screen_text(pilot)
        assert masked(pilot) == 9


async def test_0_makes_the_pruning_permanent() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "0", "enter")
        text = screen_text(pilot)
        assert "weight_mask" not in text
        assert "16 zero" in text
        await press(pilot, "u")
        assert "weight_mask" in screen_text(pilot)


async def test_the_form_of_0_says_what_it_does_and_no_more() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "j", "full_stop", "0")
        assert "writes 259 zeros into conv2.weight; mask and hook go." in words(pilot)
        await press(pilot, "escape", "k", "k", "0")  # on the model: all that is pruned
        assert "writes 275 zeros into conv1.weight, conv2.weight; mask and hook go." in words(pilot)
        shown = str(main_of(pilot).form.query_one("#effect").render())
        assert not [word for word in ("−0", "keeps", "in all") if word in shown]


async def test_0_says_so_when_nothing_is_pruned() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "0")
        assert "nothing in this model is pruned" in screen_text(pilot)
        await press(pilot, "j", "0")
        assert "conv1.weight is not pruned; there is nothing to remove" in screen_text(pilot)


async def test_the_preview_is_what_enter_does_and_esc_leaves_all_as_it_was() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        assert screen_text(pilot).count("(") > 16, "what would go stands in brackets"
        await press(pilot, "escape")
        assert masked(pilot) == 0
        assert main_of(pilot).form is None
        assert isinstance(main_of(pilot).focused, ModuleTree)
        assert "(-" not in screen_text(pilot)


async def test_up_and_down_nudge_the_amount_and_the_preview_follows() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "up")
        assert "= 19 of 54 left" in screen_text(pilot)
        await press(pilot, "down", "down")
        assert "= 14 of 54 left" in screen_text(pilot)
        await type_into(pilot, "amount", "3")
        await press(pilot, "up")
        assert "= 4 of 54 left" in screen_text(pilot)


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("amount", "60", "conv1.weight has 6 channels along axis 0; amount 60 asks for more"),
        ("amount", "1.5", "a fraction lies between 0.0 and 1.0"),
        ("amount", "lots", "it must be a number"),
        ("amount", "", "amount is empty"),
        ("dim", "7", "it has no axis 7, choose 0 to 3"),
        ("n", "nuc", "n=nuc is for 3-D tensors"),
        ("n", "L1", "n is 'L1'; it must be a number"),
    ],
)
async def test_bad_input_is_explained_changes_nothing_and_loses_nothing(
    field: str, typed: str, message: str
) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "5")
        await type_into(pilot, field, typed)
        assert message in words(pilot)
        await press(pilot, "enter")
        assert masked(pilot) == 0
        assert main_of(pilot).query_one(f"#field-{field}", Input).value == typed


async def test_a_form_remembers_what_was_typed_the_last_time() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        await type_into(pilot, "amount", "7")
        await press(pilot, "enter", "j", "3")
        assert main_of(pilot).query_one("#field-amount", Input).value == "7"


async def test_another_method_key_outside_the_fields_replaces_the_form() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        main_of(pilot).module_tree.focus()
        await press(pilot, "5")
        assert len(main_of(pilot).query("StepForm")) == 1
        assert "5 ln_structured" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(main_of(pilot).focused, ModuleTree)


async def test_undo_and_redo_go_back_and_forth() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "3", "enter")
        assert masked(pilot) == 27
        await press(pilot, "u")
        assert masked(pilot) == 16
        await press(pilot, "u", "u")
        assert masked(pilot) == 0
        assert "there is nothing to undo" in screen_text(pilot)
        await press(pilot, "U", "U", "U")
        assert masked(pilot) == 27
        assert "there is nothing to redo" in screen_text(pilot)


async def test_plus_and_minus_amend_the_last_step_in_place() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "+")
        assert "no step yet" in screen_text(pilot)
        await press(pilot, "3", "enter", "+")
        assert masked(pilot) == 19
        assert len(main_of(pilot).entries) == 1
        await press(pilot, "-", "-")
        assert masked(pilot) == 14
        await press(pilot, "1", "enter", "+")
        assert "identity has no amount to change" in screen_text(pilot)


async def test_a_full_stop_repeats_the_last_step_where_the_cursor_is() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "full_stop")
        assert "no step yet" in screen_text(pilot)
        await press(pilot, "2", "enter", "j", "full_stop")
        first, second = main_of(pilot).entries
        assert second.step.targets == ("conv2.weight",)
        assert second.step.amount == first.step.amount
        assert second.step.seed != first.step.seed


async def test_the_edit_log() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "H")
        assert "no steps yet" in screen_text(pilot)
        await press(pilot, "j", "3", "enter", "2", "enter", "u")
        text = screen_text(pilot)
        assert "1  l1_unstructured(amount=0.3)  conv1.weight  −16" in text
        assert "2  random_unstructured(amount=0.3)  conv1.weight  −11  seed" in text
        assert "undone" in text
        await press(pilot, "escape")
        assert "Tensors" in screen_text(pilot)


async def test_a_slash_filters_the_tree_and_esc_clears() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "slash", *"conv")
        assert "fc1" not in screen_text(pilot)
        await press(pilot, "enter")
        assert main_of(pilot).module_tree.current.path == "conv1"
        await press(pilot, "escape")
        assert "fc1" in screen_text(pilot)


@pytest.mark.parametrize("key", ["3", "0", "space", "asterisk", "full_stop"])
async def test_a_filter_that_shows_nothing_is_named_and_how_to_clear_it(key: str) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "1", "enter", "slash", *"zzz", "enter", key)
        assert "the filter 'zzz' shows no module; esc clears it" in words(pilot)
        assert main_of(pilot).form is None
        assert len(main_of(pilot).entries) == 1
        await press(pilot, "escape", "3")
        assert "On conv1.weight." in words(pilot)


async def test_t_goes_round_the_tensors_of_the_module() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        assert main_of(pilot).tensor.name == "weight"
        await press(pilot, "t")
        assert main_of(pilot).tensor.name == "bias"
        assert "conv1.bias  6" in screen_text(pilot)
        await press(pilot, "t")
        assert main_of(pilot).tensor.name == "weight"


async def test_w_shows_the_original_the_mask_and_the_changes() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter")
        assert "‹effective›" in screen_text(pilot)
        assert "×0.054" in screen_text(pilot)
        await press(pilot, "w")
        assert "‹orig›" in screen_text(pilot)
        assert "×0.054" not in screen_text(pilot)
        await press(pilot, "w")
        assert "‹mask›" in screen_text(pilot)
        await press(pilot, "w")
        for view in ("step", "start"):
            assert f"‹{view}›" in screen_text(pilot)
            assert "-0.054" in screen_text(pilot), "what the mask takes away"
            await press(pilot, "w")
        assert "‹effective›" in screen_text(pilot)


async def test_m_switches_the_accuracy_off_and_on() -> None:
    async with running(app_on()) as pilot:
        assert "accuracy 99.7%" in screen_text(pilot)
        await press(pilot, "m")
        assert "accuracy off" in screen_text(pilot)
        await press(pilot, "j", "3", "enter")
        assert "accuracy off" in screen_text(pilot)
        await press(pilot, "m")
        assert "accuracy 99." in screen_text(pilot)


async def test_tab_goes_from_pane_to_pane() -> None:
    async with running(app_on()) as pilot:
        kinds = []
        for _ in range(4):
            kinds.append(type(main_of(pilot).focused))
            await press(pilot, "tab")
        assert kinds == [ModuleTree, ModulePane, TensorGrid, ModuleTree]
        await press(pilot, "shift+tab")
        assert isinstance(main_of(pilot).focused, ModuleTree)


async def test_enter_goes_inwards() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "enter")
        assert isinstance(main_of(pilot).focused, ModulePane)
        await press(pilot, "enter")
        assert isinstance(main_of(pilot).focused, TensorGrid)


async def test_z_gives_the_screen_to_one_pane() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "enter", "enter", "z")
        assert "Modules" not in screen_text(pilot)
        assert "conv1.weight  6×1×3×3" in screen_text(pilot)
        await press(pilot, "z")
        assert "Modules" in screen_text(pilot)
        await press(pilot, "z", "escape")
        assert "Modules" in screen_text(pilot)


async def test_a_number_key_in_a_maximised_pane_brings_the_form_into_sight() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "enter", "enter", "z", "3")
        assert "3 l1_unstructured" in screen_text(pilot)


async def test_f12_shows_what_the_engine_printed() -> None:
    async with running(app_on()) as pilot:
        pilot.app.engine.log.append("CUDA says hello")
        await press(pilot, "f12")
        assert isinstance(pilot.app.screen, EngineLogScreen)
        assert "CUDA says hello" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MainScreen)


async def test_ctrl_p_finds_commands_and_modules() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+p", *"fc2", "enter")
        await settle(pilot)
        assert main_of(pilot).module_tree.current.path == "fc2"


async def test_arrows_walk_the_module_pane() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "enter", "G")
        assert main_of(pilot).module_pane.cursor == 3
        await press(pilot, "g", "down", "down")
        assert main_of(pilot).tensor.name == "bias"
        await press(pilot, "k")
        assert main_of(pilot).tensor.name == "weight"


async def test_the_grid_scrolls_in_both_directions_and_asks_only_for_what_is_seen() -> None:
    async with running(app_on()) as pilot:
        main_of(pilot).module_tree.go_to("fc1")
        await settle(pilot)
        await press(pilot, "enter", "enter")
        grid = main_of(pilot).tensor_pane.pictures.grid
        await press(pilot, "down", "right", "right", "pagedown", "pagedown", "ctrl+right", "ctrl+right")
        assert grid.scroll_offset.y > 5
        assert grid.scroll_offset.x > 0
        asked = sum(len(values.values) for _, values in grid._tile.values())
        assert 0 < asked < 4 * 120 * 40
        assert "…" not in "\n".join(screen_text(pilot).splitlines()[grid.content_region.y :][:10])
        await press(pilot, "G")
        assert "119" in screen_text(pilot)
        await press(pilot, "g")
        assert grid.scroll_offset == (0, 0)


async def test_the_cursor_stays_above_the_horizontal_scrollbar() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "j", "j", "tab", "tab", "z", *["down"] * 45)
        pane = main_of(pilot).tensor_pane
        assert pane.pictures.grid.show_horizontal_scrollbar
        assert pane.aim.index == (45, 0)
        assert any(line.startswith("┃  45 ") for line in screen_text(pilot).splitlines())


async def test_q_leaves_at_once_when_there_is_nothing_to_lose() -> None:
    app = app_on()
    async with running(app) as pilot:
        await pilot.press("q")
    assert app.return_code == 0


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "7", "0", "u", "U", "+", "-", "full_stop"])
async def test_read_only_refuses_every_edit(key: str) -> None:
    async with running(app_on(readonly=True)) as pilot:
        await press(pilot, "j", key)
        assert main_of(pilot).form is None
        assert "read-only: start without --readonly to prune" in screen_text(pilot)


async def test_one_is_not_all() -> None:
    """1 is one entry and 1.0 all of them, though 1 == 1.0: the preview follows each key."""
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        await type_into(pilot, "amount", "1")
        assert "= 1 of 54 left" in screen_text(pilot)
        await type_into(pilot, "amount", "1.0")
        assert "= 54 of 54 left" in screen_text(pilot)
        await type_into(pilot, "amount", "1")
        await press(pilot, "enter")
        assert masked(pilot) == 1


async def test_a_small_window_keeps_the_focus_for_when_it_is_enlarged() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        await pilot.resize_terminal(20, 5)
        await settle(pilot)
        assert "needs 60×18" in " ".join(screen_text(pilot).split())
        await pilot.resize_terminal(120, 40)
        await press(pilot, "j")
        assert main_of(pilot).module_tree.current.path == "conv2"


async def test_ctrl_p_finds_tensors_too() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+p", *"fc2.bias", "enter")
        await settle(pilot)
        assert main_of(pilot).tensor.tensor == "fc2.bias"


async def test_tab_stays_in_the_form() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "5", "tab", "tab", "tab")
        assert main_of(pilot).focused.id == "field-amount"
        await press(pilot, "shift+tab")
        assert main_of(pilot).focused.id == "field-dim"
        await press(pilot, "enter")
        assert masked(pilot) == 18


async def test_t_passes_from_tensor_to_tensor_and_stays_with_effective_values() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "t")
        assert main_of(pilot).tensor.name == "bias"
        await press(pilot, "t")
        assert (main_of(pilot).tensor.name, main_of(pilot).tensor.kind) == ("weight", "computed")
        assert "‹effective›" in screen_text(pilot)


async def test_an_open_form_is_not_swept_away_by_undo() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "0", "u")
        assert "a form is open: enter applies it, esc closes it" in words(pilot)
        assert masked(pilot) == 16


async def test_ctrl_arrows_go_a_page_of_columns() -> None:
    async with running(app_on()) as pilot:
        main_of(pilot).go_to("fc1")
        await settle(pilot)
        await press(pilot, "enter", "enter", "ctrl+right", "ctrl+right")
        pane = main_of(pilot).tensor_pane
        column = pane.aim.index[1]
        assert column > 8
        assert column % 2 == 0, "two pages"
        assert pane.pictures.grid.scroll_offset.x > 0
        await press(pilot, "ctrl+left", "ctrl+left")
        assert pane.aim.index == (0, 0)
        assert pane.pictures.grid.scroll_offset.x == 0
