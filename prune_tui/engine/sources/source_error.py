"""How a source says that it cannot be opened."""

from __future__ import annotations


class SourceError(ValueError):
    """A model that cannot be opened; its text says what is wrong, where, and what to do."""
