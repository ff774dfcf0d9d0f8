"""What a terminal can show: how many colours, on what ground, which glyphs, over how slow a line."""

from __future__ import annotations

from typing import Literal, NamedTuple

Depth = Literal["truecolor", "256", "16", "none"]


class Look(NamedTuple):
    """How pictures are to be drawn.

    Attributes:
        depth: Colours there are.
        dark: Light text on a dark ground.
        ascii: Only printable ASCII.
        slow: As few bytes as can be: shade glyphs instead of a colour for each cell.
        own: The ground is the terminal's own, which nobody knows, and so are the 16 colours that texts have.
        colour_blind: Nothing is told by red and green.
    """

    depth: Depth = "truecolor"
    dark: bool = True
    ascii: bool = False
    slow: bool = False
    own: bool = False
    colour_blind: bool = False
