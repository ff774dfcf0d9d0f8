"""A screen that is drawn no more often than it must be: over SSH each drawing is thousands of bytes."""

from __future__ import annotations

from typing import ClassVar

from textual.reactive import Reactive
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget


class FrugalScreen(Screen[None]):
    """Draws what changes with the focus and not all else, and waits a moment for what is about to come."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """The widget with the focus. When it is another, Textual draws the whole screen; the frames and cursors that
    follow from it are drawn all the same."""
    patience: ClassVar[float] = 0.1
    """Seconds, at most, that a drawing waits."""
    lag: ClassVar[float] = 0.1
    """Seconds that a terminal may take for one drawing before the next ones are put together into one."""

    def __init__(self) -> None:
        super().__init__()
        self._awaited: tuple[Widget, Timer] | None = None
        self._is_behind = False

    def wait_to_draw(self, widget: Widget) -> None:
        """Draw nothing until a widget has what it lacks, while the patience lasts; what there is adds up."""
        if self._awaited is not None:
            self._awaited[1].stop()
        self._awaited = (widget, self.set_timer(self.patience, self.draw_now))

    def draw_now(self) -> None:
        """Draw what has added up, and the widget that was waited for."""
        if self._awaited is not None:
            widget, timer = self._awaited
            timer.stop()
            self._awaited = None
            widget.refresh()  # and with it whatever else is to be drawn

    def _compositor_refresh(self) -> None:
        """Textual has no public way to have a drawing wait: what is dirty stays so until the next one."""
        if self._awaited is not None:
            return
        if getattr(self.app, "behind", 0.0) > self.lag:
            # What were sent now would be seen when it is out of date, and would hold up what comes after it.
            if not self._is_behind:
                self._is_behind = True
                self.set_timer(self.lag / 2, self._try_again)
            return
        # Textual forgets all dirty widgets now; one that became so while a drawing waited is not to be lost.
        self._compositor.update_widgets(self._dirty_widgets)
        super()._compositor_refresh()

    def _try_again(self) -> None:
        self._is_behind = False
        self._compositor_refresh()
