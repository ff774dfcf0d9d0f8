"""How long work says how far it is: a share of its entries, now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

Tell = Callable[[str], None]
"""Called with where the work stands, in a few words, from any thread."""

EVERY = 0.2
"""Seconds between two messages, and before the first: what is done sooner says nothing."""


def silent(text: str) -> None:
    """The `Tell` of work that nobody watches."""


class Share:
    """Work of which a part after another is done.

    Args:
        doing: What is done: `counting`.
        whole: How much there is to do.
        tell: Called with `counting 40%`.
    """

    def __init__(self, doing: str, whole: int, tell: Tell) -> None:
        self._doing = doing
        self._whole = whole
        self._tell = tell
        self._done = 0
        self._next = time.monotonic() + EVERY
        self._adding = threading.Lock()

    def add(self, part: int) -> None:
        """So much more is done; may be called from any thread."""
        with self._adding:
            self._done += part
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + EVERY
            # Told within the lock: a message never overtakes an earlier one.
            self._tell(f"{self._doing} {100 * self._done // self._whole}%")
