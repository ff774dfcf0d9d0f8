"""A step that lasts is stopped by a key that stands on the screen; one that does not stop ends with its engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from textual.pilot import Pilot

from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.session import Session
from prune_tui.ui import stopping
from prune_tui.ui.screens.text import Question
from prune_tui.views import Failed
from tests.in_process import answer, app_on, press, running, screen_text, settle

PRUNED = ("j", "3", "enter")


class Slow:
    """An engine whose steps last until they are stopped, or let go."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.heeds = True
        self.slow = False


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    held, do = Slow(), Session.do

    def last(session: Session, step: object, stop: Stop) -> object:
        while held.slow and not held.over.wait(0.01):
            if held.heeds and stop():
                raise Cancelled
        return do(session, step, stop)

    monkeypatch.setattr(Session, "do", last)
    monkeypatch.setattr(stopping, "_LASTS", 0.01)
    monkeypatch.setattr(stopping, "_PATIENCE", 0.01)
    yield held
    held.over.set()


async def until(pilot: Pilot[None], text: str) -> None:
    """Wait until a text stands on the screen."""
    for _ in range(2000):
        if text in screen_text(pilot):
            return
        await pilot.pause(0.01)
    raise AssertionError(f"no {text!r}:\n{screen_text(pilot)}")


async def test_a_repeated_step_is_stopped_by_esc_which_stands_there(slow: Slow) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *PRUNED)
        slow.slow = True
        await pilot.press("full_stop")
        await until(pilot, "working… esc stops")
        await pilot.press("escape")
        await settle(pilot)
        assert "working" not in screen_text(pilot)
        assert "● 1 unsaved step" in screen_text(pilot)


async def test_esc_does_what_it_did_while_nothing_lasts(slow: Slow) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *PRUNED, "slash", "c", "escape")
        assert pilot.app.main.module_tree.filtered == ""


async def test_what_does_not_stop_ends_with_its_engine_and_the_steps_are_done_again(slow: Slow) -> None:
    async with running(app_on(journals="journals")) as pilot:
        await press(pilot, *PRUNED)
        before = pilot.app.engine.model.state_dict()
        slow.slow, slow.heeds = True, False
        await pilot.press("full_stop")
        await until(pilot, "esc stops")
        await pilot.press("escape")
        await until(pilot, "Restart the engine?")
        assert "do your 1 step again; what runs now is not done" in screen_text(pilot)
        old = pilot.app.engine
        old.stop = lambda: (slow.over.set(), type(old).stop(old))  # a thread cannot be killed as a process is
        await answer(pilot, "r")
        assert pilot.app.engine is not old
        after = pilot.app.engine.model.state_dict()
        assert list(before) == list(after)
        assert "● 1 unsaved step" in screen_text(pilot)


async def test_the_question_goes_when_it_stops_after_all(slow: Slow) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *PRUNED)
        slow.slow, slow.heeds = True, False
        await pilot.press("full_stop")
        await until(pilot, "esc stops")
        await pilot.press("escape")
        await until(pilot, "Restart the engine?")
        slow.over.set()
        await until(pilot, "● 1 unsaved step")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, Question)


async def test_a_view_that_waits_for_what_is_stuck_offers_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(app_on()) as pilot:
        stuck = Failed("mine (my.py:3) is still running, for 9 s now, and cannot be interrupted", "blocked")
        monkeypatch.setattr("prune_tui.engine.server._HANDLERS", _always(stuck))
        await pilot.press("j")
        await until(pilot, "Restart the engine?")
        assert "mine (my.py:3) is still running, for 9 s now" in screen_text(pilot)
        monkeypatch.undo()
        await answer(pilot, "escape")


def _always(failed: Failed) -> object:
    class Answers(dict[type, object]):
        def __getitem__(self, _: type) -> object:
            return lambda *__: failed

    return Answers()


async def test_ctrl_r_restarts_the_engine() -> None:
    async with running(app_on(journals="journals")) as pilot:
        await press(pilot, *PRUNED)
        old = pilot.app.engine
        await pilot.press("ctrl+r")
        await until(pilot, "Restart the engine?")
        await answer(pilot, "r")
        assert pilot.app.engine is not old
        assert "● 1 unsaved step" in screen_text(pilot)
        await press(pilot, "u")
        assert pilot.app.main.status.summary.steps == 0


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
