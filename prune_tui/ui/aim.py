"""Where in a tensor a person looks: the two axes that are shown, and the index of one entry. Pure.

Every picture of a tensor has the same aim, so that whoever switches between them stays where they were.
"""

from __future__ import annotations

import dataclasses
import itertools

from prune_tui.protocol import Block
from prune_tui.ui.facets import choose_axes


@dataclasses.dataclass(frozen=True)
class Aim:
    """An entry, seen along two axes.

    Attributes:
        shape: Sizes of the tensor.
        axes: A name for each axis.
        row_axis: The axis that runs down; -1 for fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
        index: One number for each axis.
        slider: The axis that the slice keys move along, one of `facet_axes`; -1 where there is none.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    row_axis: int
    column_axis: int
    index: tuple[int, ...]
    slider: int = -1

    @classmethod
    def first(cls, shape: tuple[int, ...], axes: tuple[str, ...]) -> Aim:
        """At the first entry, along the axes that suit the tensor."""
        row_axis, column_axis = choose_axes(shape, axes)
        return cls(shape, axes, row_axis, column_axis, (0,) * len(shape))._with_slider()

    @property
    def facet_axes(self) -> tuple[int, ...]:
        """The axes that are neither rows nor columns, in order."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in {self.row_axis, self.column_axis})

    @property
    def facet(self) -> tuple[int, ...]:
        """The index along each of them."""
        return tuple(self.index[axis] for axis in self.facet_axes)

    @property
    def rows(self) -> int:
        """Rows of a facet."""
        return self.shape[self.row_axis] if self.row_axis >= 0 else 1

    @property
    def columns(self) -> int:
        """Columns of a facet."""
        return self.shape[self.column_axis] if self.column_axis >= 0 else 1

    @property
    def row(self) -> int:
        """The row of the entry."""
        return self.index[self.row_axis] if self.row_axis >= 0 else 0

    @property
    def column(self) -> int:
        """The column of the entry."""
        return self.index[self.column_axis] if self.column_axis >= 0 else 0

    @property
    def empty(self) -> bool:
        """Whether there are no entries."""
        return 0 in self.shape

    @property
    def entry(self) -> Block:
        """The rectangle of this one entry."""
        return Block(self.facet, (self.row, self.row + 1), (self.column, self.column + 1))

    def at(self, index: tuple[int, ...]) -> Aim:
        """At another entry; numbers beyond the shape become the last ones."""
        inside = (min(max(number, 0), max(size - 1, 0)) for number, size in zip(index, self.shape, strict=True))
        return dataclasses.replace(self, index=tuple(inside))

    def moved(self, down: int = 0, across: int = 0) -> Aim:
        """So many rows and columns further, within the facet."""
        index = list(self.index)
        for axis, by in ((self.row_axis, down), (self.column_axis, across)):
            if axis >= 0:
                index[axis] += by
        return self.at(tuple(index))

    def slid(self, by: int) -> Aim:
        """In another slice: so much further along the slider's axis, round its end."""
        if self.slider < 0 or not self.shape[self.slider]:
            return self
        index = list(self.index)
        index[self.slider] = (index[self.slider] + by) % self.shape[self.slider]
        return dataclasses.replace(self, index=tuple(index))

    def with_next_slider(self) -> Aim:
        """With the slice keys along the next axis."""
        movable = [axis for axis in self.facet_axes if self.shape[axis] > 1] or list(self.facet_axes)
        if self.slider not in movable:
            return self
        return dataclasses.replace(self, slider=movable[(movable.index(self.slider) + 1) % len(movable)])

    def with_next_axes(self) -> Aim:
        """With the next pair of axes as rows and columns; those of one index only are left out if they can be."""
        several = [axis for axis, size in enumerate(self.shape) if size > 1]
        shown = several if len(several) > 1 else range(len(self.shape))
        pairs = list(itertools.permutations(shown, 2))
        if not pairs:
            return self
        now = (self.row_axis, self.column_axis)
        row_axis, column_axis = pairs[(pairs.index(now) + 1) % len(pairs)] if now in pairs else pairs[0]
        return dataclasses.replace(self, row_axis=row_axis, column_axis=column_axis, slider=-1)._with_slider()

    def _with_slider(self) -> Aim:
        movable = [axis for axis in self.facet_axes if self.shape[axis] > 1] or list(self.facet_axes)
        return dataclasses.replace(self, slider=movable[0] if movable else -1)

    def told(self) -> str:
        """`[3, 0, 1]  out 3 · in 0 · kh 1`."""
        if not self.shape:
            return "the scalar"
        named = " · ".join(f"{axis} {number}" for axis, number in zip(self.axes, self.index, strict=True))
        return f"[{', '.join(map(str, self.index))}]  {named}"

    def slices(self) -> str:
        """`‹out 3 of 16› · in 0 of 6`: the slice shown, the slider's axis in brackets; empty without slices."""
        told = []
        for axis in self.facet_axes:
            text = f"{self.axes[axis]} {self.index[axis]} of {self.shape[axis]}"
            told.append(f"‹{text}›" if axis == self.slider else text)
        return " · ".join(told)


def read_index(text: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> tuple[int, ...] | str:
    """An index as people write it, `12, 0, 3` or `12 0 3`; negative numbers count from the end.

    Returns:
        One number for each axis, or what is wrong.
    """
    parts = text.replace(",", " ").strip("[]() ").split()
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        return f"{text!r} is no index; write one whole number for each axis: {', '.join(axes)}"
    if len(numbers) != len(shape):
        return f"{len(numbers)} numbers for {len(shape)} axes; write one for each: {', '.join(axes)}"
    for number, size, axis in zip(numbers, shape, axes, strict=True):
        if not -size <= number < size:
            return f"{axis} {number} is outside; it goes from 0 to {size - 1}"
    return tuple(number % size for number, size in zip(numbers, shape, strict=True))
