"""Leaving asks once, and offers to save, to keep, to discard or to stay."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.widgets import Input

from prune_tui import journal
from prune_tui.engine.session import Session
from prune_tui.protocol import Open
from prune_tui.ui.app import PruneApp
from prune_tui.ui.screens.save import SaveScreen
from prune_tui.ui.screens.text import LeaveQuestion
from prune_tui.ui.unsaved import Stored
from tests.in_process import EngineHere, answer, app_on, press, running, screen_text, settle

PRUNED = ("j", "3", "enter")
FILE = Path("lenet-pruned.safetensors")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def test_what_can_be_done_is_named() -> None:
    async with running(app_on(journals="journals")) as pilot:
        await press(pilot, *PRUNED, "q")
        assert "s save and leave   q keep them   d discard them   esc stay" in screen_text(pilot)
        await answer(pilot, "escape")
        assert "● 1 unsaved step" in screen_text(pilot)


async def test_s_saves_and_leaves() -> None:
    app = app_on(journals="journals")
    async with running(app) as pilot:
        await press(pilot, *PRUNED, "q")
        await answer(pilot, "s")
        assert isinstance(app.screen, SaveScreen)
        assert "enter writes · esc stays" in screen_text(pilot)
        await pilot.press("enter")
        while app.is_running:
            await pilot.pause(0.01)
    assert app.return_code == 0
    told = app.kept.splitlines()
    assert told[0] == f"✓ wrote {FILE}, {FILE.stat().st_size:,} bytes. To load it:"
    assert told[-1] == "1 step kept: prune-tui --resume goes on"
    assert journal.latest(Path("journals"), "demo") is not None


async def test_what_is_not_written_keeps_the_app() -> None:
    async with running(app_on(journals="journals")) as pilot:
        await press(pilot, *PRUNED, "q")
        await answer(pilot, "s")
        pilot.app.screen.query_one(Input).value = "no/such/folder.pt"
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, SaveScreen)
        await press(pilot, "escape")
        assert pilot.app.screen is pilot.app.main
        assert pilot.app.kept == ""
        await press(pilot, "q")
        assert isinstance(pilot.app.screen, LeaveQuestion)


async def test_discarding_takes_the_journal_away() -> None:
    app = app_on(journals="journals")
    async with running(app) as pilot:
        await press(pilot, *PRUNED)
        assert list(Path("journals").iterdir())
        await press(pilot, "q")
        await pilot.press("d")
    assert list(Path("journals").iterdir()) == []


async def test_a_saved_step_that_was_undone_can_be_saved_as_well() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *PRUNED, "s", "enter", "enter", "u", "q")
        await settle(pilot)
        assert "s save and leave   q leave   esc stay" in screen_text(pilot)


async def test_a_mask_that_is_being_painted_is_nothing_to_save() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "enter", "enter", "x", "q")
        assert "q leave   esc stay" in screen_text(pilot)
        assert "save and leave" not in screen_text(pilot)


async def test_an_undo_that_is_at_work_is_waited_for_and_then_asked_about() -> None:
    app = app_on()
    async with running(app) as pilot:
        await press(pilot, *PRUNED)
        app.main.status.stored = Stored(state=app.main.status.summary.state)
        await pilot.press("u", "q")
        await settle(pilot)
        assert "1 step that is undone here" in " ".join(screen_text(pilot).replace("┃", " ").split())
        await press(pilot, "escape")


async def test_a_digit_before_the_model_is_there_is_no_count() -> None:
    app = app_on()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await settle(pilot)
        await press(pilot, "escape", "g", "j")
        assert app.main.module_tree.current.path == "conv1"


async def test_steps_that_are_all_undone_are_kept_for_they_can_be_redone() -> None:
    app = app_on(journals="journals")
    async with running(app) as pilot:
        await press(pilot, *PRUNED, *PRUNED, "u", "u", "q")
    assert app.kept == "2 undone steps kept: prune-tui --resume goes on"
    kept = journal.latest(Path("journals"), "demo")
    assert kept is not None
    again = PruneApp(Open.going_on(kept, "journals"), EngineHere)
    async with running(again) as pilot:
        await press(pilot, "U", "U")
        assert [entry.undone for entry in again.main.entries] == [False, False]


async def test_a_journal_without_any_step_goes() -> None:
    app = app_on(journals="journals")
    async with running(app) as pilot:
        await press(pilot, "q")
    assert app.kept == ""
    assert not Path("journals").exists()


async def test_leaving_at_once_keeps_the_step_that_is_being_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, do = threading.Event(), Session.do

    def slow(*given: object) -> object:
        done = do(*given)  # type: ignore[arg-type]
        goes_on.wait(10)
        return done

    monkeypatch.setattr(Session, "do", slow)
    app = app_on(journals="journals")
    async with running(app) as pilot:
        for key in (*PRUNED, "ctrl+c"):
            await pilot.press(key)
        await pilot.pause(0.2)
        await pilot.press("ctrl+c")
        goes_on.set()
    assert app.kept == "the step, if it was done, is kept: prune-tui --resume goes on"
    assert len(list(Path("journals").iterdir())) == 1
