"""Which part of a large rectangle is seen through a small one, and how closely. Pure."""

from __future__ import annotations

import dataclasses
import math

MOST = 8
"""Cells that one entry takes at most, down and across, when it is looked at most closely."""


@dataclasses.dataclass(frozen=True)
class Window:
    """A window onto the rows and columns of a facet, in cells.

    Attributes:
        rows: Of the facet.
        columns: Likewise.
        height: Cells there are, down.
        width: Cells there are, across.
        level: 0 shows the whole facet, as large as it fits; each level above it shows half as much down and
            across, until a cell is an entry, and then each entry in twice as many cells.
        top: First row that is seen.
        left: First column that is seen.
    """

    rows: int
    columns: int
    height: int
    width: int
    level: int = 0
    top: int = 0
    left: int = 0

    @property
    def pooled(self) -> tuple[int, int]:
        """Rows and columns of entries in a cell."""
        return self._pooled_at(self.level)

    def _pooled_at(self, level: int) -> tuple[int, int]:
        whole = (math.ceil(self.rows / max(self.height, 1)), math.ceil(self.columns / max(self.width, 1)))
        down, across = (max(1, math.ceil(factor / 2**level)) for factor in whole)
        return down, across

    @property
    def _levels_to_entries(self) -> int:
        """The level at which a cell is an entry, both ways."""
        level = 0
        while self._pooled_at(level) != (1, 1):
            level += 1
        return level

    @property
    def magnified(self) -> int:
        """Cells that an entry takes, down and across."""
        closer = max(0, self.level - self._levels_to_entries)
        return min(self._magnified_whole << closer, self._most_magnified)

    @property
    def _most_magnified(self) -> int:
        """Cells that an entry takes at most: one has to fit."""
        return int(2 ** int(math.log2(max(min(MOST, self.height, self.width), 1))))

    @property
    def _magnified_whole(self) -> int:
        """Cells that an entry takes where the whole facet is shown."""
        fits = 1
        while (
            fits < self._most_magnified
            and 2 * fits * self.rows <= self.height
            and 2 * fits * self.columns <= self.width
        ):
            fits *= 2
        return fits

    @property
    def most(self) -> int:
        """The highest level."""
        return self._levels_to_entries + int(math.log2(self._most_magnified // self._magnified_whole))

    @property
    def seen(self) -> tuple[int, int]:
        """Rows and columns of entries that fit."""
        down, across = self.pooled
        return max(1, self.height // self.magnified) * down, max(1, self.width // self.magnified) * across

    @property
    def rectangle(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First row and one past the last, first column and one past the last, of what is seen."""
        rows, columns = self.seen
        return (self.top, min(self.top + rows, self.rows)), (self.left, min(self.left + columns, self.columns))

    @property
    def cells(self) -> tuple[int, int]:
        """Cells that this takes, an entry in one cell or several in one."""
        (top, bottom), (left, right) = self.rectangle
        down, across = self.pooled
        return math.ceil((bottom - top) / down), math.ceil((right - left) / across)

    def cell(self, row: int, column: int) -> tuple[int, int] | None:
        """The first cell of an entry; None where it is not seen."""
        (top, bottom), (left, right) = self.rectangle
        if not (top <= row < bottom and left <= column < right):
            return None
        down, across = self.pooled
        return (row - top) // down * self.magnified, (column - left) // across * self.magnified

    def entry(self, down: int, across: int) -> tuple[int, int] | None:
        """The first entry in a cell; None where there is none."""
        (top, bottom), (left, right) = self.rectangle
        row = top + down // self.magnified * self.pooled[0]
        column = left + across // self.magnified * self.pooled[1]
        return (row, column) if row < bottom and column < right else None

    def beside(self, row: int, column: int, down: int, across: int) -> tuple[int, int]:
        """Where an entry lies so many cells below and beside another, perhaps beyond the end."""
        return row + down * self.pooled[0], column + across * self.pooled[1]

    def paged(self, row: int, column: int, down: int, across: int) -> tuple[int, int]:
        """Where an entry lies so many windows below and beside another, perhaps beyond the end."""
        rows, columns = self.seen
        return row + down * rows, column + across * columns

    def holding(self, row: int, column: int) -> Window:
        """Moved as little as needed to see an entry, by whole cells but at the end of the facet.

        A window never reaches beyond the end: all cells hold as many entries, which is what the engine counts on.
        """
        rows, columns = self.seen
        top, left = (
            _moved(first, at, size, whole, step)
            for first, at, size, whole, step in (
                (self.top, row, rows, self.rows, self.pooled[0]),
                (self.left, column, columns, self.columns, self.pooled[1]),
            )
        )
        return dataclasses.replace(self, top=top, left=left)

    def zoomed(self, by: int, row: int, column: int) -> Window:
        """So many levels closer, with an entry as near to the middle as can be."""
        level = min(max(self.level + by, 0), self.most)
        closer = dataclasses.replace(self, level=level, top=0, left=0)
        rows, columns = closer.seen
        down, across = closer.pooled
        top = _within((row - rows // 2) // down * down, rows, self.rows)
        left = _within((column - columns // 2) // across * across, columns, self.columns)
        return dataclasses.replace(closer, top=top, left=left).holding(row, column)

    def resized(self, height: int, width: int, row: int, column: int) -> Window:
        """Through another window, with the same closeness and an entry in sight."""
        other = dataclasses.replace(self, height=height, width=width)
        return dataclasses.replace(other, level=min(self.level, other.most), top=0, left=0).zoomed(0, row, column)


def _moved(first: int, at: int, size: int, whole: int, step: int) -> int:
    if first <= at < first + size:
        return first
    return _within(at // step * step if at < first else (at // step + 1) * step - size, size, whole)


def _within(first: int, size: int, whole: int) -> int:
    return max(0, min(first, whole - size))
