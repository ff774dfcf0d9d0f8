"""Counts before motions, as in vi: `3j`, `12G`. A digit opens a form at once, which yields when it was a count."""

from __future__ import annotations

from textual import events
from textual.widget import Widget

from prune_tui.ui import keys
from prune_tui.ui.editing import Editing
from prune_tui.ui.places import place_of
from prune_tui.ui.widgets.step_form import StepForm

_MOST_DIGITS = 6


class Counting(Editing):
    """Collects digits, and does the motion after them so many times in the pane that had the focus.

    Digits are the keys of methods, so the form is there before anybody can know that a count was meant. It yields
    to a motion's letter as long as nothing but digits was typed. Where words may stand in its first field, as in
    that of 7, a letter is always a letter; and in the list of 9 `j` goes down.
    """

    def __init__(self) -> None:
        super().__init__()
        self._count = ""
        self._told_of_counts = False

    def on_key(self, event: events.Key) -> None:
        """See every key that no field has typed, before the app does what it is bound to."""
        if self._take_key(event, True):
            event.stop()

    def on_mouse_down(self) -> None:
        """What comes after a click is not counted."""
        self._count = ""

    def on_screen_suspend(self) -> None:
        """Nor what comes after another screen, such as the list of 9."""
        self._count = ""

    def _open_form(self, form: StepForm) -> None:
        form.takes_key = self._take_key
        super()._open_form(form)

    def _take_key(self, event: events.Key, untouched: bool) -> bool:
        """Whether a key is a motion with a count.

        Args:
            event: The key.
            untouched: Nothing but digits was typed into the field it is meant for, if into any.
        """
        if not self.is_open:  # a digit is refused then, and forgotten
            self._count = ""
            return False
        count, character = self._count, event.character or ""
        digit = len(event.key) == 1 and character.isascii() and character.isdigit()
        # A zero is none, but it is a digit of 10.
        self._count = count + character if untouched and digit and (count or character != "0") else ""
        pane = self.focused if self.form is None else self._focus_before
        motion = _motion(self._main.prune_app.keymap, pane, event.key)
        if not (count and untouched and motion and pane is not None) or len(count) > _MOST_DIGITS:
            return False
        # After the keys before it, whose forms may not be open yet.
        self.app.call_later(self._move, pane, motion.replace("#", count), f"{count} {event.key}")
        return True

    async def _move(self, pane: Widget, motion: str, pressed: str) -> None:
        if self.form is not None:
            self.close_form()
            if not self._told_of_counts:
                self._told_of_counts = True
                self.say(f"{pressed} is a motion with a count; a digit and then enter prunes")
        name = motion.partition("(")[0]
        for owner in pane.ancestors_with_self:
            if isinstance(owner, Widget) and hasattr(owner, f"action_{name}"):
                await owner.run_action(motion)
                return


def _motion(keymap: keys.Keymap, pane: Widget | None, key: str) -> str:
    """What a letter does after a count, where it has the focus; empty where it is no motion there."""
    place = place_of(pane)
    rows = keymap.of(place) if len(key) == 1 else []
    return next((row.counted for row in rows if row.counted and key in row.keys), "")
