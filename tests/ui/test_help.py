"""The help: the focused pane's keys first, what is typed filters, and all of it can be reached at 80×24."""

from __future__ import annotations

import pytest

from prune_tui.ui import keys
from prune_tui.ui.screens.help import HelpScreen, matching
from prune_tui.ui.screens.main import MainScreen
from tests.in_process import app_on, press, running, screen_text, settle
from tests.ui.tensor_pane_here import look_at

SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_the_keys_of_the_focused_pane_come_first(size: tuple[int, int]) -> None:
    async with running(app_on(), size=size) as pilot:
        await press(pilot, "question_mark")
        assert "In the module tree" in screen_text(pilot).splitlines()[2]
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MainScreen)
        await look_at(pilot, "conv1.weight", "f3", "question_mark")
        lines = screen_text(pilot).splitlines()
        assert "In the tensor pane" in lines[2]
        assert "Paint a mask" in lines[3], "what the key bar names for the picture is the first"


async def test_what_is_typed_filters_and_esc_shows_all_again_and_then_closes() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "question_mark", *"sort")
        text = screen_text(pilot)
        assert "Sort the other way round (channels)." in text
        assert "Go up." not in text
        await press(pilot, "escape")
        assert "Go up." in screen_text(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, *"gibberish")
        assert "no key does 'gibberish'; esc shows all of them" in screen_text(pilot)
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, MainScreen)


@pytest.mark.parametrize("key", ["q", "question_mark", "escape"])
async def test_it_closes(key: str) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "question_mark", key)
        assert isinstance(pilot.app.screen, MainScreen)


async def test_tab_goes_from_section_to_section_and_round() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "question_mark", "tab")
        assert "Everywhere" in screen_text(pilot).splitlines()[2]
        await press(pilot, "tab", "tab")
        assert "In the tensor pane" in screen_text(pilot).splitlines()[2]
        await press(pilot, "shift+tab")
        assert "In the module pane" in screen_text(pilot).splitlines()[2]
        await press(pilot, *["tab"] * 7)
        assert "In the module tree" in screen_text(pilot).splitlines()[2]


async def test_all_of_it_is_reached_by_scrolling_and_nothing_is_cut_at_80_columns() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        await press(pilot, "question_mark")
        seen = screen_text(pilot)
        for _ in range(12):
            await press(pilot, "pagedown")
            seen += screen_text(pilot)
        told = "".join(seen.replace("│", "").split())
        for row in keys.KEYS:
            for word in row.sentence.split():
                assert word in told
            assert all(keys.shown(key).replace(" ", "") in told for key in row.keys)
        assert "q ctrl+q ctrl+c" in seen
        await press(pilot, *["pageup"] * 12, "down", "up")
        assert "In the module tree" in screen_text(pilot).splitlines()[2]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("x", {"tensor.paint"}),
        ("X", {"tensor.brush"}),
        ("f3", {"picture.heatmap"}),
        (
            "pageup",
            {f"{place}.page_up" for place in ("tree", "module", "tensor", "findings", "marks", "log", "form")},
        ),
        ("undone STEP", {"steps.redo"}),
        ("zzz", set()),
    ],
)
def test_one_character_is_a_key_and_more_are_its_name_or_words(wanted: str, ids: set[str]) -> None:
    assert {row.id for row in matching(keys.KEYS, wanted)} == ids


async def test_typing_reaches_no_pane_below() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        before = pilot.app.main.module_tree.current
        await press(pilot, "question_mark", *"3u", "escape", "escape")
        await settle(pilot)
        assert pilot.app.main.module_tree.current == before
        assert pilot.app.main.form is None
