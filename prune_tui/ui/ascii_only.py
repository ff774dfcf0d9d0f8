"""Drawing in ASCII alone: one table of what stands for the characters of ours that are not, in as many cells.

Light frames become `-`, `|` and `+`, heavy ones, which have the focus, `=` and `#`. A character that is not ours,
such as a letter in the name of a module, becomes a `?` for each cell it takes: a letter that is like it would be
another name.
"""

from __future__ import annotations

import functools

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_INSTEAD = {
    "x": "×✗ˣₓ", "-": "·–−─┄╌▔˙", "~": "…≈", "^": "▲↑⇗", "v": "▼▾↓", ">": "▸›→≥", "<": "‹←≤",
    "*": "●", "o": "○∘ºₒ", "=": "≡━▅▆", "|": "│├▏▎▍▊", "`": "└", "+": "✓┼╭╮╰╯┌┐┘┤┬┴±⁺₊", "#": "┏┓┗┛┃▌▋▉█▇▓▀",
    "_": "▁▂▃▄", "2": "²", "3": "³", "u": "µ", "S": "Σ", "V": "√", "L": "λ", "I": "∞", ".": "░", ":": "▒",
}  # fmt: skip
"""Which of ours each ASCII character stands for."""
TABLE = {ord(one): instead for instead, ours in _INSTEAD.items() for one in ours}
"""From each of ours, by its code point, to what stands for it."""


def plain(text: str) -> str:
    """A text in ASCII, as wide as before."""
    if text.isascii():
        return text
    text = text.translate(TABLE)
    return text if text.isascii() else "".join(one if one.isascii() else "?" * cell_len(one) for one in text)


class AsciiOnly(LineFilter):
    """Takes whatever is not ASCII out of lines."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line in ASCII."""
        return [
            segment if segment.text.isascii() else Segment(_kept(segment.text), segment.style, segment.control)
            for segment in segments
        ]


_kept = functools.lru_cache(maxsize=4096)(plain)
