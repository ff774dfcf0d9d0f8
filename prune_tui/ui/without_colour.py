"""Drawing without any colour: what has a ground of its own is shown in reverse video."""

from __future__ import annotations

import functools

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class WithoutColour(LineFilter):
    """Takes the colours out of lines, and sends none, not even black and white as Textual's own filter does.

    The line of a cursor, a selection, a message and the thumb of a scrollbar are told by their ground: they are
    reversed. Bold, dim and underlined stay.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line without colours."""
        return [
            Segment(text, None if style is None else _plain(style), control) for text, style, control in segments
        ]


@functools.lru_cache(maxsize=1024)
def _plain(style: Style) -> Style:
    plain = style.without_color
    ground = style.bgcolor
    return plain if ground is None or ground.is_default else plain + Style(reverse=True)
