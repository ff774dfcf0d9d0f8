"""Styles by what they mean, hand-picked for each number of colours and each ground: never an automatic downgrade.

256 colours are named by their index, of which all but the grey ones arrive as they are; 16 by their name, which
the terminal's own theme may colour as it likes. Those are taken on a ground of the terminal's own, too, which
nobody knows but they fit. Without colours attributes are left. All of them are told from our own grounds by a
contrast of 4.5 at least, https://www.w3.org/TR/WCAG21/#contrast-minimum; for that none of them is dim.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

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


class _Hues(NamedTuple):
    """The colours of a role: of 256 and of 16, on a dark ground and on a light one."""

    dark: int
    light: int
    dark_named: str
    light_named: str


_COLOURS: dict[Role, _Hues] = {
    "masked": _Hues(174, 124, "red", "red"),
    "newly": _Hues(203, 124, "red", "red"),
    "would-go": _Hues(214, 58, "yellow", "magenta"),
    "bad": _Hues(201, 127, "magenta", "magenta"),
    "threshold": _Hues(214, 58, "yellow", "magenta"),
    "odd": _Hues(214, 58, "yellow", "magenta"),
}
# Orange, blue and lightness are what all eyes tell apart, https://jfly.uni-koeln.de/color/
_COLOUR_BLIND: dict[Role, _Hues] = {
    "masked": _Hues(250, 240, "white", "black"),
    "newly": _Hues(208, 94, "yellow", "magenta"),
    "would-go": _Hues(75, 25, "cyan", "blue"),
    "bad": _Hues(228, 53, "bright_yellow", "magenta"),
    "threshold": _Hues(75, 25, "cyan", "blue"),
    "odd": _Hues(75, 25, "cyan", "blue"),
}


def ink(role: Role, look: Look) -> Style:
    """The style of a role."""
    attributes, hues = _ATTRIBUTES[role], (_COLOUR_BLIND if look.colour_blind else _COLOURS).get(role)
    if hues is None or look.depth == "none":
        return attributes
    if look.own or look.depth == "16":
        colour = Color.parse(hues.dark_named if look.dark else hues.light_named)
    else:
        colour = Color.from_ansi(hues.dark if look.dark else hues.light)
    return Style(color=colour, bold=attributes.bold, underline=attributes.underline, reverse=attributes.reverse)
