"""Keys that arrive at once, as over a line that lags: each finds what the one before has done."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from prune_tui.ui.keys_in_order import KeysInOrder
from prune_tui.ui.widgets.module_tree import ModuleTree
from tests.in_process import app_on, press, running, settle, words
from tests.ui.tensor_pane_here import main_of


async def at_once(pilot: Pilot[None], *keys: str) -> None:
    """As a terminal hands them over that had them in one packet."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await settle(pilot)


async def test_letters_behind_a_slash_are_of_the_filter() -> None:
    async with running(app_on()) as pilot:
        await at_once(pilot, "slash", *"conv")
        main = main_of(pilot)
        assert main.query_one("#filter", Input).value == "conv"
        assert main.module_tree.filtered == "conv"
        assert main.module_tree.arrangement.heading == "Modules"  # c and o are keys of the tree


async def test_a_number_behind_a_colon_is_an_index_and_no_method() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "tab", "tab")
        await at_once(pilot, "colon", *"3,0,1,2", "enter")
        assert main_of(pilot).form is None
        assert "[3, 0, 1, 2]" in words(pilot)


async def test_keys_behind_a_screen_that_opens_are_of_that_screen() -> None:
    async with running(app_on()) as pilot:
        await at_once(pilot, "question_mark", "escape", "j", "j")
        assert pilot.app.screen is main_of(pilot)
        current = main_of(pilot).module_tree.current
        assert current is not None
        assert current.path == "conv2"


async def test_what_leaves_waits_for_nothing() -> None:
    async with running(app_on()) as pilot:
        app = pilot.app
        assert isinstance(app, KeysInOrder)
        app._at_work = object()  # type: ignore[assignment]  # a key that never ends
        app.post_message(events.Key("j", "j"))
        await pilot.pause(0.1)
        assert len(app._waiting_keys) == 1
        app.post_message(events.Key("ctrl+q", None))
        await pilot.pause(0.1)
        assert not app.is_running


async def test_a_key_whose_widget_is_gone_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeysInOrder, "PATIENCE", 0.05)
    monkeypatch.setattr(KeysInOrder, "on_key_taken", lambda *_: None)
    async with running(app_on()) as pilot:
        await at_once(pilot, "j", "j")
        await pilot.pause(0.3)
        current = main_of(pilot).query_one(ModuleTree).current
        assert current is not None
        assert current.path == "conv2"
