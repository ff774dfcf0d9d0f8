"""Where in a tensor a person looks: the two axes that are shown, and the index of one entry. Pure.

Every picture of a tensor has the same aim, so that whoever switches between them stays where they were.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

from prune_tui.ui.numbers import counted
from prune_tui.ui.shown_axes import ShownAxes, choose_axes


@dataclasses.dataclass(frozen=True)
class Aim(ShownAxes):
    """An entry, seen along two axes.

    Attributes:
        index: One number for each axis.
        slider: The axis that the slice keys move along, one of `facet_axes`; -1 where there is none.
    """

    index: tuple[int, ...]
    slider: int = -1

    @classmethod
    def first(cls, shape: tuple[int, ...], axes: tuple[str, ...]) -> Aim:
        """At the first entry, along the axes that suit the tensor."""
        row_axis, column_axis = choose_axes(shape, axes)
        return cls(shape, axes, row_axis, column_axis, (0,) * len(shape))._with_slider()

    @property
    def facet(self) -> tuple[int, ...]:
        """The index along each of them."""
        return tuple(self.index[axis] for axis in self.facet_axes)

    @property
    def row(self) -> int:
        """The row of the entry."""
        return self.index[self.row_axis] if self.row_axis >= 0 else 0

    @property
    def column(self) -> int:
        """The column of the entry."""
        return self.index[self.column_axis] if self.column_axis >= 0 else 0

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
        movable = self._movable
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
        at = pairs.index(self.shown) + 1 if self.shown in pairs else 0
        row_axis, column_axis = pairs[at % len(pairs)]
        return dataclasses.replace(self, row_axis=row_axis, column_axis=column_axis, slider=-1)._with_slider()

    def _with_slider(self) -> Aim:
        movable = self._movable
        return dataclasses.replace(self, slider=movable[0] if movable else -1)

    @property
    def _movable(self) -> list[int]:
        """The axes that there are slices along; those of one index only where there are no others."""
        return [axis for axis in self.facet_axes if self.shape[axis] > 1] or list(self.facet_axes)

    def slices(self) -> str:
        """`‹out 3 of 16› · in 0 of 6`: the slice shown, the slider's axis in brackets; empty without slices."""
        told = []
        for axis in self.facet_axes:
            text = f"{self.axes[axis]} {self.index[axis]} of {self.shape[axis]}"
            told.append(f"‹{text}›" if axis == self.slider else text)
        return " · ".join(told)


class Aims:
    """Where a person looked last in each tensor, of those that were looked at lately."""

    _LIMIT = 64

    def __init__(self) -> None:
        self._known: dict[str, Aim] = {}

    def at(self, tensor: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> Aim:
        """The aim in a tensor; the first entry where it was never looked at, or has another shape now."""
        known = self._known.get(tensor)
        if known is None or (known.shape, known.axes) != (shape, axes):
            return Aim.first(shape, axes)
        return known

    def keep(self, tensor: str, aim: Aim) -> None:
        """Remember an aim, in place of the one that was least lately another."""
        self._known.pop(tensor, None)
        self._known[tensor] = aim
        while len(self._known) > self._LIMIT:
            del self._known[next(iter(self._known))]


def read_index(text: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> tuple[int, ...] | str:
    """An index as people write it, `12, 0, 3` or `12 0 3`; negative numbers count from the end.

    Returns:
        One number for each axis, or what is wrong.
    """
    parts = text.replace(",", " ").strip("[]() ").split()
    wrong = [part for part in parts if not re.fullmatch(r"[+-]?\d+", part)]
    if wrong:
        return f"{wrong[0]!r} is no whole number"
    numbers = [int(part) for part in parts]
    if len(numbers) != len(shape):
        return f"{counted(len(numbers), 'number')} for {', '.join(axes)}"
    for number, size, axis in zip(numbers, shape, axes, strict=True):
        if not -size <= number < size:
            return f"{axis} {number} is outside: 0 to {size - 1}"
    return tuple(number % size for number, size in zip(numbers, shape, strict=True))
