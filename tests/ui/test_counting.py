"""Counts before motions: `3j` is three lines, though `3` opens a form."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from prune_tui.settings.choosing import AS_EVER
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.screens.more_methods import MoreMethods
from prune_tui.ui.widgets.edit_log import EditLog
from prune_tui.ui.widgets.module_tree import ModuleTree
from tests.in_process import app_on, press, running, settle, words
from tests.ui.tensor_pane_here import look_at

DEEP = """
from torch import nn

def net():
    model = nn.Sequential(*(nn.Sequential(nn.Sequential(nn.Linear(2, 2))) for _ in range(30)))
    return model
"""


def main_of(pilot: Pilot[None]) -> MainScreen:
    return pilot.app.main


def path(pilot: Pilot[None]) -> str:
    return main_of(pilot).module_tree.current.path


@pytest.fixture
def deep(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(DEEP)
    return f"{tmp_path}/nets.py:net"


@pytest.mark.parametrize(
    ("keys", "came_to"),
    [
        ("3j", "2"),
        ("12j", "11"),
        ("10j", "9"),
        ("25j10k", "14"),
        ("12G", "10"),
        ("20j12g", "10"),
        ("888888j", "29"),
        ("2j4l", "1.0.0"),
        ("2j4l2h", "1.0"),
    ],
)
async def test_in_the_tree(deep: str, keys: str, came_to: str) -> None:
    async with running(app_on(deep)) as pilot:
        await press(pilot, *keys)
        assert path(pilot) == came_to
        assert main_of(pilot).form is None
        assert isinstance(pilot.app.focused, ModuleTree)
        assert not main_of(pilot).entries


async def test_keys_that_arrive_at_once_do_the_same(deep: str) -> None:
    """tmux and slow lines deliver several at a time, before a form can be there."""
    async with running(app_on(deep)) as pilot:
        for keys, came_to in (("12j", "11"), ("3k", "8"), ("2G", "0")):
            await pilot.press(*keys)
            await settle(pilot)
            assert path(pilot) == came_to
            assert main_of(pilot).form is None
            assert isinstance(pilot.app.focused, ModuleTree)


async def test_the_form_that_yields_takes_its_preview_along_and_it_is_told_once() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        assert main_of(pilot).tensor_pane.preview is not None
        await press(pilot, "j")
        assert main_of(pilot).tensor_pane.preview is None
        assert "3 j is a motion with a count; a digit and then enter prunes" in words(pilot)
        main_of(pilot).say("something else")
        await press(pilot, "2", "k")
        assert "motion with a count" not in words(pilot)


async def test_in_the_module_pane_the_doctors_and_the_marks_pane() -> None:
    async with running(app_on()) as pilot:
        main = main_of(pilot)
        await press(pilot, "j", "enter", "2", "j")
        assert main.module_pane.cursor == 3
        await press(pilot, "2", "G")
        assert main.module_pane.cursor == 1
        await press(pilot, "P", "enter", "L", "3", "j")
        assert main.marks_pane.mark.tensor == "fc2.weight"
        await press(pilot, "2", "k")
        assert main.marks_pane.mark.tensor == "conv2.weight"
        await press(pilot, "5", "G")
        assert main.marks_pane.mark.tensor == "fc3.weight"


async def test_in_the_edit_log() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "j", "1", "enter", *["full_stop"] * 30, "H")
        log = main_of(pilot).query_one("#edit-log", EditLog)
        log.focus()
        assert log.is_vertical_scroll_end, "the last step is in sight"
        end = log.scroll_offset.y
        assert end > 10
        await press(pilot, "1", "0", "k")
        assert log.scroll_offset.y == end - 10
        await press(pilot, "3", "j")
        assert log.scroll_offset.y == end - 7
        await press(pilot, "5", "G")
        assert log.scroll_offset.y == 4
        await press(pilot, "G", "k")
        assert log.scroll_offset.y == end - 1
        await press(pilot, "g", "j")
        assert log.scroll_offset.y == 1


async def test_in_the_tensor_pane() -> None:
    async with running(app_on()) as pilot:
        await look_at(pilot, "fc2.weight")
        pane = main_of(pilot).tensor_pane
        await press(pilot, "1", "2", "j", "5", "l")
        assert pane.aim.index == (12, 5)
        await press(pilot, "2", "h", "4", "k")
        assert pane.aim.index == (8, 3)
        await press(pilot, "2", "0", "G")
        assert pane.aim.index == (20, 3), "the row that says 20"
        await press(pilot, "f6", "3", "G")
        sorted_by_norm = pane.aim.index[0]
        await press(pilot, "g", "j", "j")
        assert pane.aim.index[0] == sorted_by_norm, "the third row, as they are sorted"


async def test_a_read_only_session_counts_too(deep: str) -> None:
    async with running(app_on(deep, readonly=True)) as pilot:
        await press(pilot, "1", "2", "j")
        assert path(pilot) == "11"


@pytest.mark.parametrize(
    "before", [["escape"], ["up"], ["tab"], ["full_stop"], ["backspace"], ["0", "full_stop", "5"]]
)
async def test_a_form_in_which_anything_else_was_done_stays(before: list[str]) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "5", *before, "j")
        if before == ["escape"]:
            assert path(pilot) == "conv2", "one line, as ever"
        else:
            assert main_of(pilot).form is not None
            assert path(pilot) == "conv1"


async def test_what_is_pasted_or_clicked_is_no_count() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3")
        pilot.app.post_message(events.Paste("12"))
        await press(pilot, "j")
        assert main_of(pilot).query_one("#field-amount", Input).value == "12j"
        await press(pilot, "escape", "3")
        await pilot.click("#field-amount")
        await press(pilot, "j")
        assert main_of(pilot).form is not None


async def test_an_amount_of_digits_is_an_amount() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "1", "2", "enter")
        assert main_of(pilot).status.summary.masked == 12


async def test_a_file_name_begins_with_any_letter() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "7", *"jkhlgG")
        assert main_of(pilot).query_one("#field-file", Input).value == "jkhlgG"
        assert path(pilot) == "conv1"


async def test_in_the_list_of_more_methods_j_goes_down_in_the_list() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "9", "j")
        assert isinstance(pilot.app.screen, MoreMethods)
        await press(pilot, "escape", "j")
        assert path(pilot) == "conv2", "nothing is counted after it"


async def test_with_motions_of_ones_own(deep: str) -> None:
    from prune_tui.settings.config_file import OwnKeys

    settings = AS_EVER._replace(keys={"tree.down": OwnKeys(("b",), "test")})
    async with running(app_on(deep, settings=settings)) as pilot:
        await press(pilot, "3", "b")
        assert path(pilot) == "2"


@pytest.mark.parametrize("name", ["l1_unstructured", "ln_structured", "remove"])
async def test_a_form_may_yield_before_it_is_there(name: str) -> None:
    async with running(app_on()) as pilot:
        main = main_of(pilot)
        await press(pilot, "j")
        main.action_method(name)
        main.close_form()
        await settle(pilot)
        assert not main.query("StepForm")
        assert isinstance(pilot.app.focused, ModuleTree)
        assert main.tensor_pane.preview is None
