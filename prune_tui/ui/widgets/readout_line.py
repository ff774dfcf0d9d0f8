"""A line that changes with every move of the cursor: only the columns that differ are drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class ReadoutLine(Widget):
    """One line of text, cut at the right where there is no room."""

    DEFAULT_CSS = """
    ReadoutLine { height: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._text = Text()

    @property
    def text(self) -> str:
        """What it says, whole."""
        return self._text.plain

    def show(self, text: Text) -> None:
        """Say something else."""
        before = self._strip()
        self._text = text
        first, behind = differing(before, self._strip())
        if first < behind:
            self.refresh(Region(first, 0, behind - first, 1))

    def render_line(self, y: int) -> Strip:
        """Draw it."""
        strip = self._strip() if y == 0 else Strip([])
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def _strip(self) -> Strip:
        text = self._text.copy()
        text.truncate(self.size.width, overflow="ellipsis")
        return Strip(text.render(self.app.console))


def differing(before: Strip, after: Strip) -> tuple[int, int]:
    """The first column in which two lines differ and the one behind the last; twice the same where they do not."""
    pairs = enumerate(zip_longest(_columns(before), _columns(after), fillvalue=_BLANK))
    found = [column for column, (old, new) in pairs if old != new]
    return (found[0], found[-1] + 1) if found else (0, 0)


_Column = tuple[str, Style, int]
_BLANK: _Column = (" ", Style(), 0)


def _columns(strip: Strip) -> Iterator[_Column]:
    """What stands in each column: its character, and which column of that where it is a wide one."""
    for text, style, _ in strip:
        for character in text:
            for part in range(cell_len(character)):
                yield character, style or Style(), part
