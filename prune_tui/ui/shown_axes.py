"""Which axes of a tensor run down and across, and what follows from that for the others. Pure.

The two largest axes become rows and columns, except that a kernel (kh × kw) is never torn apart; the others are
facets: each of their indices is a small matrix of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import math

_KERNEL = {"kd", "kh", "kw", "k"}


@functools.lru_cache(maxsize=256)
def choose_axes(shape: tuple[int, ...], axes: tuple[str, ...]) -> tuple[int, int]:
    """Which axis runs down and which across.

    Args:
        shape: Sizes.
        axes: A name for each.

    Returns:
        Indices of the row axis and the column axis; -1 for those a tensor of fewer than two axes lacks.
    """
    if len(shape) < 2:
        return -1, len(shape) - 1
    by_size = sorted(range(len(shape)), key=lambda axis: (shape[axis], axis), reverse=True)
    chosen = sorted(by_size[:2])
    kernel = [axis for axis in by_size if axes[axis] in _KERNEL]
    if len(kernel) >= 2 and len(set(chosen) & set(kernel)) == 1:
        chosen = sorted(kernel[:2])
    return chosen[0], chosen[1]


@dataclasses.dataclass(frozen=True)
class ShownAxes:
    """A tensor's sizes, and which two of its axes are rows and columns.

    Attributes:
        shape: Sizes.
        axes: A name for each axis.
        row_axis: The axis that runs down; -1 for fewer than two axes.
        column_axis: The axis that runs across; -1 for a scalar.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]
    row_axis: int
    column_axis: int

    @property
    def shown(self) -> tuple[int, int]:
        """The row axis and the column axis."""
        return self.row_axis, self.column_axis

    @property
    def facet_axes(self) -> tuple[int, ...]:
        """The axes that are neither rows nor columns, in order."""
        return tuple(axis for axis in range(len(self.shape)) if axis not in {self.row_axis, self.column_axis})

    @property
    def facets(self) -> int:
        """How many facets there are."""
        return math.prod(self.shape[axis] for axis in self.facet_axes)

    @property
    def rows(self) -> int:
        """Rows of a facet."""
        return self.shape[self.row_axis] if self.row_axis >= 0 else 1

    @property
    def columns(self) -> int:
        """Columns of a facet."""
        return self.shape[self.column_axis] if self.column_axis >= 0 else 1

    @property
    def empty(self) -> bool:
        """Whether there are no entries."""
        return 0 in self.shape
