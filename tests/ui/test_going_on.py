"""Leaving with steps, and going on with them at the next start."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from prune_tui import journal
from prune_tui.engine import checksums
from prune_tui.exit_codes import FAILED
from prune_tui.journal_writer import Writer
from prune_tui.ui.screens.text import Question
from tests.in_process import answer, app_on, press, running, screen_text, settle, words

NET = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
"""


PLUGIN = """
from torch.nn.utils import prune

class EveryOther(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask
"""


async def shown(pilot: Pilot[None], text: str) -> None:
    """Wait until a text stands on the screen."""
    for _ in range(500):
        await pilot.pause(0.01)
        if text in screen_text(pilot):
            return
    raise AssertionError(screen_text(pilot))


@asynccontextmanager
async def asked(app: object) -> AsyncIterator[Pilot[None]]:
    """The app with a question on its screen."""
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for _ in range(500):
            await pilot.pause(0.01)
            if isinstance(app.screen, Question) and "Go on?" in screen_text(pilot):
                break
        yield pilot


async def left_with_steps(folder: Path, source: str = "demo", how: str = "q") -> str:
    """Two steps, one of them undone, then left; the digest of the masks."""
    app = app_on(source, journals=str(folder))
    async with running(app) as pilot:
        await press(pilot, "j", "2", "enter", "3", "enter", "u", "q")
        masks = checksums.of_model(app.engine.model)
        await pilot.press(how)
    assert app.return_code == 0
    return masks


async def test_q_asks_once_and_keeps_the_steps(tmp_path: Path) -> None:
    app = app_on(journals=str(tmp_path))
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "q")
        assert "1 step not saved. The journal keeps them" in screen_text(pilot)
        await press(pilot, "escape", "j")
        assert app.main.status.summary.steps == 1
        await press(pilot, "q", "q")
    assert app.return_code == 0
    assert app.kept == "1 step kept: prune-tui --resume goes on"
    assert journal.read(journal.listing(tmp_path)[0]).done == 1


async def test_exported_steps_are_not_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = app_on(journals=str(tmp_path))
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "e", "enter", "escape")
        assert "✓ 1 step exported" in screen_text(pilot)
        await press(pilot, "2", "enter")
        assert "● 1 unsaved step" in screen_text(pilot)
        await press(pilot, "e", "enter", "enter", "escape")
        assert "✓ 2 steps exported" in screen_text(pilot)
        await pilot.press("q")
    assert app.return_code == 0
    assert app.kept == "2 steps kept: prune-tui --resume goes on"


async def test_steps_that_nobody_wants_are_discarded(tmp_path: Path) -> None:
    await left_with_steps(tmp_path, how="d")

    assert journal.listing(tmp_path) == []


async def test_without_a_journal_it_says_that_they_are_lost() -> None:
    app = app_on()
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "ctrl+q")
        assert "1 step will be lost" in screen_text(pilot)
        await pilot.press("ctrl+q")
    assert app.return_code == 0
    assert app.kept == ""


async def test_the_next_start_offers_them_and_goes_on(tmp_path: Path) -> None:
    masks = await left_with_steps(tmp_path)

    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        assert "1 step and 1 undone on LeNet (demo) kept since" in screen_text(pilot)
        await answer(pilot, "enter")
        assert checksums.of_model(app.engine.model) == masks
        assert "● 1 unsaved step" in screen_text(pilot)
        assert "accuracy" in screen_text(pilot)
        await press(pilot, "U", "plus")
        assert [entry.undone for entry in app.main.entries] == [False, False]
        await press(pilot, "q", "q")
    assert len(journal.listing(tmp_path)) == 1, "the same session goes on in the same file"
    assert journal.read(journal.listing(tmp_path)[0]).done == 2


@pytest.mark.parametrize(("key", "kept"), [("n", 1), ("escape", 1), ("d", 0)])
async def test_they_can_be_left_alone_or_deleted(tmp_path: Path, key: str, kept: int) -> None:
    await left_with_steps(tmp_path)

    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        await answer(pilot, key)
        assert app.main.status.summary.steps == 0
    assert len(journal.listing(tmp_path)) == kept


async def test_a_session_in_use_elsewhere_can_be_left_alone(tmp_path: Path) -> None:
    await left_with_steps(tmp_path)
    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        elsewhere, _ = Writer.go_on(journal.listing(tmp_path)[0])  # the other window was quicker
        await pilot.press("enter")
        await shown(pilot, "The session is in use")
        await answer(pilot, "n")
        assert app.main.status.summary.steps == 0
        elsewhere.close()


async def test_an_engine_that_dies_at_the_question_asks_it_again(tmp_path: Path) -> None:
    masks = await left_with_steps(tmp_path)
    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        await app.client.close()
        app._engine_gone()
        await shown(pilot, "The engine is gone")
        await pilot.press("r")
        await shown(pilot, "Go on?")
        await answer(pilot, "enter")
        assert checksums.of_model(app.engine.model) == masks


async def test_methods_of_ones_own_go_on_too(tmp_path: Path) -> None:
    await left_with_steps(tmp_path)
    (tmp_path / "mine.py").write_text(PLUGIN)
    app = app_on(journals=str(tmp_path), plugins=(str(tmp_path / "mine.py"),))
    async with asked(app) as pilot:
        await answer(pilot, "enter")
        await press(pilot, "j", "9", "v", "enter")
        masks = checksums.of_model(app.engine.model)
        assert app.main.entries[-1].step.name == "every_other"
        await press(pilot, "q", "q")
    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        await answer(pilot, "enter")
        assert checksums.of_model(app.engine.model) == masks


