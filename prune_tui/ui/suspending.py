"""Suspending the app by a key: the terminal is given back to the shell, whose `fg` brings the app back."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from prune_tui.settings.choosing import Settings
from prune_tui.ui import job_control
from prune_tui.ui.appearance import Appearance


class Suspending(Appearance):
    """An app that can be stopped and continued.

    The engine is in a session of its own and goes on meanwhile; what it tells is read after `fg`.

    Args:
        settings: What a person has settled.
    """

    def __init__(self, settings: Settings) -> None:
        # Who started us wants no stops. Textual is about to put a handler of its own there.
        self._never_stops = signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
        super().__init__(settings)

    @property
    def leaves_now(self) -> bool:
        """Whether the app is about to end."""
        return False

    def action_suspend(self) -> None:
        """Give the terminal back and stop, until a shell continues us; say so where none could."""
        driver = self._driver
        if driver is None or not driver.can_suspend:
            self._say("there is no shell to go back to: the app is not in a terminal")
        elif self._never_stops or not job_control.continued_by_somebody():
            self._say("nothing was suspended: no shell with job control has started prune-tui, to bring it back")
        else:
            self._stop()

    def _stop(self) -> None:
        problem = ""
        with self.suspend():
            try:
                job_control.stop(sys.__stdin__.fileno() if sys.__stdin__ else 0, lambda: self.leaves_now)
            except OSError as error:  # raised in there, it would leave the app without its screen
                problem = f"it could not be suspended: {error.strerror}"
        if problem:
            self._say(problem)

    def _say(self, text: str) -> None:
        self.notify(text, severity="warning", markup=False)

    def mind_stops(self) -> None:
        """Take the screen back when we are continued after a SIGSTOP, too, which nobody can prepare for."""
        driver = self._driver
        if driver is None or not driver.can_suspend or not hasattr(driver, "_must_signal_resume"):
            return
        continued = signal.getsignal(signal.SIGCONT)

        def take_back(number: int, frame: FrameType | None) -> None:
            prepared = driver._must_signal_resume or not driver._auto_restart  # Textual has no public way to tell
            if not prepared:
                driver.suspend_application_mode()  # else Textual would read keys twice, and leave the terminal raw
            if callable(continued):
                continued(number, frame)
            if not prepared:
                self.call_later(self.refresh, layout=True)

        signal.signal(signal.SIGCONT, take_back)
