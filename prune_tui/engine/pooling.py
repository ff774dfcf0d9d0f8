"""A rectangle of a tensor, pooled to the cells there are: read once, in bands that stay in the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from math import prod
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.columns import JOINED, NOTHING, TOTALS, Array, Columns, Cut, Found, Marked, columns
from prune_tui.engine.layers import Layers, NoValues
from prune_tui.engine.selection import cores
from prune_tui.engine.tiles import Pruning, misfit, rectangle
from prune_tui.tensor_requests import GetHeatmap
from prune_tui.tensor_views import Heatmap, Pool, Tally

_BAND = 2**17
"""Entries of a band on the CPU: the arrays made of it stay in the cache of a core."""
_BAND_ON_DEVICE = 2**22
"""Elsewhere: enough to hide what a call costs, and some 100 MB of scratch."""


class _Grid(NamedTuple):
    """Cells over a rectangle, each of the same size but those at the end.

    Attributes:
        rows: Of the rectangle.
        columns: Of the rectangle.
        tall: Rows of a cell.
        wide: Columns of a cell.
    """

    rows: int
    columns: int
    tall: int
    wide: int

    @classmethod
    def of(cls, rows: int, columns: int, cells: tuple[int, int]) -> _Grid:
        """Of so many cells, down and across, or fewer."""
        return cls(rows, columns, -(-rows // cells[0]), -(-columns // cells[1]))

    @property
    def height(self) -> int:
        """Cells, down."""
        return -(-self.rows // self.tall)

    @property
    def width(self) -> int:
        """Cells, across."""
        return -(-self.columns // self.wide)

    def entries(self) -> Array:
        """int64, height × width: how many entries each cell has."""
        down = np.minimum(self.tall, self.rows - self.tall * np.arange(self.height))
        across = np.minimum(self.wide, self.columns - self.wide * np.arange(self.width))
        return np.outer(down, across)

    def bands(self, entries: int) -> Iterator[_Band]:
        """Rectangles of about so many entries, none reaching over two rows of cells."""
        wide = min(self.columns, entries)
        tall = max(1, entries // wide)
        for top in range(0, self.rows, self.tall):
            bottom = min(top + self.tall, self.rows)
            for row in range(top, bottom, tall):
                for column in range(0, self.columns, wide):
                    yield _Band(row, min(row + tall, bottom), column, min(column + wide, self.columns))


class _Band(NamedTuple):
    """Rows and columns within the rectangle, each with one past the last."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, sheet: Tensor) -> Tensor:
        """What it has of a tensor of rows and columns."""
        return sheet[self.top : self.bottom, self.left : self.right]


class _Living:
    """Which rows and columns of a rectangle the mask keeps any of.

    Threads write to it at once: only ever True, so that none takes back what another has found.
    """

    def __init__(self, grid: _Grid) -> None:
        self._rows = np.zeros(grid.rows, np.bool_)
        self._columns = np.zeros(grid.columns, np.bool_)

    def see(self, band: _Band, found: Found) -> None:
        """Take in what a band holds."""
        rows = self._rows[band.top : band.bottom]
        rows[slice(None) if found.living is None else found.living] = True
        self._columns[band.left : band.right][found.columns.kept > 0] = True

    def dead(self) -> tuple[int, int]:
        """How many rows and how many columns are wholly masked."""
        return int(np.count_nonzero(~self._rows)), int(np.count_nonzero(~self._columns))


class _Sheets(NamedTuple):
    """A picture as arrays, height × width.

    Attributes:
        values: float32.
        kept: Shares, uint8.
        marks: uint8.
        going: Shares, uint8; None where no step is previewed.
        tally: Of all of it.
    """

    values: Array
    kept: Array
    marks: Array
    going: Array | None
    tally: Tally

    @property
    def standing(self) -> _Sheets:
        """Of a picture that was made lying on its side."""
        tally, going = self.tally, self.going
        tally = msgspec.structs.replace(tally, dead_rows=tally.dead_columns, dead_columns=tally.dead_rows)
        return _Sheets(self.values.T, self.kept.T, self.marks.T, None if going is None else going.T, tally)

    @property
    def packed(self) -> Heatmap:
        """As it travels."""
        height, width = self.values.shape
        values, kept, marks = (one.tobytes() for one in (self.values, self.kept, self.marks))
        going = b"" if self.going is None else self.going.tobytes()
        return Heatmap(height, width, values, kept, marks, going=going, tally=self.tally)


