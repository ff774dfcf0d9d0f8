"""Which part of one long axis is seen when it is folded like text, and how closely. Pure.

It answers what `Window` answers of rows and columns, so that a map need not know which of both it looks through:
an axis has one row, number 0, and its entries are columns.
"""

from __future__ import annotations

import dataclasses
import math

from prune_tui.ui.window import MOST

_ROUND, _WIDE = 10, 20
"""Lines of at least so many cells hold a round number of them, which is easily counted along."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """Lines of one axis under each other, in cells.

    Attributes:
        length: Entries of the axis.
        height: Cells there are, down.
        width: Cells there are, across.
        level: 0 shows all of it; each level above it half as much, as with `Window`.
        start: First entry that is seen.
    """

    length: int
    height: int
    width: int
    level: int = 0
    start: int = 0

    @property
    def pooled(self) -> tuple[int, int]:
        """Rows and columns of entries in a cell."""
        return 1, self._pooled_at(self.level)

    def _pooled_at(self, level: int) -> int:
        whole = math.ceil(self.length / self._fit(1))
        return max(1, -(-whole >> level))

    def _line(self, magnified: int) -> int:
        """Entries on a line where each takes so many cells."""
        fit = max(self.width // magnified, 1)
        return min(fit - fit % _ROUND if fit >= _WIDE else fit, max(self.length, 1))

    def _fit(self, magnified: int) -> int:
        """Entries on all lines."""
        return self._line(magnified) * max(self.height // magnified, 1)

    @property
    def _levels_to_entries(self) -> int:
        """The level at which a cell is an entry."""
        return (self._pooled_at(0) - 1).bit_length()

    @property
    def magnified(self) -> int:
        """Cells that an entry takes, down and across."""
        closer = max(0, self.level - self._levels_to_entries)
        return min(self._magnified_whole << closer, self._most_magnified)

    @property
    def _most_magnified(self) -> int:
        return 1 << int(math.log2(max(min(MOST, self.height, self.width), 1)))

    @property
    def _magnified_whole(self) -> int:
        fits = 1
        while fits < self._most_magnified and self._fit(2 * fits) >= self.length:
            fits *= 2
        return fits

    @property
    def most(self) -> int:
        """The highest level."""
        return self._levels_to_entries + int(math.log2(self._most_magnified // self._magnified_whole))

    @property
    def line(self) -> int:
        """Cells of the map on a line, magnified ones counted once."""
        return self._line(self.magnified)

    @property
    def seen(self) -> tuple[int, int]:
        """Rows and columns of entries that fit."""
        return 1, self._fit(self.magnified) * self.pooled[1]

    @property
    def rectangle(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First row and one past the last, first column and one past the last, of what is seen."""
        return (0, 1), (self.start, min(self.start + self.seen[1], self.length))

    @property
    def cells(self) -> tuple[int, int]:
        """Cells that this takes, not folded yet."""
        _, (first, last) = self.rectangle
        return 1, math.ceil((last - first) / self.pooled[1])

    def cell(self, row: int, column: int) -> tuple[int, int] | None:
        """The first cell of an entry; None where it is not seen."""
        _, (first, last) = self.rectangle
        if row or not first <= column < last:
            return None
        down, across = divmod((column - first) // self.pooled[1], self.line)
        return down * self.magnified, across * self.magnified

    def entry(self, down: int, across: int) -> tuple[int, int] | None:
        """The first entry in a cell; None where there is none."""
        _, (first, last) = self.rectangle
        line, place = down // self.magnified, across // self.magnified
        column = first + (line * self.line + place) * self.pooled[1]
        return (0, column) if place < self.line and column < last else None

    def beside(self, row: int, column: int, down: int, across: int) -> tuple[int, int]:
        """The entry so many lines below and cells beside another; itself where there is no such line."""
        found = column + (down * self.line + across) * self.pooled[1]
        if down and not 0 <= found < self.length:
            return row, column
        return row, min(max(found, 0), self.length - 1)

    def paged(self, row: int, column: int, down: int, across: int) -> tuple[int, int]:
        """The entry so many windows further, at most the last one."""
        return row, min(max(column + (down + across) * self.seen[1], 0), self.length - 1)

    def holding(self, row: int, column: int) -> Fold:
        """Moved by as few lines as needed to see an entry.

        Where cells are pooled it never reaches beyond the end, as `Window`: all cells hold as many entries.
        """
        size, step = self.seen[1], self.line * self.pooled[1]
        if self.start <= column < self.start + size:
            return self
        line = column // step * step
        start = line if column < self.start else line + step - size
        last = self.length - size
        last = math.ceil(last / step) * step if self.pooled[1] == 1 else last
        return dataclasses.replace(self, start=max(0, min(start, last)))

    def zoomed(self, by: int, row: int, column: int) -> Fold:
        """So many levels closer, with an entry in sight, near to the middle."""
        level = min(max(self.level + by, 0), self.most)
        closer = dataclasses.replace(self, level=level, start=0)
        step = closer.line * closer.pooled[1]
        return closer.holding(row, min(column + closer.seen[1] // 2 // step * step, self.length - 1)).holding(
            row, column
        )

    def resized(self, height: int, width: int, row: int, column: int) -> Fold:
        """Through another window, with the same closeness and an entry in sight."""
        other = dataclasses.replace(self, height=height, width=width)
        return dataclasses.replace(other, level=min(self.level, other.most), start=0).zoomed(0, row, column)
