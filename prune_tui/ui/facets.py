"""Where each entry of an N-dimensional tensor stands on a canvas of text cells. Pure: knows sizes, not values.

Facets are small grids, each under its own title, flowing from left to right as the width allows. A tensor of one
axis is wrapped like text.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from prune_tui.tensor_requests import Block
from prune_tui.ui.shown_axes import ShownAxes

_GAP = 2


@dataclasses.dataclass(frozen=True)
class Span:
    """A run of entries that stand side by side on one line.

    Attributes:
        x: Cells from the left edge of the canvas, the gutter not counted.
        facet: Index along each facet axis.
        row: Row within the facet.
        start: First column.
        stop: One past the last column.
    """

    x: int
    facet: tuple[int, ...]
    row: int
    start: int
    stop: int


@dataclasses.dataclass(frozen=True)
class Canvas(ShownAxes):
    """The geometry of one tensor at one width.

    Attributes:
        cell: Cells that one entry takes, its gap included.
        room: Cells to the right of the gutter.
    """

    cell: int
    room: int

    @property
    def wrapped(self) -> bool:
        """Whether one axis is wrapped like text."""
        return len(self.shape) <= 1

    @property
    def per_line(self) -> int:
        """Facets side by side; for a wrapped tensor, entries on a line."""
        if self.wrapped:
            fit = max(1, self.room // self.cell)
            return fit - fit % 5 if fit > 10 else fit
        return max(1, (self.room + _GAP) // (self._facet_width + _GAP)) if self.facets > 1 else 1

    @property
    def _facet_width(self) -> int:
        last = self.title(tuple(self.shape[axis] - 1 for axis in self.facet_axes))
        return max(self.columns * self.cell, len(last))

    @property
    def titled(self) -> bool:
        """Whether each facet has a title line above and an empty line below."""
        return not self.wrapped and bool(self.facet_axes) and self.facets > 1

    @property
    def _line_of_facets(self) -> int:
        """Lines that a row of facets takes."""
        return self.rows + 2 if self.titled else self.rows

    @property
    def height(self) -> int:
        """Lines of the whole canvas."""
        if self.empty:
            return 0
        if self.wrapped:
            return math.ceil(self.columns / self.per_line)
        return math.ceil(self.facets / self.per_line) * self._line_of_facets

    @property
    def width(self) -> int:
        """Cells of the whole canvas, without the gutter."""
        if self.wrapped:
            return min(self.columns, self.per_line) * self.cell
        return self.per_line * (self._facet_width + _GAP) - _GAP if self.titled else self.columns * self.cell

    def label(self, line: int) -> str:
        """What stands in the gutter: the row's index; for a wrapped tensor, the index of its first entry."""
        if not 0 <= line < self.height:
            return ""
        if self.wrapped:
            return str(line * self.per_line) if self.shape else ""
        inside = line % self._line_of_facets - (1 if self.titled else 0)
        return str(inside) if 0 <= inside < self.rows else ""

    def titles(self, line: int) -> list[tuple[int, str]]:
        """The facet titles on a line, each with its x."""
        if not self.titled or line % self._line_of_facets:
            return []
        return [(x, self.title(facet)) for x, facet in self._facets_on(line)]

    def title(self, facet: tuple[int, ...]) -> str:
        """`out 0 · in 2`; axes of size 1 are left out unless nothing would be left."""
        pairs = list(zip(self.facet_axes, facet, strict=True))
        told = [(axis, index) for axis, index in pairs if self.shape[axis] > 1] or pairs
        return " · ".join(f"{self.axes[axis]} {index}" for axis, index in told)

    def spans(self, line: int, left: int, right: int) -> list[Span]:
        """The entries on a line that stand wholly between two x: half a number would be another number."""
        if self.empty or not 0 <= line < self.height:
            return []
        if self.wrapped:
            start = line * self.per_line
            stop = min(start + self.per_line, self.columns)
            return self._cut(Span(0, (), 0, start, stop), left, right)
        row = line % self._line_of_facets - (1 if self.titled else 0)
        if not 0 <= row < self.rows:
            return []
        found = []
        for x, facet in self._facets_on(line):
            found += self._cut(Span(x, facet, row, 0, self.columns), left, right)
        return found

    def _cut(self, span: Span, left: int, right: int) -> list[Span]:
        """The part of a span between two x; the gap behind its last entry may be missing."""
        hidden = max(0, math.ceil((left - span.x) / self.cell))
        first = span.start + hidden
        last = min(span.stop, span.start + max(0, (right - span.x + 1) // self.cell))
        return [Span(span.x + hidden * self.cell, span.facet, span.row, first, last)] if first < last else []

    def _facets_on(self, line: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        first = line // self._line_of_facets * self.per_line
        for place, number in enumerate(range(first, min(first + self.per_line, self.facets))):
            yield place * (self._facet_width + _GAP), self._facet(number)

    def _facet(self, number: int) -> tuple[int, ...]:
        """The index along each facet axis of the n-th facet, the last axis fastest."""
        indices = []
        for axis in reversed(self.facet_axes):
            number, index = divmod(number, self.shape[axis])
            indices.append(index)
        return tuple(reversed(indices))

    def _number(self, index: tuple[int, ...]) -> int:
        """Which facet an entry is in; the inverse of `_facet`."""
        number = 0
        for axis in self.facet_axes:
            number = number * self.shape[axis] + index[axis]
        return number

    def place(self, index: tuple[int, ...]) -> tuple[int, int]:
        """Where an entry stands: its x and its line."""
        if self.wrapped:
            line, place = divmod(index[0] if index else 0, self.per_line)
            return place * self.cell, line
        line, place = divmod(self._number(index), self.per_line)
        x = place * (self._facet_width + _GAP) + index[self.column_axis] * self.cell
        return x, line * self._line_of_facets + (1 if self.titled else 0) + index[self.row_axis]

    def index(self, span: Span, column: int) -> tuple[int, ...]:
        """The index of an entry of a span; the inverse of `place`."""
        if self.wrapped:
            return (column,) if self.shape else ()
        found = dict(zip(self.facet_axes, span.facet, strict=True))
        found |= {self.row_axis: span.row, self.column_axis: column}
        return tuple(found[axis] for axis in range(len(self.shape)))

    def beside(self, index: tuple[int, ...], down: int, across: int) -> tuple[int, ...]:
        """The entry next to another on the canvas, in the facet beside it past the edge; itself at the very end.

        Args:
            index: The entry.
            down: -1, 0 or 1.
            across: Likewise; one of both is 0.
        """
        if self.wrapped:
            moved = (index[0] if index else 0) + down * self.per_line + across
            return (moved,) if index and 0 <= moved < self.shape[0] else index
        found = list(index)
        axis, by = (self.row_axis, down) if down else (self.column_axis, across)
        found[axis] += by
        if 0 <= found[axis] < self.shape[axis]:
            return tuple(found)
        number = self._number(index)
        other = number + by * (self.per_line if down else 1)
        same_line = down or number // self.per_line == other // self.per_line
        if not (self.titled and 0 <= other < self.facets and same_line):
            return index
        for facet_axis, at in zip(self.facet_axes, self._facet(other), strict=True):
            found[facet_axis] = at
        found[axis] %= self.shape[axis]
        return tuple(found)

    def blocks(self, top: int, bottom: int, left: int, right: int) -> tuple[Block, ...]:
        """The rectangles of entries within a window of the canvas: what has to be asked for to draw it.

        Args:
            top: First line.
            bottom: One past the last line.
            left: First x.
            right: One past the last x.
        """
        corners: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
        for line in range(max(top, 0), min(bottom, self.height)):
            for span in self.spans(line, left, right):
                known = corners.get(span.facet, (span.row, span.row + 1, span.start, span.stop))
                corners[span.facet] = (
                    min(known[0], span.row),
                    max(known[1], span.row + 1),
                    min(known[2], span.start),
                    max(known[3], span.stop),
                )
        return tuple(Block(facet, (r0, r1), (c0, c1)) for facet, (r0, r1, c0, c1) in corners.items())