_CutBand = Callable[[Tensor, _Band], Tensor]
"""Takes a band out of a tensor."""


class _Part(NamedTuple):
    """What some cells of one row of them hold, as far as one band goes."""

    row: int
    cells: slice
    found: Columns


def heatmap(layers: Layers | NoValues, request: GetHeatmap, pruning: Pruning, stop: Stop) -> Heatmap:
    """The rectangle asked for; what reaches beyond the shape is left out.

    Args:
        layers: The tensor in the view asked for, or why it has no values.
        request: The rectangle, the cells and the kind of pool.
        pruning: What is marked.
        stop: Asked between bands.

    Returns:
        So many cells or fewer, each of `⌈rows/height⌉ × ⌈columns/width⌉` entries but those at the end; or a note
        why there are no values.

    Raises:
        Cancelled: `stop` said so.
    """
    axes = (request.row_axis, request.column_axis)
    note = layers.note if isinstance(layers, NoValues) else misfit(layers.values, *axes, [request.block])
    if note or isinstance(layers, NoValues):
        return Heatmap(0, 0, note=note)

    def cut(whole: Tensor) -> Tensor:
        found = rectangle(whole, request.block, *axes)
        return found.reshape((1,) * (2 - found.dim()) + tuple(found.shape))

    return pooled(layers, pruning, cut, (request.height, request.width), pool=request.pool, stop=stop)


def pooled(
    layers: Layers, pruning: Pruning, cut: Cut, cells: tuple[int, int], *, pool: Pool, stop: Stop
) -> Heatmap:
    """A tensor as rows and columns, pooled.

    Args:
        layers: The whole tensor in the view that is shown.
        pruning: What is marked in it.
        cut: Takes the rows and columns out of a tensor of its shape; a view, so that nothing is copied.
        cells: How many there are, down and across.
        pool: What becomes of the entries of a cell. Of two of the same magnitude the positive one is the extreme.
        stop: Asked between bands.

    Raises:
        Cancelled: `stop` said so.
    """
    seen = cut(layers.values)
    if not seen.numel() or min(cells) < 1:
        return Heatmap(0, 0)
    rows, width = seen.shape
    # Memory is read in its order: where it runs down the columns, the picture is made lying on its side.
    if seen.stride(0) < seen.stride(1):
        grid = _Grid.of(width, rows, cells[::-1])
        lying = _sheets(layers, pruning, lambda one, band: band.of(cut(one).t()), grid, pool=pool, stop=stop)
        return lying.standing.packed
    grid = _Grid.of(rows, width, cells)
    return _sheets(layers, pruning, lambda one, band: band.of(cut(one)), grid, pool=pool, stop=stop).packed


def whole(layers: Layers, height: int, width: int, stop: Stop) -> Heatmap:
    """All of a tensor by extreme: its last axis runs across, all others down.

    Args:
        layers: The tensor.
        height: Cells there are, down.
        width: Cells there are, across.
        stop: Asked between bands.

    Raises:
        Cancelled: `stop` said so.
    """
    if layers.values.dim() < 3:
        return pooled(layers, Pruning(), torch.atleast_2d, (height, width), pool="extreme", stop=stop)
    rows, across = prod(layers.values.shape[:-1]), layers.values.shape[-1]
    if not rows * across or min(height, width) < 1:
        return Heatmap(0, 0)
    grid = _Grid.of(rows, across, (height, width))
    return _sheets(layers, Pruning(), _of_all_rows, grid, pool="extreme", stop=stop).packed


