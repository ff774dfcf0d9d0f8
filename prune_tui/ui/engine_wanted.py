"""What the app needs of an engine, wherever that is."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Protocol


class Engine(Protocol):
    """What the app needs of an engine: `client.EngineProcess`, or in tests one in this process.

    Attributes:
        connection: Our end of its socket.
        on_line: Called in a thread with each line it prints.
    """

    connection: socket.socket
    on_line: Callable[[str], None] | None

    @property
    def log(self) -> Iterable[str]:
        """The lines it has printed."""

    def ending(self) -> str:
        """How it ended, in words."""

    def stop(self) -> None:
        """End it."""
