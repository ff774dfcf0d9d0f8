"""Styles by what they mean, hand-picked for each number of colours and each ground: never an automatic downgrade.

256 colours are named by their index, of which all but the grey ones arrive as they are; 16 by their name, which
the terminal's own theme may colour as it likes. Without colours attributes are left. All of them are told from the
ground by a contrast of 4.5 at least, https://www.w3.org/TR/WCAG21/#contrast-minimum; for that none of them is dim.
"""

from __future__ import annotations

from typing import Literal

from rich.color import Color
from rich.style import Style

from prune_tui.ui.pictures.look import Look

Role = Literal["plain", "dim", "axis", "masked", "newly", "would-go", "bad", "threshold", "cursor", "odd"]

_ATTRIBUTES: dict[Role, Style] = {
    "plain": Style(),
    "dim": Style(dim=True),
    "axis": Style(dim=True),
    "masked": Style(dim=True),
    "newly": Style(bold=True, reverse=True),
    "would-go": Style(bold=True, underline=True),
    "bad": Style(bold=True, reverse=True),
    "threshold": Style(bold=True),
    "cursor": Style(reverse=True, bold=True),
    "odd": Style(bold=True),
}
# 256 colours on a dark ground, on a light one, and one of 16.
_COLOURS: dict[Role, tuple[int, int, str]] = {
    "masked": (174, 124, "red"),
    "newly": (203, 124, "red"),
    "would-go": (214, 58, "yellow"),
    "bad": (201, 127, "magenta"),
    "threshold": (214, 58, "yellow"),
    "odd": (214, 58, "yellow"),
}


def ink(role: Role, look: Look) -> Style:
    """The style of a role."""
    attributes, colours = _ATTRIBUTES[role], _COLOURS.get(role)
    if colours is None or look.depth == "none":
        return attributes
    dark, light, named = colours
    colour = Color.parse(named) if look.depth == "16" else Color.from_ansi(dark if look.dark else light)
    return Style(color=colour, bold=attributes.bold, underline=attributes.underline, reverse=attributes.reverse)
