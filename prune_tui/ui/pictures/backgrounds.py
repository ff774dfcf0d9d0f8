"""Magnitude behind a number: the colour a heat map would give it, under text that can be read on it."""

from __future__ import annotations

import functools
import math

from rich.color import Color
from rich.style import Style

from prune_tui.ui.pictures import ramps
from prune_tui.ui.pictures.look import Look

_STEPS = 6
"""Shades of each sign: enough to see, and few enough that neighbours often share one, which saves bytes."""


def behind(value: float, scale: float, look: Look) -> Style:
    """The style of a number by its magnitude; nothing where there are few colours, or each costs too much.

    Args:
        value: The number; NaN and Inf have no colour.
        scale: What the end of the ramp stands for; 0 colours nothing.
        look: How pictures are drawn.
    """
    if not ramps.halved(look) or not scale or not math.isfinite(value):
        return Style.null()
    return _shade(round(min(max(value / scale, -1.0), 1.0) * _STEPS), look)


@functools.lru_cache(maxsize=256)
def _shade(step: int, look: Look) -> Style:
    colour = ramps.colour(step / _STEPS, look) if step else None
    if colour is None:
        return Style.null()
    if look.depth == "truecolor":
        colour = _faded(colour, look)
    text = "#000000" if ramps.dark_text(colour) else "#ffffff"
    return Style(color=Color.parse(text), bgcolor=colour)


def _faded(colour: Color, look: Look) -> Color:
    """Half way to the ground: the numbers are what is read."""
    ground = 0x12 if look.dark else 0xF4
    return Color.from_rgb(*((channel + ground) / 2 for channel in colour.get_truecolor()))
