"""Sends the cells that changed and no others: Textual sends all that stands left of them in their widget, too.

A map has a colour for each cell, so that what stands left of the cursor is up to five thousand bytes.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.strip import Strip


class ChangedCells(ChopsUpdate):
    """What `ChopsUpdate` is, but that each span begins where it says: Textual 8.2.8 has that as a to-do.

    Args:
        update: What is to be sent. Its `chops` are, for each line, strips by the column they begin in, `chop_ends`
            the columns they end before, and `spans` the line, first column and column behind what has changed.
    """

    def __init__(self, update: ChopsUpdate) -> None:
        super().__init__(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        """The sequences for the terminal."""
        sent = []
        for y, first, behind in self.spans:
            for (x, strip), end in zip(self.chops[y].items(), self.chop_ends[y], strict=False):
                if strip is None or x >= behind or end <= first:
                    continue
                start = _whole(strip, max(first - x, 0))
                sent.append(Control.move_to(x + start, y).segment.text)
                sent.append(strip.crop(start, min(end, behind) - x).render(console))
        return "".join(sent)


def _whole(strip: Strip, column: int) -> int:
    """The first column of the character in a column: half of a wide one would wipe out the other half."""
    text, start = strip.text, 0
    if text.isascii():
        return column
    for character in text:
        if start + cell_len(character) > column:
            return start
        start += cell_len(character)
    return column
