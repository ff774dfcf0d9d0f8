"""Each key when the one before has done what it does, however fast they come.

Textual hands a key to what has the focus when the key arrives. Over a line that lags, `/conv` arrives at once, and
its letters would go to the tree, where they are keys, before the `/` has given the focus to the field.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer


class KeyTaken(Message):
    """It follows a key from what has the focus up to the app, so the key has been taken when it is there."""


class KeysInOrder(App[None]):
    """An app in which keys wait for each other."""

    AT_ONCE: ClassVar[frozenset[str]] = frozenset({"ctrl+q", "ctrl+c"})
    """Keys that wait for nothing: those that leave."""
    PATIENCE: ClassVar[float] = 0.5
    """Seconds that a key waits for one that nobody answers for, as where the focus was on what has gone."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting_keys: deque[events.Key] = deque()
        self._at_work: KeyTaken | None = None
        self._until: Timer | None = None

    @property
    def keys_wait(self) -> bool:
        """Whether a key is at work or waits."""
        return self._at_work is not None

    async def on_event(self, event: events.Event) -> None:
        """Have a key wait while another one is at work."""
        if not isinstance(event, events.Key) or event.is_forwarded or event.key in self.AT_ONCE:
            await super().on_event(event)
            return
        self._waiting_keys.append(event)
        if self._at_work is None:
            await self._take_next()

    async def _take_next(self) -> None:
        key = self._waiting_keys.popleft()
        taker = self.focused or self.screen
        self._at_work = done = KeyTaken()
        await super().on_event(key)
        if taker.post_message(done):
            self._until = self.set_timer(self.PATIENCE, lambda: self._go_on(done))
        else:
            await self._go_on(done)

    def on_key_taken(self, message: KeyTaken) -> None:
        """What the key has asked for may stand in the app's queue, such as another focus: that first."""
        self.call_later(self._go_on, message)

    async def _go_on(self, done: KeyTaken) -> None:
        """The next key, if it is not at work already."""
        if done is not self._at_work:
            return
        self._at_work = None
        if self._until is not None:
            self._until.stop()
            self._until = None
        if self._waiting_keys:
            await self._take_next()
