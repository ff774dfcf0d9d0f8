"""Sends the cells that are other than what the terminal shows, and no others: over SSH bytes are time.

Textual 8.2.8 sends whatever has been drawn anew, with all that stands left of it in its widget: a cursor that goes
to the next module draws three panes, in which most cells stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from prune_tui.ui.pens import NO_PEN, RESET, Pen, change, for_blank, pen_of

_Cell = tuple[str, Pen]
_BRIDGED = 3
"""Cells that are written once more rather than skipped: a skip takes as many bytes."""


class SentCells:
    """What the terminal shows, as far as it is known."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[int, _Cell]] = {}

    def forget(self) -> None:
        """Whatever the terminal shows may be something else now."""
        self._lines = {}

    def written(self, pieces: Iterable[tuple[int, int, Strip]], console: Console) -> str:
        """The sequences that bring pieces of lines to the terminal.

        Args:
            pieces: For each its line, its first column and what is to stand there.
            console: Tells which colours there are.
        """
        return "".join(self._piece(y, x, strip, console) for y, x, strip in pieces)

    def _piece(self, y: int, x: int, strip: Strip, console: Console) -> str:
        line = self._lines.setdefault(y, {})
        cells = _cells(strip, console.color_system)
        if cells is None:  # how many columns each character takes is for the terminal to say
            for column in range(x, x + strip.cell_length):
                line.pop(column, None)
            return Control.move_to(x, y).segment.text + strip.render(console)
        changed = [column for column, cell in enumerate(cells, x) if line.get(column) != cell]
        if not changed:
            return ""
        line.update((column, cells[column - x]) for column in changed)
        return _runs(y, x, cells, changed)


def _runs(y: int, x: int, cells: list[_Cell], changed: list[int]) -> str:
    """The sequences for the columns of a line that have changed."""
    sent = [Control.move_to(changed[0], y).segment.text]
    pen, column = NO_PEN, changed[0]
    for wanted in changed:
        skipped = cells[column - x : wanted - x]
        if len(skipped) <= _BRIDGED and all(_with(pen, cell) == pen for cell in skipped):
            sent.extend(text for text, _ in skipped)
        elif skipped:
            sent.append(f"\x1b[{len(skipped)}C")
        text, _ = cell = cells[wanted - x]
        before, pen = pen, _with(pen, cell)
        sent += [change(before, pen), text]
        column = wanted + 1
    if pen != NO_PEN:
        sent.append(RESET)
    return "".join(sent)


def _with(pen: Pen, cell: _Cell) -> Pen:
    return for_blank(pen, cell[1]) if cell[0] == " " else cell[1]


def _cells(strip: Strip, color_system: str | None) -> list[_Cell] | None:
    """Each column with its pen; None where a character takes none or two, or is a link."""
    cells: list[_Cell] = []
    for text, style, _ in strip:
        if not (text.isascii() or all(get_character_cell_size(one) == 1 for one in text)):
            return None
        if style is not None and style.link:
            return None
        pen = pen_of(style, color_system)
        blank = Pen(background=pen.background) if pen.plain_blanks else pen
        cells += [(one, blank if one == " " else pen) for one in text]
    return cells


class ChangedCells(CompositorUpdate):
    """Something of Textual's that is to be sent, without what the terminal shows already.

    Args:
        update: It.
        sent: What the terminal shows; knows it from then on.
    """

    def __init__(self, update: LayoutUpdate | ChopsUpdate, sent: SentCells) -> None:
        self._update = update
        self._sent = sent

    def render_segments(self, console: Console) -> str:
        """The sequences for the terminal."""
        pieces = _whole_lines if isinstance(self._update, LayoutUpdate) else _spans
        return self._sent.written(pieces(self._update), console)  # type: ignore[arg-type]


def _whole_lines(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, line in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in line:
            yield y, x, strip
            x += strip.cell_length


def _spans(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Each part of a widget within a span; Textual has it as a to-do to begin where the span does."""
    for y, first, behind in update.spans:
        for (x, strip), end in zip(update.chops[y].items(), update.chop_ends[y], strict=False):
            if strip is None or x >= behind or end <= first:
                continue
            start = _whole(strip, max(first - x, 0))
            yield y, x + start, strip.crop(start, min(end, behind) - x)


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