async def test_nothing_is_offered_on_another_model_or_to_who_only_looks(tmp_path: Path) -> None:
    await left_with_steps(tmp_path)
    (tmp_path / "net.py").write_text(NET)

    for app in (
        app_on(f"{tmp_path}/net.py:net", journals=str(tmp_path)),
        app_on(journals=str(tmp_path), readonly=True),
        app_on(journals=str(tmp_path / "empty")),
    ):
        async with running(app) as pilot:
            assert not isinstance(pilot.app.screen, Question)


async def test_a_model_that_has_changed_says_so_and_replays_nothing_unasked(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    await left_with_steps(tmp_path, f"{file}:net")
    file.write_text(NET.replace("nn.Linear(4, 2)", "nn.Linear(4, 3)"))

    app = app_on(f"{file}:net", journals=str(tmp_path))
    async with asked(app) as pilot:
        await pilot.press("enter")
        for _ in range(300):
            await pilot.pause(0.01)
            if "Not as it was then" in screen_text(pilot):
                break
        assert "has changed since" in " ".join(screen_text(pilot).split())
        await answer(pilot, "a")
        assert app.main.status.summary.steps == 1
    assert len(journal.listing(tmp_path)) == 2, "the old record stays as it is"


async def test_a_redo_that_would_give_other_masks_is_done_when_asked_twice(tmp_path: Path) -> None:
    await left_with_steps(tmp_path)
    (path,) = journal.listing(tmp_path)
    first, second = journal.read(path).steps
    writer = Writer.begin(tmp_path / "changed.journal", journal.read(path).header)
    for event in (first, journal.Did(second.step, "0" * 64), journal.Undid()):
        writer.append(event)
    writer.close()
    path.unlink()

    app = app_on(journals=str(tmp_path))
    async with asked(app) as pilot:
        await answer(pilot, "enter")
        for _ in range(2):
            app.main.action_redo()  # the second before the reason stands on the screen
        await settle(pilot)
        assert [entry.undone for entry in app.main.entries] == [False, True]
        (told,) = {notification.message for notification in app._notifications}
        assert re.fullmatch(
            r"step 2, l1_unstructured\(amount=0\.3\), gives other masks than it gave then.*: now it takes 11 of 38"
            r" entries of conv1\.weight \(checksum \w+… instead of 0+…\)\."
            r" Nothing was done; U again does it all the same",
            told,
        )
        await press(pilot, "U")
        assert [entry.undone for entry in app.main.entries] == [False, False]
        await press(pilot, "u", "U")
        assert [entry.undone for entry in app.main.entries] == [False, False]


async def test_steps_that_were_left_out_and_why_can_be_read_later(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    app = app_on(f"{file}:net", journals=str(tmp_path))
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "j", "j", "3", "enter", "q", "q")
    file.write_text(NET.replace(", nn.ReLU(), nn.Linear(4, 2)", ""))

    app = app_on(f"{file}:net", journals=str(tmp_path))
    async with asked(app) as pilot:
        await pilot.press("enter")
        await shown(pilot, "Not as it was then")
        await answer(pilot, "a")
        await shown(pilot, "H shows this again")
        app.clear_notifications()
        await press(pilot, "H")
        left_out = "! step 2, l1_unstructured(amount=0.3), cannot be done: "
        assert left_out in words(pilot)
        await press(pilot, "j", "2", "enter")
        assert left_out in words(pilot), "it stays when steps are done"
        assert words(pilot).index(left_out) < words(pilot).index("1 l1_unstructured(amount=0.3) 0.weight")


async def test_a_changed_model_can_be_opened_without_the_steps_or_left(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(NET)
    await left_with_steps(tmp_path, f"{file}:net")
    file.write_text(NET.replace("nn.Linear(4, 2)", "nn.Linear(4, 3)"))
    kept = journal.listing(tmp_path)[0]

    for key in ("enter", "q"):
        app = app_on(f"{file}:net", journals=str(tmp_path))
        app._request = msgspec.structs.replace(app._request, resume=kept.name)
        async with asked(app) as pilot:
            if key == "enter":
                await answer(pilot, key)
                assert app.main.status.summary.steps == 0
            else:
                await pilot.press(key)
                await pilot.pause()
        assert app.return_code == (FAILED if key == "q" else None)
    assert journal.read(kept).done == 1


async def test_an_engine_that_is_gone_is_replaced_by_one_that_reads_the_journal(tmp_path: Path) -> None:
    app = app_on(journals=str(tmp_path))
    async with running(app) as pilot:
        await press(pilot, "j", "2", "enter", "3", "enter", "u")
        masks = checksums.of_model(app.engine.model)
        await app.client.close()
        app._engine_gone()
        for _ in range(100):
            await pilot.pause(0.01)
            if isinstance(app.screen, Question):
                break
        await answer(pilot, "r")
        assert checksums.of_model(app.engine.model) == masks
        assert [entry.undone for entry in app.main.entries] == [False, True]
        await press(pilot, "U")
        assert app.main.status.summary.steps == 2


async def test_that_no_step_can_be_kept_is_told_before_one_is_done(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    app = app_on(journals=str(tmp_path / "state" / "sessions"))
    async with running(app) as pilot:
        told = (
            f"no step can be done here, for it could be lost: {tmp_path}/state is no folder; mend that, or start"
        )
        assert told in words(pilot)
        await press(pilot, "j", "3", "enter")
        assert app.main.status.summary.steps == 0
    assert (tmp_path / "state").read_text() == "a file"


async def test_sessions_that_cannot_be_listed_end_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise journal.JournalError("the sessions that are kept there cannot be read")

    monkeypatch.setattr(journal, "latest", denied)
    async with running(app_on(journals=str(tmp_path))) as pilot:
        assert "LeNet" in screen_text(pilot)
