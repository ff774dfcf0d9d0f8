"""Lines of text beside, above and below pictures: joined, cut and wrapped to the cells there are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.segment import Segment

from prune_tui.ui import ascii_only, numbers
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.tree_line import printable


def plain(text: str, look: Look) -> str:
    """A text in the characters that the terminal has, none of which moves its cursor."""
    text = printable(text)
    return ascii_only.plain(text) if look.ascii else text


def line(parts: Iterable[tuple[str, Role]], look: Look) -> list[Segment]:
    """Texts with what they mean, as segments."""
    return [Segment(plain(text, look), ink(role, look)) for text, role in parts if text]


def wrapped(text: str, look: Look, width: int, role: Role = "dim", indent: str = "") -> list[list[Segment]]:
    """A text on as many lines as it takes."""
    told = textwrap.wrap(text, max(width, len(indent) + 1), initial_indent=indent, subsequent_indent=indent)
    return [line([(one, role)], look) for one in told]


def bar(share: float, width: int, look: Look) -> str:
    """A share, 0 to 1, as a bar: never empty for some, never full for less than all."""
    whole = 1 << 20
    part = min(max(int(share * whole), 1), whole - 1) if 0 < share < 1 else int(share) * whole
    if not look.ascii:
        return numbers.bar(part, whole, width)
    cells = width if part >= whole else min(max(part * width // whole, 1), width - 1) if part else 0
    return ("#" * cells).ljust(width)
