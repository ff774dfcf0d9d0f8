"""Stopping a step that lasts, and ending the engine where a person's code cannot be interrupted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual import work
from textual.timer import Timer

from prune_tui import protocol
from prune_tui.ui import keys
from prune_tui.ui.before_opening import BeforeOpening
from prune_tui.ui.screens.text import Question

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

_LASTS = 1.0
"""Seconds after which a person is told how to stop it."""
_PATIENCE = 3.0
"""Seconds after which what was stopped in vain is taken to be stuck."""


class Stopping(BeforeOpening):
    """The half of the main screen that gives up what it has asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._working_on: protocol.Request | None = None
        self._lasts = False
        self._telling: Timer | None = None
        self._stuck: Question | None = None

    @property
    def _main_screen(self) -> MainScreen:
        return cast("MainScreen", self)

    def begin_work(self, request: protocol.Request) -> None:
        """An edit is about to be asked for."""
        self._working_on, self._lasts = request, False
        self._main_screen.status.activity = "working…"
        self._telling = self.set_timer(_LASTS, self._tell_how_to_stop)

    def end_work(self) -> None:
        """It is answered, one way or another."""
        self._working_on = None
        if self._telling is not None:
            self._telling.stop()
        if self._main_screen.prune_app.leaves_now:
            return  # the panes may be gone
        self.workers.cancel_group(self, "insist")
        self._main_screen.status.activity = ""
        if self._stuck is not None and self._stuck is self.app.screen:
            self._stuck.dismiss("wait")

    def _tell_how_to_stop(self) -> None:
        self._lasts = True
        in_form = self._main_screen.form is not None  # where the keys are the form's own
        key = keys.shown("escape") if in_form else keys.keymap_of(self).first("app.back")
        if key:
            self._main_screen.status.activity = f"working… {key} stops"

    @property
    def is_lasting(self) -> bool:
        """Whether an edit is at work that lasts, so that a person may want to stop it."""
        return self._working_on is not None and self._lasts

    def stop_working(self) -> None:
        """Have the engine give the edit up; where it does not, offer another engine."""
        if self._working_on is not None:
            self._main_screen.prune_app.client.give_up(self._working_on)
            self._main_screen.status.activity = "stopping…"
            self._insist(self._working_on)

    @work(exclusive=True, group="insist")
    async def _insist(self, request: protocol.Request) -> None:
        await asyncio.sleep(_PATIENCE)
        if self._working_on is request and not self._main_screen.prune_app.client.gone:
            self.offer_restart("The step does not stop: its code catches interrupts, or is deep in a call of C.")

    def offer_restart(self, why: str) -> None:
        """Ask whether the engine is to be ended, and another one to do the steps again."""
        if self._stuck is None:
            self._ask_to_restart(why)

    @work(exclusive=True, group="stuck")
    async def _ask_to_restart(self, why: str) -> None:
        app = self._main_screen.prune_app
        text = f"{why}\nAnother can {app.done_again}; what runs now is not done."
        self._stuck = Question("Restart the engine?", text, {"r": "restart", "escape": "wait"})
        try:
            answer = await app.push_screen_wait(self._stuck)
        finally:
            self._stuck = None
        if answer == "restart":
            app.restart()

    def action_restart(self) -> None:
        """End the engine, whatever it does, and have another one do the steps again."""
        self.offer_restart("The engine is ended, whatever it does now.")
