"""The app at the far end of a line: few bytes where it is slow, the mouse taken or left, texts to be copied."""

from __future__ import annotations

import os

from rich.console import RenderableType
from textual import events, on
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from prune_tui.settings.choosing import Settings
from prune_tui.settings.config_file import place
from prune_tui.ui import clipboard
from prune_tui.ui.appearance import Appearance
from prune_tui.ui.line_driver import LineDriver, LineIsSlow, LineRestarted
from prune_tui.ui.sent_cells import ChangedCells, SentCells

DRAW_SLOWLY, DRAW_IN_FULL = "draw with few bytes", "draw in full"
"""What the palette calls the two ways of drawing."""


class OnALine(Appearance):
    """An app that may be far from its terminal.

    Args:
        settings: What a person has settled.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._sent = SentCells()
        self._may_slow_down = settings.word("slow") == "auto"

    def get_driver_class(self) -> type[Driver]:
        """Ours where Textual would take that of a terminal; a browser and tests have their own."""
        found = super().get_driver_class()
        return LineDriver if found is LinuxDriver else found

    # Drawing

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send no more than has changed; Textual has no public way to say so."""
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            super()._display(screen, ChangedCells(renderable, self._sent))  # type: ignore[arg-type]
        else:
            super()._display(screen, renderable)

    @property
    def behind(self) -> float:
        """Seconds that the terminal has kept us waiting by now."""
        return self._driver.behind if isinstance(self._driver, LineDriver) else 0.0

    async def on_event(self, event: events.Event) -> None:
        """Another size may have moved what the terminal shows."""
        if isinstance(event, events.Resize):
            self._sent.forget()
        await super().on_event(event)

    @on(LineRestarted)
    def action_redraw(self) -> None:
        """Send the whole screen: something else may have written on it."""
        self._sent.forget()
        self.screen.refresh(layout=True)

    # A slow line

    def draw_slowly(self, slow: bool) -> None:
        """Draw with few bytes, or in full; from then on a person decides, and not the line."""
        self._may_slow_down = False
        self.slow = slow
        self.look_anew()

    def look_anew(self) -> None:
        """Draw everything as it is to look now."""
        raise NotImplementedError

    @on(LineIsSlow)
    def _line_is_slow(self) -> None:
        if not self._may_slow_down or self.slow:
            return
        self.draw_slowly(True)
        self.say(
            "this line is slow: tensors are drawn with few bytes, in shades, from now on."
            f' "{DRAW_IN_FULL}" in the palette takes it back; slow = "never" in {place(os.environ)}'
            " keeps it so"
        )

    def say(self, text: str) -> None:
        """Tell a person something."""
        raise NotImplementedError

    # The mouse

    def action_toggle_mouse(self) -> None:
        """Leave the mouse to the terminal, or take it again."""
        driver = self._driver
        if not isinstance(driver, LineDriver):
            self.say("there is no terminal here to leave the mouse to")
        elif driver.has_mouse:
            driver.leave_mouse()
            self.say("the mouse is the terminal's now: it selects text as everywhere")
        else:
            driver.take_mouse()
            self.say("the mouse is taken: a click goes there; the terminal selects no text, or with shift only")

    # Copying

    def copy_to_clipboard(self, text: str) -> None:
        """Have the terminal copy a text, through tmux or screen where one stands in between.

        Raises:
            TooLongError: The terminal would not take it.
        """
        sent = clipboard.sequence(text, clipboard.between(os.environ))
        self._clipboard = text  # what a field pastes
        if self._driver is not None:
            self._driver.write(sent)
            self._driver.flush()
