"""How a source says that it cannot be opened."""

from __future__ import annotations

from prune_tui.told_names import escaped


class SourceError(ValueError):
    """A model that cannot be opened; its text says what is wrong, where, and what to do, on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(escaped(message))
