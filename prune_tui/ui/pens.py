"""Going from one style of text to the next in as few bytes as can be. Pure.

Rich sends the whole style before each piece of text and a reset behind it: forty bytes where often only the colour
of the text is another.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from rich.style import Style

_SEEN_ON_BLANKS = {"4", "5", "6", "7", "9", "21", "51", "52", "53"}
"""Attributes that show without a letter: lines, frames, blinking, reverse video."""


class Pen(NamedTuple):
    """A style as the terminal is told it: parameters of `SGR`.

    Attributes:
        attributes: Bold, dim, reversed, ….
        foreground: Of the text; empty for the terminal's own colour.
        background: Likewise.
    """

    attributes: tuple[str, ...] = ()
    foreground: str = ""
    background: str = ""

    @property
    def plain_blanks(self) -> bool:
        """Whether nothing of it but the background shows on a blank."""
        return not _SEEN_ON_BLANKS.intersection(self.attributes)


RESET = "\x1b[m"
NO_PEN = Pen()
"""As the terminal writes by itself."""


@functools.lru_cache(maxsize=8192)
def pen_of(style: Style | None, color_system: str | None) -> Pen:
    """What a terminal is to be told of a style.

    Args:
        style: None writes as the terminal does by itself.
        color_system: As Rich names them, `truecolor`; None sends no styles at all.
    """
    if style is None or color_system is None:
        return NO_PEN
    background = Style(bgcolor=style.bgcolor)
    return Pen(
        tuple(filter(None, _parameters(style.without_color, color_system).split(";"))),
        _parameters(Style(color=style.color), color_system),
        _parameters(background, color_system),
    )


def _parameters(style: Style, color_system: str) -> str:
    """What Rich would send before a text."""
    from rich.console import COLOR_SYSTEMS  # noqa: PLC0415 - known as soon as anything is drawn

    sent = style.update_link(None).render("x", color_system=COLOR_SYSTEMS[color_system])
    return sent.partition("m")[0].removeprefix("\x1b[") if sent.startswith("\x1b[") else ""


@functools.lru_cache(maxsize=8192)
def change(before: Pen, after: Pen) -> str:
    """The shortest sequence that leads from one pen to another."""
    if before == after:
        return ""
    # The terminal's own colours are what a reset gives.
    whole = [*after.attributes, *filter(None, (after.foreground, after.background))]
    anew = f"\x1b[{';'.join(['', *whole])}m" if whole else RESET
    if not set(before.attributes) <= set(after.attributes):
        return anew
    parts = [one for one in after.attributes if one not in before.attributes]
    if before.foreground != after.foreground:
        parts.append(after.foreground or "39")
    if before.background != after.background:
        parts.append(after.background or "49")
    return min(f"\x1b[{';'.join(parts)}m", anew, key=len)


def for_blank(before: Pen, after: Pen) -> Pen:
    """The pen to write a blank with: only its background must be right where nothing else of it shows."""
    if not after.plain_blanks:
        return after
    if before.plain_blanks:
        return before._replace(background=after.background)
    return after
