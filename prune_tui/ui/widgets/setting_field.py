"""A field of a form, which knows whether nothing but digits was typed into it: these may be a count yet."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widgets import Input

TakesKey = Callable[[events.Key, bool], bool]
"""Asked before a character is typed, with whether only digits were until then; True takes it away."""


class SettingField(Input):
    """An input that asks whether a character is meant for it.

    Args:
        value: What it holds at first.
        placeholder: What it shows while it is empty.
        words: Words may stand in it: no letter is meant for anything else.
        takes_key: Whom it asks.
        id: As of every widget.
    """

    def __init__(self, value: str, placeholder: str, *, words: bool, takes_key: TakesKey, id: str) -> None:  # noqa: A002
        super().__init__(value, placeholder=placeholder, compact=True, id=id)
        self.cursor_blink = False  # over SSH each blink is a packet
        self._words = words
        self._takes_key = takes_key
        self._first = value
        self._digits: str | None = ""  # what was typed, for as long as it is digits only

    async def _on_key(self, event: events.Key) -> None:
        """Ask; what is meant for the field, Input types when this is done."""
        if not event.is_printable:
            return
        digits = self._digits
        untouched = not self._words and digits is not None and self.value == (digits or self._first)
        if self._takes_key(event, untouched):
            event.stop()
            event.prevent_default()
        elif digits is not None:
            typed = event.character or ""
            self._digits = digits + typed if untouched and typed.isascii() and typed.isdecimal() else None