def _of_all_rows(tensor: Tensor, band: _Band) -> Tensor:
    """A band of a tensor whose axes all run down but the last; a copy of it where the memory does not run so."""
    try:
        return band.of(tensor.view(prod(tensor.shape[:-1]), tensor.shape[-1]))
    except RuntimeError:  # of strides like these there is no such view, and torch has no way to ask
        rows = torch.arange(band.top, band.bottom, device=tensor.device)
        found: Tensor = tensor[..., band.left : band.right][torch.unravel_index(rows, tensor.shape[:-1])]
        return found


def _sheets(layers: Layers, pruning: Pruning, cut: _CutBand, grid: _Grid, *, pool: Pool, stop: Stop) -> _Sheets:
    """All that `Heatmap` tells, of the rows and columns of the grid."""
    living = _Living(grid)
    marked = Marked(pruning.alive_before, pruning.planned, threading.Lock())

    def read(band: _Band) -> _Part:
        found = columns(layers, marked, lambda one: cut(one, band), pool)
        living.see(band, found)
        return _gathered(found.columns, band, grid, pool)

    if layers.values.device.type == "cpu":
        parts = cores.spread(read, list(grid.bands(_BAND)), stop)
    else:  # whose kernels run in parallel already
        parts = _in_turn(read, grid.bands(_BAND_ON_DEVICE), stop)
    found = _joined(parts, grid, pool)
    most = np.finfo(np.float32).max
    values = np.clip(_VALUES[pool](found), -most, most)  # a float64 may be greater; Inf is a mark of its own
    going = None if pruning.planned is None else _shares(found.going, found.kept)
    tally = Tally(grid.rows * grid.columns, int(found.kept.sum()), int(found.going.sum()), *living.dead())
    return _Sheets(values.astype("<f4"), _shares(found.kept, grid.entries()), found.marks, going, tally)


def _in_turn(read: Callable[[_Band], _Part], bands: Iterator[_Band], stop: Stop) -> list[_Part]:
    parts = []
    for band in bands:
        if stop():
            raise Cancelled
        parts.append(read(band))
    return parts


def _gathered(found: Columns, band: _Band, grid: _Grid, pool: Pool) -> _Part:
    """The columns of a band, gathered in the cells they belong to."""
    first, last = band.left // grid.wide, -(-band.right // grid.wide)
    if grid.wide > 1:
        starts = np.maximum(grid.wide * np.arange(first, last), band.left) - band.left
        found = Columns(*(join.reduceat(one, starts) for join, one in zip(JOINED[pool], found, strict=True)))
    return _Part(band.top // grid.tall, slice(first, last), found)


def _joined(parts: list[_Part], grid: _Grid, pool: Pool) -> Columns:
    """All cells, height × width."""
    shape = (grid.height, grid.width)
    first, second = (np.full(shape, nothing) for nothing in NOTHING[pool])
    kept, going = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    cells = Columns(first, second, kept, going, np.zeros(shape, np.uint8))
    for part in parts:
        for join, one, all_of_them in zip(JOINED[pool], part.found, cells, strict=True):
            there = all_of_them[part.row, part.cells]
            join(there, one, out=there)
    return cells


def _extreme(cells: Columns) -> Array:
    none = cells.first < cells.second
    return np.where(none, np.nan, np.where(cells.first >= -cells.second, cells.first, cells.second))


def _mean(cells: Columns) -> Array:
    with np.errstate(all="ignore"):
        return np.where(cells.second == 0, np.nan, cells.first / cells.second * TOTALS)


_VALUES: dict[Pool, Callable[[Columns], Array]] = {"extreme": _extreme, "mean": _mean}


def _shares(some: Array, of: Array) -> Array:
    """uint8: the share that some are, of 255; 0 only for none, 255 only for all of any."""
    rounded = np.clip(np.rint(255 * (some / np.maximum(of, 1))), 1, 254)
    return np.where(some == 0, 0, np.where(some == of, 255, rounded)).astype(np.uint8)
