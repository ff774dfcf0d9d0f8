"""How wide a command's text may be."""

from __future__ import annotations

import shutil

_WIDEST = 100
"""Cells of a line where no terminal says how many it has."""


def width() -> int:
    """Cells of a line."""
    return max(shutil.get_terminal_size((_WIDEST, 24)).columns, 40)
