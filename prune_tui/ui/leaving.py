"""Leaving the app: at once where nothing can be lost, else after one question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from prune_tui.exit_codes import DONE
from prune_tui.settings.choosing import Settings
from prune_tui.ui.numbers import counted
from prune_tui.ui.screens.text import LeaveQuestion
from prune_tui.ui.suspending import Suspending
from prune_tui.ui.unsaved import Unsaved, asked_about

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

_PATIENCE = 0.5
"""Seconds after which a person is told that leaving waits for a step."""


class Leaving(Suspending):
    """An app that is left without losing anything unasked.

    Args:
        settings: What a person has settled.
        keeps: The journals outlive the app, so that steps can be gone on with later.

    Attributes:
        kept: What to tell after leaving: of steps that are kept, of a file that was written; empty where there is
            nothing to tell.
    """

    def __init__(self, settings: Settings, *, keeps: bool) -> None:
        super().__init__(settings)
        self._keeps = keeps
        self._asked_to_leave = False
        self._discarded = False
        self._leaving = False
        self._begun = False
        self.kept = ""

    @property
    def main(self) -> MainScreen:
        """The screen with the panes, whatever lies over it."""
        raise NotImplementedError

    @property
    def leaves_now(self) -> bool:
        """Whether a signal or a person has ended it."""
        return self._leaving

    def action_leave(self) -> None:
        """Leave; asks once when something is not saved."""
        status = self.main.status
        if status.summary is None:
            self.leave_with()
            return
        if self.main.is_editing and not self._asked_to_leave:  # what it comes to is to be asked about
            self._asked_to_leave = True
            self._leave_after_the_edit()
            return
        state = status.summary.state
        why_not = asked_about(status.stored, state, self.main.painted_on, keeps=self._keeps)
        if self._asked_to_leave or not why_not:  # the key was pressed again, or nothing can be lost
            self.leave_with()
        elif self._begun:
            self._asked_to_leave = True
            self._ask_to_leave(why_not, saves=any(Unsaved.since(status.stored, state)))

    @work(exclusive=True, group="leave")
    async def _leave_after_the_edit(self) -> None:
        done = asyncio.ensure_future(self.main.edits_done())
        if not (await asyncio.wait({done}, timeout=_PATIENCE))[0]:
            key = self.main.prune_app.keymap.first("app.quit")
            self.main.say(f"a step is being worked out; {key} leaves after it, once more at once")
            await done
        self._asked_to_leave = False
        self.action_leave()

    @work(exclusive=True, group="leave")
    async def _ask_to_leave(self, why_not: str, *, saves: bool) -> None:
        summary = self.main.status.summary
        done = self._keeps and summary is not None and summary.steps > 0
        question = LeaveQuestion(why_not, keeps=done, saves=saves)
        answer = await self.push_screen_wait(question)
        self._asked_to_leave = False
        if answer == LeaveQuestion.SAVE:
            self.main.save_and_leave(self._saved)
        elif answer != LeaveQuestion.STAY:
            self.leave_with(discard=answer == LeaveQuestion.DISCARD)

    def _saved(self, told: str | None) -> None:
        """The save screen was closed: leave if a file was written."""
        if told:
            self.kept = f"{told}\n"
            self.leave_with()

    def _what_is_kept(self) -> str:
        """What the journal holds, undone steps and one that is at work too; empty where it is nothing."""
        summary = self.main.status.summary
        done, undone = (0, 0) if summary is None else (summary.steps, summary.undone)
        if not self._keeps:
            return ""
        if done or undone:
            return f"{counted(done, 'step')} kept" if done else f"{counted(undone, 'undone step')} kept"
        return "the step, if it was done, is kept" if self.main.is_editing else ""

    def leave_with(self, code: int = DONE, *, discard: bool = False) -> None:
        """Leave and tell what is kept; the journal goes when it holds nothing, or is not wanted.

        Args:
            code: The exit code.
            discard: The steps are not wanted any more.
        """
        kept = "" if discard else self._what_is_kept()
        self._discarded = not kept
        if kept:
            self.kept += f"{kept}: prune-tui --resume goes on"
        self.kept = self.kept.rstrip()
        self._leaving = True
        self.exit(return_code=code)
