"""How wide a command's text may be, and how long where it is one screen."""

from __future__ import annotations

import shutil

_WITHOUT = (100, 24)
"""Cells of a line and lines where no terminal says how many it has."""


def width() -> int:
    """Cells of a line."""
    return max(shutil.get_terminal_size(_WITHOUT).columns, 40)


def height() -> int:
    """Lines of a screen that has room for the shell's next prompt."""
    return max(shutil.get_terminal_size(_WITHOUT).lines - 1, 8)
